//! Findings as a report shows them, whatever dialect they speak.

use serde_json::Value as Json;

use super::quality::{CheckPart, SamplePart};
use crate::record::{CheckStatus, Finding, RunRecord, Sample};

/// Values shown of what an expectation did not expect.
const VALUES_SHOWN: usize = 20;
/// How much of an observed value is shown, in characters.
const OBSERVED_CHARACTERS: usize = 300;

/// `runs` are those up to the finding's, newest first.
pub(super) fn part(finding: &Finding, runs: &[RunRecord]) -> CheckPart {
    let result = finding.result.as_ref().map(|entry| entry.get("result").unwrap_or(entry));
    let id = finding.check.as_str();
    CheckPart {
        id: id.to_owned(),
        name: id.split('.').nth(2).unwrap_or(id).to_owned(),
        kind: finding.kind.clone(),
        description: finding.description.clone(),
        table: finding.table.clone(),
        column: finding.column.clone(),
        status: status_name(finding.status),
        failures: finding.failures,
        rows: finding.rows,
        rate: rate(finding.failures, finding.rows),
        message: finding.message.clone(),
        seconds: finding.seconds,
        apart: finding.apart.clone(),
        hollow: finding.hollow.clone(),
        observed: result.and_then(observed),
        sample: finding.sample.as_ref().map(sample).or_else(|| result.and_then(unexpected)),
        stored: finding.stored.clone(),
        history: history(finding, runs),
    }
}

pub(super) fn status_name(status: CheckStatus) -> &'static str {
    match status {
        CheckStatus::Pass => "pass",
        CheckStatus::Warn => "warn",
        CheckStatus::Fail => "fail",
        CheckStatus::Error => "error",
        CheckStatus::Skipped => "skipped",
    }
}

/// The part of the rows that failed. Failures that are no rows (groups, differences) may be more than these: no part.
pub(super) fn rate(failures: u64, rows: Option<u64>) -> Option<f64> {
    rows.filter(|rows| *rows > 0 && failures <= *rows).map(|rows| failures as f64 / rows as f64)
}

/// Only what did not pass shows where it comes from.
fn history(finding: &Finding, runs: &[RunRecord]) -> Vec<&'static str> {
    if finding.status == CheckStatus::Pass {
        return Vec::new();
    }
    let of_run = |run: &RunRecord| {
        run.findings
            .iter()
            .find(|other| other.check == finding.check)
            .map(|f| status_name(f.status))
    };
    runs.iter().rev().filter_map(of_run).collect()
}

fn sample(sample: &Sample) -> SamplePart {
    SamplePart { columns: sample.columns.clone(), rows: sample.rows.clone() }
}

/// The one value that a Great Expectations result saw, as text.
pub(super) fn observed(result: &Json) -> Option<String> {
    match result.get("observed_value")? {
        Json::Null => None,
        value => Some(shortened(&text(value))),
    }
}

/// The unexpected values of a Great Expectations result; where some come more than once, each with how often.
pub(super) fn unexpected(result: &Json) -> Option<SamplePart> {
    if let Some(counted) = counted(result) {
        return Some(counted);
    }
    let values = result.get("partial_unexpected_list")?.as_array()?;
    let first = values.first()?;
    let columns = match first {
        Json::Object(row) => row.keys().cloned().collect(),
        Json::Array(row) => (1..=row.len()).map(|number| format!("value {number}")).collect(),
        _ => vec!["unexpected value".to_owned()],
    };
    let cell = |value: &Json| (!value.is_null()).then(|| text(value));
    let row = |value: &Json| match value {
        Json::Object(row) => row.values().map(cell).collect(),
        Json::Array(row) => row.iter().map(cell).collect(),
        value => vec![cell(value)],
    };
    let rows = values.iter().take(VALUES_SHOWN).map(row).collect();
    Some(SamplePart { columns, rows })
}

fn counted(result: &Json) -> Option<SamplePart> {
    let counts = result.get("partial_unexpected_counts")?.as_array()?;
    let times = |entry: &Json| entry.get("count").and_then(Json::as_u64).unwrap_or(1);
    let is_plain =
        |entry: &Json| entry.get("value").is_some_and(|v| !v.is_array() && !v.is_object());
    if !counts.iter().all(is_plain) || counts.iter().all(|entry| times(entry) < 2) {
        return None;
    }
    let row = |entry: &Json| vec![entry.get("value").map(text), Some(times(entry).to_string())];
    let columns = ["unexpected value", "times"].map(str::to_owned).to_vec();
    Some(SamplePart { columns, rows: counts.iter().take(VALUES_SHOWN).map(row).collect() })
}

pub(super) fn text(value: &Json) -> String {
    match value {
        Json::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(OBSERVED_CHARACTERS) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", &text[..end]),
    }
}
