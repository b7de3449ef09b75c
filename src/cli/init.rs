//! `clearwell init`: a new project, the bundled one or one for files of the user's.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use super::arguments::{self, Global};
use super::error::CliError;
use super::ui::Ui;
use super::{open, reading};
use crate::base::scratch::Scratch;
use crate::base::size::{count, counted};
use crate::config;
use crate::engine::{Engine, EngineLimits};
use crate::ingest::survey;
use crate::starter::{self, NewFile, StarterError, Summary, SurveyedFile};

pub(super) async fn run(
    global: &Global,
    command: &arguments::Init,
    ui: &Ui,
) -> Result<ExitCode, CliError> {
    let named = command.folder.as_ref().or(command.out.as_ref());
    let folder = named.map_or(Path::new("."), PathBuf::as_path);
    let absolute = std::path::absolute(folder).map_err(CliError::user)?;
    let absolute = absolute.components().collect::<PathBuf>();
    let (files, summaries) = match command.from.is_empty() {
        true => (starter::bundled(), Vec::new()),
        false => from_files(global, command, &absolute, ui).await?,
    };
    starter::write(&absolute, &files)?;
    tell(folder, &files, &summaries, command, ui);
    Ok(ExitCode::SUCCESS)
}

async fn from_files(
    global: &Global,
    command: &arguments::Init,
    folder: &Path,
    ui: &Ui,
) -> Result<(Vec<NewFile>, Vec<Summary>), CliError> {
    let config = open::config(global, None)?;
    let scratch = Scratch::new(&config::temporary_folder()).map_err(CliError::user)?;
    let written = command.reading.options()?;
    let mut surveyed = Vec::new();
    for path in &command.from {
        if reading::is_parquet(path) {
            let problem = format!("{}: a Parquet file is no source", path.display());
            return Err(CliError::user(problem).hint("a contract is made for CSV files"));
        }
        let options = survey::sniff(path, &written, command.reading.delimiter.is_some());
        let file = reading::text_file(path, &Arc::new(options), config.threads);
        let task = ui.progress().start(&file.name, None);
        let survey = survey::survey(&file, &command.reading.null, scratch.path()).await;
        task.finish("");
        let path = path.canonicalize().map_err(CliError::user);
        surveyed.push(SurveyedFile { survey: survey?, path: path? });
    }
    let limits = EngineLimits {
        memory: config.memory_limit,
        threads: config.threads,
        spill: scratch.path().join("spill"),
        for_clients: false,
    };
    let engine = Engine::new(&limits)?;
    // As the files' paths are: without links.
    std::fs::create_dir_all(folder).map_err(CliError::user)?;
    let folder = folder.canonicalize().map_err(CliError::user)?;
    let name = starter::project_name(&folder);
    Ok(starter::from_files(&engine, &name, &folder, surveyed).await?)
}

fn tell(
    folder: &Path,
    files: &[NewFile],
    summaries: &[Summary],
    command: &arguments::Init,
    ui: &Ui,
) {
    for found in summaries {
        let key = match found.key.as_slice() {
            [] => "no key found".to_owned(),
            key => format!("key {}", key.join(", ")),
        };
        ui.note(&format!(
            "surveyed  {}: {} of {}, {key}",
            found.table,
            counted(found.rows, "row"),
            counted(found.columns as u64, "column")
        ));
        for reference in &found.references {
            ui.note(&format!("          {reference}"));
        }
        for column in &found.undecided {
            ui.note(&format!("          {column}: day or month first? models/sources.yml asks"));
        }
    }
    ui.note(&format!("wrote     {} files to {}", count(files.len() as u64), folder.display()));
    let inside = if folder == Path::new(".") {
        String::new()
    } else {
        format!("cd {} && ", folder.display())
    };
    ui.note(&format!("next      {inside}clearwell build"));
    if let (Some(file), Some(found)) = (command.from.first(), summaries.first()) {
        let suite = folder.join("expectations").join(format!("{}.json", found.table));
        ui.note(&format!(
            "          clearwell validate {} --suite {}{}",
            reading::in_shell(&file.display().to_string()),
            reading::in_shell(&suite.display().to_string()),
            reading::flags(&found.options, &command.reading.null)
        ));
    }
}

impl From<StarterError> for CliError {
    fn from(error: StarterError) -> Self {
        let is_there = matches!(error, StarterError::Exists(_));
        let error = Self::user(error);
        if is_there { error.hint("choose another folder, or move the file away") } else { error }
    }
}
