//! The only door to DataFusion: sessions over the tables of one version or draft, planned queries, limits.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;

use arrow::array::{BooleanArray, RecordBatch};
use arrow::datatypes::SchemaRef;
use futures::Stream;

use crate::base::TableName;
use crate::base::size::ByteSize;
use crate::warehouse::Manifest;

/// Rows as they come.
pub(crate) type BatchStream = Pin<Box<dyn Stream<Item = Result<RecordBatch, EngineError>> + Send>>;

#[derive(Clone, Debug)]
pub(crate) struct EngineLimits {
    pub(crate) memory: ByteSize,
    pub(crate) threads: usize,
    /// Where what does not fit into memory goes; made when needed.
    pub(crate) spill: PathBuf,
}

/// Why a planned query did not run to its end.
#[derive(Debug, thiserror::Error)]
pub(crate) enum EngineError {
    #[error("out of memory: {0}")]
    Memory(String),
    #[error("{0}")]
    Other(String),
}

/// Why SQL could not be planned. Positions are 1-based lines and columns (in characters) of the given SQL.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{message}")]
pub(crate) struct SqlError {
    pub(crate) message: String,
    pub(crate) position: Option<(usize, usize)>,
    /// How many characters the caret underlines.
    pub(crate) length: usize,
    pub(crate) hints: Vec<String>,
}

/// The engine of one process: its memory pool, its threads, its caches. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Engine {}

/// What names mean in a query: each table of one version or draft. Names ignore case.
#[derive(Clone, Debug, Default)]
pub(crate) struct TableSet {
    pub(crate) relations: BTreeMap<TableName, Relation>,
}

#[derive(Clone, Debug)]
pub(crate) enum Relation {
    Files(Arc<TableFiles>),
    /// A compiled `select`; its names mean what they mean in the same set.
    View {
        sql: Arc<str>,
        schema: SchemaRef,
    },
}

/// Immutable Parquet files that make up a table.
#[derive(Clone, Debug)]
pub(crate) struct TableFiles {
    /// Column names as written; queries find them without regard to case. The files may hold further columns, whose
    /// names begin with `__clearwell_`: nobody sees those.
    pub(crate) schema: SchemaRef,
    pub(crate) files: Vec<TableFile>,
}

#[derive(Clone, Debug)]
pub(crate) struct TableFile {
    pub(crate) path: PathBuf,
    pub(crate) bytes: u64,
    pub(crate) rows: u64,
}

/// A set of tables to ask. Cheap to clone; any number of queries may run at once.
#[derive(Clone)]
pub(crate) struct Session {}

/// One planned, read-only `select`.
#[derive(Clone)]
pub(crate) struct Query {}

impl Engine {
    pub(crate) fn new(_limits: &EngineLimits) -> Result<Self, EngineError> {
        unimplemented!()
    }

    pub(crate) fn session(&self, _tables: Arc<TableSet>) -> Session {
        unimplemented!()
    }

    /// Takes `bytes` out of the memory pool for as long as the answer lives.
    pub(crate) fn reserve(&self, _who: &str, _bytes: usize) -> Result<Reservation, EngineError> {
        unimplemented!()
    }
}

/// Memory that is spoken for.
#[derive(Debug)]
pub(crate) struct Reservation {}

impl Reservation {
    pub(crate) fn resize(&mut self, _bytes: usize) -> Result<(), EngineError> {
        unimplemented!()
    }
}

impl TableSet {
    /// The tables that manifests describe, their files found below `root`.
    pub(crate) fn of(_root: &Path, _tables: &BTreeMap<TableName, Arc<Manifest>>) -> Self {
        unimplemented!()
    }
}

impl Session {
    /// Plans one `select` (with or without `$name` parameters).
    pub(crate) async fn plan(&self, _sql: &str) -> Result<Query, SqlError> {
        unimplemented!()
    }
}

impl Query {
    /// Columns as DuckDB would name them.
    pub(crate) fn schema(&self) -> SchemaRef {
        unimplemented!()
    }

    /// Hash of the normalised plan with our and DataFusion's version: the same for SQL that differs in layout, comments
    /// or the case of keywords only.
    pub(crate) fn fingerprint(&self) -> String {
        unimplemented!()
    }

    /// Whether its answer is not a function of its tables: `now()`, `random()`.
    pub(crate) fn volatile(&self) -> bool {
        unimplemented!()
    }

    /// The tables it reads, views seen through (the views themselves included).
    pub(crate) fn tables(&self) -> BTreeSet<TableName> {
        unimplemented!()
    }

    pub(crate) async fn stream(&self) -> Result<BatchStream, EngineError> {
        unimplemented!()
    }

    pub(crate) async fn collect(&self) -> Result<Vec<RecordBatch>, EngineError> {
        unimplemented!()
    }
}

/// A SQL condition over the columns of a batch.
pub(crate) type RowPredicate =
    Arc<dyn Fn(&RecordBatch) -> Result<BooleanArray, EngineError> + Send + Sync>;

/// Plans `expression` over batches of `schema`: true passes, false fails, null passes.
pub(crate) fn row_predicate(
    _schema: &SchemaRef,
    _expression: &str,
) -> Result<RowPredicate, SqlError> {
    unimplemented!()
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    Integer(i64),
    Double(f64),
    Decimal(String),
    Text(String),
    Boolean(bool),
    Date(chrono::NaiveDate),
    Timestamp(chrono::NaiveDateTime),
}

pub(crate) struct Prepared {}

impl Session {
    pub(crate) fn prepare(
        &self,
        _sql: &str,
        _parameters: &[(String, arrow::datatypes::DataType)],
    ) -> Result<Prepared, SqlError> {
        unimplemented!()
    }
}

impl Prepared {
    pub(crate) fn fingerprint(&self) -> String {
        unimplemented!()
    }
    pub(crate) fn schema(&self) -> SchemaRef {
        unimplemented!()
    }
    pub(crate) fn tables(&self) -> BTreeSet<TableName> {
        unimplemented!()
    }
    pub(crate) fn bind(
        &self,
        _values: &BTreeMap<String, Option<Value>>,
        _order_by: &[(String, bool)],
        _limit: u64,
        _offset: u64,
    ) -> Result<Query, SqlError> {
        unimplemented!()
    }
}

pub(crate) struct JsonRows {}

impl JsonRows {
    pub(crate) fn new(_schema: &SchemaRef) -> Self {
        unimplemented!()
    }
    pub(crate) fn append(&mut self, _batch: &RecordBatch, _out: &mut Vec<u8>) {
        unimplemented!()
    }
}
