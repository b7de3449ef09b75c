//! The second pass: SQL with every name in its place.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::super::graph::Materialization;
use super::super::jinja::{Lookup, Phase, Relation, Rendering};
use super::super::load::Workshop;
use super::super::sql::CompiledSql;
use super::declare::{Declared, SqlNode, model_json};
use super::references;
use crate::base::{Diagnostic, Diagnostics, NodeId, Severity};

/// A file of SQL, compiled; ephemeral models are not yet put in.
#[derive(Clone, Debug)]
pub(super) struct Compiled {
    pub(super) node: SqlNode,
    pub(super) sql: CompiledSql,
    pub(super) depends_on: BTreeSet<NodeId>,
}

/// Compiles every file of SQL that is switched on and whose first pass went well.
pub(super) fn compile(
    workshop: &Workshop,
    declared: &Declared,
    lookup: &Arc<Lookup>,
    problems: &mut Diagnostics,
) -> Vec<Compiled> {
    let ready = declared.sql.iter().filter(|node| node.enabled && !node.broken);
    ready.filter_map(|node| one(workshop, node, lookup, problems)).collect()
}

fn one(
    workshop: &Workshop,
    node: &SqlNode,
    lookup: &Arc<Lookup>,
    problems: &mut Diagnostics,
) -> Option<Compiled> {
    let (path, source) = (&node.file.path, &node.file.source);
    let this = node.table.as_ref().map(|table| match node.materialization {
        Materialization::View => Relation { kind: "view", ..Relation::table(table) },
        _ => Relation::table(table),
    });
    let kind = node.purpose.name();
    let model = model_json(kind, node.id.as_str(), node.name(), path, &node.configuration);
    let phase = Phase::Compile(lookup.clone());
    let rendering = Rendering::new(phase, model, this).with_config(node.configuration.to_map());
    let rendering = Arc::new(rendering);
    let output = match workshop.templates.render(path, workshop.scope(&rendering)) {
        Ok(output) => output,
        Err(error) => {
            problems.push(workshop.diagnose(&error));
            return None;
        }
    };
    let record = rendering.take_record();
    for message in record.warnings {
        problems.push(Diagnostic {
            severity: Severity::Warning,
            ..Diagnostic::error(message).at(source.span(0..0))
        });
    }
    let mut all = record.references;
    all.extend(node.references.iter().cloned());
    let who = format!("the {kind} `{}`", node.name());
    let depends_on = references::resolve(&who, source, &all, lookup, problems);
    Some(Compiled { node: node.clone(), sql: output.into_sql(source), depends_on })
}
