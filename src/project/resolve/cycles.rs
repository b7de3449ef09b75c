//! Nodes that depend on one another in a circle.

use std::collections::{BTreeMap, BTreeSet};

use super::super::graph::Node;
use super::compile::Compiled;
use super::references;
use crate::base::{Diagnostic, Diagnostics, NodeId, Span};

type Edges<'a> = BTreeMap<&'a NodeId, &'a BTreeSet<NodeId>>;

/// Reports circles, each at the reference that closes it.
pub(super) fn check(
    nodes: &BTreeMap<NodeId, Node>,
    compiled: &[Compiled],
    problems: &mut Diagnostics,
) {
    let tables = nodes.iter().map(|(id, node)| (id, &node.info().depends_on));
    let files = compiled.iter().map(|compiled| (&compiled.node.id, &compiled.depends_on));
    let edges: Edges<'_> = tables.chain(files).collect();
    let mut done: BTreeSet<&NodeId> = BTreeSet::new();
    for start in edges.keys() {
        if let Some(circle) = circle_from(start, &edges, &mut done) {
            problems.push(report(&circle, nodes, compiled));
        }
    }
}

/// The first circle that a walk from `start` comes upon; what the walk has seen is `done`.
fn circle_from<'a>(
    start: &'a NodeId,
    edges: &Edges<'a>,
    done: &mut BTreeSet<&'a NodeId>,
) -> Option<Vec<&'a NodeId>> {
    let mut path: Vec<&NodeId> = Vec::new();
    let mut on_path: BTreeSet<&NodeId> = BTreeSet::new();
    let mut todo: Vec<(&NodeId, bool)> = vec![(start, false)];
    let mut circle = None;
    while let Some((id, leaving)) = todo.pop() {
        if leaving {
            path.pop();
            on_path.remove(id);
            done.insert(id);
            continue;
        }
        if on_path.contains(id) {
            let begins = path.iter().position(|known| *known == id).unwrap_or(0);
            circle = circle.or_else(|| Some(path[begins..].to_vec()));
            continue;
        }
        let Some(needed) = edges.get(id).filter(|_| !done.contains(id)) else { continue };
        path.push(id);
        on_path.insert(id);
        todo.push((id, true));
        todo.extend(needed.iter().rev().map(|next| (next, false)));
    }
    circle
}

fn report(circle: &[&NodeId], nodes: &BTreeMap<NodeId, Node>, compiled: &[Compiled]) -> Diagnostic {
    let shown = |id: &&NodeId| id.as_str().split('.').skip(2).collect::<Vec<_>>().join(".");
    let mut names: Vec<String> = circle.iter().map(shown).collect();
    names.extend(names.first().cloned());
    let (what, hint) = match circle.iter().all(|id| id.as_str().starts_with("source.")) {
        true => ("the foreign keys of these sources go in a circle", true),
        false => ("these nodes depend on one another in a circle", false),
    };
    let problem = Diagnostic::error(format!("{what}: {}", names.join(" -> ")));
    let problem = match hint {
        true => problem.hint("a `relationships` test can check one of them instead"),
        false => problem,
    };
    let (Some(last), Some(first)) = (circle.last(), circle.first()) else { return problem };
    match place(last, first, nodes, compiled) {
        Some(span) => problem.at(span),
        None => problem,
    }
}

/// Where `from` refers to `to`.
fn place(
    from: &NodeId,
    to: &NodeId,
    nodes: &BTreeMap<NodeId, Node>,
    compiled: &[Compiled],
) -> Option<Span> {
    let Some(compiled) = compiled.iter().find(|compiled| compiled.node.id == *from) else {
        return nodes.get(from)?.info().span.clone();
    };
    let source = &compiled.node.file.source;
    let parts: Vec<String> = to.as_str().split('.').skip(2).map(str::to_owned).collect();
    let function = if to.as_str().starts_with("source.") { "source" } else { "ref" };
    let site = references::site(source, function, &parts);
    let range = site.and_then(|site| Some(site.arguments.last()?.1.clone()));
    Some(source.span(range.unwrap_or(0..0)))
}
