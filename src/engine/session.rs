//! An engine, its sessions, and what names mean in them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, PoisonError};

use arrow::datatypes::DataType;
use datafusion::execution::SessionStateDefaults;
use datafusion::execution::runtime_env::RuntimeEnv;
use datafusion::execution::session_state::{SessionState, SessionStateBuilder};
use datafusion::logical_expr::planner::ExprPlanner;
use datafusion::logical_expr::{Expr, LogicalPlan};
use datafusion::prelude::SessionConfig;

use super::bounded::BoundedAnswers;
use super::catalog::{Catalog, Within};
use super::error::from_planning;
use super::meaning::{self, DuckDbExpressions, ExactNumbers};
use super::names::{Definitions, distinct};
use super::table::{FilesTable, ScanLog};
use super::{EngineError, EngineLimits, Relation, SqlError, TableSet};
use super::{dialect, functions, memory, names, parse, weight};
use crate::base::TableName;

/// Rows in a batch.
const BATCH_ROWS: usize = 8192;
/// Files smaller than this are not cut up for several threads.
const SPLIT_BYTES_MIN: usize = 1 << 20;
/// What a sort keeps back for merging at most.
pub(super) const SORT_RESERVE_BYTES_MAX: usize = 10 << 20;

/// What all clones of an engine share.
pub(super) struct EngineParts {
    pub(super) runtime: Arc<RuntimeEnv>,
    /// Plans for all threads.
    pub(super) wide: SessionState,
    /// Plans for one thread: for small tables, where starting threads costs more than it brings.
    pub(super) narrow: SessionState,
    /// Plans that spill where the others would keep a whole table in memory.
    pub(super) frugal: SessionState,
    /// Whether statements come from clients.
    pub(super) for_clients: bool,
}

impl EngineParts {
    pub(super) fn new(limits: &EngineLimits) -> Result<Self, EngineError> {
        let runtime = memory::runtime(limits)?;
        let threads = limits.threads.max(1);
        let sort_bytes = sort_reserve_bytes(limits);
        let wide = state(Some(&runtime), threads, sort_bytes, limits.for_clients);
        let narrow = state(Some(&runtime), 1, sort_bytes, limits.for_clients);
        let frugal = frugal(&wide);
        Ok(Self { runtime, wide, narrow, frugal, for_clients: limits.for_clients })
    }
}

/// `state`, but joins merge what was sorted, since a sort spills and the hash table of a join does not.
fn frugal(state: &SessionState) -> SessionState {
    let mut config = state.config().clone();
    config.options_mut().optimizer.prefer_hash_join = false;
    SessionStateBuilder::new_from_existing(state.clone()).with_config(config).build()
}

/// What each sort keeps back for merging what it spilled: a share of the memory that leaves room for several.
fn sort_reserve_bytes(limits: &EngineLimits) -> usize {
    let share = limits.memory.0 / (16 * limits.threads.max(1) as u64);
    usize::try_from(share).unwrap_or(SORT_RESERVE_BYTES_MAX).min(SORT_RESERVE_BYTES_MAX)
}

/// DataFusion's state with our configuration, functions and meanings.
pub(super) fn state(
    runtime: Option<&Arc<RuntimeEnv>>,
    threads: usize,
    sort_reserve_bytes: usize,
    for_clients: bool,
) -> SessionState {
    let mut config = SessionConfig::new()
        .with_target_partitions(threads)
        .with_batch_size(BATCH_ROWS)
        .with_information_schema(false)
        .with_create_default_catalog_and_schema(false);
    let options = config.options_mut();
    // Dealt out again, sorted rows lose their order where a projection stands above the sort (the casts of
    // `with_outward_types` do). Scans are cut up for all threads without it.
    options.optimizer.enable_round_robin_repartition = false;
    options.optimizer.repartition_file_min_size = SPLIT_BYTES_MIN;
    options.execution.sort_spill_reservation_bytes = sort_reserve_bytes;
    let mut builder = SessionStateBuilder::new().with_config(config).with_default_features();
    if let Some(runtime) = runtime {
        builder = builder.with_runtime_env(Arc::clone(runtime));
    }
    builder = builder.with_analyzer_rule(Arc::new(ExactNumbers));
    if let Some(runtime) = runtime.filter(|_| for_clients) {
        let bounded = BoundedAnswers::new(memory::used(runtime).1);
        builder = builder.with_analyzer_rule(Arc::new(bounded));
    }
    let aggregates = functions::aggregates();
    if let Some(sum) = aggregates.iter().find(|function| function.name() == "sum") {
        let ours: Arc<dyn ExprPlanner> = Arc::new(DuckDbExpressions { sum: Arc::clone(sum) });
        let planners = SessionStateDefaults::default_expr_planners();
        *builder.expr_planners() = Some(std::iter::once(ours).chain(planners).collect());
    }
    builder.scalar_functions().get_or_insert_default().extend(functions::scalars());
    builder.aggregate_functions().get_or_insert_default().extend(aggregates);
    builder.build()
}

/// What all clones of a session share.
pub(super) struct SessionParts {
    pub(super) engine: Arc<EngineParts>,
    pub(super) tables: Arc<TableSet>,
    pub(super) files: BTreeMap<TableName, Arc<FilesTable>>,
    pub(super) scans: Option<Arc<ScanLog>>,
    /// Folded name without schema -> the tables called so.
    bare: BTreeMap<String, Vec<TableName>>,
}

/// A statement as planned, before any optimisation.
pub(super) struct Planned {
    pub(super) plan: LogicalPlan,
    /// Output names with their case.
    pub(super) names: Vec<String>,
    /// Views that were seen through, and filtered tables.
    pub(super) seen: BTreeSet<TableName>,
}

impl SessionParts {
    pub(super) fn new(
        engine: Arc<EngineParts>,
        tables: Arc<TableSet>,
        scans: Option<Arc<ScanLog>>,
    ) -> Self {
        let mut files = BTreeMap::new();
        let mut bare: BTreeMap<String, Vec<TableName>> = BTreeMap::new();
        for (name, relation) in &tables.relations {
            bare.entry(name.name().to_lowercase()).or_default().push(name.clone());
            if let Relation::Files(listed) = relation {
                let table = FilesTable::new(name.clone(), Arc::clone(listed), scans.clone());
                files.insert(name.clone(), Arc::new(table));
            }
        }
        Self { engine, tables, files, scans, bare }
    }

    /// Plans one `select`; `parameters` are what `$name` stands for.
    pub(super) fn plan(
        &self,
        sql: &str,
        parameters: &[(String, DataType)],
        filters: &[(TableName, Expr)],
    ) -> Result<Planned, SqlError> {
        self.plan_within(sql, parameters, Within { views: &[], filters })
    }

    /// As [`SessionParts::plan`], from inside of views.
    pub(super) fn plan_within(
        &self,
        sql: &str,
        parameters: &[(String, DataType)],
        within: Within<'_>,
    ) -> Result<Planned, SqlError> {
        let mut parsed = parse::query(sql)?;
        weight::relations(&parsed.query)?;
        let written = names::of_query(&parsed.query, &parsed.written, self);
        dialect::rewrite(&mut parsed.query, self);
        let state = &self.engine.wide;
        let catalog = Catalog { state, session: Some(self), within, seen: Arc::default() };
        let mut plan = catalog.plan_query(parsed.query, parameters)?;
        if meaning::has_several(&plan).map_err(|error| from_planning(&error))? {
            plan = meaning::several(plan).map_err(|error| from_planning(&error))?;
        }
        let columns = plan.schema().fields().iter();
        let columns = columns.map(|f| written.get(f.name()).unwrap_or(f.name()).clone());
        let seen = catalog.seen.lock().unwrap_or_else(PoisonError::into_inner).clone();
        Ok(Planned { names: distinct(columns), plan, seen })
    }

    /// The table that a name of one to three parts means.
    pub(super) fn find(&self, parts: &[String]) -> Result<&TableName, SqlError> {
        let unknown = || self.unknown_table(parts);
        match parts {
            [] => Err(unknown()),
            [name] => match self.bare.get(&name.to_lowercase()).map(Vec::as_slice) {
                None | Some([]) => Err(unknown()),
                Some([only]) => Ok(only),
                Some(several) => {
                    let listed: Vec<String> = several.iter().map(ToString::to_string).collect();
                    let message = format!("table `{name}` is ambiguous");
                    let hint = format!("write one of `{}`", listed.join("`, `"));
                    Err(SqlError::new(message).hint(hint))
                }
            },
            [.., schema, name] => {
                let name = TableName::new(schema, name).map_err(|_| unknown())?;
                let found = self.tables.relations.get_key_value(&name);
                found.map(|(name, _)| name).ok_or_else(unknown)
            }
        }
    }

    pub(super) fn unknown_table(&self, parts: &[String]) -> SqlError {
        let written = match parts {
            [_, rest @ ..] if parts.len() > 2 => rest.join("."),
            _ => parts.join("."),
        };
        let known: Vec<String> = if parts.len() == 1 {
            self.bare.keys().cloned().collect()
        } else {
            self.tables.relations.keys().map(ToString::to_string).collect()
        };
        SqlError::new(format!("unknown table `{written}`")).suggest(&written, &known, "there are")
    }
}

impl Definitions for SessionParts {
    fn columns(&self, parts: &[String]) -> Vec<String> {
        let schema = match self.find(parts).ok().and_then(|name| self.tables.relations.get(name)) {
            Some(Relation::Files(files)) => &files.schema,
            Some(Relation::View { schema, .. }) => schema,
            None => return Vec::new(),
        };
        schema.fields().iter().map(|field| field.name().clone()).collect()
    }
}

impl dialect::Resolver for SessionParts {
    fn resolve(&self, parts: &[String]) -> Option<(String, String)> {
        let name = self.find(parts).ok()?;
        Some((name.schema().to_lowercase(), name.name().to_lowercase()))
    }
}
