//! `clearwell query`: read-only SQL over one state of the warehouse.

use std::process::ExitCode;
use std::sync::Arc;

use super::arguments::{self, Format, Global};
use super::error::{CliError, sql_error};
use super::open;
use super::ui::Ui;
use crate::engine::{TableSet, output};

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
    let format = match (global.json, command.format) {
        (true, Format::Table) | (_, Format::Json) => output::Format::Json,
        (_, Format::Table) => output::Format::Table,
        (_, Format::Csv) => output::Format::Csv,
        (_, Format::Ndjson) => output::Format::Ndjson,
        (_, Format::Arrow) => output::Format::Arrow,
        (_, Format::Parquet) => output::Format::Parquet,
    };
    output::write(&query, format, ui.data()).await.or_else(ignore_closed_pipe)?;
    Ok(ExitCode::SUCCESS)
}

/// `clearwell query … | head` is no error.
fn ignore_closed_pipe(error: output::OutputError) -> Result<(), CliError> {
    match error {
        output::OutputError::Write(error) if error.kind() == std::io::ErrorKind::BrokenPipe => {
            Ok(())
        }
        output::OutputError::Write(error) => {
            Err(CliError::user(format!("cannot write the answer: {error}")))
        }
        output::OutputError::Engine(error) => Err(error.into()),
    }
}
