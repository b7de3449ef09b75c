//! Checks whose passing the contract of a source or the statistics of a table already prove.

use super::dbt::Test;
use crate::project::{CheckKind, Node, Project};
use crate::warehouse::{DataFile, State, TableContent};

/// Whether `test` passes, known without a look at the rows.
pub(super) fn passes(test: &Test<'_>, project: &Project, state: &State) -> bool {
    match &test.check.kind {
        // `warn_if: "= 0"` is met by none that fail.
        _ if !test.is_judged_by_default() => false,
        CheckKind::NotNull { column } => has_no_nulls(test, state, column),
        CheckKind::Unique { column } => is_contracts_key(test, project, state, column),
        _ => false,
    }
}

fn has_no_nulls(test: &Test<'_>, state: &State, column: &str) -> bool {
    let Some(manifest) = test.tested.and_then(|table| state.tables.get(table)) else {
        return false;
    };
    let TableContent::Files { files } = &manifest.content else { return false };
    let Some(column) = manifest.columns.iter().find(|known| same_name(&known.name, column)) else {
        return false;
    };
    let nulls = |file: &DataFile| file.columns.get(&column.name).map(|known| known.nulls);
    files.iter().all(|file| nulls(file) == Some(0))
}

fn is_contracts_key(test: &Test<'_>, project: &Project, state: &State, column: &str) -> bool {
    let stands = test.tested.is_some_and(|table| state.tables.contains_key(table));
    let target = test.check.target.as_ref().and_then(|id| project.nodes.get(id));
    let Some(Node::Source(source)) = target.filter(|_| stands) else { return false };
    source.contract.as_ref().is_some_and(|contract| {
        let alone = |key: &[String]| key.len() == 1 && same_name(&key[0], column);
        alone(&contract.primary_key) || contract.unique.iter().any(|key| alone(key))
    })
}

fn same_name(one: &str, other: &str) -> bool {
    one.trim_matches('"').to_lowercase() == other.trim_matches('"').to_lowercase()
}
