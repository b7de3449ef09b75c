//! The runs up to one: what the trend is drawn from.

use super::quality::{PastRun, Standing};
use crate::base::{NodeId, TableName};
use crate::record::{CheckStatus, InputCount, NodeStatus, RunOutcome, RunRecord};

/// How many runs a report looks back.
pub(super) const RUNS: usize = 20;

/// `runs` come newest first and leave oldest first.
pub(super) fn trend(runs: &[RunRecord]) -> Vec<PastRun> {
    runs.iter().rev().map(past).collect()
}

fn past(run: &RunRecord) -> PastRun {
    let sum = |field: fn(&InputCount) -> u64| run.inputs.iter().map(field).sum();
    let count = |status: fn(CheckStatus) -> bool| {
        run.findings.iter().filter(|finding| status(finding.status)).count() as u64
    };
    let rows = run.nodes.iter().filter_map(|node| Some((table_of(&node.node)?, node.rows?)));
    PastRun {
        id: run.id.to_string(),
        started: run.started.to_rfc3339_opts(chrono::SecondsFormat::Secs, true),
        command: run.command.clone(),
        version: version(&run.outcome),
        standing: standing(run),
        seconds: seconds(run),
        rows_read: sum(|input| input.rows_read),
        rows_rejected: sum(|input| input.rows_rejected),
        passed: count(|status| status == CheckStatus::Pass),
        warned: count(|status| status == CheckStatus::Warn),
        failed: count(CheckStatus::blocks),
        rows: rows.collect(),
    }
}

/// Sources are named `source.project.source.table`, others `kind.project.name`: what the trend calls them.
fn table_of(node: &NodeId) -> Option<String> {
    let parts: Vec<&str> = node.as_str().split('.').collect();
    match parts.as_slice() {
        ["source", _, source, table] => Some(format!("{source}.{table}").to_lowercase()),
        ["model" | "seed", _, ..] => Some(node.short().to_lowercase()),
        _ => None,
    }
}

pub(super) fn standing(run: &RunRecord) -> Standing {
    let blocked = run.findings.iter().any(|finding| finding.status.blocks());
    let warned = run.findings.iter().any(|finding| finding.status == CheckStatus::Warn);
    match run.outcome {
        RunOutcome::Failed { .. } => Standing::Failed,
        _ if blocked => Standing::Failed,
        _ if warned || run.nodes.iter().any(|node| node.status == NodeStatus::Failed) => {
            Standing::Warned
        }
        _ => Standing::Passed,
    }
}

pub(super) fn seconds(run: &RunRecord) -> f64 {
    let milliseconds = (run.finished - run.started).num_milliseconds();
    milliseconds as f64 / 1e3
}

pub(super) fn version(outcome: &RunOutcome) -> Option<u64> {
    match outcome {
        RunOutcome::Published { version } | RunOutcome::Unchanged { version } => Some(version.0),
        RunOutcome::Failed { .. } => None,
    }
}

/// Whether `node` makes `table`.
pub(super) fn names(node: &NodeId, table: &TableName) -> bool {
    let named = table_of(node);
    named.is_some_and(|named| named == table.folded() || named == table.name().to_lowercase())
}
