//! The report in the order in which the page tells it.

use std::collections::BTreeMap;

use serde::Serialize;

use super::charts;
use crate::base::size::{count, counted};
use crate::docs::quality::{CheckPart, ColumnPart, PastRun, QualityReport, TablePart};

/// A longer value is cut, and whole on demand.
pub(super) const CELL_CHARACTERS: usize = 90;
/// Rows of a table in past runs are drawn this wide.
const LINE_WIDTH: f64 = 64.0;

#[derive(Serialize)]
pub(super) struct Page<'a> {
    report: &'a QualityReport,
    /// Checks that did not pass, the worst first.
    attention: Vec<&'a CheckPart>,
    /// Tables with rejects.
    rejects: Vec<&'a TablePart>,
    tables: Vec<TableView<'a>>,
    /// Checks that belong to none of the tables, by what they are about.
    others: BTreeMap<String, Vec<&'a CheckPart>>,
    trends: Vec<Trend>,
    /// Newest first.
    runs: Vec<&'a PastRun>,
}

#[derive(Serialize)]
struct TableView<'a> {
    part: &'a TablePart,
    anchor: String,
    tally: Tally,
    /// Checks of the table as a whole.
    checks: Vec<&'a CheckPart>,
    columns: Vec<ColumnView<'a>>,
    /// Its rows in past runs, as a line; empty where there was but one.
    line: String,
    line_label: String,
}

#[derive(Serialize)]
struct ColumnView<'a> {
    part: &'a ColumnPart,
    checks: Vec<&'a CheckPart>,
    tally: Tally,
    /// Bars of the histogram, or of the most frequent values.
    bars: String,
    bars_width: usize,
    bars_label: String,
    /// Of all rows, 0 to 1.
    null_share: f64,
}

#[derive(Clone, Copy, Default, Serialize)]
struct Tally {
    passed: usize,
    warned: usize,
    failed: usize,
}

/// One figure over the last runs.
#[derive(Serialize)]
struct Trend {
    name: &'static str,
    latest: String,
    bars: String,
    width: usize,
    label: String,
}

pub(super) fn view(report: &QualityReport) -> Page<'_> {
    let mut attention: Vec<&CheckPart> =
        report.checks.iter().filter(|check| check.status != "pass").collect();
    attention.sort_by_key(|check| rank(check));
    let is_rejecting =
        |table: &&TablePart| table.input.as_ref().is_some_and(|input| input.rows_rejected > 0);
    let mut by_table: BTreeMap<&str, Vec<&CheckPart>> = BTreeMap::new();
    let mut others: BTreeMap<String, Vec<&CheckPart>> = BTreeMap::new();
    for check in &report.checks {
        let table = check.table.as_deref();
        match table.filter(|table| report.tables.iter().any(|t| t.name.to_lowercase() == **table)) {
            Some(table) => by_table.entry(table).or_default().push(check),
            None => {
                let about = check.column.as_deref().or(table).unwrap_or("The whole project");
                others.entry(about.to_owned()).or_default().push(check);
            }
        }
    }
    let tables = report.tables.iter().enumerate().map(|(index, table)| {
        let checks = by_table.remove(table.name.to_lowercase().as_str()).unwrap_or_default();
        table_view(report, table, index, &checks)
    });
    Page {
        attention,
        rejects: report.tables.iter().filter(is_rejecting).collect(),
        tables: tables.collect(),
        others,
        trends: if report.history.len() > 1 { trends(&report.history) } else { Vec::new() },
        runs: report.history.iter().rev().collect(),
        report,
    }
}

/// What could not be run and what failed before what warned.
fn rank(check: &CheckPart) -> (u8, &str) {
    let rank = match check.status {
        "fail" => 0,
        "error" => 1,
        "warn" => 2,
        _ => 3,
    };
    (rank, &check.id)
}

fn tally(checks: &[&CheckPart]) -> Tally {
    let having = |is: fn(&str) -> bool| checks.iter().filter(|check| is(check.status)).count();
    Tally {
        passed: having(|status| status == "pass"),
        warned: having(|status| status == "warn"),
        failed: having(|status| matches!(status, "fail" | "error")),
    }
}

fn table_view<'a>(
    report: &'a QualityReport,
    part: &'a TablePart,
    index: usize,
    checks: &[&'a CheckPart],
) -> TableView<'a> {
    let columns: Vec<ColumnView<'a>> = part
        .columns
        .iter()
        .map(|column| {
            let is_of = |check: &&&CheckPart| {
                let name = check.column.as_deref().map(|name| name.trim_matches('"'));
                name.is_some_and(|name| name.eq_ignore_ascii_case(&column.name))
            };
            column_view(part, column, checks.iter().filter(is_of).copied().collect())
        })
        .collect();
    let is_of_a_column = |check: &&CheckPart| {
        columns.iter().any(|column| column.checks.iter().any(|other| other.id == check.id))
    };
    let own = checks.iter().copied().filter(|check| !is_of_a_column(check)).collect();
    let folded = part.name.to_lowercase();
    let short = folded.split_once('.').map_or(folded.as_str(), |(_, name)| name);
    let rows = report.history.iter();
    let rows: Vec<u64> = rows
        .filter_map(|run| run.rows.get(&folded).or_else(|| run.rows.get(short)).copied())
        .collect();
    let is_trend = rows.len() > 1;
    let label = match (rows.first(), rows.last()) {
        (Some(first), Some(last)) if is_trend => {
            format!("rows over {} runs, from {} to {}", rows.len(), count(*first), count(*last))
        }
        _ => String::new(),
    };
    TableView {
        part,
        anchor: format!("t{index}"),
        tally: tally(checks),
        checks: own,
        columns,
        line: if is_trend { charts::line(&rows, LINE_WIDTH) } else { String::new() },
        line_label: label,
    }
}

fn column_view<'a>(
    table: &TablePart,
    part: &'a ColumnPart,
    checks: Vec<&'a CheckPart>,
) -> ColumnView<'a> {
    let profile = part.profile.as_ref();
    let histogram = profile.and_then(|profile| profile.histogram.as_ref());
    let top: Vec<u64> = profile
        .map_or_else(Vec::new, |profile| profile.top.iter().map(|value| value.rows).collect());
    let (counts, label) = match histogram {
        Some(histogram) => (
            histogram.counts.clone(),
            format!("values from {} to {}", histogram.from, histogram.to),
        ),
        None => (top, "the most frequent values".to_owned()),
    };
    let nulls = profile.map_or(0, |profile| profile.nulls.count);
    let rows = table.rows.unwrap_or(table.profile.rows_read);
    ColumnView {
        part,
        tally: tally(&checks),
        checks,
        bars: charts::bars(&counts),
        bars_width: counts.len().max(6),
        bars_label: label,
        null_share: if rows == 0 { 0.0 } else { nulls as f64 / rows as f64 },
    }
}

fn trends(history: &[PastRun]) -> Vec<Trend> {
    let trend = |name, of: fn(&PastRun) -> u64, say: fn(u64) -> String| {
        let values: Vec<u64> = history.iter().map(of).collect();
        let latest = say(values.last().copied().unwrap_or(0));
        let said: Vec<String> = values.iter().map(|value| say(*value)).collect();
        Trend {
            name,
            latest,
            bars: charts::bars(&values),
            width: values.len().max(10),
            label: format!("{name}, oldest run first: {}", said.join(", ")),
        }
    };
    vec![
        trend("Rows read", |run| run.rows_read, count),
        trend("Rows rejected", |run| run.rows_rejected, count),
        trend("Checks not passed", |run| run.warned + run.failed, |n| counted(n, "check")),
        trend("Duration", |run| (run.seconds * 1e3) as u64, |ms| super::duration(ms as f64 / 1e3)),
    ]
}
