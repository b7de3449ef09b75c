//! Row filters of endpoints: which rows of a model belong to whoever asks.

use super::super::graph::RowFilter;
use super::super::jinja::Lookup;
use super::super::yaml::{self, Yaml};
use super::references;
use crate::base::{Diagnostic, Diagnostics, TableName};

const KNOWN: [&str; 3] = ["model", "column", "claim"];

/// The `row_filters` of the endpoint `name`: a list of `{model, column, claim}`.
pub(super) fn read(
    name: &str,
    written: &Yaml,
    lookup: &Lookup,
    problems: &mut Diagnostics,
) -> Vec<RowFilter> {
    let Some(filters) = written.get("row_filters") else { return Vec::new() };
    let items = yaml::items(filters, "`row_filters`", problems);
    items.iter().filter_map(|item| one(name, item, lookup, problems)).collect()
}

fn one(
    name: &str,
    written: &Yaml,
    lookup: &Lookup,
    problems: &mut Diagnostics,
) -> Option<RowFilter> {
    yaml::only_keys(written, "a row filter", &KNOWN, problems);
    let mut text = |key: &str| match written.get(key) {
        Some(value) => yaml::text(value, &format!("`{key}`"), problems),
        None => {
            let message = format!("a row filter of the endpoint `{name}` has no `{key}`");
            let problem = Diagnostic::error(message).at(written.span.clone());
            problems.push(problem.hint("write `{model: …, column: …, claim: …}`"));
            None
        }
    };
    let (model, column, claim) = (text("model"), text("column"), text("claim"));
    let (model, column, claim) = (model?, column?, claim?);
    let span = written.get("model").map_or(&written.span, |value| &value.span).clone();
    match lookup.find("ref", std::slice::from_ref(&model)) {
        Err(missing) => {
            let who = format!("a row filter of the endpoint `{name}`");
            problems.push(references::diagnostic(&who, &missing, lookup).at(span));
            None
        }
        Ok(found) => match TableName::new(&found.relation.schema, &found.relation.name) {
            Ok(table) if found.relation.kind != "cte" => Some(RowFilter { table, column, claim }),
            _ => {
                let message = format!("`{model}` is ephemeral: it has no rows to filter");
                problems.push(Diagnostic::error(message).at(span));
                None
            }
        },
    }
}
