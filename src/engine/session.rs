//! An engine, its sessions, and what names mean in them.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use arrow::datatypes::{DataType, Field, FieldRef, SchemaRef};
use datafusion::catalog::default_table_source::provider_as_source;
use datafusion::common::config::ConfigOptions;
use datafusion::common::{Result, TableReference};
use datafusion::execution::SessionStateDefaults;
use datafusion::execution::runtime_env::RuntimeEnv;
use datafusion::execution::session_state::{SessionState, SessionStateBuilder};
use datafusion::logical_expr::planner::{ContextProvider, ExprPlanner, TypePlanner};
use datafusion::logical_expr::{
    AggregateUDF, Expr, HigherOrderUDF, LogicalPlan, ScalarUDF, TableSource, WindowUDF,
};
use datafusion::prelude::SessionConfig;
use datafusion::sql::planner::{NullOrdering, ParserOptions, PlannerContext, SqlToRel};
use datafusion::sql::sqlparser::ast::{Expr as SqlExpr, Query as SqlQuery, Statement};

use super::error::{carried, from_planning};
use super::meaning::{DuckDbExpressions, DuckDbTypes, RoundingCasts};
use super::names::{Definitions, distinct};
use super::table::{FilesTable, presented};
use super::{EngineError, EngineLimits, Relation, SqlError, TableSet};
use super::{dialect, functions, memory, names, parse};
use crate::base::TableName;

/// How deep views may stand on views.
const VIEW_DEPTH_LIMIT: usize = 32;
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
}

impl EngineParts {
    pub(super) fn new(limits: &EngineLimits) -> Result<Self, EngineError> {
        let runtime = memory::runtime(limits)?;
        let threads = limits.threads.max(1);
        let sort_bytes = sort_reserve_bytes(limits);
        let wide = state(Some(&runtime), threads, sort_bytes);
        let narrow = state(Some(&runtime), 1, sort_bytes);
        Ok(Self { runtime, wide, narrow })
    }
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
) -> SessionState {
    let mut config = SessionConfig::new()
        .with_target_partitions(threads)
        .with_batch_size(BATCH_ROWS)
        .with_information_schema(false)
        .with_create_default_catalog_and_schema(false);
    let options = config.options_mut();
    options.optimizer.repartition_file_min_size = SPLIT_BYTES_MIN;
    options.execution.sort_spill_reservation_bytes = sort_reserve_bytes;
    let mut builder = SessionStateBuilder::new().with_config(config).with_default_features();
    if let Some(runtime) = runtime {
        builder = builder.with_runtime_env(Arc::clone(runtime));
    }
    builder = builder.with_analyzer_rule(Arc::new(RoundingCasts));
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
    tables: Arc<TableSet>,
    files: BTreeMap<TableName, Arc<FilesTable>>,
    /// Folded name without schema -> the tables called so.
    bare: BTreeMap<String, Vec<TableName>>,
}

/// A statement as planned, before any optimisation.
pub(super) struct Planned {
    pub(super) plan: LogicalPlan,
    /// Output names with their case.
    pub(super) names: Vec<String>,
    /// Views that were seen through.
    pub(super) views: BTreeSet<TableName>,
}

impl SessionParts {
    pub(super) fn new(engine: Arc<EngineParts>, tables: Arc<TableSet>) -> Self {
        let mut files = BTreeMap::new();
        let mut bare: BTreeMap<String, Vec<TableName>> = BTreeMap::new();
        for (name, relation) in &tables.relations {
            bare.entry(name.name().to_lowercase()).or_default().push(name.clone());
            if let Relation::Files(listed) = relation {
                let table = FilesTable::new(name.clone(), Arc::clone(listed));
                files.insert(name.clone(), Arc::new(table));
            }
        }
        Self { engine, tables, files, bare }
    }

    /// Plans one `select`; `parameters` are what `$name` stands for.
    pub(super) fn plan(
        &self,
        sql: &str,
        parameters: &[(String, DataType)],
    ) -> Result<Planned, SqlError> {
        self.plan_within(sql, parameters, &[])
    }

    fn plan_within(
        &self,
        sql: &str,
        parameters: &[(String, DataType)],
        outer_views: &[TableName],
    ) -> Result<Planned, SqlError> {
        let mut parsed = parse::query(sql)?;
        let written = names::of_query(&parsed.query, &parsed.written, self);
        dialect::rewrite(&mut parsed.query, self);
        let catalog = Catalog {
            state: &self.engine.wide,
            session: Some(self),
            outer_views,
            views: Arc::default(),
        };
        let plan = catalog.plan_query(parsed.query, parameters)?;
        let columns = plan.schema().fields().iter();
        let columns = columns.map(|f| written.get(f.name()).unwrap_or(f.name()).clone());
        let views = catalog.views.lock().unwrap_or_else(PoisonError::into_inner).clone();
        Ok(Planned { names: distinct(columns), plan, views })
    }

    /// The table that a name of one to three parts means.
    fn find(&self, parts: &[String]) -> Result<&TableName, SqlError> {
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

    fn unknown_table(&self, parts: &[String]) -> SqlError {
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

/// Plans one expression over columns of `schema`, without tables.
pub(super) fn plan_expression(
    state: &SessionState,
    expr: SqlExpr,
    schema: &datafusion::common::DFSchema,
) -> Result<Expr, SqlError> {
    let catalog = Catalog { state, session: None, outer_views: &[], views: Arc::default() };
    let planner = SqlToRel::new_with_options(&catalog, parser_options());
    planner
        .sql_to_expr(expr, schema, &mut PlannerContext::new())
        .map_err(|error| from_planning(&error))
}

fn parser_options() -> ParserOptions {
    ParserOptions::new()
        .with_parse_float_as_decimal(true)
        .with_enable_ident_normalization(false)
        .with_collect_spans(true)
        .with_default_null_ordering(NullOrdering::NullsLast)
}

/// What DataFusion's planner asks for.
struct Catalog<'a> {
    state: &'a SessionState,
    session: Option<&'a SessionParts>,
    /// The views that this statement is inside of, outermost first.
    outer_views: &'a [TableName],
    views: Arc<Mutex<BTreeSet<TableName>>>,
}

impl Catalog<'_> {
    fn plan_query(
        &self,
        query: Box<SqlQuery>,
        parameters: &[(String, DataType)],
    ) -> Result<LogicalPlan, SqlError> {
        let fields = parameters.iter().map(|(name, data_type)| -> Option<FieldRef> {
            Some(Arc::new(Field::new(name.to_lowercase(), data_type.clone(), true)))
        });
        let mut context = PlannerContext::new().with_prepare_param_data_types(fields.collect());
        SqlToRel::new_with_options(self, parser_options())
            .sql_statement_to_plan_with_context(Statement::Query(query), &mut context)
            .map_err(|error| from_planning(&error))
    }

    fn source(&self, parts: &[String]) -> Result<Arc<dyn TableSource>, SqlError> {
        let Some(session) = self.session else {
            return Err(SqlError::new("a table may not be named here"));
        };
        let name = session.find(parts)?;
        if let Some(files) = session.files.get(name) {
            return Ok(provider_as_source(Arc::clone(files) as _));
        }
        match session.tables.relations.get(name) {
            Some(Relation::View { sql, .. }) => self.view(session, name, sql),
            _ => Err(session.unknown_table(parts)),
        }
    }

    fn view(
        &self,
        session: &SessionParts,
        name: &TableName,
        sql: &str,
    ) -> Result<Arc<dyn TableSource>, SqlError> {
        if self.outer_views.contains(name) {
            return Err(SqlError::new(format!("view `{name}` is built on itself")));
        }
        if self.outer_views.len() >= VIEW_DEPTH_LIMIT {
            let message = format!("views are nested more than {VIEW_DEPTH_LIMIT} deep");
            return Err(SqlError::new(message));
        }
        let outer: Vec<TableName> =
            self.outer_views.iter().chain(std::iter::once(name)).cloned().collect();
        let planned = session.plan_within(sql, &[], &outer).map_err(|mut error| {
            error.message = format!("in view `{name}`: {}", error.message);
            error.position = None;
            error
        })?;
        let plan = renamed(planned.plan, &planned.names)?;
        let mut views = planned.views;
        views.insert(name.clone());
        let schema = presented(plan.schema().as_arrow());
        Ok(Arc::new(ViewSource { plan, schema, views, seen: Arc::clone(&self.views) }))
    }
}

/// The plan with its columns called `names`, in lower case: two of one name are told apart.
fn renamed(plan: LogicalPlan, names: &[String]) -> Result<LogicalPlan, SqlError> {
    let columns = plan.schema().columns();
    let lower: Vec<String> = names.iter().map(|name| name.to_lowercase()).collect();
    if columns.iter().zip(&lower).all(|(column, name)| column.name == *name) {
        return Ok(plan);
    }
    let exprs =
        columns.into_iter().zip(&lower).map(|(column, name)| Expr::Column(column).alias(name));
    datafusion::logical_expr::LogicalPlanBuilder::from(plan)
        .project(exprs.collect::<Vec<_>>())
        .and_then(datafusion::logical_expr::LogicalPlanBuilder::build)
        .map_err(|error| from_planning(&error))
}

/// A view, planned; put into the plan that names it.
struct ViewSource {
    plan: LogicalPlan,
    schema: SchemaRef,
    /// The view itself and those it is built on.
    views: BTreeSet<TableName>,
    /// Where to tell that the view is really read (a common table expression may have hidden it).
    seen: Arc<Mutex<BTreeSet<TableName>>>,
}

impl TableSource for ViewSource {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn get_logical_plan(&self) -> Option<Cow<'_, LogicalPlan>> {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.extend(self.views.iter().cloned());
        Some(Cow::Borrowed(&self.plan))
    }
}

impl ContextProvider for Catalog<'_> {
    fn get_table_source(&self, name: TableReference) -> Result<Arc<dyn TableSource>> {
        let parts: Vec<String> = match &name {
            TableReference::Bare { table } => vec![table.to_string()],
            TableReference::Partial { schema, table } => {
                vec![schema.to_string(), table.to_string()]
            }
            TableReference::Full { schema, table, .. } => {
                vec![schema.to_string(), table.to_string()]
            }
        };
        self.source(&parts).map_err(carried)
    }

    fn get_table_function_source(
        &self,
        name: &str,
        args: Vec<Expr>,
    ) -> Result<Arc<dyn TableSource>> {
        let function =
            self.state.table_functions().get(name).ok_or_else(|| {
                carried(SqlError::new(format!("unknown table function `{name}`")))
            })?;
        let args = datafusion::catalog::TableFunctionArgs::new(&args, self.state);
        Ok(provider_as_source(function.create_table_provider_with_args(args)?))
    }

    fn create_cte_work_table(&self, name: &str, schema: SchemaRef) -> Result<Arc<dyn TableSource>> {
        let table = datafusion::catalog::cte_worktable::CteWorkTable::new(name, schema);
        Ok(provider_as_source(Arc::new(table)))
    }

    fn get_expr_planners(&self) -> &[Arc<dyn ExprPlanner>] {
        self.state.expr_planners()
    }

    fn get_type_planner(&self) -> Option<Arc<dyn TypePlanner>> {
        Some(Arc::new(DuckDbTypes))
    }

    fn get_function_meta(&self, name: &str) -> Option<Arc<ScalarUDF>> {
        self.state.scalar_functions().get(name).cloned()
    }

    fn get_higher_order_meta(&self, name: &str) -> Option<Arc<HigherOrderUDF>> {
        self.state.higher_order_functions().get(name).cloned()
    }

    fn get_aggregate_meta(&self, name: &str) -> Option<Arc<AggregateUDF>> {
        self.state.aggregate_functions().get(name).cloned()
    }

    fn get_window_meta(&self, name: &str) -> Option<Arc<WindowUDF>> {
        self.state.window_functions().get(name).cloned()
    }

    fn get_variable_type(&self, _variable_names: &[String]) -> Option<DataType> {
        None
    }

    fn options(&self) -> &ConfigOptions {
        self.state.config_options()
    }

    fn udf_names(&self) -> Vec<String> {
        let ours = functions::names().map(str::to_owned);
        sorted(self.state.scalar_functions().keys().cloned().chain(ours))
    }

    fn higher_order_function_names(&self) -> Vec<String> {
        sorted(self.state.higher_order_functions().keys().cloned())
    }

    fn udaf_names(&self) -> Vec<String> {
        sorted(self.state.aggregate_functions().keys().cloned())
    }

    fn udwf_names(&self) -> Vec<String> {
        sorted(self.state.window_functions().keys().cloned())
    }
}

fn sorted(names: impl Iterator<Item = String>) -> Vec<String> {
    names.collect::<BTreeSet<_>>().into_iter().collect()
}
