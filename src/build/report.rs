//! What a run tells: a line for each node and finding as it goes, and the whole at the end.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::base::progress::Progress;
use crate::base::size::counted;
use crate::base::{Diagnostic, Version};
use crate::endpoints::StoreError;
use crate::project::{Node, Project};
use crate::record::{CheckStatus, Finding, NodeResult, NodeStatus, RunOutcome, RunRecord};
use crate::warehouse::WarehouseError;

/// What a run did and how it ended.
#[derive(Debug)]
pub(crate) struct Report {
    pub(crate) record: RunRecord,
    pub(crate) warnings: Vec<String>,
    /// The version that another run published first, and the tables in which the two collide.
    pub(crate) conflict: Option<(Version, Vec<String>)>,
    /// The report for people; `None` where it could not be written.
    pub(crate) quality: Option<PathBuf>,
    /// Bytes of all tables of the draft.
    pub(crate) bytes: u64,
}

impl Report {
    pub(crate) fn has_failed(&self) -> bool {
        matches!(self.record.outcome, RunOutcome::Failed { .. })
            || self.record.findings.iter().any(|finding| finding.status.blocks())
    }
}

/// Why a run could not be carried out.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BuildError {
    #[error("{0}")]
    Selection(Diagnostic),
    #[error(transparent)]
    Warehouse(#[from] WarehouseError),
    #[error(transparent)]
    Endpoints(#[from] StoreError),
    #[error("no version has been published")]
    NothingPublished,
}

impl From<Diagnostic> for BuildError {
    fn from(diagnostic: Diagnostic) -> Self {
        Self::Selection(diagnostic)
    }
}

/// `built      model   main.daily_sales            731 rows   0.35 s`
pub(super) fn node_line(project: &Project, result: &NodeResult) -> String {
    let status = match result.status {
        NodeStatus::Built => "built",
        NodeStatus::Unchanged => "unchanged",
        NodeStatus::Skipped => "skipped",
        NodeStatus::Failed => "FAILED",
    };
    let node = project.nodes.get(&result.node);
    let kind = match node {
        Some(Node::Source(_)) => "source",
        Some(Node::Seed(_)) => "seed",
        Some(Node::Model(_)) => "model",
        Some(Node::Check(_)) => "check",
        Some(Node::Endpoint(_)) | None => "endpoint",
    };
    let name = node
        .and_then(Node::table)
        .map_or_else(|| result.node.short().to_owned(), ToString::to_string);
    let rows = match (result.rows, node) {
        (Some(rows), _) => counted(rows, "row"),
        (None, Some(Node::Model(_))) if result.message.is_none() => "view".to_owned(),
        (None, _) => String::new(),
    };
    let mut line =
        format!("{status:<9}  {kind:<8}  {name:<40}  {rows:>16}  {:>7.2} s", result.seconds);
    if let Some(message) = &result.message {
        line.push('\n');
        line.push_str(message);
    }
    line
}

/// Tells a line for each table whose checks all passed, one for each check that did not, and one for each that never can fail.
pub(super) fn tell_findings(progress: &dyn Progress, findings: &[Finding]) {
    let mut passed: BTreeMap<&str, u64> = BTreeMap::new();
    for finding in findings.iter().filter(|finding| finding.status == CheckStatus::Pass) {
        let table = finding.table.as_deref();
        *passed.entry(table.unwrap_or_else(|| check_name(finding))).or_default() += 1;
    }
    for (table, checks) in passed {
        let plural = if checks == 1 { "check" } else { "checks" };
        let what = "tests";
        progress.note(&format!("{:<9}  {what:<8}  {table:<40}  {checks:>9} {plural}", "passed"));
    }
    for finding in findings {
        match finding.status {
            CheckStatus::Pass => {}
            CheckStatus::Warn | CheckStatus::Skipped => progress.note(&finding_line(finding)),
            CheckStatus::Fail | CheckStatus::Error => progress.complain(&finding_line(finding)),
        }
    }
    for (finding, why) in findings.iter().filter_map(|it| Some((it, it.hollow.as_ref()?))) {
        let name = check_name(finding);
        progress.note(&format!("{:<9}  {:<8}  {name}: can never fail: {why}", "hint", "check"));
    }
}

/// `pass       check   unique_daily_sales_order_date` and, where it did not pass, its failing rows.
fn finding_line(finding: &Finding) -> String {
    let status = match finding.status {
        CheckStatus::Pass => "pass",
        CheckStatus::Warn => "WARN",
        CheckStatus::Fail => "FAIL",
        CheckStatus::Error => "ERROR",
        CheckStatus::Skipped => "skipped",
    };
    let name = check_name(finding);
    let mut line = match finding.status {
        CheckStatus::Warn | CheckStatus::Fail => {
            format!("{status:<9}  {:<8}  {name}: {}", "check", counted(finding.failures, "failure"))
        }
        _ => format!("{status:<9}  {:<8}  {name}", "check"),
    };
    if let Some(message) = &finding.message {
        line.push_str(&format!("\n  {}", message.replace('\n', "\n  ")));
    }
    if let Some(sample) = &finding.sample {
        line.push_str(&format!("\n  {}", sample.columns.join(" | ")));
        for row in &sample.rows {
            let cells: Vec<&str> =
                row.iter().map(|cell| cell.as_deref().unwrap_or("null")).collect();
            line.push_str(&format!("\n  {}", cells.join(" | ")));
        }
    }
    line
}

/// A check's name without the hash that makes its id unique.
fn check_name(finding: &Finding) -> &str {
    let parts: Vec<&str> = finding.check.as_str().splitn(4, '.').collect();
    parts.get(2).copied().unwrap_or_else(|| finding.check.as_str())
}
