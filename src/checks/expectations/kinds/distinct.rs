//! The different values of a column.

use arrow::array::RecordBatch;
use arrow::datatypes::Field;
use serde_json::{Value as Json, json};

use super::super::arguments::{Arguments, quoted};
use super::super::kind::{Compiled, Judged, Kind};
use super::super::literal::{self, Class};
use super::super::{Problem, values};
use crate::checks::form::{Apart, Ask};
use crate::engine::{self, int_at};

/// How many different values a result lists.
const VALUES_MAX: i64 = 10_000;
/// How many unexpected or missing values a result lists.
const LISTED_MAX: usize = 20;

pub(super) const KINDS: &[Kind] = &[
    Kind {
        name: "expect_column_distinct_values_to_be_in_set",
        help: "every different value is one of `value_set`",
        arguments: &["column", "value_set"],
        compile: |arguments| compared(arguments, true, false),
    },
    Kind {
        name: "expect_column_distinct_values_to_contain_set",
        help: "every one of `value_set` is there",
        arguments: &["column", "value_set"],
        compile: |arguments| compared(arguments, false, true),
    },
    Kind {
        name: "expect_column_distinct_values_to_equal_set",
        help: "the different values are those of `value_set`",
        arguments: &["column", "value_set"],
        compile: |arguments| compared(arguments, true, true),
    },
    Kind {
        name: "expect_column_most_common_value_to_be_in_set",
        help: "the most frequent value is one of `value_set` (`ties_okay`: one of several is)",
        arguments: &["column", "value_set", "ties_okay"],
        compile: most_common,
    },
];

/// A query of each different value and how often it comes.
pub(super) fn counts(arguments: &Arguments<'_>, order: &str) -> Result<Ask, Problem> {
    let column = present(arguments.column("column")?);
    let rows = arguments.subject().relation();
    let sql = format!(
        "select v, count(*) as n from (select {column} as v from {rows}) as column_values \
         where v is not null group by v order by {order} limit {}",
        VALUES_MAX + 1
    );
    Ok(Ask::query(sql, Apart::HeavyAggregate))
}

/// The column's values; NaN is none.
fn present(field: &Field) -> String {
    let column = quoted(field.name());
    match field.data_type().is_floating() {
        true => format!("case when {} then {column} end", literal::present(field)),
        false => column,
    }
}

/// Each value with its count.
pub(super) fn counted(rows: Option<&RecordBatch>) -> Result<Vec<(Json, u64)>, Problem> {
    let Some(rows) = rows else { return Ok(Vec::new()) };
    if i64::try_from(rows.num_rows()).is_ok_and(|rows| rows > VALUES_MAX) {
        let message = format!("the column has more than {VALUES_MAX} different values");
        return Err(Problem::new(message));
    }
    let count = |row| int_at(rows.column(1).as_ref(), row).and_then(|n| u64::try_from(n).ok());
    let pair = |row| (values::json(rows.column(0).as_ref(), row), count(row).unwrap_or(0));
    Ok((0..rows.num_rows()).map(pair).collect())
}

/// As Python compares: truths are the numbers 0 and 1.
pub(super) fn same(one: &Json, other: &Json) -> bool {
    let number = |value: &Json| match value {
        Json::Bool(truth) => Json::from(u8::from(*truth)),
        value => value.clone(),
    };
    let (one, other) = (number(one), number(other));
    values::compare(&one, &other).map_or(one == other, std::cmp::Ordering::is_eq)
}

/// What a value of a set is held for where the column has dates or times: the one that a text spells.
///
/// Source: GX's `_coerce_value_set_to_column_type`.
fn of_class(class: Class, written: &Json) -> Json {
    let time = written.as_str().and_then(|text| engine::dateutil_time(text).ok());
    match (class, time) {
        (Class::Date, Some(time)) => Json::String(time.date().to_string()),
        (Class::Timestamp, Some(time)) => {
            Json::String(time.format("%Y-%m-%dT%H:%M:%S%.f").to_string())
        }
        _ => written.clone(),
    }
}

/// The values in order, each with its count, whether `value_set` knows it, and how many it does not know; those that a
/// result lists, and all that are known.
fn against_set(arguments: &Arguments<'_>, set: Option<&[Json]>) -> Result<Ask, Problem> {
    let field = arguments.column("column")?;
    let column = present(field);
    let rows = arguments.subject().relation();
    let literals = |set: &[Json]| -> Vec<String> {
        // What is no date equals none.
        let equal = |value| literal::equal(field, &of_class(literal::class(field), value));
        set.iter().filter_map(|value| equal(value).ok().flatten()).collect()
    };
    let known = match set.map(literals) {
        None => "true".to_owned(),
        Some(literals) if literals.is_empty() => "false".to_owned(),
        Some(literals) => format!("v in ({})", literals.join(", ")),
    };
    let counted = format!(
        "select v, count(*) as n, {known} as known from (select {column} as v from {rows}) as column_values \
         where v is not null group by v"
    );
    let sql = format!(
        "select v, n, known, strange, place from (select v, n, known, \
         count(case when known then null else 1 end) over () as strange, row_number() over (order by v) as place, \
         row_number() over (partition by known order by v) as place_of_kind from ({counted}) as counted) as ranked \
         where place <= {VALUES_MAX} or known or place_of_kind <= {LISTED_MAX} order by v"
    );
    Ok(Ask::query(sql, Apart::HeavyAggregate))
}

/// Source: GX's metrics `column.distinct_values.not_in_set` and `.missing_from_column`.
fn compared(arguments: &Arguments<'_>, within: bool, whole: bool) -> Result<Compiled, Problem> {
    let given = arguments.named_list("value_set")?.map(<[Json]>::to_vec);
    if within && !whole && given.as_ref().is_some_and(Vec::is_empty) {
        return Err(Problem::new("value_set must be a non-empty set-like object."));
    }
    let class = literal::class(arguments.column("column")?);
    let ask = against_set(arguments, given.as_deref())?;
    Ok(Compiled::aggregate(ask, move |answers| {
        let rows = answers.queries.first().ok_or_else(|| Problem::new("no answer"))?;
        let whole_at = |column: usize, row| int_at(rows.column(column).as_ref(), row).unwrap_or(0);
        let value = |row: &usize| values::json(rows.column(0).as_ref(), *row);
        let is_known = |row: &usize| values::json(rows.column(2).as_ref(), *row) == json!(true);
        let all = 0..rows.num_rows();
        let (known, strange): (Vec<usize>, Vec<usize>) = all.clone().partition(is_known);
        let known: Vec<Json> = known.iter().map(value).collect();
        let strange_count = if all.is_empty() { 0 } else { whole_at(3, 0) };
        let listed: Vec<usize> = all.filter(|row| whole_at(4, *row) <= VALUES_MAX).collect();
        let mut missing: Vec<Json> = Vec::new();
        for item in given.iter().flatten() {
            // Of nothing there is no type to go by.
            let item = if listed.is_empty() { item.clone() } else { of_class(class, item) };
            let is_there = known.iter().any(|value| same(value, &item));
            if !is_there && !missing.iter().any(|other| same(other, &item)) {
                missing.push(item);
            }
        }
        let success = (!within || strange_count == 0) && (!whole || missing.is_empty());
        let mut judged = Judged::observed(success, listed.iter().map(value).collect());
        let mut put = |key: &str, value: Json| drop(judged.result.insert(key.to_owned(), value));
        if within {
            put("unexpected_count", strange_count.into());
            put("partial_unexpected_list", strange.iter().take(LISTED_MAX).map(value).collect());
        }
        if whole {
            put("missing_count", missing.len().into());
            put("partial_missing_list", missing.into_iter().take(LISTED_MAX).collect());
        }
        let counts =
            listed.iter().map(|row| json!({"value": value(row), "count": whole_at(1, *row)}));
        put("details", json!({"value_counts": counts.collect::<Vec<_>>()}));
        Ok(judged)
    }))
}

fn most_common(arguments: &Arguments<'_>) -> Result<Compiled, Problem> {
    let set = arguments.named_list("value_set")?.unwrap_or_default().to_vec();
    let ties = arguments.boolean("ties_okay")?;
    let field = arguments.column("column")?;
    let (class, data_type) = (literal::class(field), field.data_type().clone());
    let column = present(field);
    let rows = arguments.subject().relation();
    let sql = format!(
        "with counted as (select v, count(*) as n from (select {column} as v from {rows}) as column_values \
         where v is not null group by v) \
         select v, n from counted where n = (select max(n) from counted) order by v limit {}",
        VALUES_MAX + 1
    );
    let ask = Ask::query(sql, Apart::HeavyAggregate);
    Ok(Compiled::aggregate(ask, move |answers| {
        let modes = counted(answers.queries.first())?.into_iter();
        let modes: Vec<Json> = modes.map(|(value, _)| values::numpy(&data_type, value)).collect();
        // A text is no date to Python.
        let is_time = matches!(class, Class::Date | Class::Timestamp);
        let is_hit = |mode: &&Json| !is_time && set.iter().any(|known| same(known, mode));
        let hits = modes.iter().filter(is_hit).count();
        let success = if ties { hits > 0 } else { modes.len() == 1 && hits == 1 };
        Ok(Judged::observed(success, modes.into()))
    }))
}
