//! Answers from rows in memory: what a statement selects whatever its parameters, computed and sorted once, and for each
//! request only the conditions with its values.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, RecordBatch};
use arrow::compute::filter_record_batch;
use arrow::datatypes::{DataType, SchemaRef};
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::common::{Column, DFSchemaRef, DataFusionError, ParamValues, ScalarValue};
use datafusion::logical_expr::physical_planning_context::PhysicalPlanningContext;
use datafusion::logical_expr::utils::{conjunction, split_conjunction};
use datafusion::logical_expr::{Expr, Filter, LogicalPlan, Projection, SubqueryAlias};
use datafusion::physical_expr::{PhysicalExpr, create_physical_expr};
use futures::TryStreamExt as _;

use super::error::from_planning;
use super::meaning::has_expression;
use super::plan::{QueryParts, from_arrow};
use super::prepare::{mentions, not_before, sorted};
use super::{EngineError, Prepared, SqlError, Value, Window};

/// Rows that are looked at together: few enough that a short page costs little.
const CHUNK_ROWS: usize = 1024;

/// A statement's rows for any values of its parameters, in order.
pub(crate) struct Resident {
    prepared: Prepared,
    order_by: Vec<(usize, bool)>,
    /// What stands beside the columns of the answer is what conditions look at.
    schema: DFSchemaRef,
    /// Each with at least one parameter; a row is selected if all of them that have their values are true.
    conditions: Vec<Expr>,
    chunks: Vec<Chunk>,
    bytes: usize,
}

/// Some rows.
struct Chunk {
    /// As `schema` says.
    all: RecordBatch,
    /// The columns of the answer.
    answer: RecordBatch,
}

impl Prepared {
    /// Computes what the statement selects whatever its parameters, ordered as [`Prepared::bind`] says. `None` if that
    /// takes more than `bytes_max`, or cannot be told from its parameters: they stand elsewhere than in conditions on rows
    /// of the answer, or below an aggregate; also if it changes by itself.
    ///
    /// # Errors
    /// If the query fails. Rows that the conditions would have left out are computed here, so that it can fail where a
    /// bound query does not.
    pub(crate) async fn resident(
        &self,
        order_by: &[(String, bool)],
        bytes_max: usize,
    ) -> Result<Option<Resident>, EngineError> {
        let parts = &self.0;
        if parts.query.reads.volatile {
            return Ok(None);
        }
        let order_by =
            parts.order(order_by).map_err(|error| EngineError::Other(error.to_string()))?;
        let mut hidden = 0;
        let split = split(&parts.query.plan, &mut hidden);
        let Some(Split { plan, conditions }) =
            split.map_err(|error| EngineError::from_datafusion(&error))?
        else {
            return Ok(None);
        };
        let schema = Arc::clone(plan.schema());
        let query = QueryParts {
            in_stored_order: order_by.is_empty(),
            plan: sorted(plan, &order_by),
            optimised: false,
            output: Arc::new(schema.as_arrow().clone()),
            ..parts.query.clone()
        };
        let mut rows = query.stream().await?;
        let mut resident = Resident {
            prepared: self.clone(),
            order_by,
            schema,
            conditions,
            chunks: Vec::new(),
            bytes: 0,
        };
        while let Some(batch) = rows.try_next().await? {
            resident.push(&batch)?;
            if resident.bytes > bytes_max {
                return Ok(None);
            }
        }
        Ok(Some(resident))
    }
}

/// The rows of one request.
pub(crate) struct Selected<'a> {
    resident: &'a Resident,
    /// `None` if all rows are selected.
    condition: Option<Arc<dyn PhysicalExpr>>,
    skip: usize,
    limit: usize,
}

impl Resident {
    /// What its rows take, in bytes.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// As [`Prepared::bind`] with the same order.
    ///
    /// # Errors
    /// As there.
    pub(crate) fn bind(
        &self,
        values: &BTreeMap<String, Option<Value>>,
        window: &Window,
    ) -> Result<Selected<'_>, SqlError> {
        let literals = self.prepared.0.literals(values)?;
        let condition = self
            .condition(&literals, window.from.as_deref())
            .map_err(|error| from_planning(&error))?;
        let size = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
        let (skip, limit) = (size(window.offset), size(window.limit));
        Ok(Selected { resident: self, condition, skip, limit })
    }

    fn push(&mut self, batch: &RecordBatch) -> Result<(), EngineError> {
        // Views keep whole pages of the files alive.
        let columns = batch.columns().iter().map(|column| -> ArrayRef {
            match column.data_type() {
                DataType::Utf8View => Arc::new(column.as_string_view().gc()),
                DataType::BinaryView => Arc::new(column.as_binary_view().gc()),
                _ => Arc::clone(column),
            }
        });
        let all = RecordBatch::try_new(batch.schema(), columns.collect()).map_err(from_arrow)?;
        let output: &SchemaRef = &self.prepared.0.query.output;
        let answer = all.columns()[..output.fields().len()].to_vec();
        let answer = RecordBatch::try_new(Arc::clone(output), answer).map_err(from_arrow)?;
        self.bytes += all.get_array_memory_size();
        let mut from = 0;
        while from < all.num_rows() {
            let rows = CHUNK_ROWS.min(all.num_rows() - from);
            let chunk = Chunk { all: all.slice(from, rows), answer: answer.slice(from, rows) };
            self.chunks.push(chunk);
            from += rows;
        }
        Ok(())
    }

    /// The conditions that these values leave, and that of a key; `None` if there is none.
    fn condition(
        &self,
        literals: &[ScalarValue],
        key: Option<&[Option<String>]>,
    ) -> Result<Option<Arc<dyn PhysicalExpr>>, DataFusionError> {
        let absent = self.prepared.0.absent(literals);
        let bound =
            self.conditions.iter().map(|condition| with_values(condition, literals, &absent));
        let mut conditions: Vec<Expr> =
            bound.filter_map(Result::transpose).collect::<Result<_, _>>()?;
        if let Some(key) = key {
            conditions.push(not_before(&self.schema, &self.order_by, key)?);
        }
        let Some(condition) = conjunction(conditions) else { return Ok(None) };
        let props = self.prepared.0.query.state().execution_props();
        let context = PhysicalPlanningContext::default();
        create_physical_expr(&condition, &self.schema, props, &context).map(Some)
    }
}

impl Selected<'_> {
    /// The rows themselves, some at a time.
    ///
    /// # Errors
    /// If a condition fails.
    pub(crate) fn rows(&self) -> Result<Vec<RecordBatch>, EngineError> {
        let (mut skip, mut left) = (self.skip, self.limit);
        let mut rows = Vec::new();
        for chunk in &self.resident.chunks {
            if left == 0 {
                break;
            }
            let selection = self.condition.as_deref().map(|condition| chunk.selection(condition));
            let selection = selection.transpose()?;
            let count =
                selection.as_ref().map_or(chunk.answer.num_rows(), BooleanArray::true_count);
            let skipped = skip.min(count);
            skip -= skipped;
            let taken = left.min(count - skipped);
            if taken == 0 {
                continue;
            }
            let selected = match selection {
                Some(selection) => {
                    filter_record_batch(&chunk.answer, &selection).map_err(from_arrow)?
                }
                None => chunk.answer.clone(),
            };
            rows.push(selected.slice(skipped, taken));
            left -= taken;
        }
        Ok(rows)
    }

    /// How many rows there are, on all pages.
    ///
    /// # Errors
    /// If a condition fails.
    pub(crate) fn count(&self) -> Result<u64, EngineError> {
        let mut count = 0;
        for chunk in &self.resident.chunks {
            count += match &self.condition {
                None => chunk.answer.num_rows(),
                Some(condition) => chunk.selection(condition.as_ref())?.true_count(),
            };
        }
        Ok(count as u64)
    }
}

impl Chunk {
    /// Which rows the condition selects; null selects no row.
    fn selection(&self, condition: &dyn PhysicalExpr) -> Result<BooleanArray, EngineError> {
        let failed = |error: DataFusionError| EngineError::from_datafusion(&error);
        let value = condition.evaluate(&self.all).map_err(failed)?;
        let array = value.into_array(self.all.num_rows()).map_err(failed)?;
        array.as_boolean_opt().cloned().ok_or_else(|| {
            EngineError::Other(format!("a condition is of type {}", array.data_type()))
        })
    }
}

/// The condition with values in place of its parameters; `None` if one that it mentions is absent.
fn with_values(
    condition: &Expr,
    literals: &[ScalarValue],
    absent: &[usize],
) -> Result<Option<Expr>, DataFusionError> {
    let values = ParamValues::from(literals.to_vec());
    let ids: Vec<String> = absent.iter().map(|index| format!("${}", index + 1)).collect();
    if mentions(condition, &ids)? {
        return Ok(None);
    }
    let bound = condition.clone().transform_up(|expr| match expr {
        Expr::Placeholder(placeholder) => {
            let value = values.get_placeholders_with_values(&placeholder.id)?.value;
            Ok(Transformed::yes(Expr::Literal(value, None)))
        }
        other => Ok(Transformed::no(other)),
    })?;
    Ok(Some(bound.data))
}

/// A plan in two: what does not depend on parameters, and the conditions on its rows that do.
struct Split {
    /// Its first columns are those of the plan that was split.
    plan: LogicalPlan,
    /// Over the columns of `plan`.
    conditions: Vec<Expr>,
}

/// Pulls conditions with parameters up to the top; `None` where something else depends on a parameter. `hidden` counts the
/// columns that are carried along for conditions.
fn split(plan: &LogicalPlan, hidden: &mut usize) -> Result<Option<Split>, DataFusionError> {
    if !depends(plan)? {
        return Ok(Some(Split { plan: plan.clone(), conditions: Vec::new() }));
    }
    let [input] = plan.inputs()[..] else { return Ok(None) };
    let (mut inside, pulled) = match split(input, hidden)? {
        Some(Split { plan, conditions }) => (plan, conditions),
        None => return Ok(None),
    };
    match plan {
        LogicalPlan::Filter(filter) => {
            let mut conditions = pulled;
            let mut fixed = Vec::new();
            for condition in split_conjunction(&filter.predicate) {
                match parameters_of(condition)? {
                    Parameters::None => fixed.push(condition.clone()),
                    Parameters::Direct => conditions.push(condition.clone()),
                    Parameters::InSubquery => return Ok(None),
                }
            }
            if let Some(fixed) = conjunction(fixed) {
                inside = LogicalPlan::Filter(Filter::try_new(fixed, Arc::new(inside))?);
            }
            Ok(Some(Split { plan: inside, conditions }))
        }
        LogicalPlan::Projection(projection) => {
            for expr in &projection.expr {
                if parameters_of(expr)? != Parameters::None {
                    return Ok(None);
                }
            }
            let mut exprs = projection.expr.clone();
            let mut names = BTreeMap::new();
            for column in columns_of(&pulled) {
                let name = format!("__condition_{hidden}");
                *hidden += 1;
                exprs.push(Expr::Column(column.clone()).alias(&name));
                names.insert(column, Column::new_unqualified(name));
            }
            let plan = LogicalPlan::Projection(Projection::try_new(exprs, Arc::new(inside))?);
            Ok(Some(Split { plan, conditions: renamed(pulled, &names)? }))
        }
        LogicalPlan::SubqueryAlias(alias) => {
            let before = inside.schema().columns();
            let plan = SubqueryAlias::try_new(Arc::new(inside), alias.alias.clone())?;
            let names = before.into_iter().zip(plan.schema.columns()).collect();
            let plan = LogicalPlan::SubqueryAlias(plan);
            Ok(Some(Split { plan, conditions: renamed(pulled, &names)? }))
        }
        _ => Ok(None),
    }
}

/// Where an expression has parameters.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Parameters {
    None,
    Direct,
    InSubquery,
}

fn parameters_of(expr: &Expr) -> Result<Parameters, DataFusionError> {
    let mut direct = false;
    let mut subquery = false;
    let mut within = false;
    expr.apply(|expr| {
        let plan = match expr {
            Expr::Placeholder(_) => {
                direct = true;
                None
            }
            Expr::ScalarSubquery(subquery) => Some(&subquery.subquery),
            Expr::InSubquery(subquery) => Some(&subquery.subquery.subquery),
            Expr::Exists(exists) => Some(&exists.subquery.subquery),
            Expr::SetComparison(comparison) => Some(&comparison.subquery.subquery),
            _ => None,
        };
        if let Some(plan) = plan {
            subquery = true;
            within |= depends(plan)?;
        }
        Ok(TreeNodeRecursion::Continue)
    })?;
    Ok(match (direct, subquery, within) {
        (false, _, false) => Parameters::None,
        (true, false, _) => Parameters::Direct,
        _ => Parameters::InSubquery,
    })
}

/// Whether a parameter stands anywhere in the plan.
fn depends(plan: &LogicalPlan) -> Result<bool, DataFusionError> {
    has_expression(plan, |expr| matches!(expr, Expr::Placeholder(_)))
}

fn columns_of(conditions: &[Expr]) -> Vec<Column> {
    let mut columns: Vec<Column> = conditions.iter().flat_map(Expr::column_refs).cloned().collect();
    columns.sort_unstable();
    columns.dedup();
    columns
}

fn renamed(
    conditions: Vec<Expr>,
    names: &BTreeMap<Column, Column>,
) -> Result<Vec<Expr>, DataFusionError> {
    let rename = |condition: Expr| {
        let renamed = condition.transform_up(|expr| match &expr {
            Expr::Column(column) => match names.get(column) {
                Some(name) => Ok(Transformed::yes(Expr::Column(name.clone()))),
                None => Ok(Transformed::no(expr)),
            },
            _ => Ok(Transformed::no(expr)),
        });
        renamed.map(|renamed| renamed.data)
    };
    conditions.into_iter().map(rename).collect()
}
