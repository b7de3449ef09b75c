//! The table as a whole: its columns, which are known without a look, and its number of rows.

use serde_json::{Value as Json, json};

use super::super::Problem;
use super::super::arguments::Arguments;
use super::super::kind::{Compiled, Judged, Kind};
use super::aggregates::Bounds;
use crate::base::TableName;
use crate::checks::form::{Apart, Ask, Measure};
use crate::engine::int_at;

pub(super) const KINDS: &[Kind] = &[
    Kind {
        name: "expect_column_to_exist",
        help: "the table has the column, at `column_index` (from 0) where one is given",
        arguments: &["column", "column_index"],
        compile: column_exists,
    },
    Kind {
        name: "expect_table_column_count_to_be_between",
        help: "the table has from `min_value` to `max_value` columns",
        arguments: &["min_value", "max_value"],
        compile: column_count_between,
    },
    Kind {
        name: "expect_table_column_count_to_equal",
        help: "the table has `value` columns",
        arguments: &["value"],
        compile: column_count_equal,
    },
    Kind {
        name: "expect_table_columns_to_match_ordered_list",
        help: "the table's columns are those of `column_list`, in its order",
        arguments: &["column_list"],
        compile: ordered_list,
    },
    Kind {
        name: "expect_table_columns_to_match_set",
        help: "the table's columns are those of `column_set` (`exact_match: false`: and others)",
        arguments: &["column_set", "exact_match"],
        compile: column_set,
    },
    Kind {
        name: "expect_table_row_count_to_be_between",
        help: "the table has from `min_value` to `max_value` rows",
        arguments: &["min_value", "max_value", "strict_min", "strict_max"],
        compile: row_count_between,
    },
    Kind {
        name: "expect_table_row_count_to_equal",
        help: "the table has `value` rows",
        arguments: &["value"],
        compile: row_count_equal,
    },
    Kind {
        name: "expect_table_row_count_to_equal_other_table",
        help: "the table has as many rows as `other_table_name`",
        arguments: &["other_table_name"],
        compile: row_count_of_other,
    },
];

/// What the schema alone decides.
fn known(success: bool, result: &Json) -> Compiled {
    let result = result.as_object().cloned().unwrap_or_default();
    let judged = Judged { success, result };
    Compiled::aggregate(Ask::default(), move |_| Ok(judged.clone()))
}

fn column_exists(arguments: &Arguments<'_>) -> Result<Compiled, Problem> {
    let column = arguments.required_text("column")?;
    let index = arguments.whole("column_index")?.filter(|index| *index != 0);
    let names = names(arguments);
    // As Python counts, -1 is the last.
    let from_end = |index: i64| names.len().checked_sub(usize::try_from(-index).ok()?);
    let place = |index: i64| usize::try_from(index).ok().or_else(|| from_end(index));
    let success = match index.map(place) {
        None => names.contains(&column),
        Some(place) => place.is_some_and(|place| names.get(place) == Some(&column)),
    };
    Ok(known(success, &json!({})))
}

fn names<'a>(arguments: &Arguments<'a>) -> Vec<&'a str> {
    arguments.schema.fields().iter().map(|field| field.name().as_str()).collect()
}

fn column_count_between(arguments: &Arguments<'_>) -> Result<Compiled, Problem> {
    let columns = names(arguments).len();
    let success = Bounds::read(arguments)?.hold(&json!(columns))?;
    Ok(known(success, &json!({"observed_value": columns})))
}

fn column_count_equal(arguments: &Arguments<'_>) -> Result<Compiled, Problem> {
    let columns = names(arguments).len();
    arguments.required("value")?;
    let success = arguments.whole("value")? == i64::try_from(columns).ok();
    Ok(known(success, &json!({"observed_value": columns})))
}

fn ordered_list(arguments: &Arguments<'_>) -> Result<Compiled, Problem> {
    let found = names(arguments);
    let Some(expected) = arguments.list("column_list")? else {
        return Ok(known(true, &json!({"observed_value": found})));
    };
    let at = |index: usize| {
        let expected = expected.get(index).cloned().unwrap_or_default();
        let found = found.get(index).map_or(Json::Null, |name| json!(name));
        (expected, found)
    };
    let mismatched: Vec<Json> = (0..expected.len().max(found.len()))
        .map(|index| (index, at(index)))
        .filter(|(_, (expected, found))| expected != found)
        .map(|(index, (expected, found))| {
            json!({"Expected Column Position": index, "Expected": expected, "Found": found})
        })
        .collect();
    if mismatched.is_empty() {
        return Ok(known(true, &json!({"observed_value": found})));
    }
    let details = json!({"mismatched": mismatched});
    Ok(known(false, &json!({"observed_value": found, "details": details})))
}

fn column_set(arguments: &Arguments<'_>) -> Result<Compiled, Problem> {
    // Null is no truth, where nothing is one.
    let is_given = arguments.keys().any(|key| key == "exact_match");
    let exact = !is_given || arguments.boolean("exact_match")?;
    let expected: Vec<&str> = arguments
        .list("column_set")?
        .unwrap_or_default()
        .iter()
        .map(|name| name.as_str().unwrap_or_default())
        .collect();
    let mut found = names(arguments);
    found.sort_unstable();
    let less = |one: &[&str], other: &[&str]| {
        let mut less: Vec<String> = one
            .iter()
            .filter(|name| !other.contains(name))
            .map(|name| (*name).to_owned())
            .collect();
        less.sort();
        less.dedup();
        less
    };
    let (unexpected, missing) = (less(&found, &expected), less(&expected, &found));
    if unexpected.is_empty() && missing.is_empty() {
        return Ok(known(true, &json!({"observed_value": found})));
    }
    let success = (!exact || unexpected.is_empty()) && missing.is_empty();
    let mut mismatched = serde_json::Map::new();
    if !unexpected.is_empty() {
        mismatched.insert("unexpected".to_owned(), json!(unexpected));
    }
    if !missing.is_empty() {
        mismatched.insert("missing".to_owned(), json!(missing));
    }
    let details = json!({"mismatched": mismatched});
    Ok(known(success, &json!({"observed_value": found, "details": details})))
}

fn rows(
    arguments: &Arguments<'_>,
    holds: impl Fn(u64) -> Result<bool, Problem> + Send + Sync + 'static,
) -> Compiled {
    let ask = Ask::measures(arguments.subject(), vec![Measure::Rows]);
    Compiled::aggregate(ask, move |answers| {
        let rows = answers.count(0);
        Ok(Judged::observed(holds(rows)?, rows.into()))
    })
}

fn row_count_between(arguments: &Arguments<'_>) -> Result<Compiled, Problem> {
    let bounds = Bounds::read_whole(arguments)?;
    let (low, high) = (arguments.whole("min_value")?, arguments.whole("max_value")?);
    if let (Some(low), Some(high)) = (low, high)
        && low > high
    {
        let message = format!("min_value ({low}) must be less than or equal to max_value ({high})");
        return Err(Problem::new(message));
    }
    Ok(rows(arguments, move |rows| bounds.hold(&json!(rows))))
}

fn row_count_equal(arguments: &Arguments<'_>) -> Result<Compiled, Problem> {
    arguments.required("value")?;
    let expected = arguments.whole("value")?;
    Ok(rows(arguments, move |rows| Ok(expected == i64::try_from(rows).ok())))
}

fn row_count_of_other(arguments: &Arguments<'_>) -> Result<Compiled, Problem> {
    let name = arguments.required_text("other_table_name")?;
    let other = match name.split_once('.') {
        Some((schema, name)) => TableName::new(schema, name).map(|table| table.quoted()),
        None => Ok(super::super::arguments::quoted(name)),
    };
    let other = other.map_err(|error| Problem::new(error.to_string()))?;
    let mut ask = Ask::query(format!("select count(*) as n from {other}"), Apart::Reference);
    ask.subject = Some(arguments.subject());
    ask.measures = vec![Measure::Rows];
    Ok(Compiled::aggregate(ask, |answers| {
        let own = answers.count(0);
        let other = answers.queries.first().and_then(|rows| int_at(rows.column(0).as_ref(), 0));
        let other = other.and_then(|other| u64::try_from(other).ok()).unwrap_or(0);
        Ok(Judged::observed(own == other, json!({"self": own, "other": other})))
    }))
}
