//! The end of a run: endpoints planned, the draft published or kept as evidence, the record written.

use std::sync::Arc;

use super::{BuildError, Options, Progressed, Report, Verb, Workspace, report, staging};
use crate::base::{Diagnostic, NodeId, Version};
use crate::checks;
use crate::docs::{self, ReportSource, Reported};
use crate::endpoints::{self, PlannedEndpoint};
use crate::engine::TableSet;
use crate::project::Node;
use crate::record::{NodeResult, NodeStatus, RunOutcome, RunRecord, Verdicts};
use crate::warehouse::{Annex, Draft, Manifest, Publication, PublishOutcome, TableContent};
use chrono::SubsecRound;

/// Plans the endpoints, publishes if everything passed, and writes the run's record either way.
pub(super) fn finish(
    workspace: &Workspace,
    options: &Options,
    draft: &Draft,
    mut progressed: Progressed,
) -> Result<Report, BuildError> {
    if matches!(options.verb, Verb::Build | Verb::Run) {
        stage_endpoints(workspace, options, draft, &mut progressed)?;
    }
    let verdicts = stage_verdicts(workspace, options, draft, &progressed)?;
    let (outcome, conflict) = conclude(workspace, options, draft, &progressed, &verdicts)?;
    let failed = matches!(outcome, RunOutcome::Failed { .. });
    // They came as they were done.
    progressed.inputs.sort_by(|one, other| one.table.cmp(&other.table));
    let record = RunRecord {
        format: crate::warehouse::FORMAT,
        id: draft.run().clone(),
        command: options.verb.name().to_owned(),
        program: env!("CARGO_PKG_VERSION").to_owned(),
        started: progressed.started,
        finished: workspace.clock.now(),
        parent: draft.parent(),
        outcome,
        inputs: progressed.inputs,
        nodes: progressed.nodes,
        findings: progressed.findings,
        warnings: progressed.warnings.clone(),
    };
    if !matches!(record.outcome, RunOutcome::Unchanged { .. }) {
        workspace.warehouse.write_run(&record, failed.then_some(draft))?;
    }
    let bytes = draft.state().bytes();
    Ok(Report { record, warnings: progressed.warnings, conflict, quality: None, bytes })
}

type Conflict = Option<(Version, Vec<String>)>;

fn conclude(
    workspace: &Workspace,
    options: &Options,
    draft: &Draft,
    progressed: &Progressed,
    verdicts: &Verdicts,
) -> Result<(RunOutcome, Conflict), BuildError> {
    if progressed.has_failed() {
        return Ok((RunOutcome::Failed { reason: reason(progressed) }, None));
    }
    if options.verb == Verb::Test {
        let version = draft.parent().ok_or(BuildError::NothingPublished)?;
        return Ok((RunOutcome::Unchanged { version }, None));
    }
    let publication = Publication {
        published: workspace.clock.now().trunc_subsecs(6),
        tested: options.verb == Verb::Build && all_tested(workspace, verdicts),
        warned: verdicts.warned(),
    };
    Ok(match draft.publish(&publication)? {
        PublishOutcome::Published(version) => (RunOutcome::Published { version }, None),
        PublishOutcome::Unchanged(version) => (RunOutcome::Unchanged { version }, None),
        PublishOutcome::Conflict { by, tables } => {
            let tables: Vec<String> = tables.iter().map(ToString::to_string).collect();
            let reason = format!("version {by} changed {} first", tables.join(", "));
            (RunOutcome::Failed { reason }, Some((by, tables)))
        }
    })
}

/// Whether every check of the project was run over what there is now, by this run or before.
fn all_tested(workspace: &Workspace, verdicts: &Verdicts) -> bool {
    let mut checks = workspace.project.nodes.values().filter(|node| matches!(node, Node::Check(_)));
    checks.all(|check| verdicts.checks.contains_key(&check.info().id))
}

fn reason(progressed: &Progressed) -> String {
    let failed = progressed.nodes.iter().filter(|node| node.status == NodeStatus::Failed).count();
    let checks = progressed.findings.iter().filter(|finding| finding.status.blocks()).count();
    let mut parts = progressed.failures.clone();
    if failed > 0 {
        parts.push(format!("{failed} of {} nodes failed", progressed.nodes.len()));
    }
    if checks > 0 {
        parts.push(format!("{checks} of {} checks failed", progressed.findings.len()));
    }
    parts.join("; ")
}

/// Plans the project's endpoints over the draft and has the next version serve them. One that no longer fits the tables
/// fails the run with its name.
fn stage_endpoints(
    workspace: &Workspace,
    options: &Options,
    draft: &Draft,
    progressed: &mut Progressed,
) -> Result<(), BuildError> {
    let endpoints =
        workspace.project.nodes.values().filter(|node| options.verb.touches(node)).filter_map(
            |node| match node {
                Node::Endpoint(endpoint) => Some(endpoint),
                _ => None,
            },
        );
    let tables = TableSet::of(workspace.warehouse.root(), &draft.state().tables);
    let session = workspace.engine.session(Arc::new(tables));
    let mut planned = Vec::new();
    for endpoint in endpoints {
        match endpoints::plan(&session, endpoint) {
            Ok(plan) => planned.push(plan),
            Err(problems) => {
                let result = failed(&endpoint.info.id, problems.to_string());
                workspace.progress.complain(&report::node_line(&workspace.project, &result));
                progressed.nodes.push(result);
            }
        }
    }
    for table in planned.iter().flat_map(PlannedEndpoint::tables) {
        draft.depend_on(&table);
    }
    let before = workspace.warehouse.annex(draft.parent_state(), Annex::Endpoints)?;
    draft.stage_annex(Annex::Endpoints, &endpoints::write(&planned, before.as_deref())?);
    Ok(())
}

/// Plans the views that this run leaves as they are and whose tables it does not: one that no longer fits them fails the run
/// with its name.
pub(super) async fn plan_views(workspace: &Workspace, draft: &Draft, progressed: &mut Progressed) {
    let state = draft.state();
    let is_stale = |manifest: &&Arc<Manifest>| !staging::inputs_stand(manifest, &state);
    let stale = state.tables.values().filter(is_stale);
    let views = stale.filter_map(|manifest| match &manifest.content {
        TableContent::View { sql, .. } => Some((&manifest.table, sql)),
        TableContent::Files { .. } => None,
    });
    let views: Vec<_> = views.collect();
    if views.is_empty() {
        return;
    }
    let tables = TableSet::of(workspace.warehouse.root(), &state.tables);
    let session = workspace.engine.session(Arc::new(tables));
    for (view, sql) in views {
        let Err(error) = session.plan(sql).await else { continue };
        let why = format!(
            "the view `{view}`, which this run leaves as it is, no longer fits its tables: {}",
            error.message
        );
        let hint = format!("select `{}` as well", view.name());
        workspace.progress.complain(&Diagnostic::error(&why).hint(hint).render());
        progressed.failures.push(why);
    }
}

/// Has the next version tell how its checks went: those that this run or an earlier one ran over the rows that it has.
fn stage_verdicts(
    workspace: &Workspace,
    options: &Options,
    draft: &Draft,
    progressed: &Progressed,
) -> Result<Verdicts, BuildError> {
    let before = draft.parent_state();
    let file = workspace.warehouse.annex(before, Annex::Verdicts)?;
    // `test` publishes nothing that could tell.
    let findings = match options.verb {
        Verb::Test => &[],
        _ => &progressed.findings[..],
    };
    let states = (before, &draft.state());
    let verdicts = checks::verdicts(file.as_deref(), states, &workspace.project, findings);
    if file.is_some() || !verdicts.is_empty() {
        draft.stage_annex(Annex::Verdicts, &verdicts.to_json());
    }
    Ok(verdicts)
}

fn failed(id: &NodeId, message: String) -> NodeResult {
    NodeResult {
        node: id.clone(),
        status: NodeStatus::Failed,
        rows: None,
        seconds: 0.0,
        message: Some(message),
    }
}

/// Writes the quality report, once everything else is done: readers have the version already. That it cannot be written
/// is a warning.
pub(super) async fn tell(workspace: &Workspace, draft: &Draft, report: &mut Report) {
    let state = draft.state();
    let source = ReportSource {
        warehouse: &workspace.warehouse,
        engine: &workspace.engine,
        record: &report.record,
        state: &state,
    };
    match docs::write_after(&source).await {
        Reported::Written(path) | Reported::Standing(path) => report.quality = Some(path),
        Reported::Failed(reason) => {
            report.warnings.push(format!("the quality report was not written: {reason}"));
        }
    }
}
