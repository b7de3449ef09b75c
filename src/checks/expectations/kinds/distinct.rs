//! The different values of a column.

use arrow::array::RecordBatch;
use arrow::datatypes::Field;
use serde_json::{Value as Json, json};

use super::super::arguments::{Arguments, quoted};
use super::super::kind::{Compiled, Judged, Kind};
use super::super::{Problem, literal, values};
use crate::checks::form::{Apart, Ask};
use crate::engine::int_at;

/// How many different values a result lists.
const VALUES_MAX: usize = 10_000;

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
    Kind {
        name: "expect_column_kl_divergence_to_be_less_than",
        help: "the frequencies of values are near those of the categorical `partition_object`",
        arguments: &[
            "column",
            "partition_object",
            "threshold",
            "bucketize_data",
            "tail_weight_holdout",
            "internal_weight_holdout",
            "min_value",
            "max_value",
        ],
        compile: divergence,
    },
];

/// A query of each different value and how often it comes.
fn counts(arguments: &Arguments<'_>, order: &str) -> Result<Ask, Problem> {
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
fn counted(rows: Option<&RecordBatch>) -> Result<Vec<(Json, u64)>, Problem> {
    let Some(rows) = rows else { return Ok(Vec::new()) };
    if rows.num_rows() > VALUES_MAX {
        let message = format!("the column has more than {VALUES_MAX} different values");
        return Err(Problem::new(message));
    }
    let count = |row| int_at(rows.column(1).as_ref(), row).and_then(|n| u64::try_from(n).ok());
    let pair = |row| (values::json(rows.column(0).as_ref(), row), count(row).unwrap_or(0));
    Ok((0..rows.num_rows()).map(pair).collect())
}

fn same(one: &Json, other: &Json) -> bool {
    values::compare(one, other).map_or(one == other, std::cmp::Ordering::is_eq)
}

fn without(all: impl Iterator<Item = Json>, those: &[Json]) -> Vec<Json> {
    all.filter(|value| !those.iter().any(|known| same(known, value))).collect()
}

fn compared(arguments: &Arguments<'_>, within: bool, whole: bool) -> Result<Compiled, Problem> {
    let given = arguments.list("value_set")?.map(<[Json]>::to_vec);
    let ask = counts(arguments, "v")?;
    Ok(Compiled::aggregate(ask, move |answers| {
        let counted = counted(answers.queries.first())?;
        let found: Vec<Json> = counted.iter().map(|(value, _)| value.clone()).collect();
        let set = given.clone().unwrap_or_else(|| found.clone());
        let unexpected = without(found.iter().cloned(), &set);
        let missing = without(set.iter().filter(|value| !value.is_null()).cloned(), &found);
        let success = (!within || unexpected.is_empty()) && (!whole || missing.is_empty());
        let mut judged = Judged::observed(success, found.into());
        let mut put = |key: &str, value: Json| drop(judged.result.insert(key.to_owned(), value));
        if within {
            put("unexpected_count", unexpected.len().into());
            put("partial_unexpected_list", unexpected.into_iter().take(20).collect());
        }
        if whole {
            put("missing_count", missing.len().into());
            put("partial_missing_list", missing.into_iter().take(20).collect());
        }
        let counts = counted.into_iter();
        let counts: Vec<Json> =
            counts.map(|(value, count)| json!({"value": value, "count": count})).collect();
        put("details", json!({"value_counts": counts}));
        Ok(judged)
    }))
}

fn most_common(arguments: &Arguments<'_>) -> Result<Compiled, Problem> {
    let set = arguments.list("value_set")?.unwrap_or_default().to_vec();
    let ties = arguments.boolean("ties_okay")?;
    let column = present(arguments.column("column")?);
    let rows = arguments.subject().relation();
    let sql = format!(
        "with counted as (select v, count(*) as n from (select {column} as v from {rows}) as column_values \
         where v is not null group by v) \
         select v, n from counted where n = (select max(n) from counted) order by v limit {}",
        VALUES_MAX + 1
    );
    let ask = Ask::query(sql, Apart::HeavyAggregate);
    Ok(Compiled::aggregate(ask, move |answers| {
        let modes: Vec<Json> =
            counted(answers.queries.first())?.into_iter().map(|(value, _)| value).collect();
        let hits = modes.iter().filter(|mode| set.iter().any(|known| same(known, mode))).count();
        let success = if ties { hits > 0 } else { modes.len() == 1 && hits == 1 };
        Ok(Judged::observed(success, modes.into()))
    }))
}

/// Kullback-Leibler divergence of the frequencies from a categorical partition, as GX computes it.
fn divergence(arguments: &Arguments<'_>) -> Result<Compiled, Problem> {
    let invalid = || Problem::new("Invalid partition object.");
    let partition = arguments.get("partition_object").ok_or_else(invalid)?;
    let list = |key: &str| partition.get(key).and_then(Json::as_array).cloned();
    let (Some(categories), Some(weights)) = (list("values"), list("weights")) else {
        let message = "`partition_object` with `bins` is not supported: only one with `values`";
        return Err(if partition.get("bins").is_some() {
            Problem::new(message)
        } else {
            invalid()
        });
    };
    let weights: Option<Vec<f64>> = weights.iter().map(Json::as_f64).collect();
    let weights = weights.ok_or_else(invalid)?;
    let total: f64 = weights.iter().sum();
    if weights.len() != categories.len() || (total - 1.0).abs() > 1e-6 {
        return Err(invalid());
    }
    let holdout = arguments.number("tail_weight_holdout")?.unwrap_or(0.0);
    if !(0.0..=1.0).contains(&holdout) {
        return Err(Problem::new("tail_weight_holdout must be between zero and one."));
    }
    if arguments.number("internal_weight_holdout")?.unwrap_or(0.0) > 0.0 {
        return Err(Problem::new("Internal weight holdout cannot be used for discrete data."));
    }
    let threshold = arguments.number("threshold")?;
    if threshold.is_some_and(|threshold| threshold < 0.0) {
        return Err(Problem::new("Threshold must be specified, greater than or equal to zero."));
    }
    let ask = counts(arguments, "n desc, v")?;
    Ok(Compiled::aggregate(ask, move |answers| {
        let counted = counted(answers.queries.first())?;
        Ok(divergent(&categories, &weights, &counted, holdout, threshold))
    }))
}

fn divergent(
    categories: &[Json],
    weights: &[f64],
    counted: &[(Json, u64)],
    holdout: f64,
    threshold: Option<f64>,
) -> Judged {
    let total: u64 = counted.iter().map(|(_, count)| count).sum();
    let share = |count: u64| if total == 0 { 0.0 } else { count as f64 / total as f64 };
    let mut names: Vec<Json> = categories.to_vec();
    let found = |name: &Json| counted.iter().find(|(value, _)| same(value, name));
    let mut observed: Vec<f64> =
        names.iter().map(|name| found(name).map_or(0.0, |(_, count)| share(*count))).collect();
    let mut expected: Vec<f64> = weights.to_vec();
    let others: Vec<&(Json, u64)> = counted
        .iter()
        .filter(|(value, _)| !categories.iter().any(|known| same(known, value)))
        .collect();
    if !others.is_empty() {
        expected.iter_mut().for_each(|weight| *weight *= 1.0 - holdout);
    }
    for (value, count) in &others {
        names.push(value.clone());
        observed.push(share(*count));
        expected.push(holdout / others.len() as f64);
    }
    let (all_observed, all_expected) = (observed.iter().sum::<f64>(), expected.iter().sum::<f64>());
    let divergence: f64 = observed
        .iter()
        .zip(&expected)
        .filter(|(observed, _)| **observed > 0.0)
        .map(|(observed, expected)| {
            let (p, q) = (observed / all_observed, expected / all_expected);
            p * (p / q).ln()
        })
        .sum();
    let success = threshold.is_none_or(|threshold| divergence <= threshold);
    let value = if divergence.is_finite() { json!(divergence) } else { Json::Null };
    let mut judged = Judged::observed(success, value);
    let details = json!({
        "observed_partition": {"values": names, "weights": observed},
        "expected_partition": {"values": names, "weights": expected},
    });
    judged.result.insert("details".to_owned(), details);
    judged
}
