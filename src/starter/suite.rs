//! A suite of Great Expectations for a table of a new project.
//!
//! It is checked twice: by `build` over the table, whose columns have the contract's types, and by `validate` over the file,
//! whose columns have pandas' types. What holds in one of them only says so (`meta: {"only": "file"}`), or is left out.

use serde_json::{Map, Value as Json, json};

use super::NewFile;
use super::facts::{Column, Table, is_name, is_number};
use super::project::{SOURCE, new_file};
use crate::ingest::survey::SurveyedColumn;
use crate::rules::ColumnType;

/// Text longer than this has no length worth holding to.
const LENGTH_MAX: i64 = 64;

const NOTES: &str = "Made by `clearwell init` from all rows of the file: every expectation holds for them. Keep what is meant; \
     widen or take out what is chance. Warnings publish and are shown; critical ones keep a build from publishing. \
     `clearwell validate FILE --suite` checks a file with it before it is loaded.";

pub(super) fn suite(table: &Table) -> NewFile {
    let mut expectations = vec![row_count(table)];
    expectations.push(column_set(table));
    for (column, facts) in table.surveyed() {
        expectations.extend(of_column(table, column, facts));
    }
    if table.key.len() > 1 {
        expectations.push(expectation(
            "expect_compound_columns_to_be_unique",
            &json!({"column_list": table.key}),
        ));
    }
    let suite = json!({
        "name": table.name,
        "meta": {"table": format!("{SOURCE}.{}", table.name)},
        "notes": NOTES,
        "expectations": expectations,
    });
    new_file(format!("expectations/{}.json", table.name), format!("{suite:#}\n"))
}

fn expectation(kind: &str, kwargs: &Json) -> Json {
    json!({"type": kind, "kwargs": kwargs, "severity": "critical"})
}

/// What holds by chance as well as by intent.
fn warning(kind: &str, kwargs: &Json) -> Json {
    json!({"type": kind, "kwargs": kwargs, "severity": "warning"})
}

fn only_of_files(mut expectation: Json) -> Json {
    expectation["meta"] = json!({"only": "file"});
    expectation
}

/// From half of the rows to twice as many.
fn row_count(table: &Table) -> Json {
    let kwargs = json!({"min_value": table.rows / 2, "max_value": (table.rows * 2).max(1)});
    warning("expect_table_row_count_to_be_between", &kwargs)
}

fn column_set(table: &Table) -> Json {
    let columns = table.survey.columns.iter();
    let names: Vec<&str> = columns.map(|column| column.rule.name.as_str()).collect();
    let kwargs = json!({"column_set": names, "exact_match": true});
    expectation("expect_table_columns_to_match_set", &kwargs)
}

fn of_column(table: &Table, column: &SurveyedColumn, facts: &Column) -> Vec<Json> {
    let name = &column.rule.name;
    let (data_type, of_pandas) = (column.rule.data_type, column.pandas.column_type());
    let both_text = data_type == ColumnType::Text && of_pandas == ColumnType::Text;
    let both_numbers = is_number(data_type) && is_number(of_pandas);
    let mut found = Vec::new();
    let kwargs = |more: Json| {
        let mut kwargs = Map::new();
        kwargs.insert("column".to_owned(), name.as_str().into());
        if let Json::Object(more) = more {
            kwargs.extend(more);
        }
        Json::Object(kwargs)
    };
    match not_null(table, column, facts) {
        Some(1.0) => {
            found.push(expectation("expect_column_values_to_not_be_null", &kwargs(json!({}))));
        }
        Some(mostly) => {
            let more = json!({"mostly": mostly});
            found.push(warning("expect_column_values_to_not_be_null", &kwargs(more)));
        }
        None => {}
    }
    let is_comparable = both_text || both_numbers;
    if table.key.as_slice() == std::slice::from_ref(name) && is_comparable {
        found.push(expectation("expect_column_values_to_be_unique", &kwargs(json!({}))));
    } else if facts.unique && is_comparable {
        found.push(warning("expect_column_values_to_be_unique", &kwargs(json!({}))));
    }
    // To pandas such a word is a value.
    if ["\\N", "-"].iter().any(|word| column.rule.null_values.iter().any(|null| null == word)) {
        return found;
    }
    let values = value_set(table, column, facts);
    if !values.is_empty() {
        let more = json!({"value_set": values});
        found.push(warning("expect_column_values_to_be_in_set", &kwargs(more)));
    } else if both_text
        && let Some((shortest, longest)) = facts.lengths.filter(|(_, most)| *most <= LENGTH_MAX)
    {
        let more = json!({"min_value": shortest, "max_value": longest});
        found.push(warning("expect_column_value_lengths_to_be_between", &kwargs(more)));
    }
    if let Some((low, high)) = range(table, column, facts).filter(|_| values.is_empty()) {
        let more = json!({"min_value": low, "max_value": high});
        found.push(warning("expect_column_values_to_be_between", &kwargs(more)));
    }
    if let Some(format) = column.strptime.as_ref().filter(|_| of_pandas == ColumnType::Text) {
        let more = json!({"strftime_format": format});
        let kind = "expect_column_values_to_match_strftime_format";
        found.push(only_of_files(expectation(kind, &kwargs(more))));
    }
    found
}

/// The part of the values that is not null at least, in the table and in the file: whole hundredths, rounded down.
fn not_null(table: &Table, column: &SurveyedColumn, facts: &Column) -> Option<f64> {
    let nulls = facts.nulls.max(i64::try_from(column.pandas.nulls).unwrap_or(i64::MAX));
    let hundredths = (table.rows - nulls).max(0) * 100 / table.rows.max(1);
    (hundredths > 0).then(|| hundredths as f64 / 100.0)
}

/// All values, where they are few and the same in the table and in the file; of ids they would say nothing.
fn value_set(table: &Table, column: &SurveyedColumn, facts: &Column) -> Vec<Json> {
    let values = facts.values.iter();
    match (column.rule.data_type, column.pandas.column_type()) {
        (ColumnType::Text, ColumnType::Text) => values.map(|value| value.as_str().into()).collect(),
        (ColumnType::Boolean, ColumnType::Boolean) => {
            values.map(|value| (value == "true").into()).collect()
        }
        (ColumnType::BigInt, of_pandas)
            if is_number(of_pandas) && !is_name(table, &column.rule.name) =>
        {
            values.filter_map(|value| value.parse::<i64>().ok()).map(Json::from).collect()
        }
        _ => Vec::new(),
    }
}

/// The smallest and the largest number, of ids it would say nothing; or the first and the last day, where the file
/// spells them so that their order as text is theirs in time.
fn range(table: &Table, column: &SurveyedColumn, facts: &Column) -> Option<(Json, Json)> {
    let of_pandas = column.pandas.column_type();
    if matches!(column.rule.data_type, ColumnType::Date | ColumnType::Timestamp) {
        let in_order =
            column.strptime.as_ref().is_some_and(|format| format.starts_with("%Y-%m-%d"));
        let (low, high) =
            facts.range.as_ref().filter(|_| in_order && of_pandas == ColumnType::Text)?;
        return Some((low.as_str().into(), high.as_str().into()));
    }
    let both_numbers = is_number(column.rule.data_type) && is_number(of_pandas);
    if !both_numbers || is_name(table, &column.rule.name) {
        return None;
    }
    let number = |text: &str| -> Option<Json> {
        let whole = text.parse::<i64>().ok().map(Json::from);
        whole.or_else(|| {
            text.parse::<f64>().ok().and_then(serde_json::Number::from_f64).map(Json::from)
        })
    };
    let (low, high) = facts.range.as_ref()?;
    number(low).zip(number(high))
}
