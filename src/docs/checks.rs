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
        rate: match result.and_then(unexpected_share) {
            Some(share) => Some(share),
            None => rate(&finding.kind, finding.failures, finding.rows),
        },
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

/// dbt's tests whose failures are groups of rows: a value that should not be there, or one that is there twice.
const OF_GROUPS: [&str; 4] =
    ["unique", "accepted_values", "not_accepted_values", "unique_combination_of_columns"];

/// The part of the rows that failed. Failures that are no rows (groups, differences) are no part of them.
pub(super) fn rate(kind: &str, failures: u64, rows: Option<u64>) -> Option<f64> {
    let kind = kind.rsplit('.').next().unwrap_or(kind);
    if failures > 0 && OF_GROUPS.contains(&kind) {
        return None;
    }
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

/// The part of the values that a Great Expectations result did not expect: nulls are none of them.
pub(super) fn unexpected_share(result: &Json) -> Option<f64> {
    result.get("unexpected_percent")?.as_f64().map(|percent| percent / 100.0)
}

/// The unexpected values of a Great Expectations result, with the numbers of their rows where it has them.
pub(super) fn unexpected(result: &Json) -> Option<SamplePart> {
    let values = result.get("partial_unexpected_list")?.as_array()?;
    let first = values.first()?;
    let mut columns: Vec<String> = match first {
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
    let mut rows: Vec<Vec<Option<String>>> = values.iter().take(VALUES_SHOWN).map(row).collect();
    let places = result.get("partial_unexpected_index_list").and_then(Json::as_array);
    let places = places.filter(|places| places.len() == values.len());
    let places: Option<Vec<u64>> = places.and_then(|all| all.iter().map(Json::as_u64).collect());
    if let Some(places) = places {
        // People count rows from one.
        columns.insert(0, "row".to_owned());
        for (row, place) in rows.iter_mut().zip(places) {
            row.insert(0, Some((place + 1).to_string()));
        }
    }
    Some(SamplePart { columns, rows })
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
