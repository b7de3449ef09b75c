//! `clearwell build`, `run`, `seed`, `test`.

use std::cmp::Reverse;
use std::net::SocketAddr;
use std::process::ExitCode;

use super::arguments::{self, Global};
use super::error::CliError;
use super::open;
use super::ui::Ui;
use crate::base::size::{ByteSize, count, counted};
use crate::build::{self, Options, Report, Verb};
use crate::record::{CheckStatus, InputCount, NodeStatus, RunOutcome};

/// How many kinds of reasons the summary names for a source, the most frequent first.
const REASONS_SHOWN: usize = 3;

pub(super) async fn run(
    global: &Global,
    command: &arguments::Build,
    verb: Verb,
    ui: &Ui,
) -> Result<ExitCode, CliError> {
    let config = open::config(global, None)?;
    let workspace = open::workspace(&config, command, ui)?;
    let options = Options {
        verb,
        select: command.select.clone(),
        exclude: command.exclude.clone(),
        full_refresh: command.full_refresh,
        fail_fast: command.fail_fast,
    };
    let report = build::run(&workspace, &options).await?;
    if global.json {
        ui.json(&report.record)?;
    }
    for warning in &report.warnings {
        ui.note(&format!("warning: {warning}"));
    }
    summarize(&report, config.bind, ui);
    Ok(if report.has_failed() { ExitCode::from(1) } else { ExitCode::SUCCESS })
}

/// What was loaded, rejected, built, tested and published, and how to go on.
fn summarize(report: &Report, serves_on: SocketAddr, ui: &Ui) {
    let record = &report.record;
    let sum = |field: fn(&InputCount) -> u64| record.inputs.iter().map(field).sum();
    let (read, rejected): (u64, u64) = (sum(|i| i.rows_read), sum(|i| i.rows_rejected));
    let built = |status| record.nodes.iter().filter(|node| node.status == status).count();
    let checks = |status| record.findings.iter().filter(|f| f.status == status).count();
    ui.note("");
    if !record.inputs.is_empty() {
        let files: u64 = sum(|i| i.files);
        ui.note(&format!(
            "loaded    {} of {}: {} accepted, {} rejected",
            counted(read, "row"),
            counted(files, "file"),
            count(read - rejected),
            count(rejected)
        ));
        for input in record.inputs.iter().filter(|input| input.rows_rejected > 0) {
            ui.note(&format!("rejected  {}", reject_line(input)));
        }
    }
    ui.note(&format!(
        "built     {}, {} unchanged, {} failed, {} skipped",
        counted(built(NodeStatus::Built) as u64, "table"),
        built(NodeStatus::Unchanged),
        built(NodeStatus::Failed),
        built(NodeStatus::Skipped)
    ));
    if !record.findings.is_empty() {
        ui.note(&format!(
            "tested    {}: {} passed, {} warned, {} failed",
            counted(record.findings.len() as u64, "check"),
            checks(CheckStatus::Pass),
            checks(CheckStatus::Warn),
            checks(CheckStatus::Fail) + checks(CheckStatus::Error)
        ));
    }
    if let Some(path) = &report.quality {
        ui.note(&format!("report    {}", path.display()));
    }
    let seconds = (record.finished - record.started).num_milliseconds() as f64 / 1e3;
    conclude(report, seconds, serves_on, ui);
}

/// `61 rows into quarantine.shop_orders: 31 check:quantity, 30 ragged`
fn reject_line(input: &InputCount) -> String {
    let mut reasons: Vec<(&String, &u64)> = input.reasons.iter().collect();
    reasons.sort_by_key(|(name, rows)| (Reverse(**rows), *name));
    let shown = reasons.iter().take(REASONS_SHOWN);
    let mut shown: Vec<String> =
        shown.map(|(name, rows)| format!("{} {name}", count(**rows))).collect();
    if reasons.len() > REASONS_SHOWN {
        shown.push("…".to_owned());
    }
    let rows = counted(input.rows_rejected, "row");
    format!("{rows} into {}: {}", input.quarantine, shown.join(", "))
}

fn conclude(report: &Report, seconds: f64, serves_on: SocketAddr, ui: &Ui) {
    let size = ByteSize(report.bytes);
    match &report.record.outcome {
        RunOutcome::Published { version } => {
            ui.note(&format!("published version {version} ({size}) in {seconds:.2} s"));
            ui.note(&format!("next      `clearwell serve` answers on http://{serves_on}/api/v1/"));
        }
        RunOutcome::Unchanged { version } => {
            ui.note(&format!("nothing has changed: version {version} stands ({seconds:.2} s)"));
        }
        RunOutcome::Failed { reason } => {
            let run = &report.record.id;
            ui.complain(&format!("look      clearwell query --at run:{run} \"select …\""));
            if report.conflict.is_some() {
                ui.complain("hint      another run published first; run the command again");
            }
            ui.complain(&format!("failed    {reason}; nothing was published ({seconds:.2} s)"));
        }
    }
}
