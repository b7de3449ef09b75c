//! Values of parameters: from text to exactly one typed value, or none.

use std::fmt;

use arrow::datatypes::{DataType, TimeUnit};
use chrono::{NaiveDate, NaiveDateTime};

use crate::project::ParameterKind;

/// Decimal parameters have 28 digits before the point and 10 behind it.
const DECIMAL_PRECISION: u8 = 38;
const DECIMAL_SCALE: u8 = 10;

/// A value of a parameter. Values of one kind compare as a person expects.
#[derive(Clone, Debug, PartialEq, PartialOrd)]
pub(super) enum Value {
    Integer(i64),
    /// Finite.
    Number(f64),
    Decimal(Decimal),
    /// Of a string or an enum.
    Text(String),
    Boolean(bool),
    Date(NaiveDate),
    /// Without a zone, to the microsecond.
    Timestamp(NaiveDateTime),
    /// All of one kind.
    List(Vec<Self>),
}

/// A decimal(38,10) as its digits without the point.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Decimal(i128);

/// Every kind with the name that it has in files and answers.
const KINDS: &[(ParameterKind, &str)] = &[
    (ParameterKind::Integer, "integer"),
    (ParameterKind::Number, "number"),
    (ParameterKind::Decimal, "decimal"),
    (ParameterKind::String, "string"),
    (ParameterKind::Boolean, "boolean"),
    (ParameterKind::Date, "date"),
    (ParameterKind::Timestamp, "timestamp"),
    (ParameterKind::Enum, "enum"),
];

/// The name of a kind, as in the project's files.
pub(crate) fn kind_name(kind: ParameterKind) -> &'static str {
    KINDS.iter().find(|(known, _)| *known == kind).map_or("", |(_, name)| name)
}

/// The kind of this name.
pub(super) fn kind_named(name: &str) -> Option<ParameterKind> {
    KINDS.iter().find(|(_, known)| *known == name).map(|(kind, _)| *kind)
}

/// The type that the engine plans a parameter with.
pub(super) fn data_type(kind: ParameterKind, list: bool) -> DataType {
    if list {
        return DataType::new_list(data_type(kind, false), true);
    }
    match kind {
        ParameterKind::Integer => DataType::Int64,
        ParameterKind::Number => DataType::Float64,
        ParameterKind::Decimal => DataType::Decimal128(DECIMAL_PRECISION, DECIMAL_SCALE as i8),
        ParameterKind::String | ParameterKind::Enum => DataType::Utf8,
        ParameterKind::Boolean => DataType::Boolean,
        ParameterKind::Date => DataType::Date32,
        ParameterKind::Timestamp => DataType::Timestamp(TimeUnit::Microsecond, None),
    }
}

/// The kind of values that a column of this type can be compared with; none where it has none.
pub(super) fn kind_of(data_type: &DataType) -> Option<ParameterKind> {
    match data_type {
        DataType::Boolean => Some(ParameterKind::Boolean),
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => Some(ParameterKind::String),
        DataType::Date32 => Some(ParameterKind::Date),
        DataType::Timestamp(_, None) => Some(ParameterKind::Timestamp),
        DataType::Decimal128(_, _) => Some(ParameterKind::Decimal),
        other if other.is_integer() => Some(ParameterKind::Integer),
        _ => None,
    }
}

/// What a value must look like, to end the sentence "`x` is not …".
pub(crate) fn expected(kind: ParameterKind) -> &'static str {
    match kind {
        ParameterKind::Integer => "a whole number of at most 64 bits, like `42`",
        ParameterKind::Number => "a number, like `0.5`",
        ParameterKind::Decimal => {
            "a decimal of at most 28 digits before the point and 10 behind it, like `12.50`"
        }
        ParameterKind::String | ParameterKind::Enum => "a text",
        ParameterKind::Boolean => "`true` or `false`",
        ParameterKind::Date => "a date, like `2024-01-31`",
        ParameterKind::Timestamp => "a time without zone, like `2024-01-31T10:00:00`",
    }
}

/// Reads `text` exactly: nothing is trimmed, rounded or guessed.
pub(super) fn parse(kind: ParameterKind, text: &str) -> Option<Value> {
    match kind {
        ParameterKind::Integer => integer(text).map(Value::Integer),
        ParameterKind::Number => number(text).map(Value::Number),
        ParameterKind::Decimal => decimal(text).map(Value::Decimal),
        ParameterKind::String | ParameterKind::Enum => Some(Value::Text(text.to_owned())),
        ParameterKind::Boolean => boolean(text).map(Value::Boolean),
        ParameterKind::Date => date(text).map(Value::Date),
        ParameterKind::Timestamp => timestamp(text).map(Value::Timestamp),
    }
}

fn integer(text: &str) -> Option<i64> {
    text.parse().ok()
}

/// JSON's numbers, with a sign allowed in front; never infinite.
fn number(text: &str) -> Option<f64> {
    let plain =
        |byte: u8| byte.is_ascii_digit() || matches!(byte, b'+' | b'-' | b'.' | b'e' | b'E');
    if !text.bytes().all(plain) {
        return None;
    }
    text.parse().ok().filter(|number: &f64| number.is_finite())
}

fn decimal(text: &str) -> Option<Decimal> {
    let (negative, digits) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    let all_digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    let whole_digits = usize::from(DECIMAL_PRECISION - DECIMAL_SCALE);
    if !all_digits(whole)
        || !all_digits(fraction)
        || whole.trim_start_matches('0').len() > whole_digits
        || fraction.trim_end_matches('0').len() > usize::from(DECIMAL_SCALE)
    {
        return None;
    }
    let kept = &fraction[..fraction.len().min(usize::from(DECIMAL_SCALE))];
    let whole = whole.trim_start_matches('0');
    let unscaled: i128 =
        format!("{whole}{kept:0<width$}", width = usize::from(DECIMAL_SCALE)).parse().ok()?;
    Some(Decimal(if negative { -unscaled } else { unscaled }))
}

fn boolean(text: &str) -> Option<bool> {
    match text {
        "true" => Some(true),
        "false" => Some(false),
        _ => None,
    }
}

/// `YYYY-MM-DD`, of the years 0001 to 9999.
fn date(text: &str) -> Option<NaiveDate> {
    if !has_shape(text, "0000-00-00") {
        return None;
    }
    let part = |range: std::ops::Range<usize>| text[range].parse::<u32>().ok();
    let year = part(0..4).filter(|year| *year > 0)?;
    NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, part(5..7)?, part(8..10)?)
}

/// `YYYY-MM-DDTHH:MM:SS` with at most 6 digits of a second behind a point; a blank may stand for the `T`.
fn timestamp(text: &str) -> Option<NaiveDateTime> {
    let (day, time) = text.split_at_checked(10)?;
    let time = time.strip_prefix(['T', ' '])?;
    let (time, fraction) = match time.split_once('.') {
        Some((time, fraction)) => (time, fraction),
        None => (time, "0"),
    };
    let fraction_shape = "000000".get(..fraction.len())?;
    if !has_shape(time, "00:00:00") || fraction.is_empty() || !has_shape(fraction, fraction_shape) {
        return None;
    }
    let part = |range: std::ops::Range<usize>| time[range].parse::<u32>().ok();
    let micros = format!("{fraction:0<6}").parse().ok()?;
    date(day)?.and_hms_micro_opt(part(0..2)?, part(3..5)?, part(6..8)?, micros)
}

/// Whether `text` has a digit where `shape` has `0`, and else the same characters.
fn has_shape(text: &str, shape: &str) -> bool {
    text.len() == shape.len()
        && text.bytes().zip(shape.bytes()).all(|(found, wanted)| match wanted {
            b'0' => found.is_ascii_digit(),
            _ => found == wanted,
        })
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let scale = usize::from(DECIMAL_SCALE);
        let digits = format!("{:0>width$}", self.0.unsigned_abs(), width = scale + 1);
        let (whole, fraction) = digits.split_at(digits.len() - scale);
        write!(f, "{sign}{whole}.{fraction}")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn reads(kind: ParameterKind, text: &str) -> bool {
        parse(kind, text).is_some()
    }

    #[test]
    fn values_are_read_exactly_or_not_at_all() {
        let cases: &[(ParameterKind, &[&str], &[&str])] = &[
            (
                ParameterKind::Integer,
                &["0", "-7", "+1", "9223372036854775807"],
                &["", " 1", "1.0", "1e3", "9223372036854775808", "٣", "0x10", "1_000"],
            ),
            (
                ParameterKind::Number,
                &["0.5", "-1e3", "7"],
                &["", "NaN", "inf", "1e999", "1,5", " 1", "0x1", "."],
            ),
            (
                ParameterKind::Decimal,
                &[
                    "12.50",
                    "-0",
                    "+1.0000000000",
                    "0001",
                    "1.00000000000000",
                    "9999999999999999999999999999",
                ],
                &[
                    "",
                    ".",
                    "1.",
                    ".5",
                    "1e3",
                    "0.00000000001",
                    "10000000000000000000000000000",
                    "--1",
                    "1.-2",
                ],
            ),
            (ParameterKind::Boolean, &["true", "false"], &["", "TRUE", "1", "yes"]),
            (
                ParameterKind::Date,
                &["2024-02-29", "0001-01-01", "9999-12-31"],
                &[
                    "",
                    "2023-02-29",
                    "2024-1-5",
                    "2024-01-05T00:00:00",
                    "0000-01-01",
                    "+024-01-01",
                    "2024/01/05",
                    "２024-01-05",
                ],
            ),
            (
                ParameterKind::Timestamp,
                &["2024-01-31T10:00:00", "2024-01-31 10:00:00.123456", "2024-01-31T23:59:59.5"],
                &[
                    "",
                    "2024-01-31",
                    "2024-01-31T10:00",
                    "2024-01-31T10:00:00Z",
                    "2024-01-31T24:00:00",
                    "2024-01-31T10:00:60",
                    "2024-01-31T10:00:00.",
                    "2024-01-31T10:00:00.1234567",
                    "2024-01-3é10:00:00",
                ],
            ),
        ];
        for (kind, good, bad) in cases {
            good.iter().for_each(|text| assert!(reads(*kind, text), "{kind:?} {text}"));
            bad.iter().for_each(|text| assert!(!reads(*kind, text), "{kind:?} {text}"));
        }
    }

    #[test]
    fn decimals_and_times_keep_every_digit() {
        let shown = |text| decimal(text).unwrap().to_string();
        assert_eq!(shown("-12.5"), "-12.5000000000");
        assert_eq!(shown("0.0000000001"), "0.0000000001");
        let time = timestamp("2024-01-31T10:00:00.5").unwrap();
        assert_eq!(time.and_utc().timestamp_micros() % 1_000_000, 500_000);
    }

    proptest! {
        #[test]
        fn decimals_round_trip_and_compare_as_numbers(a in -10i64.pow(17)..10i64.pow(17), b: i32) {
            let exact = |n: i128| decimal(&Decimal(n).to_string());
            prop_assert_eq!(exact(a.into()), Some(Decimal(a.into())));
            prop_assert_eq!(decimal(&a.to_string()) < decimal(&b.to_string()), a < i64::from(b));
        }

        #[test]
        fn no_text_breaks_the_reader(text in "\\PC*") {
            for (kind, _) in KINDS {
                let _ = parse(*kind, &text);
            }
        }
    }
}
