//! What `pandas.read_csv` makes of cells: the type of a column by all its values, and the values in it.
//!
//! Verified against pandas 3.1. Where pandas has a type that Arrow has not, the nearest stands in: a column of booleans
//! with nulls (pandas: objects) is boolean; whole numbers beyond a bigint (pandas: uint64) are decimals.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, Decimal128Array, Float64Array, Int64Array, StringArray,
};
use arrow::error::ArrowError;

use crate::rules::ColumnType;

/// What pandas takes for missing, quoted or not, unless told otherwise.
///
/// Source: `pandas._libs.parsers.STR_NA_VALUES`.
pub(crate) const NULL_SPELLINGS: [&str; 19] = [
    "", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN",
    "<NA>", "N/A", "NA", "NULL", "NaN", "None", "n/a", "nan", "null",
];

/// The digits of the longest `uint64`.
const UINT64: ColumnType = ColumnType::Decimal { precision: 20, scale: 0 };

/// Spellings of null, quick to ask.
#[derive(Clone, Debug)]
pub(crate) struct Nulls {
    spellings: BTreeSet<String>,
    /// By first byte, so that most values are known at once to be none.
    firsts: Box<[bool; 256]>,
    has_empty: bool,
}

impl Nulls {
    pub(crate) fn new(spellings: impl IntoIterator<Item = impl Into<String>>) -> Self {
        let spellings: BTreeSet<String> = spellings.into_iter().map(Into::into).collect();
        let mut firsts = Box::new([false; 256]);
        for first in spellings.iter().filter_map(|spelling| spelling.bytes().next()) {
            firsts[usize::from(first)] = true;
        }
        let has_empty = spellings.contains("");
        Self { spellings, firsts, has_empty }
    }

    pub(crate) fn is_null(&self, value: &str) -> bool {
        match value.bytes().next() {
            None => self.has_empty,
            Some(first) => self.firsts[usize::from(first)] && self.spellings.contains(value),
        }
    }
}

impl Default for Nulls {
    fn default() -> Self {
        Self::new(NULL_SPELLINGS)
    }
}

/// Why a column is not of the type `int64`: the first value that is none decides how pandas goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum NoInt64 {
    Other,
    TooLarge,
}

/// What all values of a column have in common, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Kinds {
    pub(crate) nulls: u64,
    pub(crate) values: u64,
    first_no_int64: Option<NoInt64>,
    uint64: bool,
    float: bool,
    boolean: bool,
}

impl Default for Kinds {
    fn default() -> Self {
        Self { nulls: 0, values: 0, first_no_int64: None, uint64: true, float: true, boolean: true }
    }
}

impl Kinds {
    pub(crate) fn of(texts: &StringArray, nulls: &Nulls) -> Self {
        let mut kinds = Self::default();
        for text in texts.iter().map(Option::unwrap_or_default) {
            match nulls.is_null(text) {
                true => kinds.nulls += 1,
                false => kinds.add(text),
            }
        }
        kinds
    }

    fn add(&mut self, text: &str) {
        self.values += 1;
        let whole = whole(text);
        if self.first_no_int64.is_none() {
            self.first_no_int64 = match whole {
                None => Some(NoInt64::Other),
                Some(whole) if i64::try_from(whole).is_err() => Some(NoInt64::TooLarge),
                Some(_) => None,
            };
        }
        self.uint64 &= whole.is_some_and(|whole| u64::try_from(whole).is_ok());
        self.float = self.float && (whole.is_some() || float(text).is_some());
        self.boolean = self.boolean && boolean(text).is_some();
    }

    /// With the values that follow.
    pub(crate) fn and(self, next: Self) -> Self {
        Self {
            nulls: self.nulls + next.nulls,
            values: self.values + next.values,
            first_no_int64: self.first_no_int64.or(next.first_no_int64),
            uint64: self.uint64 && next.uint64,
            float: self.float && next.float,
            boolean: self.boolean && next.boolean,
        }
    }

    /// The type of the column.
    pub(crate) fn column_type(self) -> ColumnType {
        match self.first_no_int64 {
            _ if self.values == 0 && self.nulls > 0 => ColumnType::Double,
            _ if self.values == 0 => ColumnType::Text,
            None if self.nulls > 0 => ColumnType::Double,
            None => ColumnType::BigInt,
            Some(NoInt64::TooLarge) if self.uint64 && self.nulls == 0 => UINT64,
            Some(NoInt64::TooLarge) => ColumnType::Text,
            Some(NoInt64::Other) if self.float => ColumnType::Double,
            Some(NoInt64::Other) if self.boolean => ColumnType::Boolean,
            Some(NoInt64::Other) => ColumnType::Text,
        }
    }
}

/// A whole number with blanks around it. One too large for `i128` counts as the largest.
fn whole(text: &str) -> Option<i128> {
    let text = text.trim_matches(|c: char| c.is_ascii_whitespace());
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let all_digits = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    all_digits.then(|| text.parse().unwrap_or(i128::MAX))
}

fn float(text: &str) -> Option<f64> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    if ["inf", "infinity"].iter().any(|word| unsigned.eq_ignore_ascii_case(word)) {
        return text.parse().ok();
    }
    let text = text.trim_matches(|c: char| c.is_ascii_whitespace());
    let plain = |byte: u8| byte.is_ascii_digit() || b"+-.eE".contains(&byte);
    text.bytes().all(plain).then(|| text.parse().ok()).flatten()
}

fn boolean(text: &str) -> Option<bool> {
    match text {
        _ if text.eq_ignore_ascii_case("true") => Some(true),
        _ if text.eq_ignore_ascii_case("false") => Some(false),
        _ => None,
    }
}

/// The values of a column whose type [`Kinds`] has found.
///
/// # Errors
/// If a decimal has too many digits, which finding the type has made sure of.
pub(crate) fn typed(
    texts: &StringArray,
    column_type: ColumnType,
    nulls: &Nulls,
) -> Result<ArrayRef, ArrowError> {
    let values = || texts.iter().map(|text| text.filter(|text| !nulls.is_null(text)));
    let integer = |text: &str| whole(text).and_then(|whole| i64::try_from(whole).ok());
    Ok(match column_type {
        ColumnType::BigInt => Arc::new(values().map(|text| integer(text?)).collect::<Int64Array>()),
        ColumnType::Double => Arc::new(values().map(|text| float(text?)).collect::<Float64Array>()),
        ColumnType::Boolean => {
            Arc::new(values().map(|text| boolean(text?)).collect::<BooleanArray>())
        }
        ColumnType::Decimal { precision, scale } => {
            let numbers = values().map(|text| whole(text?)).collect::<Decimal128Array>();
            Arc::new(numbers.with_precision_and_scale(precision, scale.cast_signed())?)
        }
        _ => Arc::new(values().collect::<StringArray>()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(values: &[&str]) -> Kinds {
        Kinds::of(&StringArray::from(values.to_vec()), &Nulls::default())
    }

    /// Each pair was given by pandas 3.1 for the column of these cells.
    #[test]
    fn columns_have_the_types_that_pandas_gives_them() {
        let types: &[(&[&str], &str)] = &[
            (&["007", " 1", "2 ", "+1", "-3"], "bigint"),
            (&["1", ""], "double"),
            (&["9223372036854775807", "NA"], "double"),
            (&["1", "2.5"], "double"),
            (&["1.", ".5", "1E+5", "1.5 ", "1e400"], "double"),
            (&["inf", "-Infinity", "+INF", "1"], "double"),
            (&[" inf"], "text"),
            (&["", "n/a"], "double"),
            (&["true", "False", "tRUE"], "boolean"),
            (&["true", ""], "boolean"),
            (&["true "], "text"),
            (&["true", "1"], "text"),
            (&["18446744073709551615"], "decimal(20,0)"),
            (&["-1", "18446744073709551615"], "text"),
            (&["9223372036854775808", ""], "text"),
            (&["99999999999999999999", "1.5"], "text"),
            (&["1.5", "99999999999999999999"], "double"),
            (&["0x10"], "text"),
            (&["1_0"], "text"),
            (&["-"], "text"),
            (&["--1"], "text"),
            (&["  ", "1"], "text"),
            (&["2024-01-01"], "text"),
            (&[], "text"),
        ];
        for (values, expected) in types {
            assert_eq!(kinds(values).column_type().to_string(), *expected, "{values:?}");
        }
    }

    #[test]
    fn kinds_of_parts_add_up_to_those_of_the_whole() {
        let values = ["1", "", "99999999999999999999", "1.5", "true", "x", "NA"];
        for cut in 0..values.len() {
            let (front, back) = values.split_at(cut);
            assert_eq!(kinds(front).and(kinds(back)), kinds(&values), "cut at {cut}");
        }
    }

    #[test]
    fn nulls_are_spelled_as_pandas_spells_them_or_as_told() {
        let nulls = Nulls::default();
        assert!(NULL_SPELLINGS.iter().all(|spelling| nulls.is_null(spelling)));
        assert!(!["NAN", " ", " NA", "-", "nil"].iter().any(|text| nulls.is_null(text)));
        let own = Nulls::new(["-"]);
        assert!(own.is_null("-") && !own.is_null("") && !own.is_null("NA"));
    }
}
