//! Dates and times: differences, intervals, and their spelling. All in microseconds.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, Int64Array, IntervalMonthDayNanoArray, StringArray,
    TimestampMicrosecondArray,
};
use arrow::datatypes::{
    DataType, Int64Type, IntervalMonthDayNano, IntervalUnit, TimeUnit, TimestampMicrosecondType,
};
use chrono::{DateTime, Datelike, NaiveDateTime, Timelike};
use datafusion::common::{Result, ScalarValue, exec_err, plan_err};
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs};

use super::{Scalar, wrong_arguments};

const TIMESTAMP: DataType = DataType::Timestamp(TimeUnit::Microsecond, None);

pub(super) const AS_TIMESTAMP: Scalar = Scalar {
    name: "as_timestamp",
    aliases: &[],
    usage: "as_timestamp(date or timestamp)",
    help: "a timestamp in microseconds; with a zone if the argument has one",
    arguments: |found| match found {
        [DataType::Timestamp(_, zone)] => {
            Ok(vec![DataType::Timestamp(TimeUnit::Microsecond, zone.clone())])
        }
        [other] if is_time(other) => Ok(vec![TIMESTAMP]),
        _ => wrong_arguments(&AS_TIMESTAMP, found),
    },
    returns: |types, _| Ok(types.first().cloned().unwrap_or(TIMESTAMP)),
    invoke: |call| Ok(call.args[0].clone()),
};

pub(super) const DATE_DIFF: Scalar = Scalar {
    name: "date_diff",
    aliases: &["datediff"],
    usage: "date_diff(part, start, end)",
    help: "how many borders of `part` (year, month, day, hour, …) lie between two times",
    arguments: |found| part_and_times(&DATE_DIFF, found),
    returns: |_, _| Ok(DataType::Int64),
    invoke: |call| difference(call, borders),
};

pub(super) const DATE_SUB: Scalar = Scalar {
    name: "date_sub",
    aliases: &["datesub"],
    usage: "date_sub(part, start, end)",
    help: "how many whole parts (years, months, days, hours, …) lie between two times",
    arguments: |found| part_and_times(&DATE_SUB, found),
    returns: |_, _| Ok(DataType::Int64),
    invoke: |call| difference(call, wholes),
};

pub(super) const MAKE_INTERVAL: Scalar = Scalar {
    name: "make_interval",
    aliases: &[],
    usage: "make_interval(months, days, microseconds)",
    help: "an interval of that length",
    arguments: |found| match found {
        [a, b, c] if [a, b, c].iter().all(|t| t.is_numeric() || t.is_null()) => {
            Ok(vec![DataType::Int64; 3])
        }
        _ => wrong_arguments(&MAKE_INTERVAL, found),
    },
    returns: |_, _| Ok(DataType::Interval(IntervalUnit::MonthDayNano)),
    invoke: interval,
};

pub(super) const STRFTIME: Scalar = Scalar {
    name: "strftime",
    aliases: &[],
    usage: "strftime(time, format)",
    help: "a date or time as text: `strftime(d, '%d.%m.%Y')`",
    arguments: |found| match found {
        [time, format] if is_time(time) && is_text(format) => Ok(vec![TIMESTAMP, DataType::Utf8]),
        [format, time] if is_time(time) && is_text(format) => Ok(vec![DataType::Utf8, TIMESTAMP]),
        _ => wrong_arguments(&STRFTIME, found),
    },
    returns: |_, _| Ok(DataType::Utf8),
    invoke: strftime,
};

pub(super) const STRPTIME: Scalar = Scalar {
    name: "strptime",
    aliases: &[],
    usage: "strptime(text, format)",
    help: "a text read as a time: `strptime('31.12.2024', '%d.%m.%Y')`; an error if it is none",
    arguments: |found| match found {
        [text, format] if is_text(text) && is_text(format) => {
            Ok(vec![DataType::Utf8, DataType::Utf8])
        }
        _ => wrong_arguments(&STRPTIME, found),
    },
    returns: |_, _| Ok(TIMESTAMP),
    invoke: strptime,
};

fn is_text(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View | DataType::Null)
}

fn is_time(data_type: &DataType) -> bool {
    use DataType::{Date32, Date64, LargeUtf8, Null, Timestamp, Utf8, Utf8View};
    matches!(data_type, Date32 | Date64 | Timestamp(_, _) | Utf8 | Utf8View | LargeUtf8 | Null)
}

fn part_and_times(scalar: &Scalar, found: &[DataType]) -> Result<Vec<DataType>> {
    match found {
        [part, start, end] if is_text(part) && is_time(start) && is_time(end) => {
            Ok(vec![DataType::Utf8, TIMESTAMP, TIMESTAMP])
        }
        _ => wrong_arguments(scalar, found),
    }
}

/// Arguments as arrays of one length, and whether the answer is to be one value.
fn arrays(call: &ScalarFunctionArgs) -> Result<(Vec<ArrayRef>, bool)> {
    let constant = call.args.iter().all(|arg| matches!(arg, ColumnarValue::Scalar(_)));
    let rows = if constant { 1 } else { call.number_rows };
    let arrays = call.args.iter().map(|arg| arg.to_array(rows)).collect::<Result<_>>()?;
    Ok((arrays, constant))
}

fn answer(array: ArrayRef, constant: bool) -> Result<ColumnarValue> {
    if constant {
        return Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&array, 0)?));
    }
    Ok(ColumnarValue::Array(array))
}

/// Units that times are counted in.
#[derive(Clone, Copy)]
enum Part {
    Months(i64),
    Weeks,
    Micros(i64),
}

const SECOND: i64 = 1_000_000;
const DAY: i64 = 86_400 * SECOND;

fn part(name: &str) -> Result<Part> {
    let lower = name.to_lowercase();
    Ok(match lower.trim_end_matches('s') {
        "year" | "yr" | "y" => Part::Months(12),
        "quarter" => Part::Months(3),
        "month" | "mon" => Part::Months(1),
        "decade" => Part::Months(120),
        "week" | "w" => Part::Weeks,
        "day" | "d" => Part::Micros(DAY),
        "hour" | "hr" | "h" => Part::Micros(3600 * SECOND),
        "minute" | "min" | "m" => Part::Micros(60 * SECOND),
        "second" | "sec" | "" => Part::Micros(SECOND),
        "millisecond" | "m_s" => Part::Micros(1000),
        "microsecond" => Part::Micros(1),
        _ => {
            return plan_err!(
                "`{name}` is no part of a date; there are year, quarter, month, week, day, hour, minute, second"
            );
        }
    })
}

fn difference(
    call: &ScalarFunctionArgs,
    count: fn(Part, i64, i64) -> Option<i64>,
) -> Result<ColumnarValue> {
    let (arrays, constant) = arrays(call)?;
    let parts = arrays[0].as_string::<i32>();
    let starts = arrays[1].as_primitive::<TimestampMicrosecondType>();
    let ends = arrays[2].as_primitive::<TimestampMicrosecondType>();
    let row = |index: usize| -> Result<Option<i64>> {
        if parts.is_null(index) || starts.is_null(index) || ends.is_null(index) {
            return Ok(None);
        }
        Ok(count(part(parts.value(index))?, starts.value(index), ends.value(index)))
    };
    let counts = (0..parts.len()).map(row).collect::<Result<Int64Array>>()?;
    answer(Arc::new(counts), constant)
}

/// Borders crossed: from the last second of December to the first of January is one year.
fn borders(part: Part, start: i64, end: i64) -> Option<i64> {
    Some(match part {
        Part::Months(size) => {
            month_number(end)?.div_euclid(size) - month_number(start)?.div_euclid(size)
        }
        // 1970-01-01 was a Thursday; weeks begin on Mondays.
        Part::Weeks => {
            (end.div_euclid(DAY) + 3).div_euclid(7) - (start.div_euclid(DAY) + 3).div_euclid(7)
        }
        Part::Micros(size) => end.div_euclid(size) - start.div_euclid(size),
    })
}

/// Whole parts: from one noon to the next is one day.
fn wholes(part: Part, start: i64, end: i64) -> Option<i64> {
    if start > end {
        return wholes(part, end, start).map(|count| -count);
    }
    Some(match part {
        Part::Months(size) => {
            let months = month_number(end)? - month_number(start)?;
            let (start, end) = (time(start)?, time(end)?);
            let last = end.day() == days_in_month(end);
            let rest = |t: NaiveDateTime| (t.num_seconds_from_midnight(), t.nanosecond());
            let before = if end.day() == start.day() || last && start.day() > end.day() {
                rest(end) < rest(start)
            } else {
                end.day() < start.day()
            };
            (months - i64::from(before && months > 0)) / size
        }
        Part::Weeks => (end - start) / (7 * DAY),
        Part::Micros(size) => (end - start) / size,
    })
}

fn days_in_month(time: NaiveDateTime) -> u32 {
    u32::from(time.date().num_days_in_month())
}

fn time(micros: i64) -> Option<NaiveDateTime> {
    DateTime::from_timestamp_micros(micros).map(|time| time.naive_utc())
}

fn month_number(micros: i64) -> Option<i64> {
    let time = time(micros)?;
    Some(i64::from(time.year()) * 12 + i64::from(time.month0()))
}

fn interval(call: &ScalarFunctionArgs) -> Result<ColumnarValue> {
    let (arrays, constant) = arrays(call)?;
    let [months, days, micros] = [0, 1, 2].map(|index| arrays[index].as_primitive::<Int64Type>());
    let row = |index: usize| -> Result<Option<IntervalMonthDayNano>> {
        if months.is_null(index) || days.is_null(index) || micros.is_null(index) {
            return Ok(None);
        }
        let months = i32::try_from(months.value(index));
        let days = i32::try_from(days.value(index));
        match (months, days, micros.value(index).checked_mul(1000)) {
            (Ok(months), Ok(days), Some(nanos)) => {
                Ok(Some(IntervalMonthDayNano::new(months, days, nanos)))
            }
            _ => exec_err!("an interval is too long"),
        }
    };
    let intervals = (0..months.len()).map(row).collect::<Result<IntervalMonthDayNanoArray>>()?;
    answer(Arc::new(intervals), constant)
}

/// chrono's spelling of a DuckDB format.
fn chrono_format(format: &str) -> String {
    let mut out = String::with_capacity(format.len());
    let mut letters = format.chars();
    while let Some(letter) = letters.next() {
        out.push(letter);
        if letter != '%' {
            continue;
        }
        match letters.next() {
            Some('f') => out.push_str("6f"),
            Some('g') => out.push_str("3f"),
            Some('n') => out.push_str("9f"),
            Some('c') => out.push_str("Y-%m-%d %H:%M:%S"),
            Some('x') => out.push_str("Y-%m-%d"),
            Some('X') => out.push_str("H:%M:%S"),
            Some(other) => out.push(other),
            None => out.push('%'),
        }
    }
    out
}

fn strftime(call: &ScalarFunctionArgs) -> Result<ColumnarValue> {
    let (mut arrays, constant) = arrays(call)?;
    if arrays[0].data_type() == &DataType::Utf8 {
        arrays.swap(0, 1);
    }
    let times = arrays[0].as_primitive::<TimestampMicrosecondType>();
    let formats = arrays[1].as_string::<i32>();
    let mut prepared = Prepared::default();
    let mut texts = arrow::array::StringBuilder::with_capacity(times.len(), times.len() * 10);
    for row in 0..times.len() {
        if times.is_null(row) || formats.is_null(row) {
            texts.append_null();
            continue;
        }
        let items = prepared.items(formats.value(row))?;
        match time(times.value(row)) {
            Some(time) => texts.append_value(time.format_with_items(items.iter()).to_string()),
            None => texts.append_null(),
        }
    }
    answer(Arc::new(texts.finish()), constant)
}

/// The format in hand, taken apart once for all rows that share it.
#[derive(Default)]
struct Prepared {
    format: String,
    items: Vec<chrono::format::Item<'static>>,
}

impl Prepared {
    fn items(&mut self, format: &str) -> Result<&[chrono::format::Item<'static>]> {
        if self.items.is_empty() || self.format != format {
            let chrono_format = chrono_format(format);
            let Ok(items) = chrono::format::StrftimeItems::new(&chrono_format).parse_to_owned()
            else {
                return exec_err!("`{format}` is no format of a date or time");
            };
            self.items = items;
            self.format = format.to_owned();
        }
        Ok(&self.items)
    }
}

fn strptime(call: &ScalarFunctionArgs) -> Result<ColumnarValue> {
    let (arrays, constant) = arrays(call)?;
    let (texts, formats): (&StringArray, &StringArray) =
        (arrays[0].as_string(), arrays[1].as_string());
    let mut prepared = Prepared::default();
    let mut row = |index: usize| -> Result<Option<i64>> {
        if texts.is_null(index) || formats.is_null(index) {
            return Ok(None);
        }
        let (text, format) = (texts.value(index), formats.value(index));
        match parse_time(text, prepared.items(format)?) {
            Some(time) => Ok(Some(time.and_utc().timestamp_micros())),
            None => exec_err!("`{text}` is no time in the format `{format}`"),
        }
    };
    let times = (0..texts.len()).map(&mut row).collect::<Result<TimestampMicrosecondArray>>()?;
    answer(Arc::new(times), constant)
}

/// Reads a time; what the format does not name is the begin of the day, month or year.
fn parse_time(text: &str, items: &[chrono::format::Item<'static>]) -> Option<NaiveDateTime> {
    let mut parsed = chrono::format::Parsed::new();
    chrono::format::parse(&mut parsed, text, items.iter()).ok()?;
    if parsed.month().is_none() && parsed.ordinal().is_none() && parsed.year().is_some() {
        parsed.set_month(1).ok()?;
    }
    if parsed.day().is_none() && parsed.month().is_some() {
        parsed.set_day(1).ok()?;
    }
    let date = parsed.to_naive_date().ok()?;
    let time = parsed.to_naive_time().unwrap_or_default();
    Some(date.and_time(time))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> i64 {
        NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M").unwrap().and_utc().timestamp_micros()
    }

    #[test]
    fn differences_count_borders_or_wholes() {
        let (start, end) = (at("2024-01-31 00:00"), at("2024-02-29 00:00"));
        assert_eq!(borders(part("month").unwrap(), start, end), Some(1));
        assert_eq!(wholes(part("month").unwrap(), start, end), Some(1));
        let (start, end) = (at("2024-12-31 23:59"), at("2025-01-01 00:00"));
        assert_eq!(borders(part("year").unwrap(), start, end), Some(1));
        assert_eq!(wholes(part("year").unwrap(), start, end), Some(0));
        assert_eq!(borders(part("DAYS").unwrap(), end, start), Some(-1));
        let (sunday, monday) = (at("2024-01-07 12:00"), at("2024-01-08 01:00"));
        assert_eq!(borders(part("week").unwrap(), sunday, monday), Some(1));
        assert!(part("fortnight").is_err());
    }
}
