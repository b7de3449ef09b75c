//! The order in which nodes can be built.

use std::collections::{BTreeMap, BTreeSet};

use super::graph::Project;
use crate::base::NodeId;

/// All nodes, each behind those that it depends on; among those that could come next, by id.
pub(crate) fn order(project: &Project) -> Vec<NodeId> {
    let mut waits: BTreeMap<&NodeId, usize> = BTreeMap::new();
    let mut users: BTreeMap<&NodeId, Vec<&NodeId>> = BTreeMap::new();
    for (id, node) in &project.nodes {
        waits.insert(id, node.info().depends_on.len());
        for needed in &node.info().depends_on {
            users.entry(needed).or_default().push(id);
        }
    }
    let mut ready: BTreeSet<&NodeId> =
        waits.iter().filter(|(_, count)| **count == 0).map(|(id, _)| *id).collect();
    let mut order = Vec::with_capacity(project.nodes.len());
    while let Some(id) = ready.pop_first() {
        order.push(id.clone());
        for user in users.get(id).into_iter().flatten() {
            let Some(count) = waits.get_mut(user) else { continue };
            *count -= 1;
            if *count == 0 {
                ready.insert(user);
            }
        }
    }
    order
}
