//! `clearwell query`: read-only SQL over one state of the warehouse.

use std::io::ErrorKind;
use std::process::ExitCode;
use std::sync::Arc;

use super::arguments::{self, Global};
use super::error::{CliError, sql_error};
use super::open;
use super::ui::Ui;
use crate::engine::TableSet;
use crate::engine::output::{self, Format, OutputError};

pub(super) async fn run(
    global: &Global,
    command: &arguments::Query,
    ui: &Ui,
) -> Result<ExitCode, CliError> {
    let config = open::config(global, None)?;
    let warehouse = open::warehouse(&config)?;
    let state = open::state(&warehouse, command.at.as_deref())?;
    let engine = open::engine(&config)?;
    let tables = TableSet::of(warehouse.root(), &state.tables);
    let session = engine.session(Arc::new(tables));
    let query =
        session.plan(&command.sql).await.map_err(|error| sql_error(&command.sql, &error))?;
    let format = if global.json { Format::Json } else { command.format };
    let rows = query.in_stored_order().stream().await?;
    let written = output::write(rows, &query.schema(), format, &mut ui.data()).await;
    written.map(drop).or_else(ignore_closed_pipe)?;
    Ok(ExitCode::SUCCESS)
}

/// `clearwell query … | head` is no error.
fn ignore_closed_pipe(error: OutputError) -> Result<(), CliError> {
    match error {
        OutputError::Io(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        OutputError::Engine(error) => Err(error.into()),
        error => Err(CliError::user(error)),
    }
}
