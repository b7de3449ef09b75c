//! The report as JUnit XML: what CI systems show of a run. A suite for each table, a case for each check.

use std::collections::BTreeMap;
use std::io::{Error, Write};

use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesText, Event};

use super::quality::{CheckPart, QualityReport, TablePart};
use crate::base::size::counted;

/// # Errors
/// If it cannot be written, which none of its parts give cause for.
pub(crate) fn text(report: &QualityReport) -> Result<String, Error> {
    let mut xml = Writer::new_with_indent(Vec::new(), b' ', 2);
    xml.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    let suites = suites(report);
    let all: Vec<&Case> = suites.values().flatten().collect();
    let seconds = format!("{:.3}", report.run.seconds);
    let root = xml.create_element("testsuites").with_attribute(("name", "clearwell"));
    let root = root.with_attributes(counts(&all).iter().map(|(name, n)| (*name, n.as_str())));
    root.with_attribute(("time", seconds.as_str())).write_inner_content(|xml| {
        suites.iter().try_for_each(|(name, cases)| suite(xml, report, name, cases))
    })?;
    let mut text = String::from_utf8_lossy(&xml.into_inner()).into_owned();
    text.push('\n');
    Ok(text)
}

struct Case {
    name: String,
    seconds: f64,
    outcome: Outcome,
    /// What a person reads below it.
    detail: String,
}

enum Outcome {
    Passed,
    Failed(String),
    Error(String),
    Skipped,
}

/// Cases by suite: checks by their table, what could not be built, and the contracts of sources.
fn suites(report: &QualityReport) -> BTreeMap<String, Vec<Case>> {
    let mut suites: BTreeMap<String, Vec<Case>> = BTreeMap::new();
    for broken in &report.broken {
        let outcome = match broken.status {
            "skipped" => Outcome::Skipped,
            _ => Outcome::Error(first_line(&broken.message)),
        };
        let detail = broken.message.clone();
        let case = Case { name: broken.node.clone(), seconds: 0.0, outcome, detail };
        suites.entry("build".to_owned()).or_default().push(case);
    }
    for table in report.tables.iter().filter(|table| table.input.is_some()) {
        suites.entry(table.name.to_lowercase()).or_default().push(contract(table));
    }
    for check in &report.checks {
        let suite = check.table.clone().unwrap_or_else(|| "project".to_owned());
        suites.entry(suite).or_default().push(case(check));
    }
    suites
}

/// Rejects do not fail a run by themselves: they are told of.
fn contract(table: &TablePart) -> Case {
    let input = table.input.as_ref();
    let reasons = input.iter().flat_map(|input| &input.reasons);
    let lines = reasons.map(|reason| format!("{}: {}", reason.reason, counted(reason.rows, "row")));
    let rejected = input.map_or(0, |input| input.rows_rejected);
    let detail = match rejected {
        0 => String::new(),
        rejected => {
            let lines: Vec<String> = lines.collect();
            format!("{}\n{}", counted(rejected, "reject"), lines.join("\n"))
        }
    };
    Case { name: "contract".to_owned(), seconds: 0.0, outcome: Outcome::Passed, detail }
}

fn case(check: &CheckPart) -> Case {
    let failures = counted(check.failures, "failure");
    let message = check.message.as_deref().map_or_else(|| failures.clone(), first_line);
    let outcome = match check.status {
        "fail" => Outcome::Failed(message),
        "error" => Outcome::Error(message),
        "skipped" => Outcome::Skipped,
        _ => Outcome::Passed,
    };
    let mut lines = Vec::new();
    if check.status == "warn" {
        lines.push(format!("warned: {failures}"));
    }
    lines.extend(check.message.clone());
    lines.extend(check.observed.as_ref().map(|observed| format!("observed: {observed}")));
    if let Some(sample) = &check.sample {
        lines.push(sample.columns.join(" | "));
        for row in &sample.rows {
            let cells: Vec<&str> =
                row.iter().map(|cell| cell.as_deref().unwrap_or("null")).collect();
            lines.push(cells.join(" | "));
        }
    }
    let detail = if check.status == "pass" { String::new() } else { lines.join("\n") };
    Case { name: check.name.clone(), seconds: check.seconds, outcome, detail }
}

fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().to_owned()
}

fn counts(cases: &[&Case]) -> Vec<(&'static str, String)> {
    let having = |is: fn(&Outcome) -> bool| {
        cases.iter().filter(|case| is(&case.outcome)).count().to_string()
    };
    vec![
        ("tests", cases.len().to_string()),
        ("failures", having(|outcome| matches!(outcome, Outcome::Failed(_)))),
        ("errors", having(|outcome| matches!(outcome, Outcome::Error(_)))),
        ("skipped", having(|outcome| matches!(outcome, Outcome::Skipped))),
    ]
}

fn suite(
    xml: &mut Writer<impl Write>,
    report: &QualityReport,
    name: &str,
    cases: &[Case],
) -> Result<(), Error> {
    let seconds: f64 = cases.iter().map(|case| case.seconds).sum();
    let seconds = format!("{seconds:.3}");
    let cases_counted: Vec<&Case> = cases.iter().collect();
    let counts = counts(&cases_counted);
    let started = report.run.started.trim_end_matches('Z');
    xml.create_element("testsuite")
        .with_attribute(("name", printable(name).as_str()))
        .with_attributes(counts.iter().map(|(name, n)| (*name, n.as_str())))
        .with_attribute(("time", seconds.as_str()))
        .with_attribute(("timestamp", started))
        .write_inner_content(|xml| cases.iter().try_for_each(|case| write_case(xml, name, case)))?;
    Ok(())
}

fn write_case(xml: &mut Writer<impl Write>, suite: &str, case: &Case) -> Result<(), Error> {
    let seconds = format!("{:.3}", case.seconds);
    let (class, name) = (printable(suite), printable(&case.name));
    let element = xml
        .create_element("testcase")
        .with_attribute(("classname", class.as_str()))
        .with_attribute(("name", name.as_str()))
        .with_attribute(("time", seconds.as_str()));
    let detail = printable(&case.detail);
    if matches!(case.outcome, Outcome::Passed) && detail.is_empty() {
        element.write_empty()?;
        return Ok(());
    }
    element.write_inner_content(|xml| {
        let (tag, message) = match &case.outcome {
            Outcome::Passed => ("system-out", None),
            Outcome::Failed(message) => ("failure", Some(printable(message))),
            Outcome::Error(message) => ("error", Some(printable(message))),
            Outcome::Skipped => ("skipped", None),
        };
        let mut inner = xml.create_element(tag);
        if let Some(message) = &message {
            inner = inner.with_attribute(("message", message.as_str()));
        }
        inner.write_text_content(BytesText::new(&detail))?;
        Ok(())
    })?;
    Ok(())
}

/// Without the characters that XML 1.0 cannot hold, however they are escaped.
fn printable(text: &str) -> String {
    let fits = |c: char| matches!(c, '\t' | '\n' | ' '..='\u{FFFD}' | '\u{10000}'..);
    text.chars().map(|c| if fits(c) { c } else { '\u{FFFD}' }).collect()
}
