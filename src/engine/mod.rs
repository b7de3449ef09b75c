//! The only door to DataFusion: sessions over the tables of one version or draft, planned queries, limits.
//!
//! SQL text goes through `parse` (folded, read-only), `names` (what the answer's columns are called), `dialect` (DuckDB's
//! meaning, from the syntax tree), DataFusion's planner over `session`'s tables with `meaning` (DuckDB's meaning, from
//! types) and `functions` (`bounded`), and becomes a `plan` that can be run, or a `prepare`d statement. `output` writes answers.

mod bounded;
mod catalog;
mod certain;
mod dialect;
mod error;
mod exists;
mod functions;
mod lineage;
mod meaning;
mod memory;
mod names;
pub(crate) mod output;
mod paced;
mod parquet_file;
mod parse;
mod plan;
mod predicate;
mod prepare;
mod resident;
mod row_filter;
mod session;
mod table;
mod types;
mod weight;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;

use arrow::array::{BooleanArray, RecordBatch};
use arrow::datatypes::{DataType, SchemaRef};
use datafusion::logical_expr::Expr;
use futures::Stream;

use crate::base::TableName;
use crate::base::size::ByteSize;
use crate::warehouse::{Manifest, TableContent};
pub(crate) use certain::Certain;
pub(crate) use functions::{check_python_regex, check_strptime_format, dateutil_time};
pub(crate) use lineage::Origin;
pub(crate) use parquet_file::parquet_file;
pub(crate) use prepare::{Prepared, Value, Window};
pub(crate) use resident::{Resident, Selected};
pub(crate) use row_filter::RowFilter;
pub(crate) use types::{int_at, sql_name};

/// Rows as they come.
pub(crate) type BatchStream = Pin<Box<dyn Stream<Item = Result<RecordBatch, EngineError>> + Send>>;

#[derive(Clone, Debug)]
pub(crate) struct EngineLimits {
    pub(crate) memory: ByteSize,
    pub(crate) threads: usize,
    /// Where what does not fit into memory goes; made when needed.
    pub(crate) spill: PathBuf,
    /// Whether statements come from clients: one call of a function may make no more than `bounded` says then. The project's
    /// own may make what they like of long texts.
    pub(crate) for_clients: bool,
}

/// Why a planned query did not run to its end.
#[derive(Debug, thiserror::Error)]
pub(crate) enum EngineError {
    #[error("out of memory: {0}")]
    Memory(String),
    /// What the statement asks for cannot be computed: a division by zero, a text that is no number, too long a text.
    #[error("{0}")]
    Statement(String),
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
pub(crate) struct Engine(Arc<session::EngineParts>);

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

impl Relation {
    /// Its columns as written.
    pub(crate) fn schema(&self) -> &SchemaRef {
        match self {
            Self::Files(files) => &files.schema,
            Self::View { schema, .. } => schema,
        }
    }
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
pub(crate) struct Session(Arc<session::SessionParts>);

/// One planned, read-only `select`.
#[derive(Clone)]
pub(crate) struct Query(Arc<plan::QueryParts>);

/// Engines, sessions and queries say no more of themselves than what they are.
macro_rules! debug_by_name {
    ($($name:ident),*) => {
        $(impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.debug_struct(stringify!($name)).finish_non_exhaustive()
            }
        })*
    };
}

debug_by_name!(Engine, Session, Query, Prepared);

impl Engine {
    /// # Errors
    /// If the engine cannot be set up.
    pub(crate) fn new(limits: &EngineLimits) -> Result<Self, EngineError> {
        Ok(Self(Arc::new(session::EngineParts::new(limits)?)))
    }

    pub(crate) fn session(&self, tables: Arc<TableSet>) -> Session {
        Session(Arc::new(session::SessionParts::new(Arc::clone(&self.0), tables, None)))
    }

    /// As [`Engine::session`]; its scans can be counted. They are kept as long as the session lives.
    pub(crate) fn counting_session(&self, tables: Arc<TableSet>) -> Session {
        let log = Some(Arc::default());
        Session(Arc::new(session::SessionParts::new(Arc::clone(&self.0), tables, log)))
    }

    /// The memory that queries have taken, and what they may take together, in bytes.
    pub(crate) fn memory(&self) -> (u64, u64) {
        memory::used(&self.0.runtime)
    }

    /// Takes `bytes` out of the memory pool for as long as the answer lives.
    ///
    /// # Errors
    /// If they are not there.
    pub(crate) fn reserve(&self, who: &str, bytes: usize) -> Result<Reservation, EngineError> {
        memory::reserve(&self.0.runtime, who, bytes)
    }
}

/// Memory that is spoken for.
#[derive(Debug)]
pub(crate) struct Reservation {
    held: memory::Held,
}

impl Reservation {
    /// # Errors
    /// If there is not that much; what was held stays held.
    pub(crate) fn resize(&mut self, bytes: usize) -> Result<(), EngineError> {
        self.held.resize(bytes)
    }
}

impl TableSet {
    /// The tables that manifests describe, their files found below `root`.
    pub(crate) fn of(root: &Path, tables: &BTreeMap<TableName, Arc<Manifest>>) -> Self {
        let relations =
            tables.iter().map(|(name, manifest)| (name.clone(), relation(root, manifest)));
        Self { relations: relations.collect() }
    }
}

fn relation(root: &Path, manifest: &Manifest) -> Relation {
    let schema = manifest.schema();
    match &manifest.content {
        TableContent::View { sql, .. } => Relation::View { sql: sql.as_str().into(), schema },
        TableContent::Files { files } => {
            let listed = files.iter().map(|file| TableFile {
                path: root.join(&file.path),
                bytes: file.bytes,
                rows: file.rows,
            });
            Relation::Files(Arc::new(TableFiles { schema, files: listed.collect() }))
        }
    }
}

impl Session {
    /// Plans one `select`.
    ///
    /// # Errors
    /// What is wrong with it, where, and what may have been meant.
    pub(crate) async fn plan(&self, sql: &str) -> Result<Query, SqlError> {
        self.analyse(sql, &[], &[]).map(|parts| Query(Arc::new(parts)))
    }

    /// What holds of the answer to one `select` whatever the rows of its tables are; `None` if it cannot be planned.
    pub(crate) fn certain(&self, sql: &str) -> Option<Certain> {
        let parts = self.analyse(sql, &[], &[]).ok()?;
        Some(Certain::of(&parts.plan, parts.output.fields().iter().map(|field| field.name())))
    }

    /// Plans one `select` whose `$name` parameters have the given types; they are bound later. Of the tables of `filters`
    /// only the rows that they let through are read, wherever the statement or a view reads them.
    ///
    /// # Errors
    /// As [`Session::plan`]; also if a parameter of the statement is not among `parameters`, a filter's column does not
    /// exist or its table is not read.
    pub(crate) fn prepare(
        &self,
        sql: &str,
        parameters: &[(String, DataType)],
        filters: &[RowFilter],
    ) -> Result<Prepared, SqlError> {
        let bound = row_filter::bound(&self.0, filters, parameters.len())?;
        let mut parameters = parameters.to_vec();
        let query = self.analyse(sql, &parameters, &bound.conditions)?;
        row_filter::all_apply(filters, &query.reads.tables)?;
        let optional = parameters.len();
        parameters.extend(bound.parameters);
        Ok(Prepared(Arc::new(prepare::PreparedParts::new(query, parameters, optional))))
    }

    /// The columns of a table as written, in the types in which they leave; `None` where there is no such table.
    pub(crate) fn schema(&self, table: &TableName) -> Option<SchemaRef> {
        let relation = self.0.tables.relations.get(table)?;
        let outward = |field: &Arc<arrow::datatypes::Field>| {
            let data_type = types::outward(field.data_type());
            arrow::datatypes::Field::new(field.name(), data_type, field.is_nullable())
        };
        let fields: Vec<_> = relation.schema().fields().iter().map(outward).collect();
        Some(Arc::new(arrow::datatypes::Schema::new(fields)))
    }

    /// The table of each scan so far and the rows that were read by it; empty unless they are counted.
    pub(crate) fn scans(&self) -> Vec<(TableName, u64)> {
        self.0.scans.as_ref().map(|log| log.scans()).unwrap_or_default()
    }

    fn analyse(
        &self,
        sql: &str,
        parameters: &[(String, DataType)],
        filters: &[(TableName, Expr)],
    ) -> Result<plan::QueryParts, SqlError> {
        plan::guarded_planning(|| {
            let planned = self.0.plan(sql, parameters, filters)?;
            plan::analysed(Arc::clone(&self.0.engine), planned)
        })
    }
}

impl Query {
    /// Columns as DuckDB would name them. Text is `Utf8`, timestamps are microseconds, counts `Int64`.
    pub(crate) fn schema(&self) -> SchemaRef {
        Arc::clone(&self.0.output)
    }

    /// Hash of the normalised plan with our and DataFusion's version: the same for SQL that differs in layout, comments
    /// or the case of keywords only.
    pub(crate) fn fingerprint(&self) -> String {
        self.0.fingerprint()
    }

    /// Whether its answer is not a function of its tables: `now()`, `random()`.
    pub(crate) fn volatile(&self) -> bool {
        self.0.reads.volatile
    }

    /// How many rows the tables that it reads have together.
    pub(crate) fn rows_behind(&self) -> u64 {
        self.0.reads.rows
    }

    /// Whether each row of the answer is made of one stored row, so that a limit spares the rest.
    pub(crate) fn is_row_by_row(&self) -> bool {
        self.0.reads.row_by_row
    }

    /// The tables it reads, views seen through (the views themselves included).
    pub(crate) fn tables(&self) -> BTreeSet<TableName> {
        self.0.reads.tables.clone()
    }

    /// The same query for a reader who sees its order: rows come as they are stored where the query asks for no other
    /// order and does not group or join.
    #[must_use]
    pub(crate) fn in_stored_order(&self) -> Self {
        Self(Arc::new(plan::QueryParts { in_stored_order: true, ..self.0.as_ref().clone() }))
    }

    /// The same query, planned for little memory: what can spill is used, whatever it costs.
    #[must_use]
    pub(crate) fn in_little_memory(&self) -> Self {
        Self(Arc::new(plan::QueryParts { frugal: true, ..self.0.as_ref().clone() }))
    }

    /// Starts it. Dropping the stream stops the work.
    ///
    /// # Errors
    /// If it cannot be started; later errors come through the stream, as its last item.
    pub(crate) async fn stream(&self) -> Result<BatchStream, EngineError> {
        self.0.stream().await
    }

    /// All rows at once.
    ///
    /// # Errors
    /// If it does not run to its end.
    pub(crate) async fn collect(&self) -> Result<Vec<RecordBatch>, EngineError> {
        self.0.collect().await
    }
}

/// Refuses a statement that reads more than `max` tables, those of a `with` counted wherever it is named: planning takes the
/// more steps.
///
/// # Errors
/// If it does, or cannot be parsed.
pub(crate) fn at_most_tables(sql: &str, max: u64) -> Result<(), SqlError> {
    match weight::relations(&parse::query(sql)?.query)? {
        relations if relations > max => Err(weight::too_many(relations, max)),
        _ => Ok(()),
    }
}

/// A statement without its comments, in one layout; as it is where it cannot be parsed.
pub(crate) fn normalised(sql: &str) -> String {
    parse::query(sql).map_or_else(|_| sql.to_owned(), |parsed| parsed.query.to_string())
}

/// A SQL condition over the columns of a batch.
pub(crate) type RowPredicate =
    Arc<dyn Fn(&RecordBatch) -> Result<BooleanArray, EngineError> + Send + Sync>;

/// Plans `expression` over batches of `schema`: true passes, false fails, null passes.
///
/// # Errors
/// If it is no condition on one row.
pub(crate) fn row_predicate(
    schema: &SchemaRef,
    expression: &str,
) -> Result<RowPredicate, SqlError> {
    plan::guarded_planning(|| predicate::plan(schema, expression))
}

#[cfg(test)]
mod tests;
#[cfg(test)]
pub(crate) mod world;
