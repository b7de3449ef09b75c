//! One number (or date, or text) of a column, between two bounds.

use arrow::array::Array;
use arrow::datatypes::Field;
use serde_json::{Value as Json, json};

use super::super::arguments::{Arguments, quoted};
use super::super::kind::{Compiled, Judged, Kind};
use super::super::literal::{self, Class};
use super::super::{Problem, coerced, values};
use crate::checks::form::{Apart, Ask, Measure};

const ARGUMENTS: &[&str] = &["column", "min_value", "max_value", "strict_min", "strict_max"];

pub(super) const KINDS: &[Kind] = &[
    Kind {
        name: "expect_column_min_to_be_between",
        help: "the least value is from `min_value` to `max_value`",
        arguments: ARGUMENTS,
        compile: |arguments| extreme(arguments, "min"),
    },
    Kind {
        name: "expect_column_max_to_be_between",
        help: "the greatest value is from `min_value` to `max_value`",
        arguments: ARGUMENTS,
        compile: |arguments| extreme(arguments, "max"),
    },
    Kind {
        name: "expect_column_mean_to_be_between",
        help: "the mean is from `min_value` to `max_value`",
        arguments: ARGUMENTS,
        compile: |arguments| number(arguments, "avg(cast({} as double))", &Json::Null),
    },
    Kind {
        name: "expect_column_sum_to_be_between",
        help: "the sum is from `min_value` to `max_value`",
        arguments: ARGUMENTS,
        compile: |arguments| number(arguments, "sum({})", &json!(0)),
    },
    Kind {
        name: "expect_column_stdev_to_be_between",
        help: "the sample standard deviation is from `min_value` to `max_value`",
        arguments: ARGUMENTS,
        compile: |arguments| number(arguments, "stddev_samp(cast({} as double))", &Json::Null),
    },
    Kind {
        name: "expect_column_median_to_be_between",
        help: "the median is from `min_value` to `max_value`",
        arguments: ARGUMENTS,
        compile: median,
    },
    Kind {
        name: "expect_column_unique_value_count_to_be_between",
        help: "the column has from `min_value` to `max_value` different values",
        arguments: ARGUMENTS,
        compile: unique_count,
    },
    Kind {
        name: "expect_column_proportion_of_unique_values_to_be_between",
        help: "different values make up from `min_value` to `max_value` of those that are not null",
        arguments: ARGUMENTS,
        compile: unique_proportion,
    },
    Kind {
        name: "expect_column_proportion_of_non_null_values_to_be_between",
        help: "from `min_value` to `max_value` of the values are not null",
        arguments: ARGUMENTS,
        compile: non_null_proportion,
    },
    Kind {
        name: "expect_column_quantile_values_to_be_between",
        help: "each of `quantile_ranges` holds its quantile",
        arguments: &["column", "quantile_ranges", "allow_relative_error"],
        compile: quantiles,
    },
];

/// `min_value` and `max_value`, which belong to the range unless `strict_min`, `strict_max` say otherwise.
#[derive(Clone)]
pub(super) struct Bounds {
    low: Option<Json>,
    high: Option<Json>,
    strict_low: bool,
    strict_high: bool,
}

impl Bounds {
    pub(super) fn read(arguments: &Arguments<'_>) -> Result<Self, Problem> {
        Ok(Self {
            low: arguments.get("min_value").cloned(),
            high: arguments.get("max_value").cloned(),
            strict_low: arguments.boolean("strict_min")?,
            strict_high: arguments.boolean("strict_max")?,
        })
    }

    /// Bounds of a count: their fractions are dropped.
    pub(super) fn read_whole(arguments: &Arguments<'_>) -> Result<Self, Problem> {
        let bound = |key: &str| Ok::<_, Problem>(arguments.whole(key)?.map(Json::from));
        let (low, high) = (bound("min_value")?, bound("max_value")?);
        Ok(Self { low, high, ..Self::read(arguments)? })
    }

    /// Whether an observed value lies between; nothing observed does not.
    ///
    /// Source: GX's `_validate_metric_value_between`.
    pub(super) fn hold(&self, observed: &Json) -> Result<bool, Problem> {
        if observed.is_null() {
            return Ok(false);
        }
        let compared = |bound: &Json| {
            let number = coerced::number(bound).filter(|_| observed.is_number());
            let number = number.filter(|_| !bound.is_number()).map(Json::from);
            let bound = number.as_ref().unwrap_or(bound);
            let plain = values::compare(observed, bound);
            // Dates and times stand in one spelling here; bounds may be written otherwise.
            let ordered = match plain.zip(timely(observed).zip(timely(bound))) {
                Some((_, (observed, bound))) => Some(observed.cmp(&bound)),
                None => plain,
            };
            let wrong = || Problem::new(format!("{observed} and {bound} cannot be compared"));
            ordered.ok_or_else(wrong)
        };
        let low = self.low.as_ref().map(compared).transpose()?;
        let high = self.high.as_ref().map(compared).transpose()?;
        let above = low.is_none_or(|low| low.is_gt() || (low.is_eq() && !self.strict_low));
        let below = high.is_none_or(|high| high.is_lt() || (high.is_eq() && !self.strict_high));
        Ok(above && below)
    }
}

/// A text that is a date or time.
fn timely(value: &Json) -> Option<chrono::NaiveDateTime> {
    let text =
        value.as_str().filter(|text| text.starts_with(|first: char| first.is_ascii_digit()))?;
    let date = || chrono::NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?.and_hms_opt(0, 0, 0);
    let formats = ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f"];
    let time = |format| chrono::NaiveDateTime::parse_from_str(text, format).ok();
    formats.into_iter().find_map(time).or_else(date)
}

fn extreme(arguments: &Arguments<'_>, function: &str) -> Result<Compiled, Problem> {
    let field = arguments.column("column")?;
    let bounds = Bounds::read(arguments)?;
    let call = Measure::Aggregate(format!("{function}({})", value(field)));
    let ask = Ask::measures(arguments.subject(), vec![call]);
    Ok(Compiled::aggregate(ask, move |answers| {
        let observed =
            answers.measures.first().map_or(Json::Null, |value| values::json(value.as_ref(), 0));
        Ok(Judged::observed(bounds.hold(&observed)?, observed))
    }))
}

fn is_numeric(field: &Field) -> bool {
    matches!(literal::class(field), Class::Number | Class::Boolean)
}

/// What becomes of a column of other values than numbers: nothing is observed where there is no value, else it is an error.
fn without_numbers(arguments: &Arguments<'_>, field: &Field) -> Compiled {
    let there = Measure::Count(format!("{} is not null", quoted(field.name())));
    let ask = Ask::measures(arguments.subject(), vec![there]);
    let problem = Problem::new(format!("`{}` holds no numbers", field.name()));
    Compiled::aggregate(ask, move |answers| match answers.count(0) {
        0 => Ok(Judged::observed(false, Json::Null)),
        _ => Err(problem.clone()),
    })
}

/// The column's values, NaN left out as pandas does.
fn value(field: &Field) -> String {
    let column = quoted(field.name());
    match literal::class(field) {
        Class::Boolean => format!("cast({column} as bigint)"),
        _ if field.data_type().is_floating() => {
            format!("case when {} then {column} end", literal::present(field))
        }
        _ => column,
    }
}

/// A numeric aggregate that shares the scan; `{}` is the column. `of_none` is observed where there is no value.
fn number(arguments: &Arguments<'_>, call: &str, of_none: &Json) -> Result<Compiled, Problem> {
    let field = arguments.column("column")?;
    let bounds = Bounds::read(arguments)?;
    if !is_numeric(field) {
        return Ok(without_numbers(arguments, field));
    }
    let of_none = of_none.clone();
    let call = Measure::Aggregate(call.replace("{}", &value(field)));
    let ask = Ask::measures(arguments.subject(), vec![call]);
    Ok(Compiled::aggregate(ask, move |answers| {
        let told = answers.measures.first().filter(|value| !value.is_null(0));
        let observed =
            told.map_or_else(|| of_none.clone(), |value| values::json(value.as_ref(), 0));
        Ok(Judged::observed(bounds.hold(&observed)?, observed))
    }))
}

/// A query over the values that are not null, of one row.
fn heavy(arguments: &Arguments<'_>, field: &Field, select: &str) -> Ask {
    let column = value(field);
    let rows = arguments.subject().relation();
    let sql = format!(
        "select {select} from (select {column} as v from {rows}) as column_values where v is not null"
    );
    Ask::query(sql, Apart::HeavyAggregate)
}

fn cell(rows: &arrow::array::RecordBatch, column: usize) -> Json {
    match rows.num_rows() > 0 && rows.num_columns() > column {
        true => values::json(rows.column(column).as_ref(), 0),
        false => Json::Null,
    }
}

fn median(arguments: &Arguments<'_>) -> Result<Compiled, Problem> {
    let field = arguments.column("column")?;
    if !is_numeric(field) {
        return Ok(without_numbers(arguments, field));
    }
    let bounds = Bounds::read(arguments)?;
    let ask = heavy(arguments, field, "median(cast(v as double)) as m");
    Ok(Compiled::aggregate(ask, move |answers| {
        let observed = answers.queries.first().map_or(Json::Null, |rows| cell(rows, 0));
        Ok(Judged::observed(bounds.hold(&observed)?, observed))
    }))
}

fn unique_count(arguments: &Arguments<'_>) -> Result<Compiled, Problem> {
    let field = arguments.column("column")?;
    let bounds = Bounds::read_whole(arguments)?;
    let ask = heavy(arguments, field, "count(distinct v) as n");
    Ok(Compiled::aggregate(ask, move |answers| {
        let observed = answers.queries.first().map_or(Json::Null, |rows| cell(rows, 0));
        Ok(Judged::observed(bounds.hold(&observed)?, observed))
    }))
}

/// All null: 0, as in GX.
fn unique_proportion(arguments: &Arguments<'_>) -> Result<Compiled, Problem> {
    let field = arguments.column("column")?;
    let bounds = Bounds::read(arguments)?;
    let ask = heavy(arguments, field, "count(distinct v) as n, count(*) as all_of_them");
    Ok(Compiled::aggregate(ask, move |answers| {
        let number = |column| answers.queries.first().and_then(|rows| cell(rows, column).as_f64());
        let observed = match (number(0), number(1)) {
            (Some(distinct), Some(all)) if all > 0.0 => distinct / all,
            _ => 0.0,
        };
        Ok(Judged::observed(bounds.hold(&json!(observed))?, json!(observed)))
    }))
}

fn non_null_proportion(arguments: &Arguments<'_>) -> Result<Compiled, Problem> {
    let field = arguments.column("column")?;
    let bounds = Bounds::read(arguments)?;
    let there = Measure::Count(literal::present(field));
    let ask = Ask::measures(arguments.subject(), vec![Measure::Rows, there]);
    Ok(Compiled::aggregate(ask, move |answers| {
        let (rows, there) = (answers.count(0), answers.count(1));
        let observed = if rows == 0 { 0.0 } else { there as f64 / rows as f64 };
        Ok(Judged::observed(bounds.hold(&json!(observed))?, json!(observed)))
    }))
}

/// pandas' quantile of the nearest value, or as `allow_relative_error` says; the quotient's place is rounded half to even.
fn quantiles(arguments: &Arguments<'_>) -> Result<Compiled, Problem> {
    let field = arguments.column("column")?;
    if !is_numeric(field) {
        return Err(Problem::new(format!("`{}` holds no numbers", field.name())));
    }
    let ranges = arguments.required("quantile_ranges")?;
    let wrong = || {
        Problem::new("`quantile_ranges` has lists of one length, `quantiles` and `value_ranges`")
    };
    let quantiles = ranges["quantiles"].as_array().cloned().ok_or_else(wrong)?;
    let allowed = ranges["value_ranges"].as_array().cloned().ok_or_else(wrong)?;
    if quantiles.len() != allowed.len() {
        return Err(wrong());
    }
    let how = match arguments.get("allow_relative_error") {
        None | Some(Json::Bool(false)) => "nearest",
        Some(Json::String(how)) => how.as_str(),
        Some(other) => other.as_str().unwrap_or("something else"),
    };
    let columns: Result<Vec<String>, Problem> = quantiles
        .iter()
        .enumerate()
        .map(|(index, quantile)| {
            let quantile = quantile.as_f64().filter(|share| (0.0..=1.0).contains(share));
            let quantile =
                quantile.ok_or_else(|| Problem::new("a quantile is a share from 0 to 1"))?;
            Ok(format!("{} as q{index}", interpolated(how, quantile)?))
        })
        .collect();
    let mut columns = columns?;
    if columns.is_empty() {
        // A query has a column; nobody reads this one.
        columns.push("count(*) as n".to_owned());
    }
    let column = value(field);
    let rows = arguments.subject().relation();
    let sql = format!(
        "select {} from (select cast(v as double) as v, cast(row_number() over (order by v) - 1 as double) as place, \
         cast(count(*) over () - 1 as double) as last from (select {column} as v from {rows}) as column_values \
         where v is not null) as ranked",
        columns.join(", ")
    );
    let ask = Ask::query(sql, Apart::HeavyAggregate);
    Ok(Compiled::aggregate(ask, move |answers| {
        let value = |index| answers.queries.first().map_or(Json::Null, |rows| cell(rows, index));
        let found: Vec<Json> = (0..quantiles.len()).map(value).collect();
        let held: Vec<bool> =
            found.iter().zip(&allowed).map(|(value, range)| is_in_range(value, range)).collect();
        let mut judged = Judged::observed(
            held.iter().all(|held| *held),
            json!({"quantiles": quantiles, "values": found}),
        );
        judged.result.insert("details".to_owned(), json!({"success_details": held}));
        Ok(judged)
    }))
}

fn interpolated(how: &str, quantile: f64) -> Result<String, Problem> {
    let at = |place: String| format!("max(case when place = {place} then v end)");
    let place = format!("cast('{quantile}' as double) * last");
    let low = at(format!("floor({place})"));
    let high = at(format!("ceil({place})"));
    Ok(match how {
        "nearest" => at(format!("round_even({place}, 0)")),
        "lower" => low,
        "higher" => high,
        "midpoint" => format!("({low} + {high}) / 2"),
        "linear" => format!("{low} + ({high} - {low}) * max({place} - floor({place}))"),
        other => {
            let message = "`allow_relative_error` is linear, lower, higher, midpoint or nearest";
            return Err(Problem::new(format!("{message}, not {other}")));
        }
    })
}

/// Within the range, or as near as GX takes for equal.
fn is_in_range(value: &Json, range: &Json) -> bool {
    let Some(value) = value.as_f64() else { return false };
    let near = |bound: f64| (value - bound).abs() <= 1e-4 * bound.abs();
    let bound = |index: usize| range.get(index).and_then(Json::as_f64);
    let above = bound(0).is_none_or(|low| low <= value || near(low));
    let below = bound(1).is_none_or(|high| value <= high || near(high));
    above && below
}
