//! Versions of the whole warehouse: manifests, drafts, publishing, reading.
//!
//! A [`Draft`] takes tables in through [`TableWriter`]s and becomes the next version at once; readers hold a [`State`],
//! which never changes. Files are created, never changed: what a reader holds stays true while others publish.

// Reading.
mod annex; // what a version names besides tables
mod at; // which state
mod manifest; // the files that describe one
mod state; // every table at one version

// Writing.
mod draft; // the version being built
mod publish; // making it the next one, and carrying it over other runs'
mod reports; // what people read of a run
mod runs; // the record of each run and the draft that it left

// Rows.
mod columns; // the types that are stored
mod content; // tables -> content hash
mod encode_rows; // rows -> content hash
mod output; // row groups -> files
mod pending; // rows until they are enough for a row group
mod row_group; // rows -> encoded row groups
mod sample; // some rows from all over a table
mod statistics; // minimum, maximum and nulls, as text
mod writer; // batches -> Parquet files

// The folder.
mod error;
mod folder; // orders of steps that make files last
mod json;
mod manifests; // manifests/, named by content
mod side; // state/, what is remembered to save work
mod store; // the steps
mod sync_ahead; // syncing what is still being written
mod version_log; // versions/ and the hint of the newest

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde::Deserialize;

use self::at::is_tag;
use self::folder::Folder;
use self::manifests::Manifests;
use self::store::{LocalStore, Store};
use self::version_log::VersionLog;
use crate::base::{RunId, TableName, Version};

pub(crate) use annex::Annex;
pub(crate) use at::At;
pub(crate) use columns::stored_type;
pub(crate) use content::content_hash;
pub(crate) use draft::Draft;
pub(crate) use error::WarehouseError;
pub(crate) use manifest::*;
pub(crate) use publish::{Publication, PublishOutcome};
pub(crate) use sample::SampleLimits;
pub(crate) use state::State;
pub(crate) use writer::{TableWriter, WriteOptions};

/// A folder of versions. Cheap to clone; opening one writes nothing.
///
/// Its methods wait for the disk: an async caller puts them on a thread that may block.
#[derive(Clone)]
pub(crate) struct Warehouse {
    folder: Folder,
    log: VersionLog,
    manifests: Manifests,
}

/// `tags/<name>.json`
#[derive(Deserialize)]
struct TagFile {
    version: Version,
}

impl Warehouse {
    /// The warehouse at `root`, which need not exist.
    ///
    /// # Errors
    /// If `root` is something else than a folder.
    pub(crate) fn open(root: &Path) -> Result<Self, WarehouseError> {
        if root.exists() && !root.is_dir() {
            let error = std::io::Error::from(std::io::ErrorKind::NotADirectory);
            return Err(WarehouseError::io("open", root, error));
        }
        Ok(Self::on(root, Arc::new(LocalStore)))
    }

    fn on(root: &Path, store: Arc<dyn Store>) -> Self {
        let folder = Folder::new(root, store);
        let (log, manifests) = (VersionLog::new(folder.clone()), Manifests::new(folder.clone()));
        Self { folder, log, manifests }
    }

    pub(crate) fn root(&self) -> &Path {
        self.folder.root()
    }

    /// The newest version's number; costs a look at three names, and seldom at a folder.
    pub(crate) fn latest_version(&self) -> Result<Option<Version>, WarehouseError> {
        self.log.latest()
    }

    /// The newest version; `None` where nothing was published yet.
    pub(crate) fn latest(&self) -> Result<Option<State>, WarehouseError> {
        self.latest_version()?.map(|version| self.at_version(version)).transpose()
    }

    /// # Errors
    /// If there is no such state, said with those that there are.
    pub(crate) fn at(&self, at: &At) -> Result<State, WarehouseError> {
        match at {
            At::Version(version) => self.at_version(*version),
            At::Time(time) => self.at_time(*time),
            At::Tag(name) => self.at_tag(name),
            At::Run(id) => self.at_run(id),
        }
    }

    /// All versions, newest first.
    pub(crate) fn versions(&self) -> Result<Vec<VersionFile>, WarehouseError> {
        let numbers = self.log.list()?;
        // One that was removed since the folder was listed is left out.
        numbers.iter().rev().filter_map(|&version| self.log.read(version).transpose()).collect()
    }

    /// A draft on top of `parent`: it begins with the parent's tables.
    pub(crate) fn draft(&self, parent: Option<State>, run: RunId) -> Draft {
        Draft::new(self.clone(), parent.unwrap_or_default(), run)
    }

    /// Keeps `value` for later runs under `key`. Not durable, and never an error: what is kept so can be found again at
    /// some cost.
    pub(crate) fn remember(&self, key: &str, value: &str) {
        side::remember(&self.folder, key, value);
    }

    /// What was last remembered under `key`, if it was not lost.
    pub(crate) fn recall(&self, key: &str) -> Option<String> {
        side::recall(&self.folder, key)
    }

    fn at_version(&self, version: Version) -> Result<State, WarehouseError> {
        let Some(file) = self.log.read(version)? else { return Err(self.no_version(version)?) };
        let tables = self.load_tables(&file.tables)?;
        Ok(State { version: Some(Arc::new(file)), tables })
    }

    fn load_tables(
        &self,
        hashes: &BTreeMap<TableName, String>,
    ) -> Result<Arc<BTreeMap<TableName, Arc<Manifest>>>, WarehouseError> {
        let load =
            |(table, hash): (&TableName, &String)| Ok((table.clone(), self.manifests.load(hash)?));
        hashes.iter().map(load).collect::<Result<_, _>>().map(Arc::new)
    }

    fn no_version(&self, version: Version) -> Result<WarehouseError, WarehouseError> {
        let versions = self.log.list()?;
        Ok(match (versions.first(), versions.last()) {
            (Some(&oldest), Some(&newest)) => WarehouseError::NoVersion { version, oldest, newest },
            _ => self.empty(),
        })
    }

    fn empty(&self) -> WarehouseError {
        WarehouseError::Empty { root: self.root().to_owned() }
    }

    /// Looks at one version after another, newest first: clocks go back, so times need not rise with the numbers.
    fn at_time(&self, time: DateTime<Utc>) -> Result<State, WarehouseError> {
        let mut first = None;
        for &version in self.log.list()?.iter().rev() {
            let Some(file) = self.log.read(version)? else { continue };
            if file.published <= time {
                return self.at_version(version);
            }
            first = Some(file);
        }
        Err(match first {
            Some(VersionFile { version: first, published, .. }) => {
                WarehouseError::BeforeFirst { time, first, published }
            }
            None => self.empty(),
        })
    }

    fn at_tag(&self, name: &str) -> Result<State, WarehouseError> {
        let file = format!("tags/{name}.json");
        let bytes = if is_tag(name) { self.folder.read(&file)? } else { None };
        let Some(bytes) = bytes else {
            let names = self.folder.list("tags")?;
            let tags = names.iter().filter_map(|name| name.strip_suffix(".json"));
            let mut known: Vec<_> = tags.filter(|tag| is_tag(tag)).map(str::to_owned).collect();
            known.sort();
            return Err(WarehouseError::NoTag { name: name.to_owned(), known });
        };
        let tag: TagFile = json::parse(&self.folder.path(&file), &bytes)?;
        self.at_version(tag.version)
    }
}

#[cfg(test)]
mod tests;
