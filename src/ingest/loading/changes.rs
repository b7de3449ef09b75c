//! What is different from the last load: new, changed, removed and unchanged files.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::error::LoadError;
use super::files::{self, InputFile, Sameness};
use crate::base::TableName;
use crate::ingest::reading;
use crate::record::{FileIdentity, LoadedFile, SourceLoad};
use crate::rules::ColumnRule;
use crate::warehouse::{DataFile, Manifest, State, TableContent, Warehouse};

/// The last load of a table, as the draft has it.
pub(super) struct Previous {
    pub(super) manifest: Arc<Manifest>,
    pub(super) load: SourceLoad,
    quarantine: Option<Arc<Manifest>>,
}

/// The files of a source compared with the last load.
#[derive(Debug, Default)]
pub(super) struct Changes {
    /// By name. A file that is unchanged comes with how it was loaded, under its present identity.
    pub(super) files: BTreeMap<String, (InputFile, Option<LoadedFile>)>,
    pub(super) removed: usize,
    /// Whether a file had to be read to know that it is the same.
    pub(super) touched: bool,
}

impl Previous {
    /// `None` where the table was not loaded before, or the table and its quarantine do not tell of the same load: they
    /// are kept as two tables, and nobody promises that nobody replaced one.
    pub(super) fn find(
        state: &State,
        table: &TableName,
        quarantine: Option<&TableName>,
    ) -> Option<Self> {
        let manifest = Arc::clone(state.tables.get(table)?);
        let mut load = manifest.load.clone()?;
        let quarantine = match quarantine {
            None => None,
            Some(table) => {
                let quarantine = Arc::clone(state.tables.get(table)?);
                take_rejected(&mut load, quarantine.load.as_ref()?)?;
                Some(quarantine)
            }
        };
        let previous = Self { manifest, load, quarantine };
        let data = previous.data_files();
        let files = previous.load.files.values();
        let mut names = files.flat_map(|file| file.accepted.iter().chain(&file.rejected));
        let is_whole = names.all(|name| data.contains_key(name.as_str()));
        drop(data);
        is_whole.then_some(previous)
    }

    /// The Parquet files of the table and of its quarantine, by path.
    pub(super) fn data_files(&self) -> BTreeMap<&str, &DataFile> {
        let manifests = [Some(&self.manifest), self.quarantine.as_ref()].into_iter().flatten();
        let files = manifests.flat_map(|manifest| match &manifest.content {
            TableContent::Files { files } => &files[..],
            TableContent::View { .. } => &[],
        });
        files.map(|file| (file.path.as_str(), file)).collect()
    }

    /// The columns that were found in the files, where they were looked for.
    pub(super) fn inferred(&self) -> Option<Vec<ColumnRule>> {
        let columns = self.load.inferred.as_ref()?.iter();
        columns
            .map(|(name, data_type)| {
                Some(ColumnRule {
                    name: name.clone(),
                    data_type: data_type.parse().ok()?,
                    not_null: false,
                    format: None,
                    null_values: Vec::new(),
                })
            })
            .collect()
    }
}

/// Completes a load by what its quarantine says of the same files; `None` where that is of another load.
fn take_rejected(load: &mut SourceLoad, rejected: &SourceLoad) -> Option<()> {
    let is_same = rejected.contract == load.contract && rejected.files.len() == load.files.len();
    for (name, file) in &mut load.files {
        let rejects = rejected.files.get(name)?;
        if rejects.hash != file.hash || rejects.rows_read != file.rows_rejected {
            return None;
        }
        file.rejected.clone_from(&rejects.accepted);
    }
    is_same.then_some(())
}

impl Changes {
    pub(super) fn all_unchanged(&self) -> bool {
        self.removed == 0 && self.files.values().all(|(_, loaded)| loaded.is_some())
    }

    /// All files as if none had been loaded before.
    pub(super) fn forget(&mut self) {
        self.files.values_mut().for_each(|(_, loaded)| *loaded = None);
    }
}

/// Compares files with the last load; where only their bytes can tell, reads them.
///
/// # Errors
/// If a file cannot be read.
pub(super) async fn compare(
    warehouse: &Warehouse,
    table: &TableName,
    files: Vec<InputFile>,
    previous: Option<&Previous>,
) -> Result<Changes, LoadError> {
    let mut changes = Changes::default();
    let remembered = match previous {
        Some(_) => Remembered::recall(warehouse, table),
        None => Remembered::default(),
    };
    for file in files {
        let loaded = previous.and_then(|previous| previous.load.files.get(&file.name));
        let loaded = match loaded {
            None => None,
            Some(loaded) => {
                let then = remembered.identity(&file.name, loaded);
                let same = is_same(&file, loaded, then).await?;
                changes.touched |= same && looks_new(then, &file);
                same.then(|| LoadedFile { identity: newest(then, &file), ..loaded.clone() })
            }
        };
        changes.files.insert(file.name.clone(), (file, loaded));
    }
    let is_gone = |name: &&String| !changes.files.contains_key(*name);
    changes.removed =
        previous.map_or(0, |previous| previous.load.files.keys().filter(is_gone).count());
    Ok(changes)
}

/// Keeps how unchanged files look now, so that they need not be read once more to know them.
pub(super) fn remember(warehouse: &Warehouse, table: &TableName, changes: &Changes) {
    let files = changes.files.iter().filter_map(|(name, (_, loaded))| {
        let loaded = loaded.as_ref()?;
        Some((name.clone(), Seen { identity: loaded.identity.clone(), hash: loaded.hash.clone() }))
    });
    Remembered { files: files.collect() }.keep(warehouse, table);
}

async fn is_same(
    file: &InputFile,
    loaded: &LoadedFile,
    then: &FileIdentity,
) -> Result<bool, LoadError> {
    match files::compare(then, &file.identity) {
        Sameness::Same => Ok(true),
        Sameness::Different => Ok(false),
        Sameness::Unknown => {
            let (path, name) = (file.path.clone(), file.name.clone());
            let hash = tokio::task::spawn_blocking(move || reading::hash_file(&path, &name)).await;
            Ok(hash.map_err(|_| LoadError::Worker)?? == loaded.hash)
        }
    }
}

/// Whether the file was read again to know it.
fn looks_new(then: &FileIdentity, file: &InputFile) -> bool {
    files::compare(then, &file.identity) == Sameness::Unknown
}

/// An identity that needed no second look stays as it is, so that the same files leave the same manifest.
fn newest(then: &FileIdentity, file: &InputFile) -> FileIdentity {
    if looks_new(then, file) { file.identity.clone() } else { then.clone() }
}

/// How the files of a table looked when their bytes were last known to be the loaded ones: newer than the load, kept
/// beside the versions, and no loss if lost.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Remembered {
    files: BTreeMap<String, Seen>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Seen {
    identity: FileIdentity,
    hash: String,
}

impl Remembered {
    fn recall(warehouse: &Warehouse, table: &TableName) -> Self {
        let text = warehouse.recall(&Self::key(table));
        text.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default()
    }

    fn keep(&self, warehouse: &Warehouse, table: &TableName) {
        if let Ok(text) = serde_json::to_string(self) {
            warehouse.remember(&Self::key(table), &text);
        }
    }

    fn key(table: &TableName) -> String {
        format!("files/{}", table.folded())
    }

    /// How the file looked when it was last known to be as it was loaded.
    fn identity<'a>(&'a self, name: &str, loaded: &'a LoadedFile) -> &'a FileIdentity {
        let seen = self.files.get(name).filter(|seen| seen.hash == loaded.hash);
        seen.map_or(&loaded.identity, |seen| &seen.identity)
    }
}
