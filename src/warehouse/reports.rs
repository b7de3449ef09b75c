//! `reports/`: what people and other programs read of a run. Made again from what is stored, so never synced.

use std::path::PathBuf;

use super::Warehouse;
use super::error::WarehouseError;
use super::folder::Durability;

const FOLDER: &str = "reports";

impl Warehouse {
    /// Writes `reports/<name>` in the place of what is there, and says where that is.
    ///
    /// # Errors
    /// If the disk refuses.
    pub(crate) fn write_report(&self, name: &str, bytes: &[u8]) -> Result<PathBuf, WarehouseError> {
        let file = format!("{FOLDER}/{name}");
        self.folder.replace(&file, bytes, Durability::Unsynced)?;
        Ok(self.folder.path(&file))
    }

    /// Where `reports/<name>` is, if it is there.
    pub(crate) fn report(&self, name: &str) -> Option<PathBuf> {
        let file = format!("{FOLDER}/{name}");
        self.folder.exists(&file).ok()?.then(|| self.folder.path(&file))
    }
}
