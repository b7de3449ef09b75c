//! How the checks of a version went, as a file that stands with it: `verdicts/<hash>.json`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::CheckStatus;
use crate::base::{NodeId, TableName};

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Verdicts {
    pub(crate) format: u32,
    pub(crate) checks: BTreeMap<NodeId, Verdict>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Verdict {
    /// Hash of what is checked and how it is judged.
    pub(crate) definition: String,
    pub(crate) status: CheckStatus,
    pub(crate) failures: u64,
    /// The table that it is about, where it is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) table: Option<TableName>,
}

impl Verdicts {
    /// Those of a verdicts file; none of one that a later program wrote in another form.
    pub(crate) fn read(file: &[u8]) -> Option<Self> {
        serde_json::from_slice(file).ok()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.checks.is_empty()
    }

    pub(crate) fn warned(&self) -> u64 {
        let warned = |verdict: &&Verdict| verdict.status == CheckStatus::Warn;
        self.checks.values().filter(warned).count() as u64
    }

    pub(crate) fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }
}
