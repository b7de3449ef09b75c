//! `clearwell generate`: synthetic shop data.

use std::process::ExitCode;

use super::arguments::{self, Global};
use super::error::CliError;
use super::ui::Ui;
use crate::base::size::{ByteSize, count};
use crate::sample::{self, Request};

pub(super) fn run(
    global: &Global,
    command: &arguments::Generate,
    ui: &Ui,
) -> Result<ExitCode, CliError> {
    if !(0.0..=1.0).contains(&command.bad_rate) {
        return Err(CliError::usage("--bad-rate is a part of the rows, 0 to 1"));
    }
    let request = Request {
        orders: command.orders,
        seed: command.seed,
        bad_rate: command.bad_rate,
        out: command.out.clone(),
    };
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let threads = global.threads.as_deref().and_then(|n| n.parse().ok()).unwrap_or(cores);
    let summary =
        sample::generate(&request, ui.progress().as_ref(), threads).map_err(CliError::user)?;
    for file in &summary.files {
        ui.note(&format!(
            "wrote     {}: {} rows ({}), {} of them broken",
            file.path.display(),
            count(file.rows),
            ByteSize(file.bytes),
            count(file.rows_broken)
        ));
    }
    ui.note(&format!("wrote     {}: what was broken how", summary.rejects.display()));
    Ok(ExitCode::SUCCESS)
}
