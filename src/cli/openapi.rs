//! `clearwell openapi`: the OpenAPI document, as it is served.

use std::process::ExitCode;

use super::arguments::Global;
use super::error::CliError;
use super::open;
use super::ui::Ui;
use crate::api;
use crate::base::Version;

pub(super) fn run(global: &Global, ui: &Ui) -> Result<ExitCode, CliError> {
    let config = open::config(global, None)?;
    let warehouse = open::warehouse(&config)?;
    // Says so where there is no version.
    let version = open::state(&warehouse, None, ui)?.number().unwrap_or(Version::FIRST);
    let document = api::document(&warehouse, &open::engine(&config)?, version);
    let document = document.map_err(CliError::user)?;
    ui.print(if global.json { &document.json } else { &document.yaml })?;
    Ok(ExitCode::SUCCESS)
}
