//! A check as SQL: dbt's query, whose rows are the failures, and where there is one a condition on single rows.

use crate::base::TableName;
use crate::project::{Check, CheckKind};

/// SQL that returns what dbt's own test macro returns: one row for each failure.
///
/// Source: dbt-core's `include/global_project/macros/generic_test_sql`.
pub(super) fn failing_rows(
    check: &Check,
    tested: Option<&TableName>,
    to: Option<&TableName>,
) -> String {
    let model = subject(check, tested);
    match &check.kind {
        CheckKind::Unique { column } => format!(
            "select {column} as unique_field, count(*) as n_records from {model} \
             where {column} is not null group by {column} having count(*) > 1"
        ),
        CheckKind::NotNull { column } => {
            // dbt returns whole rows only where failures are stored; the count is the same.
            format!("select * from {model} where {column} is null")
        }
        CheckKind::AcceptedValues { column, values, quote } => format!(
            "select value_field, n_records from (select {column} as value_field, count(*) as n_records \
             from {model} group by {column}) as all_values where value_field not in ({})",
            literals(values, *quote)
        ),
        CheckKind::Relationships { column, field, .. } => format!(
            "select from_field from (select {column} as from_field from {model} where {column} is not null) \
             as child left join (select {field} as to_field from {to}) as parent \
             on child.from_field = parent.to_field where parent.to_field is null",
            to = to.map(TableName::quoted).unwrap_or_default(),
        ),
        CheckKind::Singular { sql } => sql.text.clone(),
    }
}

/// The condition that a failing row of the tested table meets, where single rows tell; null counts as not met.
///
/// Where no row meets it, [`failing_rows`] returns none either.
pub(super) fn row_condition(check: &Check) -> Option<String> {
    let condition = match &check.kind {
        CheckKind::NotNull { column } => format!("{column} is null"),
        CheckKind::AcceptedValues { column, values, quote } => {
            format!("{column} not in ({})", literals(values, *quote))
        }
        CheckKind::Unique { .. } | CheckKind::Relationships { .. } | CheckKind::Singular { .. } => {
            return None;
        }
    };
    Some(match &check.config.filter {
        Some(filter) => format!("({condition}) and ({filter})"),
        None => condition,
    })
}

/// What is tested: the table, or its rows that meet the `where` configuration, as dbt wraps it.
fn subject(check: &Check, tested: Option<&TableName>) -> String {
    let table = tested.map(TableName::quoted).unwrap_or_default();
    match &check.config.filter {
        Some(filter) => format!("(select * from {table} where {filter}) as dbt_subquery"),
        None => table,
    }
}

fn literals(values: &[String], quote: bool) -> String {
    let literal = |value: &String| match quote {
        true => format!("'{}'", value.replace('\'', "''")),
        false => value.clone(),
    };
    values.iter().map(literal).collect::<Vec<_>>().join(", ")
}
