//! Which files a source table was read from, so that the next run knows what is new.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The state in which loading left a source table. Stands in its manifest.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct SourceLoad {
    /// Hash of the contract, the reading options and the format of the load itself.
    pub(crate) contract: String,
    /// Sets of columns whose values differ from row to row, nulls aside, by the contract. None for rejects.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) unique: Vec<Vec<String>>,
    /// Content hashes of the tables it refers to, by folded name, as they were when verdicts were made.
    pub(crate) references: BTreeMap<String, String>,
    /// By path relative to the project's base folder, with `/` between parts.
    pub(crate) files: BTreeMap<String, LoadedFile>,
    /// Warnings about the input that every reader of the run should see, e.g. an unknown column.
    #[serde(default)]
    pub(crate) warnings: Vec<String>,
    /// Names and types (as SQL spells them) of the columns found in the files, in order, where none were declared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) inferred: Option<Vec<(String, String)>>,
}

/// One input file as it was when it was read.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct LoadedFile {
    pub(crate) identity: FileIdentity,
    /// BLAKE3 of its bytes as stored.
    pub(crate) hash: String,
    pub(crate) rows_read: u64,
    pub(crate) rows_accepted: u64,
    pub(crate) rows_rejected: u64,
    /// Parquet files with its rows of the table in whose manifest this stands, relative to the warehouse: the accepted ones
    /// of a source's table, the rejects of its quarantine, which also hold their typed keys. Each of the two manifests names
    /// its own files only, so `rejected` and `rejected_keys` are not written.
    pub(crate) accepted: Vec<String>,
    pub(crate) rejected: Vec<String>,
    pub(crate) rejected_keys: Vec<String>,
    /// Its rejects by reason code; a row with two reasons counts under both.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) reasons: BTreeMap<String, u64>,
    /// Warnings about it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) warnings: Vec<String>,
}

/// What tells without reading that a file is the same.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FileIdentity {
    pub(crate) bytes: u64,
    /// Nanoseconds since 1970.
    pub(crate) modified_ns: i128,
    pub(crate) inode: u64,
    /// When its content, name or mode last changed, in nanoseconds since 1970; 0 where that is not known. Unlike the time
    /// before, no program can set it.
    #[serde(default)]
    pub(crate) changed_ns: i128,
    /// When it was looked at, in nanoseconds since 1970: a file changed in the same instant may be
    /// changed again without showing it, and is hashed.
    pub(crate) seen_ns: i128,
}

impl SourceLoad {
    pub(crate) fn rows_accepted(&self) -> u64 {
        self.files.values().map(|file| file.rows_accepted).sum()
    }
}
