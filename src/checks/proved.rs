//! What the contract of a source or the statistics of a table already prove, so that no row is looked at for it.

use super::dbt::Test;
use crate::project::CheckKind;
use crate::warehouse::{DataFile, State, TableContent};

/// Whether `test` passes, known without a look at the rows.
pub(super) fn passes(test: &Test<'_>, state: &State) -> bool {
    match &test.check.kind {
        // `warn_if: "= 0"` is met by none that fail.
        _ if !test.is_judged_by_default() => false,
        // Whether that can be asked for is only known when it is.
        _ if test.check.config.filter.is_some() => false,
        CheckKind::NotNull { column } => has_no_nulls(test, state, column),
        CheckKind::Unique { column } => {
            unique_columns(test, state).iter().any(|unique| same_name(unique, column))
        }
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

/// The columns of what is tested whose values differ, nulls aside, by the contract under which the source was loaded: what
/// broke it is not in the table.
pub(super) fn unique_columns<'a>(test: &Test<'_>, state: &'a State) -> Vec<&'a str> {
    let manifest = test.tested.and_then(|table| state.tables.get(table));
    let keys = manifest.and_then(|manifest| manifest.load.as_ref()).map(|load| &load.unique);
    let alone = keys.into_iter().flatten().filter_map(|key| match key.as_slice() {
        [column] => Some(column.as_str()),
        _ => None,
    });
    alone.collect()
}

/// Whether both name the same column, quoted or not.
pub(super) fn same_name(one: &str, other: &str) -> bool {
    one.trim_matches('"').to_lowercase() == other.trim_matches('"').to_lowercase()
}
