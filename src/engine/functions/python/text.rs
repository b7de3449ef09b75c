//! Python's `str` of values, as pandas' `astype(str)` has it.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, StringArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float64Type, TimeUnit, TimestampMicrosecondType};
use datafusion::common::Result;

/// Doubles from here on, and below [`LEAST_PLAIN`], are written with an exponent.
const LEAST_WITH_EXPONENT: f64 = 1e16;
const LEAST_PLAIN: f64 = 1e-4;

/// Each value as a text; null for null.
pub(super) fn texts(values: &ArrayRef) -> Result<ArrayRef> {
    let texts: StringArray = match values.data_type() {
        DataType::Boolean => {
            let name = |truth: bool| if truth { "True" } else { "False" };
            values.as_boolean().iter().map(|truth| truth.map(name)).collect()
        }
        data_type if data_type.is_floating() => {
            let doubles = cast(values, &DataType::Float64)?;
            doubles.as_primitive::<Float64Type>().iter().map(|value| value.map(double)).collect()
        }
        DataType::Timestamp(..) => {
            let times = cast(values, &DataType::Timestamp(TimeUnit::Microsecond, None))?;
            let times = times.as_primitive::<TimestampMicrosecondType>();
            let time = |row: usize| {
                let time = times.is_valid(row).then(|| times.value_as_datetime(row)).flatten();
                time.map(|time| time.format("%Y-%m-%d %H:%M:%S%.f").to_string())
            };
            (0..times.len()).map(time).collect()
        }
        _ => return Ok(cast(values, &DataType::Utf8)?),
    };
    Ok(Arc::new(texts))
}

/// The shortest digits that give the same double, in Python's arrangement.
fn double(value: f64) -> String {
    if value.is_nan() {
        return "nan".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { "inf" } else { "-inf" }.to_owned();
    }
    let size = value.abs();
    if size == 0.0 || (LEAST_PLAIN..LEAST_WITH_EXPONENT).contains(&size) {
        return format!("{value:?}");
    }
    let written = format!("{value:e}");
    let (digits, exponent) = written.split_once('e').unwrap_or((&written, "0"));
    match exponent.strip_prefix('-') {
        Some(exponent) => format!("{digits}e-{exponent:0>2}"),
        None => format!("{digits}e+{exponent:0>2}"),
    }
}
