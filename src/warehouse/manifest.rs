//! The files that describe a version: one for the version, one for each table's state.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::datatypes::{Field, Schema, SchemaRef};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::base::{RunId, TableName, Version};
use crate::record::{CodeFingerprint, LoadedFile, SourceLoad};

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
    /// When each table became what it is; a table that is missing here did in this version.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) since: BTreeMap<TableName, Since>,
    /// Hash of the endpoints file that it serves, if it serves any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) endpoints: Option<String>,
    /// When that file became what it is; where it is missing, in this version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) endpoints_since: Option<Since>,
    /// Hash of the file that says how its checks went, if any ran.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) verdicts: Option<String>,
    /// How many of them warned.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub(crate) warned: u64,
}

/// The version that brought a table's state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Since {
    pub(crate) version: Version,
    pub(crate) published: DateTime<Utc>,
}

impl VersionFile {
    /// The version that brought the present state of `table`: this one or an older one.
    pub(crate) fn since(&self, table: &TableName) -> Since {
        self.since.get(table).copied().unwrap_or(self.here())
    }

    /// The version that brought the endpoints that this one serves.
    pub(crate) fn endpoints_since(&self) -> Since {
        self.endpoints_since.unwrap_or(self.here())
    }

    fn here(&self) -> Since {
        Since { version: self.version, published: self.published }
    }
}

/// `manifests/<hash>.json`: one table's state.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Manifest {
    pub(crate) format: u32,
    pub(crate) table: TableName,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) description: String,
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

impl Manifest {
    /// The columns as an Arrow schema.
    pub(crate) fn schema(&self) -> SchemaRef {
        let field = |column: &TableColumn| {
            Field::new(&column.name, column.data_type.clone(), column.nullable)
        };
        Arc::new(Schema::new(self.columns.iter().map(field).collect::<Vec<_>>()))
    }

    /// Its Parquet files; none for a view.
    pub(crate) fn files(&self) -> &[DataFile] {
        match &self.content {
            TableContent::Files { files } => files,
            TableContent::View { .. } => &[],
        }
    }

    /// The tables that a view reads.
    pub(crate) fn reads(&self) -> &[TableName] {
        match &self.content {
            TableContent::Files { .. } => &[],
            TableContent::View { reads, .. } => reads,
        }
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.files().iter().map(|file| file.bytes).sum()
    }

    /// The path of every file that it names, its load's included.
    pub(crate) fn named_files(&self) -> impl Iterator<Item = &str> {
        let loaded = self.load.iter().flat_map(|load| load.files.values());
        let loaded = loaded
            .flat_map(|file| file.accepted.iter().chain(&file.rejected).chain(&file.rejected_keys));
        self.files().iter().map(|file| &file.path).chain(loaded).map(String::as_str)
    }

    /// Whether it tells of the same rows, columns and descriptions, made by the same plan from the same inputs and the
    /// same bytes. Then only bookkeeping differs: the layout of the SQL text, the time stamps of input files, which
    /// Parquet files hold the rows.
    pub(crate) fn same_but_for_bookkeeping(&self, other: &Self) -> bool {
        self.content_hash == other.content_hash && self.essence() == other.essence()
    }

    fn essence(&self) -> Self {
        let mut essence = self.clone();
        essence.code.text.clear();
        if let TableContent::Files { files } = &mut essence.content {
            files.clear();
        }
        for file in essence.load.iter_mut().flat_map(|load| load.files.values_mut()) {
            let LoadedFile { hash, rows_read, rows_accepted, rows_rejected, .. } =
                std::mem::take(file);
            *file = LoadedFile {
                hash,
                rows_read,
                rows_accepted,
                rows_rejected,
                ..LoadedFile::default()
            };
        }
        essence
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_zero(value: &u64) -> bool {
    *value == 0
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
