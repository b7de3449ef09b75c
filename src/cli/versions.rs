//! `clearwell versions`: what has been published.

use std::process::ExitCode;

use chrono::SecondsFormat;
use serde::Serialize;

use super::arguments::Global;
use super::error::CliError;
use super::open;
use super::ui::Ui;
use crate::base::size::{ByteSize, count, counted};
use crate::warehouse::VersionFile;

/// One published version, as `--json` lists it.
#[derive(Serialize)]
struct VersionLine<'a> {
    version: u64,
    parent: Option<u64>,
    /// To the last digit that is kept: `--at` with it finds the version.
    published: String,
    run: &'a str,
    tested: bool,
    /// How many of its checks warned.
    warned: u64,
    tables: usize,
    rows: u64,
    bytes: u64,
}

pub(super) fn run(global: &Global, ui: &Ui) -> Result<ExitCode, CliError> {
    let config = open::config(global, None)?;
    let versions = open::warehouse(&config)?.versions()?;
    let lines: Vec<VersionLine<'_>> = versions.iter().map(line).collect();
    if global.json {
        ui.json(&lines)?;
        return Ok(ExitCode::SUCCESS);
    }
    if lines.is_empty() {
        ui.note("no version has been published yet; `clearwell build` publishes the first one");
        return Ok(ExitCode::SUCCESS);
    }
    let mut text = format!(
        "{:>7}  {:<27}  {:>6}  {:>14}  {:>10}  {:<11}  run\n",
        "version", "published", "tables", "rows", "size", ""
    );
    for line in &lines {
        let tested = match (line.tested, line.warned) {
            (false, _) => "untested".to_owned(),
            (true, 0) => "tested".to_owned(),
            (true, warned) => counted(warned, "warning"),
        };
        text.push_str(&format!(
            "{:>7}  {:<27}  {:>6}  {:>14}  {:>10}  {tested:<11}  {}\n",
            line.version,
            line.published,
            line.tables,
            count(line.rows),
            ByteSize(line.bytes).to_string(),
            line.run
        ));
    }
    ui.print(&text)?;
    Ok(ExitCode::SUCCESS)
}

fn line(file: &VersionFile) -> VersionLine<'_> {
    VersionLine {
        version: file.version.0,
        parent: file.parent.map(|parent| parent.0),
        published: file.published.to_rfc3339_opts(SecondsFormat::Micros, true),
        run: file.run.as_str(),
        tested: file.tested,
        warned: file.warned,
        tables: file.tables.len(),
        rows: file.rows,
        bytes: file.bytes,
    }
}
