//! Why a source could not be loaded.

use std::path::{Path, PathBuf};

use arrow::error::ArrowError;
use parquet::errors::ParquetError;

use crate::base::TableName;
use crate::engine::{EngineError, SqlError};
use crate::ingest::reading::ReadError;
use crate::rules::ForeignKey;
use crate::warehouse::WarehouseError;

#[derive(Debug, thiserror::Error)]
pub(crate) enum LoadError {
    #[error("source `{table}`: no file matches `{location}` below `{base_dir}`")]
    NoFile { table: Box<TableName>, location: String, base_dir: PathBuf },
    #[error("source `{table}`: `{location}` is a folder")]
    IsFolder { table: Box<TableName>, location: String },
    #[error("source `{table}`: `{location}` is no path and no glob: {source}")]
    BadGlob { table: Box<TableName>, location: String, source: globset::Error },
    #[error("source `{table}`: `{path}` is not a name in UTF-8")]
    FileName { table: Box<TableName>, path: PathBuf },
    #[error("source `{table}` names no files, and no table of that name stands in the warehouse")]
    NoLocation { table: Box<TableName> },
    #[error("cannot {action} `{path}`: {source}")]
    Io { action: &'static str, path: PathBuf, source: std::io::Error },
    #[error("`{file}` changed while it was being loaded")]
    Changed { file: String },
    #[error("`{table}` has no column `{column}`")]
    NoColumn { table: Box<TableName>, column: String },
    #[error("source `{table}`: check `{name}`: {source}")]
    Check {
        table: Box<TableName>,
        name: String,
        /// Which of the contract's checks it is.
        check: usize,
        source: SqlError,
    },
    #[error("source `{table}` refers to `{to}`, which has no rows to look into")]
    NoParent { table: Box<TableName>, to: Box<TableName> },
    #[error("source `{table}` refers to column `{column}` of `{to}`, which it does not have")]
    NoParentColumn { table: Box<TableName>, to: Box<TableName>, column: String },
    #[error(
        "source `{table}`: ({columns}) cannot refer to ({to_columns}) of `{to}`: their types differ"
    )]
    ReferenceTypes {
        table: Box<TableName>,
        columns: String,
        to: Box<TableName>,
        to_columns: String,
    },
    #[error("source `{table}` has {rules} keys and references; 64 are the most there can be")]
    TooManyRules { table: Box<TableName>, rules: usize },
    #[error("`{file}`: line {line} of the seed cannot be loaded: {reason}")]
    SeedRow { file: String, line: u64, reason: String },
    #[error("the keys of `{table}` do not fit into memory: {source}")]
    Memory { table: Box<TableName>, source: EngineError },
    #[error("stored keys in `{path}` cannot be read: {source}")]
    Stored { path: PathBuf, source: ParquetError },
    #[error("stored keys in `{path}` have no column `{column}`")]
    StoredColumn { path: PathBuf, column: String },
    #[error("keys of `{table}`: {source}")]
    Keys { table: Box<TableName>, source: ArrowError },
    #[error(
        "internal error: `{file}` has {read} records, of which {accepted} were accepted and \
         {rejected} rejected"
    )]
    RowsLost { file: String, read: u64, accepted: u64, rejected: u64 },
    #[error("internal error: `{file}` was not read to its end")]
    Unfinished { file: String },
    #[error("internal error: a worker of the load ended early")]
    Worker,
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error(transparent)]
    Warehouse(#[from] WarehouseError),
}

impl LoadError {
    /// What the user can do about it.
    pub(crate) fn hints(&self) -> Vec<String> {
        let hint = match self {
            Self::NoFile { .. } => {
                "`external_location` is relative to the folder of clearwell.toml; `*` stands for a part of a name, \
                 `**` for any folders"
            }
            Self::IsFolder { .. } => "name its files with a glob, like `folder/*.csv`",
            Self::Changed { .. } => "run the command again when nothing writes to the file",
            Self::Memory { .. } => "give more memory with `--memory-limit`",
            Self::Read(error) => return error.hint().into_iter().collect(),
            Self::Check { source, .. } => return source.hints.clone(),
            Self::Warehouse(error) => return error.hints(),
            Self::NoParent { .. } => {
                "a reference is to a source, a seed or a model stored as a table"
            }
            Self::ReferenceTypes { .. } => "declare both with the same `data_type`",
            Self::Stored { .. } | Self::StoredColumn { .. } => {
                "the warehouse is damaged; restore it from a copy, or build into a new one with `--warehouse`"
            }
            _ => return Vec::new(),
        };
        vec![hint.to_owned()]
    }

    /// Whether what the user wrote as the location is what is wrong.
    pub(crate) fn is_of_location(&self) -> bool {
        matches!(self, Self::NoFile { .. } | Self::IsFolder { .. } | Self::BadGlob { .. })
    }

    /// Which check of the contract is what is wrong.
    pub(crate) fn check(&self) -> Option<usize> {
        match self {
            Self::Check { check, .. } => Some(*check),
            _ => None,
        }
    }

    pub(super) fn io(action: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { action, path, source }
    }

    pub(super) fn stored(path: &Path) -> impl Fn(ParquetError) -> Self + use<> {
        let path = path.to_owned();
        move |source| Self::Stored { path: path.clone(), source }
    }

    pub(super) fn keys(table: &TableName) -> impl Fn(ArrowError) -> Self + use<> {
        let table = table.clone();
        move |source| Self::Keys { table: table.clone().into(), source }
    }

    pub(super) fn reference_types(table: &TableName, reference: &ForeignKey) -> Self {
        Self::ReferenceTypes {
            table: table.clone().into(),
            columns: reference.columns.join(", "),
            to: reference.to.clone().into(),
            to_columns: reference.to_columns.join(", "),
        }
    }
}
