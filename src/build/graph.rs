//! The nodes that make tables, in the order of the graph and as many at once as there are cores.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use futures::StreamExt;
use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;

use super::{Options, Progressed, Verb, Workspace, model, report};
use crate::base::{Diagnostic, NodeId};
use crate::ingest::loading::{self, LoadContext, LoadError};
use crate::project::{Node, Source};
use crate::record::{InputCount, NodeResult, NodeStatus};
use crate::warehouse::Draft;

/// What building one node gave.
struct Outcome {
    result: NodeResult,
    input: Option<InputCount>,
    warnings: Vec<String>,
    failure: Option<String>,
}

/// Builds the selected tables into the draft. What depends on a failed node is skipped.
pub(super) async fn build_tables(
    workspace: &Workspace,
    options: &Options,
    draft: &Draft,
    progressed: &mut Progressed,
) {
    let mut waiting = dependencies(workspace, options, progressed);
    let mut bad: BTreeSet<NodeId> = BTreeSet::new();
    let mut under_way: FuturesUnordered<BoxFuture<'_, Outcome>> = FuturesUnordered::new();
    loop {
        let stop = options.fail_fast && !bad.is_empty();
        while !stop && under_way.len() < workspace.threads {
            let Some(id) = next_ready(&waiting) else { break };
            let needs_bad = workspace.needs(&id).find(|needed| bad.contains(*needed)).cloned();
            waiting.remove(&id);
            match (needs_bad, workspace.project.nodes.get(&id)) {
                (Some(needed), _) => {
                    bad.insert(id.clone());
                    settle(&mut waiting, &id);
                    progressed.take(workspace, skipped(&id, &needed));
                }
                (None, Some(node)) => {
                    under_way.push(Box::pin(build_node(workspace, options, draft, node)));
                }
                (None, None) => settle(&mut waiting, &id),
            }
        }
        let Some(outcome) = under_way.next().await else { return };
        let id = outcome.result.node.clone();
        if outcome.result.status == NodeStatus::Failed {
            bad.insert(id.clone());
        }
        settle(&mut waiting, &id);
        progressed.take(workspace, outcome);
    }
}

/// The selected nodes that make tables, each with those it still waits for.
fn dependencies(
    workspace: &Workspace,
    options: &Options,
    progressed: &Progressed,
) -> BTreeMap<NodeId, BTreeSet<NodeId>> {
    let nodes = workspace.project.nodes.iter();
    let due = nodes.filter(|(id, node)| is_due(options.verb, &progressed.selected, id, node));
    let due: BTreeSet<NodeId> = due.map(|(id, _)| id.clone()).collect();
    due.iter().map(|id| (id.clone(), workspace.waits_for(id, &due))).collect()
}

/// Whether the run makes the table of `node`.
pub(super) fn is_due(verb: Verb, selected: &BTreeSet<NodeId>, id: &NodeId, node: &Node) -> bool {
    let makes_table = match node {
        Node::Source(source) => source.location.is_some(),
        node => node.table().is_some(),
    };
    makes_table && verb.touches(node) && selected.contains(id)
}

/// The first node, in the order of names, that waits for nothing.
fn next_ready(waiting: &BTreeMap<NodeId, BTreeSet<NodeId>>) -> Option<NodeId> {
    waiting.iter().find(|(_, needed)| needed.is_empty()).map(|(id, _)| id.clone())
}

fn settle(waiting: &mut BTreeMap<NodeId, BTreeSet<NodeId>>, done: &NodeId) {
    for needed in waiting.values_mut() {
        needed.remove(done);
    }
}

impl Workspace {
    /// What a node is built from: its references, and the tables that a source's foreign keys name.
    fn needs(&self, id: &NodeId) -> impl Iterator<Item = &NodeId> {
        self.project.nodes.get(id).into_iter().flat_map(|node| node.info().depends_on.iter())
    }

    /// The nodes of `due` that must be done before `id`, seen through nodes that make no table.
    fn waits_for(&self, id: &NodeId, due: &BTreeSet<NodeId>) -> BTreeSet<NodeId> {
        let mut found = BTreeSet::new();
        let mut seen = BTreeSet::new();
        let mut open: Vec<&NodeId> = self.needs(id).collect();
        while let Some(needed) = open.pop() {
            if needed == id || !seen.insert(needed) {
                continue;
            }
            if due.contains(needed) {
                found.insert(needed.clone());
            } else {
                open.extend(self.needs(needed));
            }
        }
        found
    }
}

async fn build_node<'a>(
    workspace: &'a Workspace,
    options: &'a Options,
    draft: &'a Draft,
    node: &'a Node,
) -> Outcome {
    let started = Instant::now();
    let mut outcome = match node {
        Node::Source(source) => load_source(workspace, options, draft, source).await,
        Node::Seed(seed) => {
            let context = load_context(workspace, options, draft);
            match loading::load_seed(&context, seed).await {
                Ok(loaded) => done(&seed.info.id, loaded.changed, Some(loaded.count.rows_accepted)),
                Err(error) => failed(&seed.info.id, explain(&error, None)),
            }
        }
        Node::Model(model) => {
            match model::build(workspace, draft, model, options.full_refresh).await {
                Ok(built) => done(&model.info.id, built.changed, built.rows),
                Err(message) => failed(&model.info.id, message),
            }
        }
        Node::Check(_) | Node::Endpoint(_) => done(&node.info().id, false, None),
    };
    outcome.result.seconds = started.elapsed().as_secs_f64();
    outcome
}

async fn load_source(
    workspace: &Workspace,
    options: &Options,
    draft: &Draft,
    source: &Source,
) -> Outcome {
    let context = load_context(workspace, options, draft);
    match loading::load(&context, source).await {
        Ok(loaded) => {
            let rows = Some(loaded.count.rows_accepted);
            let mut outcome = done(&source.info.id, loaded.changed, rows);
            let quarantine = source.quarantine.to_string();
            outcome.input = Some(InputCount { quarantine, ..loaded.count });
            outcome.warnings = loaded.warnings;
            outcome.failure = loaded.failure.map(|failure| failure.to_string());
            outcome
        }
        Err(error) => failed(&source.info.id, explain(&error, Some(source))),
    }
}

/// What kept a table from being loaded, where the source asks for it, and what to do about it.
fn explain(error: &LoadError, source: Option<&Source>) -> String {
    let mut problem = Diagnostic::error(error.to_string());
    problem.hints = error.hints();
    let place = |source: &Source| match error.check() {
        Some(check) => source.check_spans.get(check).cloned(),
        None => source.location_span.clone().filter(|_| error.is_of_location()),
    };
    problem.span = source.and_then(place);
    problem.render()
}

fn load_context<'a>(
    workspace: &'a Workspace,
    options: &Options,
    draft: &'a Draft,
) -> LoadContext<'a> {
    LoadContext {
        warehouse: &workspace.warehouse,
        draft,
        engine: &workspace.engine,
        base_dir: &workspace.base_dir,
        progress: workspace.progress.as_ref(),
        threads: workspace.threads,
        full_refresh: options.full_refresh,
    }
}

fn done(id: &NodeId, changed: bool, rows: Option<u64>) -> Outcome {
    let status = if changed { NodeStatus::Built } else { NodeStatus::Unchanged };
    let result = NodeResult { node: id.clone(), status, rows, seconds: 0.0, message: None };
    Outcome { result, input: None, warnings: Vec::new(), failure: None }
}

fn failed(id: &NodeId, message: String) -> Outcome {
    let mut outcome = done(id, false, None);
    outcome.result.status = NodeStatus::Failed;
    outcome.result.message = Some(message);
    outcome
}

fn skipped(id: &NodeId, needed: &NodeId) -> Outcome {
    let mut outcome = failed(id, format!("needs `{}`, which failed", needed.short()));
    outcome.result.status = NodeStatus::Skipped;
    outcome
}

impl Progressed {
    fn take(&mut self, workspace: &Workspace, outcome: Outcome) {
        let line = || report::node_line(&workspace.project, &outcome.result);
        match outcome.result.status {
            NodeStatus::Unchanged => {}
            NodeStatus::Failed => workspace.progress.complain(&line()),
            NodeStatus::Built | NodeStatus::Skipped => workspace.progress.note(&line()),
        }
        if let Some(input) = outcome.input {
            self.inputs.push(input);
        }
        self.warnings.extend(outcome.warnings);
        self.failures.extend(outcome.failure);
        self.nodes.push(outcome.result);
    }
}
