//! What all values of a column can be: candidates that fall away as values are seen.

use arrow::array::StringArray;

use crate::ingest::frame::{Kinds, Nulls};
use crate::ingest::reading::Spelling;
use crate::rules::{ColumnRule, ColumnType};

/// Words that stand for null where all other values have a type.
const WORDS: [&str; 13] =
    ["NULL", "null", "\\N", "#N/A", "<NA>", "N/A", "n/a", "NA", "NaN", "nan", "None", "none", "-"];
/// The first so many of them stand for null in text, too.
const WORDS_OF_TEXT: usize = 5;

/// Most digits behind the point that still look like a decimal, not like a measured number.
const SCALE_MAX: u8 = 9;

/// Days and times: the type, the contract's format (none for ISO 8601), and how Python's strptime spells it.
///
/// A format whose values are also those of an earlier one (`%m/%d` and `%d/%m`) is ambiguous, and none is taken.
const TIMES: &[(ColumnType, Option<&str>, &str)] = &[
    (ColumnType::Date, None, "%Y-%m-%d"),
    (ColumnType::Date, Some("%d/%m/%Y"), "%d/%m/%Y"),
    (ColumnType::Date, Some("%m/%d/%Y"), "%m/%d/%Y"),
    (ColumnType::Date, Some("%d.%m.%Y"), "%d.%m.%Y"),
    (ColumnType::Date, Some("%d-%m-%Y"), "%d-%m-%Y"),
    (ColumnType::Date, Some("%m-%d-%Y"), "%m-%d-%Y"),
    (ColumnType::Date, Some("%Y/%m/%d"), "%Y/%m/%d"),
    (ColumnType::Date, Some("%d-%b-%Y"), "%d-%b-%Y"),
    (ColumnType::Date, Some("%d %b %Y"), "%d %b %Y"),
    (ColumnType::Date, Some("%b %d, %Y"), "%b %d, %Y"),
    (ColumnType::Date, Some("%B %d, %Y"), "%B %d, %Y"),
    (ColumnType::Time, None, "%H:%M:%S"),
    (ColumnType::Time, None, "%H:%M"),
    (ColumnType::Timestamp, None, "%Y-%m-%d %H:%M:%S"),
    (ColumnType::Timestamp, None, "%Y-%m-%dT%H:%M:%S"),
    (ColumnType::Timestamp, None, "%Y-%m-%d %H:%M"),
    (ColumnType::Timestamp, None, "%Y-%m-%d %H:%M:%S.%f"),
    (ColumnType::Timestamp, None, "%Y-%m-%dT%H:%M:%S.%f"),
    (ColumnType::Timestamp, Some("%d/%m/%Y %H:%M"), "%d/%m/%Y %H:%M"),
    (ColumnType::Timestamp, Some("%m/%d/%Y %H:%M"), "%m/%d/%Y %H:%M"),
    (ColumnType::Timestamp, Some("%d/%m/%Y %H:%M:%S"), "%d/%m/%Y %H:%M:%S"),
    (ColumnType::Timestamp, Some("%m/%d/%Y %H:%M:%S"), "%m/%d/%Y %H:%M:%S"),
    (ColumnType::Timestamp, Some("%m/%d/%Y %I:%M:%S %p"), "%m/%d/%Y %I:%M:%S %p"),
    (ColumnType::Timestamp, Some("%d.%m.%Y %H:%M"), "%d.%m.%Y %H:%M"),
    (ColumnType::Timestamp, Some("%d.%m.%Y %H:%M:%S"), "%d.%m.%Y %H:%M:%S"),
    (ColumnType::Timestamp, Some("%Y/%m/%d %H:%M:%S"), "%Y/%m/%d %H:%M:%S"),
];

/// Types without a format of which one is taken if no row of [`TIMES`] fits all values.
const LOOSE_TIMES: [ColumnType; 4] =
    [ColumnType::Date, ColumnType::Time, ColumnType::Timestamp, ColumnType::TimestampTz];

/// What columns are held against.
#[derive(Clone)]
pub(super) struct Candidates {
    nulls: Nulls,
    times: Vec<(ColumnType, Option<Spelling>)>,
    loose: Vec<Spelling>,
    double: Option<Spelling>,
    words: Vec<String>,
}

impl Candidates {
    /// `nulls` are pandas' spellings of null; `words` those of the user's, beside which there are no others.
    pub(super) fn new(nulls: Nulls, words: &[String]) -> Self {
        let spelling = |format: &str| Spelling::new(ColumnType::Timestamp, Some(&chrono(format)));
        let times = TIMES.iter().map(|(data_type, _, format)| match data_type {
            ColumnType::Timestamp => (*data_type, spelling(format)),
            data_type => (*data_type, Spelling::new(*data_type, Some(&chrono(format)))),
        });
        let words = match words {
            [] => WORDS.map(str::to_owned).to_vec(),
            own => own.iter().filter(|word| !word.is_empty()).cloned().collect(),
        };
        Self {
            nulls,
            times: times.collect(),
            loose: LOOSE_TIMES.iter().filter_map(|of| Spelling::new(*of, None)).collect(),
            double: Spelling::new(ColumnType::Double, None),
            words,
        }
    }
}

/// chrono writes the fraction with its point.
fn chrono(python: &str) -> String {
    python.replace(".%f", "%.f")
}

/// What is common to all values seen so far.
#[derive(Clone, Debug)]
pub(crate) struct ColumnSurvey {
    /// As pandas takes the column.
    pub(crate) pandas: Kinds,
    /// Cells with something in them that is no word for null.
    values: u64,
    boolean: bool,
    whole: bool,
    double: bool,
    /// Digits before and behind the point; `None` once a value is no plain number.
    digits: Option<(usize, usize)>,
    times: u64,
    loose: u64,
    /// Which words for null there are.
    words: u64,
}

impl Default for ColumnSurvey {
    fn default() -> Self {
        Self {
            pandas: Kinds::default(),
            values: 0,
            boolean: true,
            whole: true,
            double: true,
            digits: Some((0, 0)),
            times: u64::MAX,
            loose: u64::MAX,
            words: 0,
        }
    }
}

impl ColumnSurvey {
    pub(super) fn of(texts: &StringArray, candidates: &Candidates) -> Self {
        let mut survey = Self { pandas: Kinds::of(texts, &candidates.nulls), ..Self::default() };
        for text in texts.iter().flatten().filter(|text| !text.is_empty()) {
            match candidates.words.iter().position(|word| word == text) {
                Some(word) => survey.words |= 1 << word.min(63),
                None => survey.add(text, candidates),
            }
        }
        survey
    }

    fn add(&mut self, text: &str, candidates: &Candidates) {
        let bytes = text.as_bytes();
        self.values += 1;
        let words = ["true", "false"];
        self.boolean = self.boolean && words.iter().any(|word| text.eq_ignore_ascii_case(word));
        let number = plain_number(text);
        self.digits = match (self.digits, number) {
            (Some((before, behind)), Some((more, further))) => {
                Some((before.max(more), behind.max(further)))
            }
            _ => None,
        };
        self.whole = self.whole && text.parse::<i64>().is_ok() && number.is_some();
        // A double would lose digits of a whole number beyond a bigint.
        let exact = number.is_none_or(|(_, behind)| behind > 0) || text.parse::<i64>().is_ok();
        self.double = self.double
            && exact
            && (number.is_some() || text.contains(['e', 'E']))
            && candidates.double.as_ref().is_some_and(|double| double.fits(bytes));
        let starts_as_time = bytes.iter().any(u8::is_ascii_digit) && bytes.len() < 40;
        if !starts_as_time {
            (self.times, self.loose) = (0, 0);
        }
        for (index, (_, spelling)) in candidates.times.iter().enumerate() {
            let alive = self.times & (1 << index) != 0;
            if alive && !spelling.as_ref().is_some_and(|spelling| spelling.fits(bytes)) {
                self.times &= !(1 << index);
            }
        }
        for (index, spelling) in candidates.loose.iter().enumerate() {
            if self.loose & (1 << index) != 0 && !spelling.fits(bytes) {
                self.loose &= !(1 << index);
            }
        }
    }

    /// With the values that follow.
    pub(super) fn and(&self, next: &Self) -> Self {
        Self {
            pandas: self.pandas.and(next.pandas),
            values: self.values + next.values,
            boolean: self.boolean && next.boolean,
            whole: self.whole && next.whole,
            double: self.double && next.double,
            digits: match (self.digits, next.digits) {
                (Some(one), Some(other)) => Some((one.0.max(other.0), one.1.max(other.1))),
                _ => None,
            },
            times: self.times & next.times,
            loose: self.loose & next.loose,
            words: self.words | next.words,
        }
    }

    /// The rule that all values hold to, and how Python writes the days or times that they are.
    pub(super) fn rule(&self, name: &str, words: &Candidates) -> (ColumnRule, Option<String>) {
        let (data_type, format, python) = self.best();
        let of_text = if data_type == ColumnType::Text { WORDS_OF_TEXT } else { usize::MAX };
        let of_text = if words.words.len() == WORDS.len() { of_text } else { usize::MAX };
        let found = words
            .words
            .iter()
            .enumerate()
            .filter(|(index, _)| *index < of_text && self.words & (1 << index.min(&63)) != 0);
        let rule = ColumnRule {
            name: name.to_owned(),
            data_type,
            not_null: false,
            format,
            null_values: found.map(|(_, word)| word.clone()).collect(),
        };
        (rule, python)
    }

    fn best(&self) -> (ColumnType, Option<String>, Option<String>) {
        let plain = |data_type| (data_type, None, None);
        if self.values == 0 {
            return plain(ColumnType::Text);
        }
        if self.boolean {
            return plain(ColumnType::Boolean);
        }
        if self.whole {
            return plain(ColumnType::BigInt);
        }
        if let Some(decimal) = self.digits.and_then(decimal) {
            return plain(decimal);
        }
        if self.double {
            return plain(ColumnType::Double);
        }
        self.time()
    }

    fn time(&self) -> (ColumnType, Option<String>, Option<String>) {
        let fitting: Vec<_> = TIMES
            .iter()
            .enumerate()
            .filter(|(index, _)| self.times & (1 << index) != 0)
            .map(|(_, time)| time)
            .collect();
        let ambiguous = |(_, format, _): &&(ColumnType, Option<&str>, &str)| format.is_some();
        match fitting.as_slice() {
            [] => {}
            several if several.len() > 1 && several.iter().any(ambiguous) => {
                return (ColumnType::Text, None, None);
            }
            [(data_type, format, python), ..] => {
                return (*data_type, format.map(str::to_owned), Some((*python).to_owned()));
            }
        }
        let loose = LOOSE_TIMES.iter().enumerate();
        let loose = loose.filter(|(index, _)| self.loose & (1 << index) != 0).map(|(_, of)| *of);
        (loose.into_iter().next().unwrap_or(ColumnType::Text), None, None)
    }

    /// The formats between which the values do not decide.
    pub(super) fn ambiguous(&self) -> Vec<&'static str> {
        let fitting = TIMES.iter().enumerate().filter(|(index, _)| self.times & (1 << index) != 0);
        let fitting: Vec<_> = fitting.filter_map(|(_, (_, format, _))| *format).collect();
        if self.values > 0 && fitting.len() > 1 { fitting } else { Vec::new() }
    }
}

/// Digits before and behind the point of a number without an exponent and without zeros that would be lost.
fn plain_number(text: &str) -> Option<(usize, usize)> {
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let (before, behind) = unsigned.split_once('.').unwrap_or((unsigned, ""));
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let leading_zero = before.len() > 1 && before.starts_with('0');
    let empty = before.is_empty() || (unsigned.contains('.') && behind.is_empty());
    (digits(before) && digits(behind) && !leading_zero && !empty)
        .then_some((before.len(), behind.len()))
}

/// The decimal that has room for so many digits.
fn decimal((before, behind): (usize, usize)) -> Option<ColumnType> {
    let scale = u8::try_from(behind).ok().filter(|scale| (1..=SCALE_MAX).contains(scale))?;
    match before + behind {
        ..=18 => Some(ColumnType::Decimal { precision: 18, scale }),
        19..=38 => Some(ColumnType::Decimal { precision: 38, scale }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `type|format|python|nulls` of a column of these cells.
    fn best(values: &[&str]) -> String {
        let candidates = Candidates::new(Nulls::default(), &[]);
        let survey = ColumnSurvey::of(&StringArray::from(values.to_vec()), &candidates);
        let (rule, python) = survey.rule("a", &candidates);
        let parts = [
            rule.format.unwrap_or_default(),
            python.unwrap_or_default(),
            rule.null_values.join(","),
        ];
        format!("{}|{}", rule.data_type, parts.join("|"))
    }

    #[test]
    fn a_column_is_what_all_its_values_are() {
        assert_eq!(best(&["1", "-3", ""]), "bigint|||");
        assert_eq!(best(&["1", "NA", "NULL"]), "bigint|||NULL,NA");
        assert_eq!(best(&["1", "007"]), "text|||");
        assert_eq!(best(&["1.50", "3", "-0.1"]), "decimal(18,2)|||");
        assert_eq!(best(&["123456789012345678.5"]), "decimal(38,1)|||");
        assert_eq!(best(&["0.12345678901"]), "double|||");
        assert_eq!(best(&["1e5", "2"]), "double|||");
        assert_eq!(best(&["99999999999999999999"]), "text|||");
        assert_eq!(best(&["true", "FALSE"]), "boolean|||");
        assert_eq!(best(&["t", "f"]), "text|||");
        assert_eq!(best(&["", ""]), "text|||");
        assert_eq!(best(&["x", "NULL", "NA"]), "text|||NULL");
    }

    #[test]
    fn days_and_times_are_found_in_their_format() {
        assert_eq!(best(&["2024-02-29"]), "date||%Y-%m-%d|");
        assert_eq!(best(&["2024-02-30"]), "text|||");
        assert_eq!(best(&["31/01/2024", "01/02/2024"]), "date|%d/%m/%Y|%d/%m/%Y|");
        assert_eq!(best(&["01/31/2024"]), "date|%m/%d/%Y|%m/%d/%Y|");
        assert_eq!(best(&["01/02/2024", "02/03/2024"]), "text|||");
        assert_eq!(best(&["31.12.2024"]), "date|%d.%m.%Y|%d.%m.%Y|");
        assert_eq!(best(&["1996-07-04 00:00:00.000"]), "timestamp||%Y-%m-%d %H:%M:%S.%f|");
        assert_eq!(best(&["2024-01-01T10:00:00"]), "timestamp||%Y-%m-%dT%H:%M:%S|");
        assert_eq!(best(&["2024-01-01", "2024-01-01 10:00:00"]), "timestamp|||");
        assert_eq!(best(&["2024-01-01T10:00:00Z"]), "timestamptz|||");
        assert_eq!(best(&["12/31/2024 11:59"]), "timestamp|%m/%d/%Y %H:%M|%m/%d/%Y %H:%M|");
        assert_eq!(best(&["10:30", "23:59"]), "time||%H:%M|");
    }

    #[test]
    fn parts_add_up_to_the_whole() {
        let values = ["1", "2.5", "NULL", "", "31/01/2024"];
        let candidates = Candidates::new(Nulls::default(), &[]);
        let of =
            |values: &[&str]| ColumnSurvey::of(&StringArray::from(values.to_vec()), &candidates);
        for cut in 0..values.len() {
            let (front, back) = values.split_at(cut);
            let parts = of(front).and(&of(back));
            assert_eq!(format!("{parts:?}"), format!("{:?}", of(&values)));
        }
    }
}
