//! Values of a suite's JSON as SQL that compares with a column as pandas compares them.

use arrow::datatypes::{DataType, Field};
use serde_json::{Number, Value as Json};

use super::arguments::{is_text, quoted};
use super::{Problem, coerced};
use crate::engine;

/// What Python would make of a column's values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    Number,
    Text,
    Boolean,
    Date,
    Timestamp,
    Other,
}

pub(super) fn class(field: &Field) -> Class {
    match field.data_type() {
        DataType::Boolean => Class::Boolean,
        data_type if data_type.is_numeric() => Class::Number,
        data_type if is_text(data_type) => Class::Text,
        DataType::Date32 | DataType::Date64 => Class::Date,
        DataType::Timestamp(..) => Class::Timestamp,
        _ => Class::Other,
    }
}

/// Null, or NaN, which is pandas' null.
pub(super) fn missing(field: &Field) -> String {
    let column = quoted(field.name());
    match field.data_type().is_floating() {
        true => format!("({column} is null or isnan({column}))"),
        false => format!("({column} is null)"),
    }
}

/// Neither null nor NaN.
pub(super) fn present(field: &Field) -> String {
    format!("(not {})", missing(field))
}

/// The value as something that a column's value can equal; `None` where none ever does (a text and a number).
///
/// # Errors
/// If it is a text where dates are compared, and no date.
pub(super) fn equal(field: &Field, value: &Json) -> Result<Option<String>, Problem> {
    Ok(match (class(field), value) {
        (Class::Number, Json::Number(number)) => Some(numeric(field, number)),
        (Class::Number, Json::Bool(truth)) => Some(u8::from(*truth).to_string()),
        (Class::Text, Json::String(text)) => Some(quoted_text(text)),
        (Class::Boolean, Json::Bool(truth)) => Some(truth.to_string()),
        (Class::Boolean, Json::Number(number)) => match number.as_f64() {
            Some(1.0) => Some("true".to_owned()),
            Some(0.0) => Some("false".to_owned()),
            _ => None,
        },
        (Class::Date | Class::Timestamp, Json::String(text)) => Some(time(field, text)?),
        _ => None,
    })
}

/// The value as a bound for a column's values; truths are bounded as the numbers 0 and 1.
///
/// # Errors
/// If Python would not compare the two.
pub(super) fn bound(field: &Field, value: &Json) -> Result<String, Problem> {
    let written = match (class(field), value) {
        (Class::Number | Class::Boolean, Json::Number(number)) => Some(numeric(field, number)),
        (Class::Number | Class::Boolean, value) => {
            let number = coerced::number(value).and_then(Number::from_f64);
            number.map(|number| numeric(field, &number))
        }
        _ => equal(field, value)?,
    };
    written.ok_or_else(|| {
        let message =
            "Column values, min_value, and max_value must either be None or of the same type.";
        Problem::new(message)
    })
}

fn numeric(field: &Field, number: &Number) -> String {
    let is_decimal = field.data_type().is_decimal();
    let written = match number.as_f64() {
        // A decimal is compared with plain digits, which a float has without its exponent.
        Some(float) if is_decimal && number.is_f64() => float.to_string(),
        _ => number.to_string(),
    };
    let exact = !number.is_f64() || is_decimal;
    match exact && !written.contains(['e', 'E']) {
        true => written,
        false => format!("cast('{written}' as double)"),
    }
}

/// A text that is a date or time.
fn time(field: &Field, text: &str) -> Result<String, Problem> {
    let time = engine::dateutil_time(text).map_err(Problem::new)?;
    let written = time.format("%Y-%m-%d %H:%M:%S%.6f");
    Ok(match field.data_type() {
        DataType::Timestamp(_, Some(_)) => format!("cast('{written}+00' as timestamptz)"),
        _ => format!("timestamp '{written}'"),
    })
}

pub(super) fn quoted_text(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// Python's `str()` of a column's values.
pub(super) fn text(field: &Field) -> String {
    let column = quoted(field.name());
    match class(field) {
        Class::Text => column,
        Class::Boolean => {
            format!("case when {column} then 'True' when not {column} then 'False' end")
        }
        _ => format!("python_text({column})"),
    }
}
