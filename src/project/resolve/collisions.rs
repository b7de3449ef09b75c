//! Nodes that get into one another's way.

use std::collections::{BTreeMap, BTreeSet};

use super::super::properties::SourceProperties;
use super::declare::Declared;
use crate::base::{Diagnostic, Diagnostics, NodeId, TableName};

/// Reports names that two nodes have and tables that two nodes make.
pub(super) fn check(declared: &Declared, problems: &mut Diagnostics) {
    check_ids(declared, problems);
    check_tables(declared, problems);
}

/// Two files of one name, two descriptions of one source table.
fn check_ids(declared: &Declared, problems: &mut Diagnostics) {
    let mut seen: BTreeMap<String, String> = BTreeMap::new();
    let sql = declared.sql.iter().map(|node| (&node.id, &node.file));
    let seeds = declared.seeds.iter().map(|seed| (&seed.id, &seed.file));
    for (id, file) in sql.chain(seeds) {
        // Models and seeds share the names that `ref` looks up.
        let (kind, _) = id.as_str().split_once('.').unwrap_or_default();
        let kind = if kind == "seed" { "model" } else { kind };
        let key = format!("{kind} {}", file.stem());
        match seen.get(&key) {
            Some(other) => {
                let message = format!("`{}` and `{other}` have the same name", file.path);
                let problem = Diagnostic::error(message).at(file.source.span(0..0));
                problems.push(problem.hint("rename one of the files"));
            }
            None => {
                seen.insert(key, file.path.clone());
            }
        }
    }
    let mut sources = BTreeSet::new();
    for source in &declared.sources {
        if !sources.insert(&source.id) {
            let SourceProperties { source: name, table, span, .. } = &source.properties;
            let message = format!("the source table `{name}.{table}` is described twice");
            problems.push(Diagnostic::error(message).at(span.clone()));
        }
    }
}

/// Two nodes that make one table.
fn check_tables(declared: &Declared, problems: &mut Diagnostics) {
    let mut made: BTreeMap<&TableName, &NodeId> = BTreeMap::new();
    for (table, id, span) in declared.makers() {
        match made.get(table) {
            Some(other) if *other != id => {
                let message = format!("`{other}` and `{id}` both make the table `{table}`");
                problems.push(
                    Diagnostic::error(message).at(span).hint("`alias` or `schema` sets them apart"),
                );
            }
            _ => {
                made.insert(table, id);
            }
        }
    }
}
