//! The files that describe a version: one for the version, one for each table's state.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::base::{RunId, TableName, Version};
use crate::record::{CodeFingerprint, SourceLoad};

/// The format number that this program writes, and the newest it reads.
pub(crate) const FORMAT: u32 = 1;

/// `versions/<number>.json`: the whole warehouse at one moment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct VersionFile {
    pub(crate) format: u32,
    pub(crate) version: Version,
    pub(crate) parent: Option<Version>,
    pub(crate) published: DateTime<Utc>,
    pub(crate) run: RunId,
    /// Version of the program that published it.
    pub(crate) program: String,
    /// Whether every check of the project ran and none failed with severity `error`.
    pub(crate) tested: bool,
    pub(crate) rows: u64,
    pub(crate) bytes: u64,
    /// Hash of each table's manifest, by table name.
    pub(crate) tables: BTreeMap<TableName, String>,
}

/// `manifests/<hash>.json`: one table's state.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Manifest {
    pub(crate) format: u32,
    pub(crate) table: TableName,
    pub(crate) columns: Vec<TableColumn>,
    pub(crate) content: TableContent,
    /// Hash of the rows, whatever their order; for a view of its SQL, schema and bindings.
    pub(crate) content_hash: String,
    pub(crate) rows: Option<u64>,
    pub(crate) code: CodeFingerprint,
    /// Content hashes of the tables it was built from, by folded name.
    pub(crate) inputs: BTreeMap<String, String>,
    /// Of a source: the files it was read from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) load: Option<SourceLoad>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub(crate) enum TableContent {
    Files {
        files: Vec<DataFile>,
    },
    View {
        sql: String,
        /// What each table name in the SQL means: the folded name of a table of the same version.
        reads: Vec<TableName>,
    },
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct TableColumn {
    pub(crate) name: String,
    /// Arrow's data type, in Arrow's own text form: `Decimal128(18, 2)`.
    #[serde(with = "arrow_type")]
    pub(crate) data_type: arrow::datatypes::DataType,
    pub(crate) nullable: bool,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) description: String,
}

/// One immutable Parquet file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct DataFile {
    /// Relative to the warehouse: `tables/<schema>/<table>/<uuid>.parquet`.
    pub(crate) path: String,
    pub(crate) rows: u64,
    pub(crate) bytes: u64,
    /// BLAKE3 of the file.
    pub(crate) checksum: String,
    /// The rows' part of the table's content hash, 32 hexadecimal digits.
    pub(crate) rows_hash: String,
    /// By column name.
    pub(crate) columns: BTreeMap<String, ColumnStatistics>,
}

/// Minimum and maximum stand as text in the column's canonical spelling; absent where unknown.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct ColumnStatistics {
    pub(crate) nulls: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) min: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) max: Option<String>,
}

mod arrow_type {
    use arrow::datatypes::DataType;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(super) fn serialize<S: Serializer>(
        data_type: &DataType,
        out: S,
    ) -> Result<S::Ok, S::Error> {
        out.collect_str(data_type)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(input: D) -> Result<DataType, D::Error> {
        String::deserialize(input)?.parse().map_err(D::Error::custom)
    }
}
