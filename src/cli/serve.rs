//! `clearwell serve`: the API over the current version.

use std::process::ExitCode;

use super::arguments::{self, Global};
use super::error::CliError;
use super::open;
use super::ui::Ui;
use crate::api::{self, ServeConfig};

pub(super) async fn run(
    global: &Global,
    command: &arguments::Serve,
    ui: &Ui,
) -> Result<ExitCode, CliError> {
    let config = open::config(global, command.bind.as_ref())?;
    let serve = ServeConfig {
        bind: config.bind,
        warehouse: open::warehouse(&config)?,
        engine: open::engine(&config)?,
        limits: api::ServeLimits {
            answer_cache: config.answer_cache,
            row_cache: config.row_cache,
            ..api::ServeLimits::default()
        },
    };
    api::serve(serve, |address| ui.note(&format!("serving on http://{address}/api/v1/")))
        .await
        .map_err(CliError::user)?;
    Ok(ExitCode::SUCCESS)
}
