//! `manifests/<hash>.json`: named by the BLAKE3 hash of their bytes, written once, kept in memory once read.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use super::error::WarehouseError;
use super::folder::{Durability, Folder};
use super::json;
use super::manifest::Manifest;
use crate::base::hash;

pub(super) const FOLDER: &str = "manifests";

/// Manifests kept in memory that no state in use holds.
const KEPT: usize = 4096;

/// Cheap to clone.
#[derive(Clone)]
pub(super) struct Manifests {
    folder: Folder,
    /// By hash. A hash names the same bytes for ever, so nothing here grows old.
    read: Arc<Mutex<BTreeMap<String, Arc<Manifest>>>>,
}

impl Manifests {
    pub(super) fn new(folder: Folder) -> Self {
        Self { folder, read: Arc::default() }
    }

    /// # Errors
    /// `Damaged` where the file is missing or its bytes are not those that it is named by.
    pub(super) fn load(&self, hash: &str) -> Result<Arc<Manifest>, WarehouseError> {
        if let Some(manifest) = self.kept().get(hash) {
            return Ok(Arc::clone(manifest));
        }
        let path = self.path(hash);
        let bytes = self.folder.read(&file_name(hash))?;
        let bytes = bytes.ok_or_else(|| WarehouseError::damaged(&path, "it is missing"))?;
        if hash::of(&bytes) != hash {
            let reason = "its bytes are not those that it is named by";
            return Err(WarehouseError::damaged(&path, reason));
        }
        let manifest: Arc<Manifest> = Arc::new(json::parse(&path, &bytes)?);
        self.keep(hash, &manifest);
        Ok(manifest)
    }

    /// Writes a manifest where it is not there already, and returns its hash. Its name lasts once the folder is synced.
    pub(super) fn save(&self, manifest: &Arc<Manifest>) -> Result<String, WarehouseError> {
        let bytes = json::compact(&self.path("new"), manifest.as_ref())?;
        let name = hash::of(&bytes);
        // Read, not only looked for: a damaged one is written anew.
        if self.folder.read(&file_name(&name))?.as_deref() != Some(&bytes) {
            self.folder.replace(&file_name(&name), &bytes, Durability::BytesSynced)?;
        }
        self.keep(&name, manifest);
        Ok(name)
    }

    fn keep(&self, hash: &str, manifest: &Arc<Manifest>) {
        let mut kept = self.kept();
        if kept.len() >= KEPT {
            kept.retain(|_, manifest| Arc::strong_count(manifest) > 1);
        }
        kept.insert(hash.to_owned(), Arc::clone(manifest));
    }

    fn kept(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, Arc<Manifest>>> {
        self.read.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn path(&self, hash: &str) -> PathBuf {
        self.folder.path(&file_name(hash))
    }
}

fn file_name(hash: &str) -> String {
    format!("{FOLDER}/{hash}.json")
}
