//! Every table at one version, as readers hold it.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::manifest::{Manifest, VersionFile};
use crate::base::{TableName, Version};

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

    /// Bytes of all files of all tables.
    pub(crate) fn bytes(&self) -> u64 {
        self.tables.values().map(|manifest| manifest.bytes()).sum()
    }
}
