//! Cells as GX writes them into JSON.

use std::cmp::Ordering;

use arrow::array::{Array, AsArray};
use arrow::compute::cast;
use arrow::datatypes::{
    DataType, Date32Type, Float64Type, Int64Type, TimeUnit, TimestampMicrosecondType,
};
use arrow::util::display::array_value_to_string;
use serde_json::{Number, Value as Json};

/// The cell at `row`: numbers as numbers (decimals as doubles, NaN as null), dates and times in ISO 8601, everything else as
/// text.
pub(super) fn json(column: &dyn Array, row: usize) -> Json {
    if column.is_null(row) {
        return Json::Null;
    }
    let cell = column.slice(row, 1);
    let to = |data_type: &DataType| cast(&cell, data_type).ok().filter(|cell| !cell.is_null(0));
    match column.data_type() {
        DataType::Boolean => Json::Bool(cell.as_boolean().value(0)),
        data_type if data_type.is_integer() => match to(&DataType::Int64) {
            Some(cell) => cell.as_primitive::<Int64Type>().value(0).into(),
            None => Json::String(text(&cell)),
        },
        DataType::Float16
        | DataType::Float32
        | DataType::Float64
        | DataType::Decimal32(..)
        | DataType::Decimal64(..)
        | DataType::Decimal128(..)
        | DataType::Decimal256(..) => to(&DataType::Float64)
            .and_then(|cell| Number::from_f64(cell.as_primitive::<Float64Type>().value(0)))
            .map_or(Json::Null, Json::Number),
        DataType::Date32 | DataType::Date64 => to(&DataType::Date32)
            .and_then(|cell| cell.as_primitive::<Date32Type>().value_as_date(0))
            .map_or(Json::Null, |date| Json::String(date.to_string())),
        DataType::Timestamp(..) => {
            let micros = DataType::Timestamp(TimeUnit::Microsecond, None);
            let time = to(&micros).and_then(|cell| {
                cell.as_primitive::<TimestampMicrosecondType>().value_as_datetime(0)
            });
            time.map_or(Json::Null, |time| {
                Json::String(time.format("%Y-%m-%dT%H:%M:%S%.f").to_string())
            })
        }
        _ => Json::String(text(&cell)),
    }
}

/// A cell as numpy spells it: times with every digit that they could have, "not a time" where one is missing.
pub(super) fn numpy(data_type: &DataType, cell: Json) -> Json {
    let DataType::Timestamp(unit, _) = data_type else { return cell };
    let digits = match unit {
        TimeUnit::Second => 0,
        TimeUnit::Millisecond => 3,
        TimeUnit::Microsecond => 6,
        TimeUnit::Nanosecond => 9,
    };
    match cell {
        Json::Null => "NaT".into(),
        Json::String(text) if digits > 0 => {
            let (second, fraction) = text.split_once('.').unwrap_or((&text, ""));
            Json::String(format!("{second}.{fraction:0<digits$}"))
        }
        cell => cell,
    }
}

/// Whether a frame has numbers for the column, and so NaN for what is missing. Decimals are objects to it.
pub(super) fn is_number(data_type: &DataType) -> bool {
    data_type.is_numeric() && !data_type.is_decimal()
}

/// How Python orders two values; `None` where it does not.
pub(super) fn compare(one: &Json, other: &Json) -> Option<Ordering> {
    match (one, other) {
        (Json::Number(one), Json::Number(other)) => match (one.as_i64(), other.as_i64()) {
            (Some(one), Some(other)) => Some(one.cmp(&other)),
            _ => one.as_f64()?.partial_cmp(&other.as_f64()?),
        },
        (Json::String(one), Json::String(other)) => Some(one.cmp(other)),
        (Json::Bool(one), Json::Bool(other)) => Some(one.cmp(other)),
        (Json::Array(one), Json::Array(other)) => {
            for (one, other) in one.iter().zip(other).filter(|(one, other)| one != other) {
                match compare(one, other)? {
                    Ordering::Equal => {}
                    decided => return Some(decided),
                }
            }
            Some(one.len().cmp(&other.len()))
        }
        _ => None,
    }
}

fn text(cell: &dyn Array) -> String {
    array_value_to_string(cell, 0).unwrap_or_default()
}

/// What Python's `sorted` makes of a short list, also where `less` is no order: NaN is less than nothing and nothing is
/// less than NaN, so where a value ends depends on which others it is held against.
///
/// Source: CPython's `listsort.txt`, "count_run" and "binary sort".
pub(super) fn python_sorted<T>(items: Vec<T>, mut less: impl FnMut(&T, &T) -> bool) -> Vec<T> {
    let mut sorted: Vec<T> = Vec::with_capacity(items.len());
    let descends = matches!(items.as_slice(), [first, second, ..] if less(second, first));
    let mut in_run = true;
    for item in items {
        // The run that the list starts with is taken as it is, turned round where it descends.
        let last = if descends { sorted.first() } else { sorted.last() };
        in_run &= last.is_none_or(|last| less(&item, last) == descends);
        let (mut low, mut high) = match (in_run, descends) {
            (true, true) => (0, 0),
            (true, false) => (sorted.len(), sorted.len()),
            (false, _) => (0, sorted.len()),
        };
        while low < high {
            let middle = usize::midpoint(low, high);
            match less(&item, &sorted[middle]) {
                true => high = middle,
                false => low = middle + 1,
            }
        }
        sorted.insert(low, item);
    }
    sorted
}
