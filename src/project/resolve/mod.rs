//! From what was written to nodes: configuration, tables, references, checks.

mod checks;
mod collisions;
mod columns;
mod compile;
mod constraints;
mod contract;
mod cycles;
mod declare;
mod endpoints;
mod ephemeral;
mod expectations;
mod generic_test;
mod names;
mod parameters;
mod reading;
mod references;
mod row_filters;
mod schemas;
mod sources;
mod sql_nodes;
mod tables;
mod test_sql;

use std::collections::BTreeMap;
use std::sync::Arc;

use self::ephemeral::Expressions;
use super::graph::{Node, Project};
use super::load::{Inputs, Workshop};
use crate::base::{Diagnostics, NodeId};

/// Resolves everything that can be; what cannot is reported, and left out or kept in a harmless form.
pub(super) fn resolve(workshop: &Workshop, inputs: &Inputs, problems: &mut Diagnostics) -> Project {
    let declared = declare::declare(workshop, inputs, problems);
    let lookup = Arc::new(declared.lookup());
    let mut nodes: BTreeMap<NodeId, Node> = BTreeMap::new();
    // Of two nodes with one id, which has been reported, the first stays.
    let add = |nodes: &mut BTreeMap<NodeId, Node>, node: Node| {
        nodes.entry(node.info().id.clone()).or_insert(node);
    };
    for source in declared.sources.iter().filter(|source| source.enabled) {
        let source = sources::resolve(workshop, source, &declared, &lookup, problems);
        add(&mut nodes, Node::Source(source));
    }
    for seed in declared.seeds.iter().filter(|seed| seed.enabled) {
        add(&mut nodes, Node::Seed(tables::seed(workshop, seed, problems)));
    }
    let mut compiled = compile::compile(workshop, &declared, &lookup, problems);
    cycles::check(&nodes, &compiled, problems);
    let ephemeral = match problems.has_errors() {
        true => Expressions::default(),
        false => ephemeral::inline(&mut compiled),
    };
    for node in compiled {
        if let Some(node) = sql_nodes::resolve(workshop, inputs, &lookup, node, problems) {
            add(&mut nodes, node);
        }
    }
    endpoints::check_described(inputs, problems);
    for check in checks::generic(workshop, &declared, &lookup, &ephemeral, problems) {
        add(&mut nodes, Node::Check(check));
    }
    for check in expectations::resolve(workshop, inputs, &nodes, problems) {
        add(&mut nodes, Node::Check(check));
    }
    problems.0.extend(workshop.settings.unused(&declared.fqns()));
    Project { nodes }
}
