//! `clearwell validate`: files against a suite of Great Expectations, without a project.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde_json::Value as Json;

use super::arguments::{self, Global};
use super::error::{CliError, Kind};
use super::ui::Ui;
use super::{open, reading, validated};
use crate::base::clock::{Clock as _, SystemClock};
use crate::base::scratch::Scratch;
use crate::base::{Diagnostic, SourceText, TableName, json_text};
use crate::checks::expectations::{self, Level, Options, ResultFormat, Subject};
use crate::config;
use crate::docs::{self, ValidationAbout};
use crate::engine::{Engine, EngineLimits, Relation, TableSet};
use crate::project;
use crate::rules::Suite;

/// The schema of the one table that a suite sees.
const SCHEMA: &str = "main";

pub(super) async fn run(
    global: &Global,
    command: &arguments::Validate,
    ui: &Ui,
) -> Result<ExitCode, CliError> {
    let config = open::config(global, None)?;
    let suite = suite(&command.suite, ui)?;
    let parameters = project::parse_vars("--parameters", command.parameters.as_deref());
    let options = Options {
        result_format: ResultFormat::at(level(&command.result_format)),
        parameters: parameters?,
        parallel: config.threads,
    };
    let scratch = Scratch::new(&config::temporary_folder()).map_err(CliError::user)?;
    let engine = Engine::new(&EngineLimits {
        memory: config.memory_limit,
        threads: config.threads,
        spill: scratch.path().join("spill"),
        for_clients: false,
    })?;
    let mut validations = Vec::new();
    let mut has_failed = false;
    for (index, path) in command.files.iter().enumerate() {
        let started = SystemClock.now();
        let validation = validate(&engine, path, command, &suite, &options, scratch.path()).await;
        let validation = match validation {
            // The other files have their results.
            Err(error) if error.kind == Kind::User && command.files.len() > 1 => {
                ui.report(&error);
                has_failed = true;
                continue;
            }
            validation => validation?,
        };
        has_failed |= validated::has_failed(&validation);
        if let Some(html) = &command.html {
            let page = page_path(html, &command.files, index);
            write_page(&page, path, &suite.name, &validation, started)?;
            ui.note(&format!("report    {}", page.display()));
        }
        if !global.json {
            ui.print(&validated::table(&path.display().to_string(), &validation))?;
        }
        validations.push(validation);
    }
    if global.json {
        match (validations.as_slice(), command.files.len()) {
            ([one], 1) => ui.json(one)?,
            (several, _) => ui.json(&several)?,
        }
    }
    Ok(if has_failed { ExitCode::from(1) } else { ExitCode::SUCCESS })
}

/// Where the page of a file goes: to `html` itself, of several files below it, by their place and name.
fn page_path(html: &Path, files: &[PathBuf], index: usize) -> PathBuf {
    if files.len() == 1 {
        return html.to_owned();
    }
    let name = files[index].file_name().unwrap_or_default().to_string_lossy();
    html.join(format!("{}-{name}.html", index + 1))
}

fn write_page(
    page: &Path,
    data: &Path,
    suite: &str,
    validation: &Json,
    started: DateTime<Utc>,
) -> Result<(), CliError> {
    let finished = SystemClock.now();
    let about = ValidationAbout {
        data: &data.display().to_string(),
        suite,
        validated: finished,
        seconds: (finished - started).as_seconds_f64(),
    };
    let text = docs::validation_html(validation, &about).map_err(CliError::unexpected)?;
    let folder = page.parent().filter(|folder| !folder.as_os_str().is_empty());
    let made = folder.map_or(Ok(()), std::fs::create_dir_all);
    made.and_then(|()| std::fs::write(page, text)).map_err(|error| {
        CliError::user(format!("{}: cannot be written: {error}", page.display()))
            .hint("--html names the page to write")
    })
}

/// GX's result for one file, whose name stands in its `meta`.
async fn validate(
    engine: &Engine,
    path: &Path,
    command: &arguments::Validate,
    suite: &Suite,
    options: &Options,
    scratch: &Path,
) -> Result<Json, CliError> {
    // A suite made for pandas writes a name with the blanks that the header has; one made for a contract without.
    let is_written = |name: &str| suite.mentions(name);
    let files =
        reading::table(path, &command.reading, options.parallel, scratch, is_written).await?;
    let name = match &command.name {
        Some(name) => name.clone(),
        None => {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            name.split('.').find(|part| !part.is_empty()).unwrap_or("table").to_owned()
        }
    };
    let table = TableName::new(SCHEMA, &name).map_err(CliError::usage)?;
    let schema = Arc::clone(&files.schema);
    let kept = files.files.iter().map(|file| file.path.clone()).collect::<Vec<_>>();
    let relations = BTreeMap::from([(table.clone(), Relation::Files(Arc::new(files)))]);
    let session = engine.session(Arc::new(TableSet { relations }));
    let subject = Subject { session: &session, table: &table, schema: &schema, unique: &[] };
    let mut found = expectations::validate(&subject, suite, options).await.to_json();
    found["meta"]["file"] = path.display().to_string().into();
    // What was kept of one file is not needed for the next.
    for file in kept.iter().filter(|file| file.starts_with(scratch)) {
        drop(std::fs::remove_file(file));
    }
    Ok(found)
}

fn level(written: &str) -> Level {
    match written.to_ascii_uppercase().as_str() {
        "BOOLEAN_ONLY" => Level::BooleanOnly,
        "BASIC" => Level::Basic,
        "COMPLETE" => Level::Complete,
        _ => Level::Summary,
    }
}

/// The suite that the file holds, called as the file where it does not say.
fn suite(path: &Path, ui: &Ui) -> Result<Suite, CliError> {
    let text = std::fs::read_to_string(path).map_err(|error| {
        CliError::user(format!("{}: cannot be read: {error}", path.display()))
            .hint("--suite names a file of Great Expectations' JSON")
    })?;
    let source = SourceText::new(path, text.trim_start_matches('\u{feff}'));
    let json = json_text::parse(&source)?;
    let name = path.file_stem().unwrap_or_default().to_string_lossy();
    let suite = Suite::read(&json, &name).map_err(|error| {
        let place = json_text::locate(&source, &error.pointer);
        Diagnostic::error(error.message).at(place)
    })?;
    if suite.expectations.is_empty() {
        let warning = Diagnostic::warning("this suite expects nothing, and everything passes it");
        ui.warn(&warning.at(json_text::locate(&source, "/expectations")).into());
    }
    Ok(suite)
}
