//! A planned query: what it answers, what it depends on, and running it.

use std::collections::BTreeSet;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions};
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{Field, Schema, SchemaRef};
use arrow::util::display::FormatOptions;
use datafusion::catalog::default_table_source::source_as_provider;
use datafusion::common::DataFusionError;
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::execution::session_state::SessionState;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, Volatility, cast};
use datafusion::physical_plan::{ExecutionPlan, execute_stream};
use futures::{FutureExt, StreamExt, TryStreamExt};

use super::error::from_planning;
use super::session::{EngineParts, Planned};
use super::table::FilesTable;
use super::types::outward;
use super::{BatchStream, EngineError, SqlError, bounded, memory, paced};
use crate::base::{TableName, hash};

/// Queries over fewer rows than this run on one thread.
const ROWS_FOR_THREADS: u64 = 50_000;

/// What a query keeps.
#[derive(Clone)]
pub(super) struct QueryParts {
    /// Whether rows are to come as they are stored where nothing asks for another order.
    pub(super) in_stored_order: bool,
    /// Whether to plan for little memory rather than for speed.
    pub(super) frugal: bool,
    pub(super) engine: Arc<EngineParts>,
    /// Analysed: every type is known.
    pub(super) plan: LogicalPlan,
    pub(super) optimised: bool,
    pub(super) output: SchemaRef,
    pub(super) reads: Arc<Reads>,
}

/// What a plan depends on.
#[derive(Debug, Default)]
pub(super) struct Reads {
    pub(super) tables: BTreeSet<TableName>,
    pub(super) rows: u64,
    pub(super) volatile: bool,
    /// Whether each row of the answer is made of one stored row, so that stored order carries over.
    pub(super) row_by_row: bool,
    /// Whether it looks at rows in the order in which they are stored: `row_number() over ()`.
    pub(super) in_order: bool,
}

/// Analyses what was planned and gives its columns the types in which they leave.
pub(super) fn analysed(engine: Arc<EngineParts>, planned: Planned) -> Result<QueryParts, SqlError> {
    let Planned { plan, names, seen } = planned;
    let state = &engine.wide;
    let plan = state
        .analyzer()
        .execute_and_check(plan, state.config_options(), |_, _| {})
        .and_then(with_outward_types)
        .map_err(|error| from_planning(&error))?;
    let reads = reads(&plan, seen).map_err(|error| from_planning(&error))?;
    let fields = plan.schema().fields().iter().zip(names);
    let fields: Vec<Field> =
        fields.map(|(field, name)| Field::new(name, field.data_type().clone(), true)).collect();
    let output = Arc::new(Schema::new(fields));
    let reads = Arc::new(reads);
    Ok(QueryParts {
        in_stored_order: false,
        frugal: false,
        engine,
        plan,
        optimised: false,
        output,
        reads,
    })
}

/// Casts output columns where their types are of the engine's inside only.
fn with_outward_types(plan: LogicalPlan) -> Result<LogicalPlan, DataFusionError> {
    let schema = Arc::clone(plan.schema());
    if schema.fields().iter().all(|field| outward(field.data_type()) == *field.data_type()) {
        return Ok(plan);
    }
    let columns = schema.iter().map(|(table, field)| {
        let column = Expr::Column((table, field).into());
        let target = outward(field.data_type());
        if target == *field.data_type() {
            return column;
        }
        cast(column, target).alias_qualified(table.cloned(), field.name())
    });
    LogicalPlanBuilder::from(plan).project(columns.collect::<Vec<_>>())?.build()
}

fn reads(plan: &LogicalPlan, seen: BTreeSet<TableName>) -> Result<Reads, DataFusionError> {
    let mut reads = Reads { tables: seen, row_by_row: true, ..Reads::default() };
    plan.apply_with_subqueries(|node| {
        reads.row_by_row &= is_row_by_row(node);
        reads.in_order |= matches!(node, LogicalPlan::Window(_)) && is_row_by_row(node);
        if let LogicalPlan::TableScan(scan) = node
            && let Ok(provider) = source_as_provider(&scan.source)
            && let Some(table) = provider.downcast_ref::<FilesTable>()
        {
            reads.tables.insert(table.name.clone());
            reads.rows += table.files.files.iter().map(|file| file.rows).sum::<u64>();
        }
        node.apply_expressions(|expr| {
            expr.apply(|expr| {
                reads.volatile |= is_volatile(expr);
                Ok(TreeNodeRecursion::Continue)
            })
        })
    })?;
    Ok(reads)
}

/// Whether rows come out as they come in, each by itself; numbering them as they come is no more than that.
fn is_row_by_row(node: &LogicalPlan) -> bool {
    let numbers = |expr: &Expr| match expr {
        Expr::WindowFunction(call) => {
            call.params.partition_by.is_empty() && call.params.order_by.is_empty()
        }
        _ => false,
    };
    match node {
        LogicalPlan::TableScan(_)
        | LogicalPlan::Projection(_)
        | LogicalPlan::Filter(_)
        | LogicalPlan::Limit(_)
        | LogicalPlan::SubqueryAlias(_) => true,
        LogicalPlan::Window(window) => window.window_expr.iter().all(numbers),
        _ => false,
    }
}

pub(super) fn is_volatile(expr: &Expr) -> bool {
    match expr {
        Expr::ScalarFunction(call) => call.func.signature().volatility != Volatility::Immutable,
        Expr::AggregateFunction(call) => call.func.signature().volatility != Volatility::Immutable,
        _ => false,
    }
}

impl QueryParts {
    /// Hash of the analysed plan's text, with the output's names and the versions of what gives it meaning.
    pub(super) fn fingerprint(&self) -> String {
        let plan = self.plan.display_indent_schema().to_string();
        let fields = self.output.fields().iter();
        let output: Vec<String> =
            fields.map(|field| format!("{:?} {}", field.name(), field.data_type())).collect();
        hash::of_parts([
            env!("CARGO_PKG_VERSION").as_bytes(),
            datafusion::DATAFUSION_VERSION.as_bytes(),
            output.join(",").as_bytes(),
            plan.as_bytes(),
        ])
    }

    /// The state to plan with: on one thread where there is little to read, or an order to keep.
    pub(super) fn state(&self) -> &SessionState {
        let keeps_order = self.reads.in_order || (self.in_stored_order && self.reads.row_by_row);
        if self.frugal && !keeps_order {
            return &self.engine.frugal;
        }
        if keeps_order || self.reads.rows < ROWS_FOR_THREADS {
            &self.engine.narrow
        } else {
            &self.engine.wide
        }
    }

    pub(super) async fn stream(&self) -> Result<BatchStream, EngineError> {
        let planned = AssertUnwindSafe(self.physical()).catch_unwind().await;
        let (physical, task) = match planned {
            Ok(Ok(planned)) => planned,
            Ok(Err(error)) => return Err(EngineError::from_datafusion(&error)),
            Err(panic) => return Err(EngineError::from_panic(&*panic)),
        };
        let stream =
            execute_stream(physical, task).map_err(|error| EngineError::from_datafusion(&error))?;
        Ok(guarded(stream, Arc::clone(&self.output)))
    }

    /// The plan as it is run, and what it is run with.
    async fn physical(
        &self,
    ) -> Result<(Arc<dyn ExecutionPlan>, Arc<TaskContext>), DataFusionError> {
        let (mut started, mut narrowed);
        let mut state = self.state();
        if self.reads.volatile {
            started = state.clone();
            started.mark_start_execution();
            state = &started;
        }
        let optimised;
        let plan = match self.optimised {
            true => &self.plan,
            false => {
                optimised = optimise(self.plan.clone(), state)?;
                &optimised
            }
        };
        let rows = bounded::batch_rows(plan, state.config().batch_size())?;
        if rows < state.config().batch_size() {
            narrowed = state.clone();
            *narrowed.config_mut() = narrowed.config().clone().with_batch_size(rows);
            state = &narrowed;
        }
        let physical = state.query_planner().create_physical_plan(plan, state).await?;
        let physical = if self.engine.for_clients { paced::yielding(physical)? } else { physical };
        Ok((physical, state.task_ctx()))
    }

    /// All rows; they are held in the engine's memory until they are handed over.
    pub(super) async fn collect(&self) -> Result<Vec<RecordBatch>, EngineError> {
        let mut stream = self.stream().await?;
        let mut held = memory::reserve(&self.engine.runtime, "the answer", 0)?;
        let (mut batches, mut bytes) = (Vec::new(), 0);
        while let Some(batch) = stream.try_next().await? {
            bytes += batch.get_array_memory_size();
            held.resize(bytes)?;
            batches.push(batch);
        }
        Ok(batches)
    }
}

pub(super) fn optimise(
    plan: LogicalPlan,
    state: &SessionState,
) -> Result<LogicalPlan, DataFusionError> {
    state.optimizer().optimize(plan, state, |_, _| {})
}

/// The stream with our names and errors; a panic inside is an error, and the last thing that comes.
pub(super) fn guarded(stream: SendableRecordBatchStream, output: SchemaRef) -> BatchStream {
    let caught = AssertUnwindSafe(stream).catch_unwind();
    Box::pin(caught.map(move |item| match item {
        Ok(Ok(batch)) => presented(&batch, &output),
        Ok(Err(error)) => Err(EngineError::from_datafusion(&error)),
        Err(panic) => Err(EngineError::from_panic(&*panic)),
    }))
}

/// The batch under the output's names; a column of another type than announced is cast.
fn presented(batch: &RecordBatch, output: &SchemaRef) -> Result<RecordBatch, EngineError> {
    let options = CastOptions { safe: false, format_options: FormatOptions::default() };
    let columns = batch.columns().iter().zip(output.fields()).map(|(column, field)| {
        if column.data_type() == field.data_type() {
            return Ok(Arc::clone(column));
        }
        cast_with_options(column, field.data_type(), &options)
    });
    let columns: Vec<ArrayRef> = columns.collect::<Result<_, _>>().map_err(from_arrow)?;
    let rows = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    RecordBatch::try_new_with_options(Arc::clone(output), columns, &rows).map_err(from_arrow)
}

pub(super) fn from_arrow(error: arrow::error::ArrowError) -> EngineError {
    EngineError::from_datafusion(&DataFusionError::from(error))
}

/// Runs a planning step; a panic inside the planner is an error.
pub(super) fn guarded_planning<T>(
    step: impl FnOnce() -> Result<T, SqlError>,
) -> Result<T, SqlError> {
    std::panic::catch_unwind(AssertUnwindSafe(step))
        .unwrap_or_else(|panic| Err(SqlError::new(EngineError::from_panic(&*panic).to_string())))
}
