//! A Great Expectations validation result in the look of the quality report.

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::Value as Json;

use super::checks;
use super::html;
use super::quality::{CheckPart, FORMAT, QualityReport, RunPart, Standing, Totals, Verdict};
use crate::base::size::{count, counted};

/// What a validation was about.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ValidationAbout<'a> {
    /// What was validated, as the user knows it: `data/orders.csv`.
    pub(crate) data: &'a str,
    pub(crate) suite: &'a str,
    pub(crate) validated: DateTime<Utc>,
    pub(crate) seconds: f64,
}

/// The page of a validation, from GX's own JSON of its result.
///
/// # Errors
/// If the page cannot be written, which nothing in the result gives cause for.
pub(crate) fn validation_html(
    result: &Json,
    about: &ValidationAbout<'_>,
) -> Result<String, minijinja::Error> {
    html::page(&report(result, about))
}

fn report(result: &Json, about: &ValidationAbout<'_>) -> QualityReport {
    let entries = result.get("results").and_then(Json::as_array);
    let entries = entries.into_iter().flatten().enumerate();
    let checks: Vec<CheckPart> =
        entries.map(|(index, entry)| check(index, entry, about.data)).collect();
    let having = |status: &str| checks.iter().filter(|check| check.status == status).count() as u64;
    let totals = Totals {
        checks: checks.len() as u64,
        passed: having("pass"),
        warned: having("warn"),
        failed: having("fail"),
        errors: having("error"),
        ..Totals::default()
    };
    let broken = totals.failed + totals.errors + totals.warned;
    let (standing, headline) = match (totals.failed + totals.errors, totals.warned) {
        (0, 0) => (Standing::Passed, format!("{} meets its expectations", about.data)),
        (0, _) => {
            (Standing::Warned, format!("{} meets its expectations but for warnings", about.data))
        }
        _ => (Standing::Failed, format!("{} does not meet its expectations", about.data)),
    };
    let all = counted(totals.checks, "expectation");
    let summary = format!("{all}: {} met, {} not", count(totals.passed), count(broken));
    let time = about.validated.to_rfc3339_opts(SecondsFormat::Secs, true);
    QualityReport {
        format: FORMAT,
        program: env!("CARGO_PKG_VERSION").to_owned(),
        verdict: Verdict { standing, headline, summary, reason: None, version: None },
        run: RunPart {
            id: about.suite.to_owned(),
            command: "validate".to_owned(),
            started: time.clone(),
            finished: time,
            seconds: about.seconds,
            parent: None,
        },
        totals,
        warnings: Vec::new(),
        broken: Vec::new(),
        tables: Vec::new(),
        checks,
        history: Vec::new(),
    }
}

/// One entry of `results`.
fn check(index: usize, entry: &Json, data: &str) -> CheckPart {
    let text = |pointer: &str| entry.pointer(pointer).and_then(Json::as_str).map(str::to_owned);
    let number = |pointer: &str| entry.pointer(pointer).and_then(Json::as_u64);
    let kind = text("/expectation_config/type").unwrap_or_default();
    let raised = entry.pointer("/exception_info").and_then(exception);
    let is_met = entry.get("success").and_then(Json::as_bool).unwrap_or(false);
    let severity = text("/expectation_config/severity").unwrap_or_default();
    let status = match (is_met, &raised, severity.as_str()) {
        (true, ..) => "pass",
        (false, Some(_), _) => "error",
        (false, None, "warning" | "info") => "warn",
        (false, None, _) => "fail",
    };
    let (failures, rows) =
        (number("/result/unexpected_count").unwrap_or(0), number("/result/element_count"));
    let result = entry.get("result");
    CheckPart {
        id: index.to_string(),
        name: named(entry, &kind),
        kind,
        description: text("/expectation_config/description").unwrap_or_default(),
        table: Some(data.to_owned()),
        column: text("/expectation_config/kwargs/column"),
        status,
        failures,
        rows,
        rate: match result.and_then(checks::unexpected_share) {
            Some(share) => Some(share),
            None => checks::rate("", failures, rows),
        },
        message: raised,
        seconds: 0.0,
        apart: None,
        hollow: None,
        observed: result.and_then(checks::observed),
        sample: if is_met { None } else { result.and_then(checks::unexpected) },
        stored: None,
        history: Vec::new(),
    }
}

/// `expect_column_values_to_be_between: min_value 1, max_value 20`
fn named(entry: &Json, kind: &str) -> String {
    let kwargs = entry.pointer("/expectation_config/kwargs").and_then(Json::as_object);
    let others = kwargs.into_iter().flatten().filter(|(key, value)| {
        !matches!(key.as_str(), "column" | "batch_id" | "result_format") && !value.is_null()
    });
    let others: Vec<String> =
        others.map(|(key, value)| format!("{key} {}", checks::text(value))).collect();
    if others.is_empty() { kind.to_owned() } else { format!("{kind}: {}", others.join(", ")) }
}

/// What kept an expectation from being judged: GX writes one exception, or one for each metric.
fn exception(info: &Json) -> Option<String> {
    let raised = |info: &Json| {
        let is_raised = info.get("raised_exception").and_then(Json::as_bool).unwrap_or(false);
        is_raised.then(|| info.get("exception_message").map(checks::text).unwrap_or_default())
    };
    raised(info).or_else(|| info.as_object()?.values().find_map(raised))
}
