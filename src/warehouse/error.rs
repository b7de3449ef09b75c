//! What can go wrong with a warehouse, by name.

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use arrow::datatypes::DataType;
use chrono::{DateTime, Utc};

use crate::base::{RunId, TableName, Version};

#[derive(Debug, thiserror::Error)]
pub(crate) enum WarehouseError {
    #[error("cannot {action} `{path}`: {source}")]
    Io { action: &'static str, path: PathBuf, source: io::Error },
    #[error("cannot {action} `{path}`: no space is left")]
    NoSpace { action: &'static str, path: PathBuf, source: io::Error },
    #[error("cannot {action} `{path}`: it is read-only")]
    ReadOnly { action: &'static str, path: PathBuf, source: io::Error },
    #[error("cannot {action} `{path}`: permission denied")]
    Denied { action: &'static str, path: PathBuf, source: io::Error },

    #[error("`{path}` is damaged: {reason}")]
    Damaged { path: PathBuf, reason: String },
    #[error("`{path}` has format {found}; this program reads formats up to {known}")]
    Newer { path: PathBuf, found: u32, known: u32 },

    #[error("`{written}` names no version, time, tag or run")]
    BadAt { written: String },
    #[error("`{root}` holds no version yet")]
    Empty { root: PathBuf },
    #[error("there is no version {version}; there are {oldest} to {newest}")]
    NoVersion { version: Version, oldest: Version, newest: Version },
    #[error("nothing was published by {time}; version {first}, the first, is of {published}")]
    BeforeFirst { time: DateTime<Utc>, first: Version, published: DateTime<Utc> },
    #[error("there is no tag `{name}`")]
    NoTag { name: String, known: Vec<String> },
    #[error("there is no run `{id}`")]
    NoRun { id: RunId },
    #[error("run `{id}` left no tables")]
    NoDraft { id: RunId },

    #[error("`{table}` has two columns named `{column}`")]
    DuplicateColumn { table: TableName, column: String },
    #[error("column `{column}` of `{table}` has type {data_type}, which no table can hold")]
    UnstorableColumn { table: TableName, column: String, data_type: Box<DataType> },
    #[error("rows for `{table}` have {found} columns where it has {expected}")]
    ColumnCount { table: TableName, expected: usize, found: usize },
    #[error("column `{column}` of `{table}` can hold no null, and there is one")]
    UnexpectedNull { table: TableName, column: String },
    #[error("rows for `{table}` cannot be encoded: {source}")]
    Encode { table: TableName, source: parquet::errors::ParquetError },
    #[error("writing `{table}` was broken off")]
    BrokenOff { table: TableName },

    #[error("other runs published {attempts} times while this one tried to")]
    TooManyWriters { attempts: usize },
}

impl WarehouseError {
    /// Names what the system said about `path`; `action` is a verb: `write`.
    pub(super) fn io(action: &'static str, path: &Path, source: io::Error) -> Self {
        let path = path.to_owned();
        match source.kind() {
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
                Self::NoSpace { action, path, source }
            }
            ErrorKind::ReadOnlyFilesystem => Self::ReadOnly { action, path, source },
            ErrorKind::PermissionDenied => Self::Denied { action, path, source },
            _ => Self::Io { action, path, source },
        }
    }

    /// An error of the disk told a second time.
    pub(super) fn again(&self) -> Self {
        match self {
            Self::Io { action, path, source }
            | Self::NoSpace { action, path, source }
            | Self::ReadOnly { action, path, source }
            | Self::Denied { action, path, source } => {
                Self::io(action, path, io::Error::new(source.kind(), source.to_string()))
            }
            other => Self::io("sync", Path::new(""), io::Error::other(other.to_string())),
        }
    }

    pub(super) fn damaged(path: &Path, reason: impl Into<String>) -> Self {
        Self::Damaged { path: path.to_owned(), reason: reason.into() }
    }

    /// Actions that the reader can take.
    pub(crate) fn hints(&self) -> Vec<String> {
        let hint = match self {
            Self::NoSpace { .. } => {
                "free some space and run the command again; the published versions are untouched"
            }
            Self::ReadOnly { .. } => {
                "choose another place with `--warehouse`, or mount it writable"
            }
            Self::Denied { .. } => {
                "run as a user who may write there, or choose another place with `--warehouse`"
            }
            Self::Damaged { .. } => {
                "restore the file from a copy, or read another version with `--at`"
            }
            Self::Newer { .. } => "it was written by a newer clearwell: upgrade this one",
            Self::BadAt { .. } => {
                "write a version (`42`), a time (`2026-01-02T03:04:05Z`), a tag, or `run:` and a run's id"
            }
            Self::Empty { .. } => "`clearwell build` publishes the first version",
            Self::NoVersion { .. } | Self::BeforeFirst { .. } => "`clearwell versions` lists them",
            Self::NoTag { name, known } => return tag_hints(name, known),
            Self::NoDraft { .. } => "only a run that failed while building leaves its tables",
            Self::DuplicateColumn { .. } => "name one of them differently with `as`",
            Self::UnstorableColumn { .. } => "cast it to another type in the model's SQL",
            Self::TooManyWriters { .. } => "run the command again",
            Self::Io { .. }
            | Self::NoRun { .. }
            | Self::ColumnCount { .. }
            | Self::UnexpectedNull { .. }
            | Self::Encode { .. }
            | Self::BrokenOff { .. } => return Vec::new(),
        };
        vec![hint.to_owned()]
    }
}

fn tag_hints(name: &str, known: &[String]) -> Vec<String> {
    let close = crate::base::suggest::closest(name, known.iter().map(String::as_str));
    match close {
        Some(close) => vec![format!("did you mean `{close}`?")],
        None if known.is_empty() => Vec::new(),
        None => vec![format!("the tags are {}", known.join(", "))],
    }
}
