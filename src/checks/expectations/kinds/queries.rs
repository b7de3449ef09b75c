//! SQL of the user's own; and expectations that GX lists but does not compute.

use serde_json::{Value as Json, json};

use super::super::arguments::Arguments;
use super::super::kind::{Compiled, Judged, Kind};
use super::super::{Problem, values};
use crate::checks::form::{Apart, Ask};

/// How many unexpected rows a result shows.
const ROWS_MAX: usize = 200;

/// An expectation that only has a name.
const fn not_implemented(name: &'static str) -> Kind {
    Kind {
        name,
        help: "not computed by Great Expectations itself: an error that says so",
        arguments: &[
            "column",
            "column_A",
            "column_B",
            "distribution",
            "p_value",
            "params",
            "partition_object",
            "threshold",
            "bins_A",
            "bins_B",
            "n_bins_A",
            "n_bins_B",
            "bootstrap_samples",
            "bootstrap_sample_size",
            "tail_weight_holdout",
            "mostly",
        ],
        compile: |arguments| {
            let message = "is not implemented, as in Great Expectations itself";
            Err(Problem::new(format!("`{}` {message}", arguments.kind())))
        },
    }
}

pub(super) const KINDS: &[Kind] = &[
    Kind {
        name: "unexpected_rows_expectation",
        help: "`unexpected_rows_query`, where `{batch}` is the table, returns no row",
        arguments: &["unexpected_rows_query", "mostly", "description"],
        compile: unexpected_rows,
    },
    Kind {
        name: "expect_query_results_to_match_comparison",
        help: "two queries return the same rows, one of them in another data source: an error that says so",
        arguments: &["base_query", "comparison_data_source_name", "comparison_query", "mostly"],
        compile: |arguments| {
            let message = "compares with another data source, which there is none of here, nor for frames in Great Expectations";
            Err(Problem::new(format!("`{}` {message}", arguments.kind())))
        },
    },
    not_implemented("expect_column_bootstrapped_ks_test_p_value_to_be_greater_than"),
    not_implemented("expect_column_chisquare_test_p_value_to_be_greater_than"),
    not_implemented("expect_column_pair_cramers_phi_value_to_be_less_than"),
    not_implemented("expect_column_parameterized_distribution_ks_test_p_value_to_be_greater_than"),
];

fn unexpected_rows(arguments: &Arguments<'_>) -> Result<Compiled, Problem> {
    let written = arguments.required_text("unexpected_rows_query")?;
    let table = arguments.subject().relation();
    let table = match arguments.filter {
        Some(_) => format!("(select * from {table})"),
        None => table,
    };
    let sql = written.trim().trim_end_matches(';').replace("{batch}", &table);
    let mut ask =
        Ask::query(format!("select count(*) as n from ({sql}) as unexpected"), Apart::Query);
    let shown = format!("select * from ({sql}) as unexpected limit {ROWS_MAX}");
    ask.queries.push(crate::checks::form::Alone { sql: shown, why: Apart::Query });
    Ok(Compiled::aggregate(ask, |answers| {
        let [counted, rows] = answers.queries.as_slice() else {
            return Err(Problem::new("no answer"));
        };
        let count = crate::engine::int_at(counted.column(0).as_ref(), 0).unwrap_or(0);
        let schema = rows.schema();
        let row = |row: usize| -> Json {
            let cells = schema.fields().iter().zip(rows.columns());
            cells
                .map(|(field, cells)| (field.name().clone(), values::json(cells.as_ref(), row)))
                .collect::<serde_json::Map<_, _>>()
                .into()
        };
        let shown: Vec<Json> = (0..rows.num_rows()).map(row).collect();
        let mut judged = Judged::observed(count == 0, count.into());
        judged.result.insert("details".to_owned(), json!({"unexpected_rows": shown}));
        Ok(judged)
    }))
}
