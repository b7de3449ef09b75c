//! One run: plan the graph, stage every table in a draft, check it, publish it as one version.
//!
//! Invariant: nothing a reader can see changes before [`finish`] publishes, and it publishes only a draft that passed.

mod failures;
mod finish;
mod graph;
mod model;
mod report;
mod staging;
mod workspace;

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};

use crate::base::{NodeId, RunId};
use crate::checks::{self, CheckRun};
use crate::engine::TableSet;
use crate::project::{Check, Node};
use crate::record::{Finding, InputCount, NodeResult};
use crate::warehouse::Draft;

pub(crate) use report::{BuildError, Report};
pub(crate) use workspace::Workspace;

/// Which verb runs: what of the graph it touches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verb {
    /// Everything, checks included.
    Build,
    /// Models only; publishes untested.
    Run,
    /// Seeds only; publishes untested.
    Seed,
    /// Checks only, against the current version.
    Test,
}

impl Verb {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Build => "build",
            Self::Run => "run",
            Self::Seed => "seed",
            Self::Test => "test",
        }
    }

    fn touches(self, node: &Node) -> bool {
        match self {
            Self::Build => true,
            Self::Run => matches!(node, Node::Model(_) | Node::Endpoint(_)),
            Self::Seed => matches!(node, Node::Seed(_)),
            Self::Test => matches!(node, Node::Check(_)),
        }
    }
}

/// What a run is asked to do.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    pub(crate) verb: Verb,
    pub(crate) select: Vec<String>,
    pub(crate) exclude: Vec<String>,
    /// Build every selected table, whatever the last version holds.
    pub(crate) full_refresh: bool,
    /// Stop at the first thing that fails.
    pub(crate) fail_fast: bool,
}

/// What one run has done so far.
struct Progressed {
    started: DateTime<Utc>,
    selected: BTreeSet<NodeId>,
    inputs: Vec<InputCount>,
    nodes: Vec<NodeResult>,
    findings: Vec<Finding>,
    warnings: Vec<String>,
    /// Why rejects or a node keep the run from publishing, beyond what nodes and findings say.
    failures: Vec<String>,
}

/// Runs one verb over the project and publishes what passed.
///
/// A failed check, rejects over a limit or a conflict are part of the [`Report`].
///
/// # Errors
/// What kept the run from being carried out: a wrong selection, a damaged or unwritable warehouse.
pub(crate) async fn run(workspace: &Workspace, options: &Options) -> Result<Report, BuildError> {
    let started = workspace.clock.now();
    let selected = crate::project::select(&workspace.project, &options.select, &options.exclude)?;
    let asked: Vec<String> = options.select.iter().chain(&options.exclude).cloned().collect();
    for nothing in crate::project::unmatched(&workspace.project, &asked)? {
        workspace.progress.note(&nothing.render());
    }
    let parent = workspace.warehouse.latest()?;
    if options.verb == Verb::Test && parent.is_none() {
        return Err(BuildError::NothingPublished);
    }
    let mut draft = workspace.warehouse.draft(parent, RunId::new(started));
    remove_orphans(workspace, &draft);
    let warnings = mend(workspace, options, &selected, &mut draft)?;
    let mut progressed = Progressed {
        started,
        selected,
        inputs: Vec::new(),
        nodes: Vec::new(),
        findings: Vec::new(),
        warnings,
        failures: Vec::new(),
    };
    graph::build_tables(workspace, options, &draft, &mut progressed).await;
    if !(options.fail_fast && progressed.has_failed()) {
        check(workspace, options, &draft, &mut progressed).await;
    }
    if options.verb != Verb::Test && !progressed.has_failed() {
        finish::plan_views(workspace, &draft, &mut progressed).await;
    }
    let mut report = finish::finish(workspace, options, &draft, progressed)?;
    finish::tell(workspace, &draft, &mut report).await;
    Ok(report)
}

/// Tables that no node makes any more leave the next version.
fn remove_orphans(workspace: &Workspace, draft: &Draft) {
    let mut made: BTreeSet<_> = workspace.project.nodes.values().filter_map(Node::table).collect();
    let sources = workspace.project.nodes.values().filter_map(|node| match node {
        Node::Source(source) => Some(&source.quarantine),
        _ => None,
    });
    made.extend(sources);
    made.extend(workspace.project.nodes.values().filter_map(|node| match node {
        Node::Check(check) => check.stored.as_ref(),
        _ => None,
    }));
    for table in draft.state().tables.keys() {
        if !made.contains(table) {
            draft.remove(table);
        }
    }
}

/// Lets tables that have lost a file be made again where this run makes them, and tells of them all.
fn mend(
    workspace: &Workspace,
    options: &Options,
    selected: &BTreeSet<NodeId>,
    draft: &mut Draft,
) -> Result<Vec<String>, BuildError> {
    let mut warnings = Vec::new();
    for (table, path) in draft.damaged()? {
        let is_maker = |(id, node): &(&NodeId, &Node)| {
            let quarantine = match node {
                Node::Source(source) => Some(&source.quarantine),
                _ => None,
            };
            graph::is_due(options.verb, selected, id, node)
                && (node.table() == Some(&table) || quarantine == Some(&table))
        };
        let path = path.display();
        if workspace.project.nodes.iter().any(|node| is_maker(&node)) {
            draft.forget(&table);
            warnings.push(format!("`{table}` was made again: `{path}` is missing or damaged"));
        } else {
            let advice = "`clearwell build` makes the table again";
            warnings.push(format!("`{table}`: `{path}` is missing or damaged; {advice}"));
        }
    }
    Ok(warnings)
}

/// Runs the selected checks whose tables stand.
async fn check(
    workspace: &Workspace,
    options: &Options,
    draft: &Draft,
    progressed: &mut Progressed,
) {
    let bad: BTreeSet<&NodeId> = progressed.failed_nodes().collect();
    let is_due = |check: &&Check| {
        progressed.selected.contains(&check.info.id)
            && check.info.depends_on.iter().all(|needed| !bad.contains(needed))
    };
    let checks: Vec<&Check> = workspace
        .project
        .nodes
        .values()
        .filter(|node| options.verb.touches(node))
        .filter_map(|node| match node {
            Node::Check(check) => Some(check),
            _ => None,
        })
        .filter(is_due)
        .collect();
    if checks.is_empty() {
        return;
    }
    let state = draft.state();
    for check in &checks {
        for table in checks::reads(&workspace.project, &state, check) {
            draft.depend_on(&table);
        }
    }
    let tables = TableSet::of(workspace.warehouse.root(), &state.tables);
    let session = workspace.engine.counting_session(std::sync::Arc::new(tables));
    let context = CheckRun {
        warehouse: &workspace.warehouse,
        project: &workspace.project,
        session: &session,
        state: &state,
        parallel: workspace.threads,
    };
    let mut findings = checks::run(&context, &checks).await;
    for (table, rows) in session.scans() {
        tracing::info!(%table, rows, "scanned by checks");
    }
    if options.verb == Verb::Build {
        failures::keep(workspace, draft, &context, &checks, &mut findings).await;
    }
    report::tell_findings(workspace.progress.as_ref(), &findings);
    progressed.findings = findings;
}

impl Progressed {
    fn failed_nodes(&self) -> impl Iterator<Item = &NodeId> {
        use crate::record::NodeStatus::{Failed, Skipped};
        let is_bad = |result: &&NodeResult| matches!(result.status, Failed | Skipped);
        self.nodes.iter().filter(is_bad).map(|result| &result.node)
    }

    fn has_failed(&self) -> bool {
        !self.failures.is_empty()
            || self.failed_nodes().next().is_some()
            || self.findings.iter().any(|finding| finding.status.blocks())
    }
}
