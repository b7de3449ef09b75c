//! `clearwell query`: read-only SQL over one state of the warehouse.

use std::fs::File;
use std::io::{BufWriter, ErrorKind, Write};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use super::arguments::{self, Global};
use super::error::{CliError, sql_error};
use super::open;
use super::ui::Ui;
use crate::engine::TableSet;
use crate::engine::output::{self, Format, OutputError, RowFormat};

pub(super) async fn run(
    global: &Global,
    command: &arguments::Query,
    ui: &Ui,
) -> Result<ExitCode, CliError> {
    let config = open::config(global, None)?;
    let warehouse = open::warehouse(&config)?;
    let state = open::state(&warehouse, command.at.as_deref(), ui)?;
    let engine = open::engine(&config)?;
    let tables = TableSet::of(warehouse.root(), &state.tables);
    let session = engine.session(Arc::new(tables));
    let query =
        session.plan(&command.sql).await.map_err(|error| sql_error(&command.sql, &error))?;
    let by_name = || command.output.as_ref()?.extension()?.to_str()?.parse().ok();
    let format = match global.json {
        true => Format::Rows(RowFormat::Json),
        false => command.format.or_else(by_name).unwrap_or(Format::Table),
    };
    let rows = query.in_stored_order().stream().await?;
    let mut out = match &command.output {
        Some(path) => create(path)?,
        None => ui.data(),
    };
    let written = output::write(rows, &query.schema(), format, &mut *out).await;
    written.map(drop).or_else(ignore_closed_pipe)?;
    Ok(ExitCode::SUCCESS)
}

fn create(path: &Path) -> Result<Box<dyn Write + Send>, CliError> {
    let error = |error| CliError::user(format!("cannot write `{}`: {error}", path.display()));
    Ok(Box::new(BufWriter::new(File::create(path).map_err(error)?)))
}

/// `clearwell query … | head` is no error.
fn ignore_closed_pipe(error: OutputError) -> Result<(), CliError> {
    match error {
        OutputError::Io(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        OutputError::Engine(error) => Err(error.into()),
        error => Err(CliError::user(error)),
    }
}
