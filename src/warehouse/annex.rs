//! `endpoints/<hash>.json`, `verdicts/<hash>.json`: what a version names besides its tables, by the BLAKE3 hash of the
//! bytes. Nothing here looks into them.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Warehouse;
use super::draft::{Contents, Draft};
use super::error::WarehouseError;
use super::folder::Durability;
use super::manifest::VersionFile;
use super::state::State;
use crate::base::hash;

/// A file that a version names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Annex {
    /// What it serves.
    Endpoints,
    /// How its checks went.
    Verdicts,
}

impl Annex {
    fn file_name(self, name: &str) -> String {
        let folder = match self {
            Self::Endpoints => "endpoints",
            Self::Verdicts => "verdicts",
        };
        format!("{folder}/{name}.json")
    }

    /// The name that a version has for it.
    pub(super) fn of(self, version: &VersionFile) -> Option<&String> {
        match self {
            Self::Endpoints => version.endpoints.as_ref(),
            Self::Verdicts => version.verdicts.as_ref(),
        }
    }
}

impl Warehouse {
    /// The file that was published with a version; `None` where there was none, or for a draft.
    ///
    /// # Errors
    /// `Damaged` where the file is missing or its bytes are not those that it is named by.
    pub(crate) fn annex(
        &self,
        state: &State,
        annex: Annex,
    ) -> Result<Option<Vec<u8>>, WarehouseError> {
        let Some(name) = state.version.as_ref().and_then(|file| annex.of(file)) else {
            return Ok(None);
        };
        let path = self.folder.path(&annex.file_name(name));
        let bytes = self.folder.read(&annex.file_name(name))?;
        let bytes = bytes.ok_or_else(|| WarehouseError::damaged(&path, "it is missing"))?;
        if hash::of(&bytes) != *name {
            let reason = "its bytes are not those that it is named by";
            return Err(WarehouseError::damaged(&path, reason));
        }
        Ok(Some(bytes))
    }
}

impl Draft {
    /// Has the next version name this file; without, it names that of the version before.
    ///
    /// Two runs that stage one do not conflict: that of the last to publish stands.
    pub(crate) fn stage_annex(&self, annex: Annex, file: &[u8]) {
        self.set_annex(annex, Arc::from(file));
    }

    /// The staged files that are not the parent's.
    pub(super) fn changed_annexes(&self, contents: &Contents) -> BTreeMap<Annex, Arc<[u8]>> {
        let before = self.parent.version.as_ref();
        let differs = |(annex, staged): &(&Annex, &Arc<[u8]>)| {
            before.and_then(|file| annex.of(file)) != Some(&hash::of(staged))
        };
        let changed = contents.annexes.iter().filter(differs);
        changed.map(|(annex, staged)| (*annex, Arc::clone(staged))).collect()
    }

    /// Makes the files last, and returns their names.
    pub(super) fn save_annexes(
        &self,
        files: &BTreeMap<Annex, Arc<[u8]>>,
    ) -> Result<BTreeMap<Annex, String>, WarehouseError> {
        let save = |(annex, file): (&Annex, &Arc<[u8]>)| {
            let name = hash::of(file);
            self.warehouse.folder.replace(&annex.file_name(&name), file, Durability::Synced)?;
            Ok((*annex, name))
        };
        files.iter().map(save).collect()
    }
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
            draft.stage_annex(Annex::Endpoints, file);
        }
        let publication = Publication { published: now, tested: true, warned: 0 };
        draft.publish(&publication).unwrap()
    }

    fn served(warehouse: &Warehouse) -> Option<Vec<u8>> {
        warehouse.annex(&warehouse.latest().unwrap().unwrap(), Annex::Endpoints).unwrap()
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
        assert_eq!(
            warehouse.annex(&first, Annex::Endpoints).unwrap().as_deref(),
            Some(&b"one"[..])
        );
    }

    #[test]
    fn a_damaged_file_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let warehouse = Warehouse::open(folder.path()).unwrap();
        let _ = publish(&warehouse, Some(b"one"));
        let path = folder.path().join(Annex::Endpoints.file_name(&hash::of(b"one")));
        std::fs::write(&path, "other").unwrap();
        let error =
            warehouse.annex(&warehouse.latest().unwrap().unwrap(), Annex::Endpoints).unwrap_err();
        assert!(error.to_string().contains(&path.display().to_string()), "{error}");
    }
}
