//! Nodes that depend on one another in a circle.

use std::collections::{BTreeMap, BTreeSet};

use super::compile::Compiled;
use super::references;
use crate::base::{Diagnostic, Diagnostics, NodeId};

/// Reports every circle once, at the reference that closes it.
pub(super) fn check(compiled: &[Compiled], problems: &mut Diagnostics) {
    let by_id: BTreeMap<&NodeId, &Compiled> =
        compiled.iter().map(|compiled| (&compiled.node.id, compiled)).collect();
    let mut done: BTreeSet<&NodeId> = BTreeSet::new();
    for start in by_id.keys() {
        if let Some(circle) = circle_from(start, &by_id, &mut done) {
            problems.push(report(&circle, &by_id));
        }
    }
}

/// The first circle that a walk from `start` comes upon; what the walk has seen is `done`.
fn circle_from<'a>(
    start: &'a NodeId,
    by_id: &BTreeMap<&'a NodeId, &'a Compiled>,
    done: &mut BTreeSet<&'a NodeId>,
) -> Option<Vec<&'a NodeId>> {
    let mut path: Vec<&NodeId> = Vec::new();
    let mut todo: Vec<(&NodeId, bool)> = vec![(start, false)];
    let mut circle = None;
    while let Some((id, leaving)) = todo.pop() {
        if leaving {
            path.pop();
            done.insert(id);
            continue;
        }
        if let Some(position) = path.iter().position(|known| *known == id) {
            circle = circle.or_else(|| Some(path[position..].to_vec()));
            continue;
        }
        let Some(compiled) = by_id.get(id).filter(|_| !done.contains(id)) else { continue };
        path.push(id);
        todo.push((id, true));
        todo.extend(compiled.depends_on.iter().rev().map(|next| (next, false)));
    }
    circle
}

fn report(circle: &[&NodeId], by_id: &BTreeMap<&NodeId, &Compiled>) -> Diagnostic {
    let mut names: Vec<&str> = circle.iter().map(|id| id.short()).collect();
    names.extend(names.first().copied());
    let message = format!("these models depend on one another in a circle: {}", names.join(" -> "));
    let problem = Diagnostic::error(message);
    let (Some(last), Some(first)) = (circle.last(), circle.first()) else { return problem };
    let Some(source) = by_id.get(last).map(|compiled| &compiled.node.file.source) else {
        return problem;
    };
    let site = references::site(source, "ref", &[first.short().to_owned()]);
    let range = site.and_then(|site| Some(site.arguments.first()?.1.clone()));
    problem.at(source.span(range.unwrap_or(0..0)))
}
