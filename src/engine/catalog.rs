//! What DataFusion's planner asks for: tables, views, functions, types.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use arrow::datatypes::{DataType, Field, FieldRef, SchemaRef};
use datafusion::catalog::default_table_source::provider_as_source;
use datafusion::common::config::ConfigOptions;
use datafusion::common::{DFSchema, Result, TableReference};
use datafusion::execution::session_state::SessionState;
use datafusion::logical_expr::planner::{ContextProvider, ExprPlanner, TypePlanner};
use datafusion::logical_expr::{
    AggregateUDF, Expr, HigherOrderUDF, LogicalPlan, LogicalPlanBuilder, ScalarUDF, TableSource,
    WindowUDF,
};
use datafusion::sql::planner::{NullOrdering, ParserOptions, PlannerContext, SqlToRel};
use datafusion::sql::sqlparser::ast::{Expr as SqlExpr, Query as SqlQuery, Statement};

use super::error::{carried, from_planning};
use super::meaning::DuckDbTypes;
use super::session::SessionParts;
use super::table::presented;
use super::{Relation, SqlError, functions};
use crate::base::TableName;

/// What a filtered table is called inside of its own plan.
pub(super) const FILTERED: &str = "__filtered";
/// How deep views may stand on views.
const VIEW_DEPTH_LIMIT: usize = 32;

/// Plans one expression over columns of `schema`, without tables.
pub(super) fn plan_expression(
    state: &SessionState,
    expr: SqlExpr,
    schema: &DFSchema,
) -> Result<Expr, SqlError> {
    let within = Within { views: &[], filters: &[] };
    let catalog = Catalog { state, session: None, within, seen: Arc::default() };
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
pub(super) struct Catalog<'a> {
    pub(super) state: &'a SessionState,
    pub(super) session: Option<&'a SessionParts>,
    pub(super) within: Within<'a>,
    /// Views and filtered tables that turn out to be read.
    pub(super) seen: Arc<Mutex<BTreeSet<TableName>>>,
}

/// What a statement is planned inside of.
#[derive(Clone, Copy)]
pub(super) struct Within<'a> {
    /// The views around it, outermost first.
    pub(super) views: &'a [TableName],
    /// What is read of tables, wherever they are read.
    pub(super) filters: &'a [(TableName, Expr)],
}

impl Catalog<'_> {
    pub(super) fn plan_query(
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
        let source: Arc<dyn TableSource> = match session.tables.relations.get(name) {
            Some(Relation::View { sql, .. }) => self.view(session, name, sql)?,
            _ => match session.files.get(name) {
                Some(files) => provider_as_source(Arc::clone(files) as _),
                None => return Err(session.unknown_table(parts)),
            },
        };
        let filters = self.within.filters.iter();
        let mut filters = filters.filter(|(table, _)| table == name).map(|(_, filter)| filter);
        match filters.next() {
            None => Ok(source),
            Some(first) => {
                let filter = filters.cloned().fold(first.clone(), Expr::and);
                self.filtered(name, source, filter)
            }
        }
    }

    /// The rows of a table for which `filter` is true.
    fn filtered(
        &self,
        name: &TableName,
        source: Arc<dyn TableSource>,
        filter: Expr,
    ) -> Result<Arc<dyn TableSource>, SqlError> {
        let schema = source.schema();
        let plan = LogicalPlanBuilder::scan(FILTERED, source, None)
            .and_then(|scan| scan.filter(filter))
            .and_then(LogicalPlanBuilder::build)
            .map_err(|error| from_planning(&error))?;
        let views = BTreeSet::from([name.clone()]);
        Ok(Arc::new(ViewSource { plan, schema, views, seen: Arc::clone(&self.seen) }))
    }

    fn view(
        &self,
        session: &SessionParts,
        name: &TableName,
        sql: &str,
    ) -> Result<Arc<dyn TableSource>, SqlError> {
        let outside = self.within.views;
        if outside.contains(name) {
            return Err(SqlError::new(format!("view `{name}` is built on itself")));
        }
        if outside.len() >= VIEW_DEPTH_LIMIT {
            let message = format!("views are nested more than {VIEW_DEPTH_LIMIT} deep");
            return Err(SqlError::new(message));
        }
        let views: Vec<TableName> = outside.iter().chain(std::iter::once(name)).cloned().collect();
        let within = Within { views: &views, ..self.within };
        let planned = session.plan_within(sql, &[], within).map_err(|mut error| {
            error.message = format!("in view `{name}`: {}", error.message);
            error.position = None;
            error
        })?;
        let plan = renamed(planned.plan, &planned.names)?;
        let mut views = planned.seen;
        views.insert(name.clone());
        let schema = presented(plan.schema().as_arrow());
        Ok(Arc::new(ViewSource { plan, schema, views, seen: Arc::clone(&self.seen) }))
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
    LogicalPlanBuilder::from(plan)
        .project(exprs.collect::<Vec<_>>())
        .and_then(LogicalPlanBuilder::build)
        .map_err(|error| from_planning(&error))
}

/// A view or the filtered rows of a table, planned; put into the plan that names it.
struct ViewSource {
    plan: LogicalPlan,
    schema: SchemaRef,
    /// Itself and what it is built on.
    views: BTreeSet<TableName>,
    /// Where to tell that it is really read (a common table expression may have hidden it).
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
