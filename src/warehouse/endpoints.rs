//! `endpoints/<hash>.json`: the definitions of the endpoints that a version serves, opaque to the warehouse.
//!
//! They stand with the version so that what is served and the data are always of one piece.

use super::draft::Draft;
use super::error::WarehouseError;
use super::folder::Durability;
use super::state::State;
use super::{Folder, Warehouse};
use crate::base::hash;

const FOLDER: &str = "endpoints";

impl Warehouse {
    /// The definitions that were stored with a state; `None` where it has none.
    ///
    /// # Errors
    /// `Damaged` where the file is missing or its bytes are not those that it is named by.
    pub(crate) fn endpoints(&self, state: &State) -> Result<Option<Vec<u8>>, WarehouseError> {
        let Some(name) = state.version.as_ref().and_then(|file| file.endpoints.as_ref()) else {
            return Ok(None);
        };
        let path = self.folder.path(&file_name(name));
        let bytes = self.folder.read(&file_name(name))?;
        let bytes = bytes.ok_or_else(|| WarehouseError::damaged(&path, "it is missing"))?;
        if hash::of(&bytes) != *name {
            let reason = "its bytes are not those that it is named by";
            return Err(WarehouseError::damaged(&path, reason));
        }
        Ok(Some(bytes))
    }
}

impl Draft {
    /// Makes `bytes` the definitions that the next version serves; without, it serves the parent's.
    pub(crate) fn stage_endpoints(&self, bytes: Vec<u8>) {
        self.lock().endpoints = Some(bytes);
    }

    /// The hash of the definitions the draft has of its own, where they differ from the parent's; saved.
    pub(super) fn save_endpoints(&self) -> Result<Option<String>, WarehouseError> {
        let Some(bytes) = self.contents().endpoints else { return Ok(None) };
        let name = hash::of(&bytes);
        let parent = self.parent.version.as_ref().and_then(|file| file.endpoints.as_ref());
        if parent == Some(&name) {
            return Ok(None);
        }
        write(&self.warehouse.folder, &name, &bytes)?;
        Ok(Some(name))
    }
}

fn write(folder: &Folder, name: &str, bytes: &[u8]) -> Result<(), WarehouseError> {
    if folder.read(&file_name(name))?.as_deref() != Some(bytes) {
        folder.replace(&file_name(name), bytes, Durability::BytesSynced)?;
    }
    folder.sync_dir(&folder.path(FOLDER))?;
    folder.sync_dir(folder.root())
}

fn file_name(hash: &str) -> String {
    format!("{FOLDER}/{hash}.json")
}
