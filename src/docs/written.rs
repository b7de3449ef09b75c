//! The report of a run, put into the warehouse when the run is over.

use std::collections::BTreeSet;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::{ReportSource, assemble, html, json, junit};
use crate::record::{CheckStatus, NodeStatus, RunOutcome, RunRecord};
use crate::warehouse::Warehouse;

const HTML: &str = "latest.html";
const JSON: &str = "latest.json";
const JUNIT: &str = "latest.xml";
/// What the report that stands tells of: see [`Essence`].
const KEY: &str = "what the report tells";

/// What became of a run's report.
#[derive(Clone, Debug)]
pub(crate) enum Reported {
    Written(PathBuf),
    /// The one that is there tells the same.
    Standing(PathBuf),
    /// It could not be written, and why.
    Failed(String),
}

/// Writes `reports/latest.html`, `.json` and `.xml`, unless they tell the same already.
pub(crate) async fn write_after(source: &ReportSource<'_>) -> Reported {
    let essence = Essence::of(source.record);
    let told = source.warehouse.recall(KEY);
    let told = told.and_then(|text| serde_json::from_str::<Essence>(&text).ok());
    if matches!(source.record.outcome, RunOutcome::Unchanged { .. })
        && told.is_some_and(|told| essence.is_told_by(&told))
        && let Some(path) = source.warehouse.report(HTML)
    {
        return Reported::Standing(path);
    }
    let report = match assemble(source).await {
        Ok(report) => report,
        Err(error) => return Reported::Failed(error.to_string()),
    };
    let page = html(&report).map_err(|error| error.to_string());
    let texts = [
        (JSON, json(&report).map_err(|error| error.to_string())),
        (JUNIT, junit(&report).map_err(|error| error.to_string())),
        (HTML, page),
    ];
    match write(source.warehouse, texts) {
        Ok(path) => {
            if let Ok(essence) = serde_json::to_string(&essence) {
                source.warehouse.remember(KEY, &essence);
            }
            Reported::Written(path)
        }
        Err(reason) => Reported::Failed(reason),
    }
}

fn write(
    warehouse: &Warehouse,
    texts: [(&str, Result<String, String>); 3],
) -> Result<PathBuf, String> {
    let mut last = PathBuf::new();
    for (name, text) in texts {
        let written = warehouse.write_report(name, text?.as_bytes());
        last = written.map_err(|error| error.to_string())?;
    }
    Ok(last)
}

/// What a report tells of, so that a run which found nothing new leaves it as it is.
#[derive(Default, PartialEq, Serialize, Deserialize)]
struct Essence {
    /// The version that stands, or the run that failed.
    outcome: String,
    /// Checks that did not pass and nodes that were not built.
    problems: BTreeSet<String>,
}

impl Essence {
    fn of(record: &RunRecord) -> Self {
        let outcome = match &record.outcome {
            RunOutcome::Published { version } | RunOutcome::Unchanged { version } => {
                format!("version {version}")
            }
            RunOutcome::Failed { .. } => format!("run {}", record.id),
        };
        let findings = record.findings.iter();
        let findings = findings.filter(|finding| finding.status != CheckStatus::Pass);
        let findings = findings
            .map(|finding| format!("{} {:?} {}", finding.check, finding.status, finding.failures));
        let broken = record.nodes.iter().filter(|node| node.status == NodeStatus::Failed);
        let broken = broken.map(|node| node.node.to_string());
        Self { outcome, problems: findings.chain(broken).collect() }
    }

    /// Whether a run that changed nothing, perhaps over a part of the project, found what the report tells.
    fn is_told_by(&self, told: &Self) -> bool {
        self.outcome == told.outcome && self.problems.is_subset(&told.problems)
    }
}
