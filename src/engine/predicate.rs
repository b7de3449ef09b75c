//! Conditions on one row, in SQL, over batches that are in no table yet.

use std::collections::BTreeSet;
use std::sync::{Arc, LazyLock};

use arrow::array::{ArrayRef, AsArray, BooleanArray, NullArray, RecordBatch, RecordBatchOptions};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::common::{DFSchema, DataFusionError};
use datafusion::execution::session_state::SessionState;
use datafusion::logical_expr::simplify::SimplifyContext;
use datafusion::logical_expr::{Expr, ExprSchemable};
use datafusion::optimizer::simplify_expressions::ExprSimplifier;
use datafusion::physical_expr::utils::collect_columns;
use datafusion::physical_plan::PhysicalExpr;

use super::catalog::plan_expression;
use super::error::{carried, from_planning};
use super::meaning::{as_meant, exact_numbers};
use super::plan::is_volatile;
use super::session::{SORT_RESERVE_BYTES_MAX, state};
use super::table::presented;
use super::{EngineError, RowPredicate, SqlError, dialect, parse, types};

/// Functions and meanings, without tables.
static PLAIN: LazyLock<SessionState> =
    LazyLock::new(|| state(None, 1, SORT_RESERVE_BYTES_MAX, false));

/// Plans `expression` over batches of `schema`.
pub(super) fn plan(schema: &SchemaRef, expression: &str) -> Result<RowPredicate, SqlError> {
    let planned = Planned::new(schema, expression)?;
    Ok(Arc::new(move |batch: &RecordBatch| {
        planned.evaluate(batch).map_err(|error| EngineError::from_datafusion(&error))
    }))
}

/// A condition, and what it looks at.
struct Planned {
    condition: Arc<dyn PhysicalExpr>,
    /// Of the columns that it looks at, with the types in which the engine sees them; the others have none.
    seen: SchemaRef,
}

fn physical(schema: &SchemaRef, expression: &str) -> Result<Arc<dyn PhysicalExpr>, SqlError> {
    let mut parsed = parse::expression(expression)?;
    dialect::rewrite_expression(&mut parsed);
    let columns = DFSchema::try_from(presented(schema)).map_err(|error| from_planning(&error))?;
    let planned = plan_expression(&PLAIN, parsed, &columns)?;
    refuse_more_than_rows(&planned)?;
    let planning = |error: DataFusionError| from_planning(&error);
    let planned = as_meant(planned, &columns).map_err(planning)?.data;
    let data_type = planned.get_type(&columns).map_err(planning)?;
    if !matches!(data_type, DataType::Boolean | DataType::Null) {
        let found = types::sql_name(&data_type);
        return Err(SqlError::new(format!("expected a condition, found a value of type {found}")));
    }
    let simplifier = ExprSimplifier::new(
        SimplifyContext::builder().with_schema(Arc::new(columns.clone())).build(),
    );
    let coerced = simplifier.coerce(planned, &columns).map_err(planning)?;
    let exact = exact_numbers(coerced, &columns).map_err(planning)?.data;
    PLAIN.create_physical_expr(exact, &columns).map_err(planning)
}

/// Refuses what cannot be told from one row.
fn refuse_more_than_rows(expr: &Expr) -> Result<(), SqlError> {
    let found = expr.apply(|expr| match expr {
        Expr::AggregateFunction(_) | Expr::WindowFunction(_) => {
            Err(carried(SqlError::new("a condition on one row cannot use an aggregate")))
        }
        Expr::ScalarSubquery(_)
        | Expr::Exists(_)
        | Expr::InSubquery(_)
        | Expr::SetComparison(_) => {
            Err(carried(SqlError::new("a condition on one row cannot use a subquery")))
        }
        expr if is_volatile(expr) => {
            let name = expr.schema_name().to_string();
            Err(carried(SqlError::new(format!(
                "a condition on one row cannot ask for what changes by itself: `{name}`"
            ))))
        }
        Expr::Placeholder(_) => {
            Err(carried(SqlError::new("a condition on one row has no parameters")))
        }
        _ => Ok(TreeNodeRecursion::Continue),
    });
    found.map(|_| ()).map_err(|error| from_planning(&error))
}

impl Planned {
    fn new(schema: &SchemaRef, expression: &str) -> Result<Self, SqlError> {
        let condition = physical(schema, expression)?;
        let used: BTreeSet<usize> =
            collect_columns(&condition).iter().map(|column| column.index()).collect();
        let fields = presented(schema);
        let fields = fields.fields().iter().enumerate().map(|(index, field)| {
            let data_type = match used.contains(&index) {
                true => field.data_type().clone(),
                false => DataType::Null,
            };
            Field::new(field.name(), data_type, true)
        });
        let seen = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
        Ok(Self { condition, seen })
    }

    fn evaluate(&self, batch: &RecordBatch) -> Result<BooleanArray, DataFusionError> {
        if batch.num_columns() != self.seen.fields().len() {
            let message = "a condition was given other columns than it was planned for";
            return Err(DataFusionError::Execution(message.to_owned()));
        }
        let rows = batch.num_rows();
        let columns = batch.columns().iter().zip(self.seen.fields());
        let columns = columns.map(|(column, field)| match field.data_type() {
            DataType::Null => Ok(Arc::new(NullArray::new(rows)) as ArrayRef),
            data_type => cast(column, data_type),
        });
        let columns = columns.collect::<Result<Vec<_>, _>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        let batch = RecordBatch::try_new_with_options(Arc::clone(&self.seen), columns, &options)?;
        let answer = self.condition.evaluate(&batch)?.into_array(rows)?;
        let answer = cast(&answer, &DataType::Boolean)?;
        Ok(answer.as_boolean().clone())
    }
}
