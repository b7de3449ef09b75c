//! The version being built: tables staged by nodes that run at once, and what the run relied on.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arrow::datatypes::SchemaRef;

use super::Warehouse;
use super::annex::Annex;
use super::columns;
use super::error::WarehouseError;
use super::manifest::{Manifest, TableContent};
use super::manifests;
use super::state::State;
use super::sync_ahead::SyncAhead;
use super::writer::{TableWriter, WriteOptions};
use crate::base::{RunId, TableName, Version};

/// The version being built. Shared by the nodes that run at once.
pub(crate) struct Draft {
    pub(super) warehouse: Warehouse,
    pub(super) parent: State,
    pub(super) run: RunId,
    pub(super) sync_ahead: SyncAhead,
    /// Held for a moment only, never while a file is written.
    contents: Mutex<Contents>,
}

#[derive(Clone, Debug)]
pub(super) struct Contents {
    pub(super) tables: Arc<BTreeMap<TableName, Arc<Manifest>>>,
    /// Staged or removed, whether or not that changed them.
    pub(super) written: BTreeSet<TableName>,
    /// Read, or checked against.
    pub(super) relied_on: BTreeSet<TableName>,
    /// What it is to name besides tables; those of its parent where it has none.
    pub(super) annexes: BTreeMap<Annex, Arc<[u8]>>,
}

impl Draft {
    pub(super) fn new(warehouse: Warehouse, parent: State, run: RunId) -> Self {
        let contents = Contents {
            tables: Arc::clone(&parent.tables),
            written: BTreeSet::new(),
            relied_on: BTreeSet::new(),
            annexes: BTreeMap::new(),
        };
        let sync_ahead = SyncAhead::default();
        Self { warehouse, parent, run, sync_ahead, contents: Mutex::new(contents) }
    }

    /// A writer of new files for `table`. Columns named `__clearwell_…` are stored but belong neither to the schema nor
    /// to the content hash. Types are stored as [`columns::stored_type`] has them.
    ///
    /// # Errors
    /// If two columns have the same name but for case, or no table can hold a column's type.
    #[expect(clippy::needless_pass_by_value, reason = "a caller has no other use for them")]
    pub(crate) fn writer(
        &self,
        table: &TableName,
        schema: SchemaRef,
        options: WriteOptions,
    ) -> Result<TableWriter, WarehouseError> {
        let place = (self.warehouse.folder.clone(), self.sync_ahead.clone());
        TableWriter::new(place, table, &schema, &options)
    }

    /// Puts a table's new state into the draft.
    ///
    /// A manifest that tells of the same rows, made by the same plan from the same inputs, leaves the present one in its
    /// place (see [`Manifest::same_but_for_bookkeeping`]); one with the same rows but another making takes over the
    /// present files, unless its load names new ones. New files that nothing names then stay behind. What stands in the
    /// draft is returned.
    ///
    /// # Errors
    /// If two columns have the same name but for case.
    pub(crate) fn stage(&self, manifest: Manifest) -> Result<Arc<Manifest>, WarehouseError> {
        let table = manifest.table.clone();
        columns::check_names(&table, manifest.columns.iter().map(|column| column.name.as_str()))?;
        let mut contents = self.lock();
        let present = [self.parent.tables.get(&table), contents.tables.get(&table)];
        let staged = reconcile(present.into_iter().flatten(), manifest);
        contents.written.insert(table.clone());
        let tables = Arc::make_mut(&mut contents.tables);
        // Removed first, so that the key has the case of the new name.
        tables.remove(&table);
        tables.insert(table, Arc::clone(&staged));
        Ok(staged)
    }

    /// Leaves `table` out of the draft.
    pub(crate) fn remove(&self, table: &TableName) {
        let mut contents = self.lock();
        Arc::make_mut(&mut contents.tables).remove(table);
        contents.written.insert(table.clone());
    }

    /// The tables that lack a file which their manifest names, or have it in another size, with the first such file.
    ///
    /// # Errors
    /// If the disk does not say.
    pub(crate) fn damaged(&self) -> Result<BTreeMap<TableName, PathBuf>, WarehouseError> {
        let mut damaged = BTreeMap::new();
        for (table, manifest) in self.parent.tables.iter() {
            if let Some(path) = self.damaged_file(manifest)? {
                damaged.insert(table.clone(), self.warehouse.folder.path(path));
            }
        }
        Ok(damaged)
    }

    fn damaged_file<'a>(&self, manifest: &'a Manifest) -> Result<Option<&'a str>, WarehouseError> {
        let folder = &self.warehouse.folder;
        for file in manifest.files() {
            if folder.size_bytes(&file.path)? != Some(file.bytes) {
                return Ok(Some(&file.path));
            }
        }
        for path in manifest.named_files() {
            if !folder.exists(path)? {
                return Ok(Some(path));
            }
        }
        Ok(None)
    }

    /// Lets `table` be made as if it had never been: what stands of it is damaged.
    pub(crate) fn forget(&mut self, table: &TableName) {
        Arc::make_mut(&mut self.parent.tables).remove(table);
        self.remove(table);
    }

    /// Notes that this run read `table` or checked something against it: if another run publishes a different state
    /// of it first, this one conflicts.
    pub(crate) fn depend_on(&self, table: &TableName) {
        self.lock().relied_on.insert(table.clone());
    }

    pub(crate) fn run(&self) -> &RunId {
        &self.run
    }

    /// The version that the draft is built on.
    pub(crate) fn parent(&self) -> Option<Version> {
        self.parent.number()
    }

    /// The state that the draft is built on.
    pub(crate) fn parent_state(&self) -> &State {
        &self.parent
    }

    pub(super) fn set_annex(&self, annex: Annex, file: Arc<[u8]>) {
        self.lock().annexes.insert(annex, file);
    }

    /// What a reader of the draft sees now.
    pub(crate) fn state(&self) -> State {
        State { version: None, tables: Arc::clone(&self.lock().tables) }
    }

    pub(super) fn contents(&self) -> Contents {
        self.lock().clone()
    }

    /// Makes everything that the draft names last, and returns the hash of each table's manifest.
    pub(super) fn save(&self) -> Result<BTreeMap<TableName, String>, WarehouseError> {
        let tables = self.contents().tables;
        let changed = tables.iter().filter(|(table, manifest)| {
            !self.parent.tables.get(*table).is_some_and(|present| present == *manifest)
        });
        let saved = self.save_tables(changed.map(|(_, manifest)| manifest))?;
        let parent = self.parent.version.as_ref();
        let hash = |table: &TableName| {
            saved.get(table).or_else(|| parent.and_then(|file| file.tables.get(table))).cloned()
        };
        Ok(tables.keys().filter_map(|table| Some((table.clone(), hash(table)?))).collect())
    }

    /// Syncs the files that `tables` name and the parent does not, then their folders, then writes their manifests.
    /// Returns the manifests' hashes.
    pub(super) fn save_tables<'a>(
        &self,
        tables: impl Iterator<Item = &'a Arc<Manifest>> + Clone,
    ) -> Result<BTreeMap<TableName, String>, WarehouseError> {
        let folder = &self.warehouse.folder;
        let old = tables.clone().filter_map(|manifest| self.parent.tables.get(&manifest.table));
        let old: BTreeSet<_> = old.flat_map(|manifest| manifest.named_files()).collect();
        let new: BTreeSet<_> = tables.clone().flat_map(|manifest| manifest.named_files()).collect();
        self.sync_ahead.wait()?;
        folder.sync_files(new.difference(&old).copied())?;
        let mut saved = BTreeMap::new();
        for manifest in tables {
            let hash = self.warehouse.manifests.save(manifest)?;
            saved.insert(manifest.table.clone(), hash);
        }
        if !saved.is_empty() {
            // Also for manifests that another run wrote and did not get to sync.
            folder.sync_dir(&folder.path(manifests::FOLDER))?;
            folder.sync_dir(folder.root())?;
        }
        Ok(saved)
    }

    fn lock(&self) -> MutexGuard<'_, Contents> {
        self.contents.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What stands in the draft once `manifest` is staged over the `present` ones, the parent's first.
fn reconcile<'a>(
    mut present: impl Iterator<Item = &'a Arc<Manifest>> + Clone,
    manifest: Manifest,
) -> Arc<Manifest> {
    if let Some(same) = present.clone().find(|old| old.same_but_for_bookkeeping(&manifest)) {
        return Arc::clone(same);
    }
    let mut manifest = manifest;
    if let Some(old) = present.find(|old| can_keep_files(old, &manifest)) {
        manifest.content = old.content.clone();
    }
    Arc::new(manifest)
}

/// Whether the files of `old` hold what `new` tells of.
fn can_keep_files(old: &Manifest, new: &Manifest) -> bool {
    let shape = |manifest: &Manifest| {
        let columns = manifest.columns.iter();
        let shape =
            columns.map(|column| (column.name.clone(), column.data_type.clone(), column.nullable));
        shape.collect::<Vec<_>>()
    };
    let (TableContent::Files { files }, TableContent::Files { .. }) = (&old.content, &new.content)
    else {
        return false;
    };
    let here: BTreeSet<_> = files.iter().map(|file| &file.path).collect();
    let mut loaded = new.load.iter().flat_map(|load| load.files.values());
    old.content_hash == new.content_hash
        && shape(old) == shape(new)
        && loaded.all(|file| file.accepted.iter().all(|path| here.contains(path)))
}
