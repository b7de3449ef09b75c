//! Every table at one version, as readers hold it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::manifest::{Manifest, TableContent, VersionFile};
use crate::base::{TableName, Version, hash};

/// Every table at one version, or in the draft of a failed run. Cheap to clone, never changes.
#[derive(Clone, Debug, Default)]
pub(crate) struct State {
    /// `None` for the draft of a failed run.
    pub(crate) version: Option<Arc<VersionFile>>,
    pub(crate) tables: Arc<BTreeMap<TableName, Arc<Manifest>>>,
}

impl State {
    /// The version's number; `None` for a draft.
    pub(crate) fn number(&self) -> Option<Version> {
        self.version.as_ref().map(|file| file.version)
    }

    /// A name for the rows that `table` has here; of a view with the content of what it reads, whatever that was when the
    /// view was made. `None` where there is no such table, or where a view asks for the time or for chance.
    pub(crate) fn content(&self, table: &TableName) -> Option<String> {
        let mut contents = BTreeMap::new();
        let mut open = BTreeSet::from([table]);
        while let Some(table) = open.pop_first() {
            let manifest = self.tables.get(table)?;
            let is_view = matches!(manifest.content, TableContent::View { .. });
            if is_view && manifest.code.volatile {
                return None;
            }
            contents.insert(table.folded(), manifest.content_hash.as_str());
            let unseen =
                manifest.reads().iter().filter(|read| !contents.contains_key(read.folded()));
            open.extend(unseen);
        }
        let parts = contents.iter().flat_map(|(table, content)| [*table, *content]);
        Some(hash::of_parts(parts.map(str::as_bytes)))
    }

    /// Bytes of all files of all tables.
    pub(crate) fn bytes(&self) -> u64 {
        self.tables.values().map(|manifest| manifest.bytes()).sum()
    }
}
