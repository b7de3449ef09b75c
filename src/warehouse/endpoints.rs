//! `endpoints/<hash>.json`: what a version serves, named by the BLAKE3 hash of its bytes. Nothing here looks into it.

use std::sync::Arc;

use super::Warehouse;
use super::draft::{Contents, Draft};
use super::error::WarehouseError;
use super::folder::Durability;
use super::state::State;
use crate::base::hash;

const FOLDER: &str = "endpoints";

impl Warehouse {
    /// The endpoints that were published with a version; `None` where there were none, or for a draft.
    ///
    /// # Errors
    /// `Damaged` where the file is missing or its bytes are not those that it is named by.
    pub(crate) fn endpoints(&self, state: &State) -> Result<Option<Vec<u8>>, WarehouseError> {
        let file = state.version.as_ref();
        let Some(name) = file.and_then(|file| file.endpoints.as_ref()) else { return Ok(None) };
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
    /// Has the next version serve these endpoints; without, it serves those of the version before.
    ///
    /// Two runs that stage endpoints do not conflict: those of the last to publish stand.
    pub(crate) fn stage_endpoints(&self, file: &[u8]) {
        self.set_endpoints(Arc::from(file));
    }

    /// The staged endpoints, if they are not the parent's.
    pub(super) fn changed_endpoints<'a>(&self, contents: &'a Contents) -> Option<&'a [u8]> {
        let staged = contents.endpoints.as_deref()?;
        let before = self.parent.version.as_ref().and_then(|file| file.endpoints.as_ref());
        (before != Some(&hash::of(staged))).then_some(staged)
    }

    /// Makes an endpoints file last, and returns its name.
    pub(super) fn save_endpoints(&self, file: &[u8]) -> Result<String, WarehouseError> {
        let name = hash::of(file);
        self.warehouse.folder.replace(&file_name(&name), file, Durability::Synced)?;
        Ok(name)
    }
}

fn file_name(name: &str) -> String {
    format!("{FOLDER}/{name}.json")
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;
    use crate::base::RunId;
    use crate::warehouse::{Publication, PublishOutcome};

    /// Publishes a version that serves `file`, or what its parent serves.
    fn publish(warehouse: &Warehouse, file: Option<&[u8]>) -> PublishOutcome {
        let now = DateTime::UNIX_EPOCH;
        let draft = warehouse.draft(warehouse.latest().unwrap(), RunId::new(now));
        if let Some(file) = file {
            draft.stage_endpoints(file);
        }
        let publication = Publication { published: now, tested: true, even_if_unchanged: false };
        draft.publish(&publication).unwrap()
    }

    fn served(warehouse: &Warehouse) -> Option<Vec<u8>> {
        warehouse.endpoints(&warehouse.latest().unwrap().unwrap()).unwrap()
    }

    #[test]
    fn a_version_serves_its_own_endpoints_and_hands_them_on() {
        let folder = tempfile::tempdir().unwrap();
        let warehouse = Warehouse::open(folder.path()).unwrap();
        assert!(matches!(publish(&warehouse, None), PublishOutcome::Published(_)));
        assert_eq!(served(&warehouse), None);
        for (file, published) in [("one", true), ("one", false), ("two", true)] {
            let outcome = publish(&warehouse, Some(file.as_bytes()));
            assert_eq!(matches!(outcome, PublishOutcome::Published(_)), published, "{file}");
            assert_eq!(served(&warehouse).as_deref(), Some(file.as_bytes()));
        }
        assert!(matches!(publish(&warehouse, None), PublishOutcome::Unchanged(_)));
        let first = warehouse.at(&"2".parse().unwrap()).unwrap();
        assert_eq!(warehouse.endpoints(&first).unwrap().as_deref(), Some(&b"one"[..]));
    }

    #[test]
    fn a_damaged_file_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let warehouse = Warehouse::open(folder.path()).unwrap();
        let _ = publish(&warehouse, Some(b"one"));
        let path = folder.path().join(file_name(&hash::of(b"one")));
        std::fs::write(&path, "other").unwrap();
        let error = warehouse.endpoints(&warehouse.latest().unwrap().unwrap()).unwrap_err();
        assert!(error.to_string().contains(&path.display().to_string()), "{error}");
    }
}
