//! The project as the rest of the program needs it: resolved nodes and what each depends on.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use super::jinja::cte_name;
use super::sql::CompiledSql;
use crate::base::{NodeId, Span, TableName};
use crate::rules::{ColumnType, Contract, Expectation, OnReject, ReadOptions, RejectLimit};

/// Everything the user wrote, resolved.
///
/// Invariant: the graph has no cycle; every `NodeId` that a node names is a key of `nodes`; no two nodes make the same
/// table (a source without a location makes none, and depends on the node that makes its table, if one does).
#[derive(Clone, Debug)]
pub(crate) struct Project {
    pub(crate) nodes: BTreeMap<NodeId, Node>,
}

#[derive(Clone, Debug)]
pub(crate) enum Node {
    Source(Source),
    Seed(Seed),
    Model(Model),
    Check(Check),
    Endpoint(Endpoint),
}

/// What every node has.
#[derive(Clone, Debug)]
pub(crate) struct NodeInfo {
    pub(crate) id: NodeId,
    pub(crate) name: String,
    /// Project, folders, name: what selectors and the project's configuration go by.
    pub(crate) fqn: Vec<String>,
    /// The file that defines it, relative to the project root, with `/`.
    pub(crate) path: String,
    pub(crate) description: String,
    pub(crate) tags: Vec<String>,
    /// `meta`, and the resolved configuration, for selection (`config.meta.owner:me`) and docs.
    pub(crate) config: serde_json::Map<String, serde_json::Value>,
    /// The nodes whose tables or rows it needs. Of a source: those that its foreign keys refer to.
    pub(crate) depends_on: BTreeSet<NodeId>,
    /// Where it is defined, for messages about the node as a whole.
    pub(crate) span: Option<Span>,
}

/// A column as the user documents it.
#[derive(Clone, Debug, Default)]
pub(crate) struct ColumnInfo {
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) data_type: Option<ColumnType>,
}

/// A table read from files outside.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    pub(crate) info: NodeInfo,
    pub(crate) table: TableName,
    /// Where its rejects go: `quarantine.<source>_<table>`.
    pub(crate) quarantine: TableName,
    /// `shop` of `source('shop', 'orders')`.
    pub(crate) source_name: String,
    /// The external location with `{name}` filled in: a path or glob relative to the base folder, or absolute.
    /// `None`: nothing is read; the table must stand in the warehouse already.
    pub(crate) location: Option<String>,
    pub(crate) location_span: Option<Span>,
    pub(crate) reading: ReadOptions,
    /// Without declared columns: typed by a scan of the whole file.
    pub(crate) contract: Option<Contract>,
    /// Where the expressions of the contract's checks stand, in the order of the checks.
    pub(crate) check_spans: Vec<Span>,
    pub(crate) on_reject: OnReject,
    pub(crate) max_rejects: Option<RejectLimit>,
    pub(crate) columns: Vec<ColumnInfo>,
}

impl Source {
    /// Where its rejects go: `quarantine.<source>_<table>`.
    pub(crate) fn quarantine(&self) -> TableName {
        self.quarantine.clone()
    }
}

/// A small CSV inside the project.
#[derive(Clone, Debug)]
pub(crate) struct Seed {
    pub(crate) info: NodeInfo,
    pub(crate) table: TableName,
    pub(crate) file: PathBuf,
    pub(crate) delimiter: String,
    /// Types set by the user; the other columns are inferred.
    pub(crate) column_types: BTreeMap<String, ColumnType>,
    pub(crate) columns: Vec<ColumnInfo>,
}

#[derive(Clone, Debug)]
pub(crate) struct Model {
    pub(crate) info: NodeInfo,
    pub(crate) table: TableName,
    pub(crate) materialization: Materialization,
    pub(crate) sql: CompiledSql,
    pub(crate) columns: Vec<ColumnInfo>,
    /// Whether its columns and types must be as declared (`contract: {enforced: true}`).
    pub(crate) contract_enforced: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Materialization {
    /// Stands in a version as SQL; read when asked for.
    View,
    Table,
    /// Inlined where it is used; makes no table.
    Ephemeral,
    /// For now built whole, as with `--full-refresh`.
    Incremental,
}

/// A test of data.
#[derive(Clone, Debug)]
pub(crate) struct Check {
    pub(crate) info: NodeInfo,
    pub(crate) kind: CheckKind,
    /// The node it is about, where it is about one.
    pub(crate) target: Option<NodeId>,
    /// `with …`: the ephemeral models that one of dbt's own tests reads, to stand before its query; else empty.
    pub(crate) expressions: String,
    pub(crate) column: Option<String>,
    pub(crate) config: CheckConfig,
    /// Where its failing rows are kept, if they are.
    pub(crate) stored: Option<TableName>,
}

#[derive(Clone, Debug)]
pub(crate) enum CheckKind {
    Unique {
        column: String,
    },
    NotNull {
        column: String,
    },
    /// `quote: false` takes the values as SQL literals of the column's own type.
    AcceptedValues {
        column: String,
        values: Vec<String>,
        quote: bool,
    },
    Relationships {
        column: String,
        to: NodeId,
        field: String,
    },
    /// A generic test of a package or of the project's own: rows that the query returns are failures.
    Generic {
        /// `dbt_utils.accepted_range`; without a package, the project's own.
        name: String,
        sql: CompiledSql,
        /// The condition that a failing row of the target meets, where single rows tell and no row meets it exactly if
        /// the query returns none.
        row_condition: Option<String>,
        /// The columns that `dbt_utils.unique_combination_of_columns` says are a key; else empty.
        key: Vec<String>,
    },
    /// Rows that the query returns are failures.
    Singular {
        sql: CompiledSql,
    },
    /// One expectation of a suite of the project's.
    Expectation {
        suite: String,
        expectation: Expectation,
        /// What `$PARAMETER`s of the suite stand for.
        parameters: Arc<serde_json::Map<String, serde_json::Value>>,
    },
}

impl CheckKind {
    /// In its dialect's spelling: `unique`, `dbt_utils.accepted_range`, `expect_column_to_exist`; `singular` for a query
    /// of the user's own.
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Unique { .. } => "unique",
            Self::NotNull { .. } => "not_null",
            Self::AcceptedValues { .. } => "accepted_values",
            Self::Relationships { .. } => "relationships",
            Self::Generic { name, .. } => name,
            Self::Singular { .. } => "singular",
            Self::Expectation { expectation, .. } => &expectation.kind,
        }
    }
}

/// dbt's test configuration.
#[derive(Clone, Debug)]
pub(crate) struct CheckConfig {
    pub(crate) severity: CheckSeverity,
    /// A condition on the number of failures: `!= 0`, `> 10`.
    pub(crate) warn_if: String,
    pub(crate) error_if: String,
    pub(crate) fail_calc: String,
    /// A filter on the tested table, in SQL.
    pub(crate) filter: Option<String>,
    pub(crate) limit: Option<u64>,
}

impl Default for CheckConfig {
    fn default() -> Self {
        Self {
            severity: CheckSeverity::Error,
            warn_if: "!= 0".to_owned(),
            error_if: "!= 0".to_owned(),
            fail_calc: "count(*)".to_owned(),
            filter: None,
            limit: None,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CheckSeverity {
    Warn,
    Error,
}

/// A route whose handler is a `select` with typed parameters.
#[derive(Clone, Debug)]
pub(crate) struct Endpoint {
    pub(crate) info: NodeInfo,
    /// With `$name` where parameters stand; without `limit` and `order by`.
    pub(crate) sql: CompiledSql,
    pub(crate) parameters: Vec<Parameter>,
    /// What orders the answer. Must make the order complete.
    pub(crate) order_by: Vec<OrderKey>,
    pub(crate) page: PageSize,
    pub(crate) scope: Option<String>,
    pub(crate) row_filters: Vec<RowFilter>,
}

/// Of a table an endpoint reads only rows that belong to whoever asks: those whose column has the value of a claim, or one
/// of its values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RowFilter {
    pub(crate) table: TableName,
    pub(crate) column: String,
    /// A claim of the principal's token.
    pub(crate) claim: String,
}

/// Parameters that every endpoint has besides its own.
pub(crate) const EVERYWHERE: [&str; 6] = ["limit", "offset", "cursor", "count", "format", "at"];

#[derive(Clone, Debug)]
pub(crate) struct Parameter {
    pub(crate) name: String,
    /// Of each item, where it is a list.
    pub(crate) kind: ParameterKind,
    /// Whether it can be given several times, each time with one item.
    pub(crate) list: bool,
    pub(crate) required: bool,
    /// As written, parsed like a request's value.
    pub(crate) default: Option<String>,
    pub(crate) minimum: Option<String>,
    pub(crate) maximum: Option<String>,
    pub(crate) min_length: Option<u64>,
    pub(crate) max_length: Option<u64>,
    /// A regular expression that the whole value must match.
    pub(crate) pattern: Option<String>,
    /// The values there are, of an enum.
    pub(crate) values: Vec<String>,
    pub(crate) description: String,
    pub(crate) example: Option<String>,
    pub(crate) span: Option<Span>,
}

impl Parameter {
    /// An optional one of which nothing else is said.
    pub(crate) fn new(name: &str, kind: ParameterKind) -> Self {
        Self {
            name: name.to_owned(),
            kind,
            list: false,
            required: false,
            default: None,
            minimum: None,
            maximum: None,
            min_length: None,
            max_length: None,
            pattern: None,
            values: Vec::new(),
            description: String::new(),
            example: None,
            span: None,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ParameterKind {
    Integer,
    Number,
    Decimal,
    String,
    Boolean,
    Date,
    Timestamp,
    Enum,
}

#[derive(Clone, Debug)]
pub(crate) struct OrderKey {
    pub(crate) column: String,
    pub(crate) descending: bool,
    pub(crate) span: Option<Span>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PageSize {
    pub(crate) default: u64,
    pub(crate) max: u64,
}

impl Node {
    pub(crate) fn info(&self) -> &NodeInfo {
        match self {
            Self::Source(node) => &node.info,
            Self::Seed(node) => &node.info,
            Self::Model(node) => &node.info,
            Self::Check(node) => &node.info,
            Self::Endpoint(node) => &node.info,
        }
    }

    /// The table it makes, if it makes one.
    pub(crate) fn table(&self) -> Option<&TableName> {
        match self {
            Self::Source(node) => Some(&node.table),
            Self::Seed(node) => Some(&node.table),
            Self::Model(node) if node.materialization != Materialization::Ephemeral => {
                Some(&node.table)
            }
            Self::Model(_) | Self::Check(_) | Self::Endpoint(_) => None,
        }
    }

    /// Its rows, as they stand behind `from`: its table, or the expression that an ephemeral model is put in as.
    pub(crate) fn relation(&self) -> Option<String> {
        match self {
            Self::Model(node) if node.materialization == Materialization::Ephemeral => {
                Some(cte_name(&node.info.name))
            }
            node => node.table().map(TableName::quoted),
        }
    }
}

impl Project {
    /// The tables of these nodes; in place of an ephemeral model those that it reads.
    pub(crate) fn tables_of(&self, nodes: &BTreeSet<NodeId>) -> BTreeSet<&TableName> {
        let mut tables = BTreeSet::new();
        for node in nodes.iter().filter_map(|id| self.nodes.get(id)) {
            match node.table() {
                Some(table) => {
                    tables.insert(table);
                }
                None => tables.extend(self.tables_of(&node.info().depends_on)),
            }
        }
        tables
    }
}
