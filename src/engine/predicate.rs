//! Conditions on one row, in SQL, over batches that are in no table yet.

use std::sync::{Arc, LazyLock};

use arrow::array::{AsArray, BooleanArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, SchemaRef};
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::common::{DFSchema, DataFusionError};
use datafusion::execution::session_state::SessionState;
use datafusion::logical_expr::simplify::SimplifyContext;
use datafusion::logical_expr::{Expr, ExprSchemable};
use datafusion::optimizer::simplify_expressions::ExprSimplifier;
use datafusion::physical_plan::PhysicalExpr;

use super::catalog::plan_expression;
use super::error::{carried, from_planning};
use super::meaning::exact_numbers;
use super::plan::is_volatile;
use super::session::{SORT_RESERVE_BYTES_MAX, state};
use super::table::presented;
use super::{EngineError, RowPredicate, SqlError, dialect, parse, types};

/// Functions and meanings, without tables.
static PLAIN: LazyLock<SessionState> =
    LazyLock::new(|| state(None, 1, SORT_RESERVE_BYTES_MAX, false));

/// Plans `expression` over batches of `schema`.
pub(super) fn plan(schema: &SchemaRef, expression: &str) -> Result<RowPredicate, SqlError> {
    let physical = physical(schema, expression)?;
    let seen = presented(schema);
    let expected = Arc::clone(schema);
    Ok(Arc::new(move |batch: &RecordBatch| {
        evaluate(&*physical, batch, &expected, &seen)
            .map_err(|error| EngineError::from_datafusion(&error))
    }))
}

fn physical(schema: &SchemaRef, expression: &str) -> Result<Arc<dyn PhysicalExpr>, SqlError> {
    let mut parsed = parse::expression(expression)?;
    dialect::rewrite_expression(&mut parsed);
    let columns = DFSchema::try_from(presented(schema)).map_err(|error| from_planning(&error))?;
    let planned = plan_expression(&PLAIN, parsed, &columns)?;
    refuse_more_than_rows(&planned)?;
    let planning = |error: DataFusionError| from_planning(&error);
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

fn evaluate(
    physical: &dyn PhysicalExpr,
    batch: &RecordBatch,
    expected: &SchemaRef,
    seen: &SchemaRef,
) -> Result<BooleanArray, DataFusionError> {
    if batch.num_columns() != expected.fields().len() {
        let message = "a condition was given other columns than it was planned for";
        return Err(DataFusionError::Execution(message.to_owned()));
    }
    let columns = batch.columns().iter().zip(seen.fields());
    let columns = columns.map(|(column, field)| cast(column, field.data_type()));
    let options = arrow::array::RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    let nullable = arrow::datatypes::Schema::new(
        seen.fields()
            .iter()
            .map(|field| field.as_ref().clone().with_nullable(true))
            .collect::<Vec<_>>(),
    );
    let columns = columns.collect::<Result<Vec<_>, _>>()?;
    let batch = RecordBatch::try_new_with_options(Arc::new(nullable), columns, &options)?;
    let answer = physical.evaluate(&batch)?.into_array(batch.num_rows())?;
    let answer = cast(&answer, &DataType::Boolean)?;
    Ok(answer.as_boolean().clone())
}
