//! One report out of what is stored: a run's record, the tables that it left, their profiles, the runs before it.

use std::cmp::Reverse;
use std::sync::Arc;

use chrono::{DateTime, SecondsFormat, Utc};
use futures::stream::{self, StreamExt};

use super::profile::{Profiler, TableProfile};
use super::quality::{
    BrokenPart, CheckPart, ColumnPart, FORMAT, InputPart, ProfilePart, QualityReport, ReasonPart,
    RunPart, Standing, TablePart, Totals, Verdict,
};
use super::{checks, history, rejects};
use crate::base::size::{count, counted};
use crate::engine::{Engine, TableSet, sql_name};
use crate::record::{CheckStatus, InputCount, NodeResult, NodeStatus, RunOutcome, RunRecord};
use crate::warehouse::{Manifest, State, TableContent, Warehouse, WarehouseError};

/// Profiles under way at once: each holds the rows it looks at.
const PROFILES_AT_ONCE: usize = 2;

/// What a report is made of.
pub(crate) struct ReportSource<'a> {
    pub(crate) warehouse: &'a Warehouse,
    pub(crate) engine: &'a Engine,
    pub(crate) record: &'a RunRecord,
    /// The version that the run published, or the draft that it left.
    pub(crate) state: &'a State,
}

/// Makes the report of a run.
///
/// # Errors
/// If the records of the runs before it cannot be listed. A table that cannot be read has no profile, and the report
/// says why.
pub(crate) async fn assemble(source: &ReportSource<'_>) -> Result<QualityReport, WarehouseError> {
    let mut runs = source.warehouse.runs_until(source.record, history::RUNS)?;
    if runs.first().is_none_or(|newest| newest.id != source.record.id) {
        // A run that changed nothing leaves no record of its own.
        runs.retain(|run| run.id != source.record.id);
        runs.insert(0, source.record.clone());
    }
    let set = Arc::new(TableSet::of(source.warehouse.root(), &source.state.tables));
    let session = source.engine.session(set);
    let profiler = Profiler {
        warehouse: source.warehouse,
        engine: source.engine,
        session: &session,
        state: source.state,
    };
    let profiler = &profiler;
    let shown = source.state.tables.values().filter(|table| table.table.schema() != "quarantine");
    let mut tables: Vec<TablePart> = stream::iter(shown)
        .map(|manifest| async move {
            let profile = profiler.profile(&manifest.table).await;
            let input = source.record.inputs.iter().find(|input| is_of(input, manifest));
            let input = match input {
                Some(input) => Some(input_part(profiler, input).await),
                None => None,
            };
            table_part(manifest, &source.record.nodes, input, &profile)
        })
        .buffered(PROFILES_AT_ONCE)
        .collect()
        .await;
    tables.sort_by_key(|table| table.name.to_lowercase());
    let parts = source.record.findings.iter().map(|finding| checks::part(finding, &runs));
    let mut checks: Vec<CheckPart> = parts.collect();
    for check in &mut checks {
        complete(check, &tables);
    }
    checks.sort_by(|one, other| {
        (&one.table, &one.column, &one.id).cmp(&(&other.table, &other.column, &other.id))
    });
    Ok(report(source, tables, checks, &runs))
}

fn report(
    source: &ReportSource<'_>,
    tables: Vec<TablePart>,
    checks: Vec<CheckPart>,
    runs: &[RunRecord],
) -> QualityReport {
    let record = source.record;
    let totals = totals(record, &tables);
    let time = |time: DateTime<Utc>| time.to_rfc3339_opts(SecondsFormat::Secs, true);
    QualityReport {
        format: FORMAT,
        program: record.program.clone(),
        verdict: verdict(record, &totals),
        run: RunPart {
            id: record.id.to_string(),
            command: record.command.clone(),
            started: time(record.started),
            finished: time(record.finished),
            seconds: history::seconds(record),
            parent: record.parent.map(|version| version.0),
        },
        totals,
        warnings: record.warnings.clone(),
        broken: record.nodes.iter().filter_map(broken).collect(),
        tables,
        checks,
        history: history::trend(runs),
    }
}

fn is_of(input: &InputCount, manifest: &Manifest) -> bool {
    input.table.eq_ignore_ascii_case(manifest.table.folded())
}

async fn input_part(profiler: &Profiler<'_>, input: &InputCount) -> InputPart {
    let mut samples = match input.rows_rejected {
        0 => Default::default(),
        _ => rejects::samples(profiler.session, input).await,
    };
    let mut reasons: Vec<ReasonPart> = input
        .reasons
        .iter()
        .map(|(reason, rows)| ReasonPart {
            reason: reason.clone(),
            rows: *rows,
            samples: samples.remove(reason).unwrap_or_default(),
        })
        .collect();
    reasons.sort_by_key(|reason| (Reverse(reason.rows), reason.reason.clone()));
    InputPart {
        quarantine: input.quarantine.clone(),
        files: input.files,
        rows_read: input.rows_read,
        rows_accepted: input.rows_accepted,
        rows_rejected: input.rows_rejected,
        reasons,
    }
}

fn table_part(
    manifest: &Manifest,
    nodes: &[NodeResult],
    input: Option<InputPart>,
    profile: &TableProfile,
) -> TablePart {
    let is_view = matches!(manifest.content, TableContent::View { .. });
    let kind = match (is_view, &manifest.load) {
        (true, _) => "view",
        (false, Some(_)) => "source",
        (false, None) => "table",
    };
    let columns = manifest.columns.iter().map(|column| ColumnPart {
        name: column.name.clone(),
        data_type: sql_name(&column.data_type).to_lowercase(),
        description: column.description.clone(),
        profile: profile.columns.get(&column.name).cloned(),
    });
    let rows = manifest.rows.or(profile.rows);
    let node = nodes.iter().find(|node| history::names(&node.node, &manifest.table));
    TablePart {
        name: manifest.table.to_string(),
        kind,
        rows,
        bytes: manifest.bytes(),
        status: node.map(|node| status_name(node.status)),
        input,
        profile: ProfilePart {
            rows_read: profile.rows_read,
            estimated: profile.missing.is_none() && rows != Some(profile.rows_read),
            missing: profile.missing.clone(),
        },
        columns: columns.collect(),
    }
}

fn status_name(status: NodeStatus) -> &'static str {
    match status {
        NodeStatus::Built => "built",
        NodeStatus::Unchanged => "unchanged",
        NodeStatus::Skipped => "skipped",
        NodeStatus::Failed => "failed",
    }
}

/// A check that was proved or known to pass counted no rows: it is about all of its table.
fn complete(check: &mut CheckPart, tables: &[TablePart]) {
    let table = tables.iter().find(|table| Some(table.name.to_lowercase()) == check.table);
    if check.rows.is_none() && check.column.is_some() {
        check.rows = table.and_then(|table| table.rows);
        check.rate = checks::rate(&check.kind, check.failures, check.rows);
    }
}

fn broken(node: &NodeResult) -> Option<BrokenPart> {
    let is_bad = matches!(node.status, NodeStatus::Failed | NodeStatus::Skipped);
    is_bad.then(|| BrokenPart {
        node: node.node.to_string(),
        status: status_name(node.status),
        message: node.message.clone().unwrap_or_default(),
    })
}

fn totals(record: &RunRecord, tables: &[TablePart]) -> Totals {
    let sum = |field: fn(&InputCount) -> u64| record.inputs.iter().map(field).sum();
    let having = |status: CheckStatus| {
        record.findings.iter().filter(|finding| finding.status == status).count() as u64
    };
    Totals {
        files: sum(|input| input.files),
        rows_read: sum(|input| input.rows_read),
        rows_accepted: sum(|input| input.rows_accepted),
        rows_rejected: sum(|input| input.rows_rejected),
        tables: tables.iter().filter(|table| !is_kept(record, table)).count() as u64,
        rows: tables
            .iter()
            .filter(|table| table.kind != "view" && !is_kept(record, table))
            .filter_map(|table| table.rows)
            .sum(),
        checks: record.findings.len() as u64,
        passed: having(CheckStatus::Pass),
        warned: having(CheckStatus::Warn),
        failed: having(CheckStatus::Fail),
        errors: having(CheckStatus::Error),
        skipped: having(CheckStatus::Skipped),
    }
}

/// Whether a table holds failing rows of a check.
fn is_kept(record: &RunRecord, table: &TablePart) -> bool {
    let kept = record.findings.iter().filter_map(|finding| finding.stored.as_ref());
    kept.into_iter().any(|name| name.eq_ignore_ascii_case(&table.name))
}

fn verdict(record: &RunRecord, totals: &Totals) -> Verdict {
    let parent = record.parent.map(|version| version.0);
    let (headline, reason, version) = match &record.outcome {
        RunOutcome::Published { version } => {
            (format!("Version {version} published"), None, Some(version.0))
        }
        RunOutcome::Unchanged { version } => {
            let what = if record.command == "test" { "tested" } else { "stands unchanged" };
            (format!("Version {version} {what}"), None, Some(version.0))
        }
        RunOutcome::Failed { reason } => {
            let stands = match parent {
                Some(version) => format!("Nothing published: version {version} stands"),
                None => "Nothing published".to_owned(),
            };
            (stands, Some(reason.clone()), parent)
        }
    };
    let standing: Standing = history::standing(record);
    Verdict { standing, headline, summary: summary(totals), reason, version }
}

/// `61 rejects, 35 checks passed, 1 warned`
fn summary(totals: &Totals) -> String {
    let mut parts = Vec::new();
    if totals.rows_read > 0 {
        parts.push(counted(totals.rows_rejected, "reject"));
    }
    parts.push(match totals.checks {
        0 => "no check was run".to_owned(),
        _ => format!("{} passed", counted(totals.passed, "check")),
    });
    let others = [
        (totals.warned, "warned"),
        (totals.failed, "failed"),
        (totals.errors, "could not be run"),
        (totals.skipped, "skipped"),
    ];
    let others = others.iter().filter(|(number, _)| *number > 0);
    parts.extend(others.map(|(number, what)| format!("{} {what}", count(*number))));
    parts.join(", ")
}
