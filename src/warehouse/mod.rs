//! Versions of the whole warehouse: manifests, drafts, publishing, reading.

mod manifest;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use chrono::{DateTime, Utc};

use crate::base::{RunId, TableName, Version};
use crate::record::RunRecord;
pub(crate) use manifest::*;

#[derive(Debug, thiserror::Error)]
pub(crate) enum WarehouseError {
    #[error("{action} `{path}`: {source}")]
    Io { action: &'static str, path: PathBuf, source: std::io::Error },
}

/// A folder of versions. Cheap to clone; opening one writes nothing.
#[derive(Clone)]
pub(crate) struct Warehouse {}

/// Which state to read: `42`, `2026-01-02T03:04:05Z`, a tag, `run:ID`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum At {
    Version(Version),
    /// The newest version published at or before this time.
    Time(DateTime<Utc>),
    Tag(String),
    /// The draft that a failed run left (of a run that published: its version).
    Run(RunId),
}

impl FromStr for At {
    type Err = WarehouseError;
    fn from_str(_written: &str) -> Result<Self, WarehouseError> {
        unimplemented!()
    }
}

/// Every table at one version, or in the draft of a failed run. Cheap to clone, never changes.
#[derive(Clone, Debug, Default)]
pub(crate) struct State {
    /// `None` for the draft of a failed run.
    pub(crate) version: Option<Arc<VersionFile>>,
    pub(crate) tables: Arc<BTreeMap<TableName, Arc<Manifest>>>,
}

impl Warehouse {
    pub(crate) fn open(_root: &Path) -> Result<Self, WarehouseError> {
        unimplemented!()
    }

    pub(crate) fn root(&self) -> &Path {
        unimplemented!()
    }

    /// The newest version's number; costs one look at a folder at most.
    pub(crate) fn latest_version(&self) -> Result<Option<Version>, WarehouseError> {
        unimplemented!()
    }

    pub(crate) fn latest(&self) -> Result<Option<State>, WarehouseError> {
        unimplemented!()
    }

    pub(crate) fn at(&self, _at: &At) -> Result<State, WarehouseError> {
        unimplemented!()
    }

    /// The endpoints file of a state, as it was stored with it.
    pub(crate) fn endpoints(&self, _state: &State) -> Result<Option<Vec<u8>>, WarehouseError> {
        unimplemented!()
    }

    /// All versions, newest first.
    pub(crate) fn versions(&self) -> Result<Vec<VersionFile>, WarehouseError> {
        unimplemented!()
    }

    /// A draft on top of `parent`: it begins with the parent's tables.
    pub(crate) fn draft(&self, _parent: Option<State>, _run: RunId) -> Draft {
        unimplemented!()
    }

    pub(crate) fn run(&self, _id: &RunId) -> Result<RunRecord, WarehouseError> {
        unimplemented!()
    }

    /// Writes `runs/<id>.json` durably; with a draft, so that the state it left can be read at `run:ID`.
    pub(crate) fn write_run(
        &self,
        _record: &RunRecord,
        _draft: Option<&Draft>,
    ) -> Result<(), WarehouseError> {
        unimplemented!()
    }
}

/// The version being built. Shared by the nodes that run at once.
pub(crate) struct Draft {}

/// How a table's Parquet is written.
#[derive(Clone, Debug, Default)]
pub(crate) struct WriteOptions {
    /// Columns whose values hardly repeat (keys, offsets): no dictionary is tried.
    pub(crate) distinct: Vec<String>,
    /// Row groups encoded at once; 0 counts as 1.
    pub(crate) parallel: usize,
}

impl Draft {
    /// A writer of new files for `table`. Columns named `__clearwell_…` are stored but belong neither to the schema nor
    /// to the content hash.
    pub(crate) fn writer(
        &self,
        _table: &TableName,
        _schema: SchemaRef,
        _options: WriteOptions,
    ) -> Result<TableWriter, WarehouseError> {
        unimplemented!()
    }

    /// Puts a table's new state into the draft. A manifest equal to the one there changes nothing.
    pub(crate) fn stage(&self, _manifest: Manifest) -> Result<Arc<Manifest>, WarehouseError> {
        unimplemented!()
    }

    /// The endpoints file of the version that is being built.
    pub(crate) fn stage_endpoints(&self, _file: &[u8]) -> Result<(), WarehouseError> {
        unimplemented!()
    }

    pub(crate) fn remove(&self, _table: &TableName) {
        unimplemented!()
    }

    /// Notes that this run read `table` or checked something against it: if another run publishes a different state
    /// of it first, this one conflicts.
    pub(crate) fn depend_on(&self, _table: &TableName) {
        unimplemented!()
    }

    /// What a reader of the draft sees now.
    pub(crate) fn state(&self) -> State {
        unimplemented!()
    }

    pub(crate) fn publish(
        &self,
        _publication: &Publication,
    ) -> Result<PublishOutcome, WarehouseError> {
        unimplemented!()
    }
}

/// What a version says of its own making.
#[derive(Clone, Debug)]
pub(crate) struct Publication {
    pub(crate) published: DateTime<Utc>,
    pub(crate) tested: bool,
    /// Publish although no table differs: the checks do.
    pub(crate) even_if_unchanged: bool,
}

#[must_use]
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum PublishOutcome {
    Published(Version),
    /// No table differs from this version.
    Unchanged(Version),
    /// Another run published `by` first, and changed tables that this run wrote, read or checked against.
    Conflict {
        by: Version,
        tables: Vec<TableName>,
    },
}

/// Writes batches into immutable Parquet files. Dropped without `finish`, it leaves only files that nobody names.
pub(crate) struct TableWriter {}

impl TableWriter {
    /// Waits while too much is under way.
    pub(crate) async fn write(&mut self, _batch: RecordBatch) -> Result<(), WarehouseError> {
        unimplemented!()
    }

    /// The files written; none where no row came.
    pub(crate) async fn finish(self) -> Result<Vec<DataFile>, WarehouseError> {
        unimplemented!()
    }
}

/// The content hash of a table: its schema's hash with the sum of its files' row hashes.
pub(crate) fn content_hash(_columns: &[TableColumn], _files: &[DataFile]) -> String {
    unimplemented!()
}
