//! New projects: the bundled one, or one for files of the user's, with a contract that all their rows hold to.
//!
//! `facts` are what holds of all rows; `contract`, `suite` and `project` write them down as files to edit.

mod bundled;
mod contract;
mod facts;
mod project;
mod suite;

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

pub(crate) use self::bundled::bundled;
use self::facts::Table;
pub(crate) use self::project::project_name;
use crate::base::TableName;
use crate::base::names::NameError;
use crate::engine::{Engine, EngineError};
use crate::ingest::survey::Survey;
use crate::rules::ReadOptions;

/// A file that is to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NewFile {
    /// Relative to the project's folder, with `/`.
    pub(crate) path: String,
    pub(crate) content: Vec<u8>,
}

/// Why there is no new project.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StarterError {
    #[error("{}: is there already, and is not overwritten", .0.display())]
    Exists(PathBuf),
    #[error("{}: cannot be written: {source}", path.display())]
    Write { path: PathBuf, source: io::Error },
    #[error("two of the files would be called `{0}`")]
    SameName(String),
    #[error(transparent)]
    Name(NameError),
    #[error("what holds of the rows cannot be found out: {0}")]
    Sql(String),
    #[error("what holds of the rows cannot be found out: {0}")]
    Engine(#[from] EngineError),
}

/// A surveyed file on its way into a project.
#[derive(Clone, Debug)]
pub(crate) struct SurveyedFile {
    pub(crate) path: PathBuf,
    pub(crate) survey: Survey,
}

/// What was found in a file, for people.
#[derive(Clone, Debug)]
pub(crate) struct Summary {
    pub(crate) table: String,
    pub(crate) rows: u64,
    pub(crate) columns: usize,
    pub(crate) key: Vec<String>,
    /// `customer_id -> customers.id`
    pub(crate) references: Vec<String>,
    /// Columns of dates whose format the values do not tell.
    pub(crate) undecided: Vec<String>,
    /// How the file is read.
    pub(crate) options: ReadOptions,
}

/// The files of a project `name` in `folder` that loads `surveyed`, and what was found in each.
///
/// # Errors
/// If two files are called alike, or the engine fails.
pub(crate) async fn from_files(
    engine: &Engine,
    name: &str,
    folder: &Path,
    surveyed: Vec<SurveyedFile>,
) -> Result<(Vec<NewFile>, Vec<Summary>), StarterError> {
    let mut names = BTreeSet::new();
    let mut tables = Vec::new();
    for SurveyedFile { path, survey } in surveyed {
        let name = project::table_name(&path);
        if !names.insert(name.clone()) {
            return Err(StarterError::SameName(name));
        }
        TableName::new(project::SOURCE, &name).map_err(StarterError::Name)?;
        let location = project::location(folder, &path);
        tables.push(Table {
            name,
            location,
            survey,
            rows: 0,
            columns: Vec::new(),
            key: Vec::new(),
            references: Vec::new(),
        });
    }
    facts::find(engine, &mut tables).await?;
    let mut files = project::settings(name);
    files.push(contract::sources(&tables));
    for table in &tables {
        files.push(project::staging(table));
        files.push(suite::suite(table));
    }
    Ok((files, tables.iter().map(summary).collect()))
}

fn summary(table: &Table) -> Summary {
    let references = table.references.iter();
    let columns = table.survey.columns.iter();
    Summary {
        table: table.name.clone(),
        rows: u64::try_from(table.rows).unwrap_or(0),
        columns: table.columns.len(),
        key: table.key.clone(),
        references: references
            .map(|reference| {
                format!("{} -> {}.{}", reference.column, reference.to, reference.to_column)
            })
            .collect(),
        undecided: columns
            .filter(|column| !column.ambiguous.is_empty())
            .map(|column| column.rule.name.clone())
            .collect(),
        options: table.survey.options.clone(),
    }
}

/// Writes `files` below `folder`, none where one of them is there already.
///
/// # Errors
/// If one is, or cannot be written.
pub(crate) fn write(folder: &Path, files: &[NewFile]) -> Result<(), StarterError> {
    for file in files {
        let path = folder.join(&file.path);
        if path.symlink_metadata().is_ok() {
            return Err(StarterError::Exists(path));
        }
    }
    for file in files {
        let path = folder.join(&file.path);
        let write = || {
            if let Some(parent) = path.parent() {
                std::fs::create_dir_all(parent)?;
            }
            let mut opened = std::fs::File::create_new(&path)?;
            io::Write::write_all(&mut opened, &file.content)
        };
        write().map_err(|source| StarterError::Write { path: path.clone(), source })?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
