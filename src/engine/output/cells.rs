//! The text of single values: DuckDB's spelling, or JSON's.

use arrow::array::{
    Array, AsArray, BooleanArray, Decimal128Array, ListArray, PrimitiveArray, StructArray,
};
use arrow::datatypes::{
    ArrowPrimitiveType, DataType, Date32Type, Decimal128Type, Float32Type, Float64Type, Int8Type,
    Int16Type, Int32Type, Int64Type, Time64MicrosecondType, TimeUnit, TimestampMicrosecondType,
    UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use arrow::util::display::{ArrayFormatter, FormatOptions};

use crate::engine::EngineError;
use crate::engine::plan::from_arrow;

/// Whose spelling.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    /// DuckDB's casts to text: `2024-01-31 10:00:00`, `[1, 2]`. Null is left to the caller, but inside of lists.
    Plain,
    /// A JSON value; null is `null`.
    Json,
}

/// Appends the text of one row's value.
pub(super) type Writer<'a> = Box<dyn Fn(usize, &mut Vec<u8>) + 'a>;

/// A writer of the array's values.
///
/// # Errors
/// If values of its type have no text.
pub(super) fn writer(array: &dyn Array, style: Style) -> Result<Writer<'_>, EngineError> {
    let values = present(array, style)?;
    let null: &[u8] = if style == Style::Json { b"null" } else { b"NULL" };
    if array.logical_null_count() == 0 {
        return Ok(values);
    }
    let nulls = array.logical_nulls();
    Ok(Box::new(move |row, out| {
        if nulls.as_ref().is_some_and(|nulls| nulls.is_null(row)) {
            out.extend_from_slice(null);
        } else {
            values(row, out);
        }
    }))
}

/// A writer of values that are not null.
fn present(array: &dyn Array, style: Style) -> Result<Writer<'_>, EngineError> {
    Ok(match array.data_type() {
        DataType::Boolean => boolean(array.as_boolean()),
        DataType::Int8 => integer(array.as_primitive::<Int8Type>()),
        DataType::Int16 => integer(array.as_primitive::<Int16Type>()),
        DataType::Int32 => integer(array.as_primitive::<Int32Type>()),
        DataType::Int64 => integer(array.as_primitive::<Int64Type>()),
        DataType::UInt8 => integer(array.as_primitive::<UInt8Type>()),
        DataType::UInt16 => integer(array.as_primitive::<UInt16Type>()),
        DataType::UInt32 => integer(array.as_primitive::<UInt32Type>()),
        DataType::UInt64 => integer(array.as_primitive::<UInt64Type>()),
        DataType::Float32 => double(array.as_primitive::<Float32Type>(), style),
        DataType::Float64 => double(array.as_primitive::<Float64Type>(), style),
        DataType::Decimal128(_, scale) => {
            quoted(style, decimal(array.as_primitive::<Decimal128Type>(), *scale))
        }
        DataType::Utf8 => text(move |row| array.as_string::<i32>().value(row), style),
        DataType::LargeUtf8 => text(move |row| array.as_string::<i64>().value(row), style),
        DataType::Utf8View => text(move |row| array.as_string_view().value(row), style),
        DataType::Binary => blob(move |row| array.as_binary::<i32>().value(row), style),
        DataType::BinaryView => blob(move |row| array.as_binary_view().value(row), style),
        DataType::Date32 => {
            let days = array.as_primitive::<Date32Type>();
            quoted(style, Box::new(move |row, out| push_date(i64::from(days.value(row)), out)))
        }
        DataType::Time64(TimeUnit::Microsecond) => {
            let times = array.as_primitive::<Time64MicrosecondType>();
            quoted(style, Box::new(move |row, out| push_time(times.value(row), out)))
        }
        DataType::Timestamp(TimeUnit::Microsecond, zone) => {
            quoted(style, timestamp(array.as_primitive(), zone.is_some(), style))
        }
        DataType::List(_) => list(array.as_list::<i32>(), style)?,
        DataType::Struct(_) => structure(array.as_struct(), style)?,
        _ => other(array, style)?,
    })
}

/// Puts quotes around text that needs no escapes.
fn quoted(style: Style, values: Writer<'_>) -> Writer<'_> {
    if style == Style::Plain {
        return values;
    }
    Box::new(move |row, out| {
        out.push(b'"');
        values(row, out);
        out.push(b'"');
    })
}

fn boolean(values: &BooleanArray) -> Writer<'_> {
    Box::new(move |row, out| {
        out.extend_from_slice(if values.value(row) { b"true" } else { b"false" });
    })
}

fn integer<T: ArrowPrimitiveType<Native: itoa::Integer>>(values: &PrimitiveArray<T>) -> Writer<'_> {
    Box::new(move |row, out| {
        out.extend_from_slice(itoa::Buffer::new().format(values.value(row)).as_bytes());
    })
}

/// The shortest text that reads back as the same number; JSON has no infinities.
fn double<T>(values: &PrimitiveArray<T>, style: Style) -> Writer<'_>
where
    T: ArrowPrimitiveType<Native: ryu::Float + Into<f64>>,
{
    Box::new(move |row, out| {
        let value = values.value(row);
        let wide: f64 = value.into();
        if wide.is_finite() {
            out.extend_from_slice(ryu::Buffer::new().format_finite(value).as_bytes());
        } else if style == Style::Json {
            out.extend_from_slice(b"null");
        } else if wide.is_nan() {
            out.extend_from_slice(b"nan");
        } else {
            out.extend_from_slice(if wide > 0.0 { b"inf" } else { b"-inf" });
        }
    })
}

/// All digits, those behind the point too.
fn decimal(values: &Decimal128Array, scale: i8) -> Writer<'_> {
    let behind = usize::from(scale.max(0).unsigned_abs());
    let zeros = usize::from(scale.min(0).unsigned_abs());
    Box::new(move |row, out| {
        let value = values.value(row);
        if value < 0 {
            out.push(b'-');
        }
        let mut buffer = itoa::Buffer::new();
        let digits = buffer.format(value.unsigned_abs()).as_bytes();
        let whole = digits.len().saturating_sub(behind);
        match whole {
            0 => out.push(b'0'),
            _ => out.extend_from_slice(&digits[..whole]),
        }
        if value != 0 {
            out.extend(std::iter::repeat_n(b'0', zeros));
        }
        if behind > 0 {
            out.push(b'.');
            out.extend(std::iter::repeat_n(b'0', behind.saturating_sub(digits.len())));
            out.extend_from_slice(&digits[whole..]);
        }
    })
}

fn text<'a>(value: impl Fn(usize) -> &'a str + 'a, style: Style) -> Writer<'a> {
    match style {
        Style::Plain => Box::new(move |row, out| out.extend_from_slice(value(row).as_bytes())),
        Style::Json => Box::new(move |row, out| push_json_text(value(row), out)),
    }
}

/// A JSON string.
pub(super) fn push_json_text(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    let bytes = text.as_bytes();
    let mut copied = 0;
    for (index, &byte) in bytes.iter().enumerate() {
        if byte >= 0x20 && byte != b'"' && byte != b'\\' {
            continue;
        }
        out.extend_from_slice(&bytes[copied..index]);
        copied = index + 1;
        match byte {
            b'"' => out.extend_from_slice(b"\\\""),
            b'\\' => out.extend_from_slice(b"\\\\"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            other => {
                out.extend_from_slice(b"\\u00");
                push_hex(other, out);
            }
        }
    }
    out.extend_from_slice(&bytes[copied..]);
    out.push(b'"');
}

fn push_hex(byte: u8, out: &mut Vec<u8>) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    out.push(DIGITS[usize::from(byte >> 4)]);
    out.push(DIGITS[usize::from(byte & 15)]);
}

/// Bytes as DuckDB prints blobs: `\xNN` for what is not plain ASCII.
fn blob<'a>(value: impl Fn(usize) -> &'a [u8] + 'a, style: Style) -> Writer<'a> {
    Box::new(move |row, out| {
        let mut printed = String::new();
        for &byte in value(row) {
            if (0x20..0x7f).contains(&byte) && !matches!(byte, b'\\' | b'\'' | b'"') {
                printed.push(char::from(byte));
            } else {
                printed.push_str(&format!("\\x{byte:02X}"));
            }
        }
        match style {
            Style::Plain => out.extend_from_slice(printed.as_bytes()),
            Style::Json => push_json_text(&printed, out),
        }
    })
}

const DAY_MICROS: i64 = 86_400_000_000;

fn timestamp(
    values: &PrimitiveArray<TimestampMicrosecondType>,
    has_zone: bool,
    style: Style,
) -> Writer<'_> {
    let (between, zone): (u8, &[u8]) = match (style, has_zone) {
        (Style::Json, true) => (b'T', b"Z"),
        (Style::Json, false) => (b'T', b""),
        (Style::Plain, true) => (b' ', b"+00"),
        (Style::Plain, false) => (b' ', b""),
    };
    Box::new(move |row, out| {
        let micros = values.value(row);
        push_date(micros.div_euclid(DAY_MICROS), out);
        out.push(between);
        push_time(micros.rem_euclid(DAY_MICROS), out);
        out.extend_from_slice(zone);
    })
}

/// `YYYY-MM-DD` of a number of days since 1970-01-01, in the proleptic Gregorian calendar.
fn push_date(days: i64, out: &mut Vec<u8>) {
    // Counted in eras of 400 years from 0000-03-01, so that the leap day is a year's last.
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = era * 400 + year_of_era + i64::from(month <= 2);
    if (0..10_000).contains(&year) {
        push_two(year / 100, out);
        push_two(year % 100, out);
    } else {
        out.extend_from_slice(format!("{year:05}").as_bytes());
    }
    out.push(b'-');
    push_two(month, out);
    out.push(b'-');
    push_two(day, out);
}

/// `HH:MM:SS`, and the fraction of the second where there is one.
fn push_time(micros: i64, out: &mut Vec<u8>) {
    let seconds = micros / 1_000_000;
    push_two(seconds / 3600, out);
    out.push(b':');
    push_two(seconds / 60 % 60, out);
    out.push(b':');
    push_two(seconds % 60, out);
    let fraction = micros % 1_000_000;
    if fraction != 0 {
        let digits = format!(".{fraction:06}");
        out.extend_from_slice(digits.trim_end_matches('0').as_bytes());
    }
}

fn push_two(number: i64, out: &mut Vec<u8>) {
    out.push(b'0' + (number / 10 % 10) as u8);
    out.push(b'0' + (number % 10) as u8);
}

fn list(values: &ListArray, style: Style) -> Result<Writer<'_>, EngineError> {
    let items = writer(values.values(), style)?;
    let between: &[u8] = if style == Style::Json { b"," } else { b", " };
    Ok(Box::new(move |row, out| {
        let offsets = values.value_offsets();
        let (start, end) = (offsets[row] as usize, offsets[row + 1] as usize);
        out.push(b'[');
        for index in start..end {
            if index > start {
                out.extend_from_slice(between);
            }
            items(index, out);
        }
        out.push(b']');
    }))
}

fn structure(values: &StructArray, style: Style) -> Result<Writer<'_>, EngineError> {
    let mut fields = Vec::new();
    for (index, (field, column)) in values.fields().iter().zip(values.columns()).enumerate() {
        let mut label = Vec::new();
        if index > 0 {
            label.extend_from_slice(if style == Style::Json { b"," } else { b", " });
        }
        match style {
            Style::Json => {
                push_json_text(field.name(), &mut label);
                label.push(b':');
            }
            Style::Plain => label.extend_from_slice(format!("'{}': ", field.name()).as_bytes()),
        }
        fields.push((label, writer(column, style)?));
    }
    Ok(Box::new(move |row, out| {
        out.push(b'{');
        for (label, value) in &fields {
            out.extend_from_slice(label);
            value(row, out);
        }
        out.push(b'}');
    }))
}

/// Types that rarely leave: intervals, maps.
fn other(array: &dyn Array, style: Style) -> Result<Writer<'_>, EngineError> {
    static OPTIONS: FormatOptions<'static> = FormatOptions::new();
    let formatter = ArrayFormatter::try_new(array, &OPTIONS).map_err(from_arrow)?;
    Ok(Box::new(move |row, out| {
        let printed = formatter.value(row).to_string();
        match style {
            Style::Plain => out.extend_from_slice(printed.as_bytes()),
            Style::Json => push_json_text(&printed, out),
        }
    }))
}

#[cfg(test)]
mod tests {
    use chrono::{Days, NaiveDate};
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn dates_are_those_of_the_calendar(days in -719_162_i64..2_932_896) {
            let epoch = NaiveDate::from_ymd_opt(1970, 1, 1).unwrap();
            let date = if days < 0 {
                epoch - Days::new(days.unsigned_abs())
            } else {
                epoch + Days::new(days.unsigned_abs())
            };
            let mut out = Vec::new();
            push_date(days, &mut out);
            prop_assert_eq!(String::from_utf8(out).unwrap(), date.format("%Y-%m-%d").to_string());
        }

        #[test]
        fn json_texts_read_back(text in ".*") {
            let mut out = Vec::new();
            push_json_text(&text, &mut out);
            let read: String = serde_json::from_slice(&out).unwrap();
            prop_assert_eq!(read, text);
        }
    }
}
