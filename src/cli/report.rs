//! `clearwell report`: the quality report of a version or failed run, made again from what is stored.

use std::process::ExitCode;

use super::arguments::{self, Global};
use super::error::CliError;
use super::open;
use super::ui::Ui;
use crate::docs::{self, ReportSource};
use crate::warehouse::At;

/// What a report is written as.
#[derive(Clone, Copy)]
enum Form {
    Html,
    Json,
    Junit,
}

pub(super) async fn run(
    global: &Global,
    command: &arguments::Report,
    ui: &Ui,
) -> Result<ExitCode, CliError> {
    let form = form(command)?;
    let config = open::config(global, None)?;
    let warehouse = open::warehouse(&config)?;
    let state = open::state(&warehouse, command.at.as_deref(), ui)?;
    let asked = command.at.as_deref().map(str::parse::<At>).transpose()?;
    let run = match (&asked, &state.version) {
        (Some(At::Run(id)), _) => id,
        (_, Some(version)) => &version.run,
        (_, None) => return Err(CliError::unexpected("the state names no run")),
    };
    let record = warehouse.run(run)?;
    let engine = open::engine(&config)?;
    let source =
        ReportSource { warehouse: &warehouse, engine: &engine, record: &record, state: &state };
    let report = docs::assemble(&source).await?;
    let text = match form {
        Form::Html => docs::html(&report).map_err(CliError::unexpected)?,
        Form::Json => docs::json(&report).map_err(CliError::unexpected)?,
        Form::Junit => docs::junit(&report).map_err(CliError::unexpected)?,
    };
    let path = &command.output;
    std::fs::write(path, text)
        .map_err(|error| CliError::user(format!("cannot write `{}`: {error}", path.display())))?;
    ui.note(&format!("report    {}", path.display()));
    Ok(ExitCode::SUCCESS)
}

/// The form that the file's name asks for.
fn form(command: &arguments::Report) -> Result<Form, CliError> {
    let extension = command.output.extension().and_then(|extension| extension.to_str());
    match extension.map(str::to_lowercase).as_deref() {
        Some("html" | "htm") => Ok(Form::Html),
        Some("json") => Ok(Form::Json),
        Some("xml") => Ok(Form::Junit),
        _ => {
            let file = command.output.display();
            Err(CliError::user(format!("`{file}` does not say what to write"))
                .hint("its name ends in .html, .json or .xml (JUnit)"))
        }
    }
}
