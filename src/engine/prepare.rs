//! Statements with parameters: planned once, bound many times. A value never becomes text.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use chrono::{NaiveDate, NaiveDateTime};
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::common::{DFSchema, DataFusionError, ParamValues, ScalarValue};
use datafusion::logical_expr::expr::Placeholder;
use datafusion::logical_expr::utils::{conjunction, split_conjunction_owned};
use datafusion::logical_expr::{
    EmptyRelation, Expr, FetchType, Filter, Limit, LogicalPlan, LogicalPlanBuilder, Sort, lit,
};

use super::error::from_planning;
use super::lineage::{self, Origin};
use super::plan::{QueryParts, optimise};
use super::{Query, SqlError};

/// Optimised plans kept for one statement, one for each set of absent parameters that came.
const PLANS_KEPT: usize = 64;

/// A value of a parameter.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    Boolean(bool),
    Integer(i64),
    Double(f64),
    /// Digits with an optional sign and point, as written: read exactly.
    Decimal(String),
    Text(String),
    Date(NaiveDate),
    Timestamp(NaiveDateTime),
    List(Vec<Self>),
}

/// Which rows of an ordered answer.
#[derive(Clone, Debug, Default)]
pub(crate) struct Window {
    pub(crate) limit: u64,
    /// Rows to skip before.
    pub(crate) offset: u64,
    /// Values of the columns that order the answer, as text: only rows that have them or come after are looked at.
    pub(crate) from: Option<Vec<Option<String>>>,
}

/// A statement whose parameters have types but no values yet.
#[derive(Clone)]
pub(crate) struct Prepared(pub(super) Arc<PreparedParts>);

pub(super) struct PreparedParts {
    pub(super) query: QueryParts,
    pub(super) parameters: Vec<(String, DataType)>,
    /// How many of them, from the first on, leave their conditions out when they are absent.
    optional: usize,
    /// Those that stand in `limit` or `offset`.
    limits: BTreeSet<String>,
    plans: Mutex<BTreeMap<PlanKey, LogicalPlan>>,
}

/// Which parameters are absent (by position), and the order asked for.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct PlanKey {
    absent: Vec<usize>,
    order_by: Vec<(usize, bool)>,
}

impl PreparedParts {
    pub(super) fn new(
        query: QueryParts,
        parameters: Vec<(String, DataType)>,
        optional: usize,
    ) -> Self {
        let limits = limits(&query.plan);
        let named = parameters.iter().enumerate();
        let limits = named.filter(|(index, _)| limits.contains(&format!("${}", index + 1)));
        let limits = limits.map(|(_, (name, _))| name.clone()).collect();
        Self { query, parameters, optional, limits, plans: Mutex::default() }
    }

    fn with_values(
        &self,
        plan: LogicalPlan,
        literals: Vec<ScalarValue>,
    ) -> Result<LogicalPlan, DataFusionError> {
        if literals.is_empty() {
            return Ok(plan);
        }
        let plan = plan.with_param_values(ParamValues::from(literals))?;
        if self.limits.is_empty() { Ok(plan) } else { without_zero_limits(plan) }
    }
}

impl Prepared {
    /// Columns of the answer.
    pub(crate) fn schema(&self) -> SchemaRef {
        Arc::clone(&self.0.query.output)
    }

    /// The tables it reads, views seen through (the views themselves included).
    pub(crate) fn tables(&self) -> BTreeSet<crate::base::TableName> {
        self.0.query.reads.tables.clone()
    }

    /// The type of the parameter of this name.
    pub(crate) fn parameter_type(&self, name: &str) -> Option<&DataType> {
        let found = self.0.parameters.iter().find(|(known, _)| known == name);
        found.map(|(_, data_type)| data_type)
    }

    /// For each column of the answer the columns whose values it has, the nearest first; empty for what is computed.
    pub(crate) fn origins(&self) -> Vec<Vec<Origin>> {
        lineage::origins(&self.0.query.plan, &self.0.query.reads.tables)
    }

    /// The parameters that say how many rows there are, or are skipped: those of `limit` and `offset`.
    pub(crate) fn limits(&self) -> BTreeSet<String> {
        self.0.limits.clone()
    }

    /// As [`Query::volatile`].
    pub(crate) fn volatile(&self) -> bool {
        self.0.query.reads.volatile
    }

    /// As [`Query::fingerprint`].
    pub(crate) fn fingerprint(&self) -> String {
        self.0.query.fingerprint()
    }

    /// The query with `values` in place of its parameters, ordered by output columns (`true` is descending, nulls come
    /// last; without any, as the rows are stored where they are rows of a table), and of that the rows of `window`.
    ///
    /// An absent parameter (`None`, or not in `values`) leaves out every condition of a `where` or `having` in which it
    /// stands, conditions being what `and` joins; anywhere else it is null.
    ///
    /// # Errors
    /// If a name is no parameter or no column, or a value does not have its parameter's or its column's type.
    pub(crate) fn bind(
        &self,
        values: &BTreeMap<String, Option<Value>>,
        order_by: &[(String, bool)],
        window: &Window,
    ) -> Result<Query, SqlError> {
        let parts = &self.0;
        let literals = parts.literals(values)?;
        let key = PlanKey { absent: parts.absent(&literals), order_by: parts.order(order_by)? };
        let plan = parts.plan_for(&key).map_err(|error| from_planning(&error))?;
        let plan = parts
            .with_values(plan, literals)
            .and_then(|plan| from_key(plan, &key.order_by, window.from.as_deref()))
            .and_then(|plan| paged(plan, window.limit, window.offset))
            .map_err(|error| from_planning(&error))?;
        let mut query = parts.query_of(plan, &parts.query.output);
        query.in_stored_order = order_by.is_empty();
        Ok(Query(Arc::new(query)))
    }

    /// How many rows the query with `values` has: one row with one column.
    ///
    /// # Errors
    /// As [`Prepared::bind`].
    pub(crate) fn count(
        &self,
        values: &BTreeMap<String, Option<Value>>,
    ) -> Result<Query, SqlError> {
        let parts = &self.0;
        let literals = parts.literals(values)?;
        let plan = parts
            .plan_for(&PlanKey { absent: parts.absent(&literals), order_by: Vec::new() })
            .and_then(|plan| parts.with_values(plan, literals))
            .and_then(|plan| {
                let count = datafusion::functions_aggregate::expr_fn::count(lit(1_i64)).alias("n");
                LogicalPlanBuilder::from(plan).aggregate(Vec::<Expr>::new(), vec![count])?.build()
            })
            .map_err(|error| from_planning(&error))?;
        let column = Field::new("n", DataType::Int64, true);
        let query = parts.query_of(plan, &Arc::new(Schema::new(vec![column])));
        Ok(Query(Arc::new(query)))
    }
}

impl PreparedParts {
    /// Which parameters leave their conditions out, by position: they have no value.
    pub(super) fn absent(&self, literals: &[ScalarValue]) -> Vec<usize> {
        (0..self.optional).filter(|&index| literals[index].is_null()).collect()
    }

    fn query_of(&self, plan: LogicalPlan, output: &SchemaRef) -> QueryParts {
        QueryParts {
            in_stored_order: false,
            frugal: false,
            engine: Arc::clone(&self.query.engine),
            plan,
            optimised: !self.query.reads.volatile,
            output: Arc::clone(output),
            reads: Arc::clone(&self.query.reads),
        }
    }

    /// One typed value for each parameter; null where it is absent.
    pub(super) fn literals(
        &self,
        values: &BTreeMap<String, Option<Value>>,
    ) -> Result<Vec<ScalarValue>, SqlError> {
        let find = |name: &str| {
            values
                .iter()
                .find(|(given, _)| given.eq_ignore_ascii_case(name))
                .map(|(_, value)| value)
        };
        for name in values.keys() {
            if !self.parameters.iter().any(|(known, _)| known.eq_ignore_ascii_case(name)) {
                let known: Vec<String> = self.parameters.iter().map(|(n, _)| n.clone()).collect();
                let error = SqlError::new(format!("unknown parameter `{name}`"));
                return Err(error.suggest(name, &known, "there are"));
            }
        }
        let literal = |(name, data_type): &(String, DataType)| match find(name) {
            Some(Some(value)) => literal(name, value, data_type),
            _ => ScalarValue::try_from(data_type).map_err(|error| from_planning(&error)),
        };
        self.parameters.iter().map(literal).collect()
    }

    pub(super) fn order(
        &self,
        order_by: &[(String, bool)],
    ) -> Result<Vec<(usize, bool)>, SqlError> {
        let fields = self.query.output.fields();
        let position = |(column, descending): &(String, bool)| {
            let found =
                fields.iter().position(|f| f.name().to_lowercase() == column.to_lowercase());
            let known = || fields.iter().map(|field| field.name().clone()).collect::<Vec<_>>();
            found.map(|index| (index, *descending)).ok_or_else(|| {
                SqlError::new(format!("unknown column `{column}`")).suggest(
                    column,
                    &known(),
                    "there are",
                )
            })
        };
        order_by.iter().map(position).collect()
    }

    /// The plan without the conditions that absent parameters leave out, sorted, optimised once for each such set.
    fn plan_for(&self, key: &PlanKey) -> Result<LogicalPlan, DataFusionError> {
        if self.query.reads.volatile {
            // Optimising fixes `now()`, so it is left to the run.
            return self.reduced(key);
        }
        let mut plans = self.plans.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(plan) = plans.get(key) {
            return Ok(plan.clone());
        }
        let plan = optimise(self.reduced(key)?, &self.query.engine.wide)?;
        if plans.len() < PLANS_KEPT {
            plans.insert(key.clone(), plan.clone());
        }
        Ok(plan)
    }

    fn reduced(&self, key: &PlanKey) -> Result<LogicalPlan, DataFusionError> {
        let plan = without_conditions(self.query.plan.clone(), &key.absent)?;
        Ok(sorted(plan, &key.order_by))
    }
}

fn without_conditions(plan: LogicalPlan, absent: &[usize]) -> Result<LogicalPlan, DataFusionError> {
    if absent.is_empty() {
        return Ok(plan);
    }
    let ids: Vec<String> = absent.iter().map(|index| format!("${}", index + 1)).collect();
    let changed = plan.transform_up_with_subqueries(|node| {
        let LogicalPlan::Filter(filter) = node else { return Ok(Transformed::no(node)) };
        let input = Arc::clone(&filter.input);
        let mut kept = Vec::new();
        let mut dropped = false;
        for condition in split_conjunction_owned(filter.predicate) {
            if mentions(&condition, &ids)? { dropped = true } else { kept.push(condition) }
        }
        let node = match conjunction(kept) {
            Some(predicate) => LogicalPlan::Filter(Filter::try_new(predicate, input)?),
            None => Arc::unwrap_or_clone(input),
        };
        Ok(Transformed::new(node, dropped, TreeNodeRecursion::Continue))
    })?;
    Ok(changed.data)
}

pub(super) fn mentions(condition: &Expr, ids: &[String]) -> Result<bool, DataFusionError> {
    condition.exists(|expr| {
        Ok(matches!(expr, Expr::Placeholder(Placeholder { id, .. }) if ids.contains(id)))
    })
}

pub(super) fn sorted(plan: LogicalPlan, order_by: &[(usize, bool)]) -> LogicalPlan {
    if order_by.is_empty() {
        return plan;
    }
    let columns = plan.schema().columns();
    let key = |&(index, descending): &(usize, bool)| {
        Expr::Column(columns[index].clone()).sort(!descending, false)
    };
    let expr = order_by.iter().map(key).collect();
    LogicalPlan::Sort(Sort { expr, input: Arc::new(plan), fetch: None })
}

/// The plan without what is limited to no row: the engine cannot keep the first 0 rows of a sort.
fn without_zero_limits(plan: LogicalPlan) -> Result<LogicalPlan, DataFusionError> {
    let bounded = plan.transform_up_with_subqueries(|node| match &node {
        LogicalPlan::Limit(limit)
            if matches!(limit.get_fetch_type(), Ok(FetchType::Literal(Some(0)))) =>
        {
            let schema = Arc::clone(node.schema());
            let none = EmptyRelation { produce_one_row: false, schema };
            Ok(Transformed::yes(LogicalPlan::EmptyRelation(none)))
        }
        _ => Ok(Transformed::no(node)),
    })?;
    Ok(bounded.data)
}

/// The placeholders in `limit` and `offset`.
fn limits(plan: &LogicalPlan) -> BTreeSet<String> {
    let mut ids = BTreeSet::new();
    // Visitors that never fail.
    let _ = plan.apply_with_subqueries(|node| {
        if let LogicalPlan::Limit(limit) = node {
            for expr in limit.skip.iter().chain(&limit.fetch) {
                expr.apply(|expr| {
                    if let Expr::Placeholder(Placeholder { id, .. }) = expr {
                        ids.insert(id.clone());
                    }
                    Ok(TreeNodeRecursion::Continue)
                })?;
            }
        }
        Ok(TreeNodeRecursion::Continue)
    });
    ids
}

/// Only the rows that come, in the plan's order, where those with the values of `key` stand, or after them.
fn from_key(
    plan: LogicalPlan,
    order_by: &[(usize, bool)],
    key: Option<&[Option<String>]>,
) -> Result<LogicalPlan, DataFusionError> {
    let Some(condition) = key.map(|key| not_before(plan.schema(), order_by, key)).transpose()?
    else {
        return Ok(plan);
    };
    let filtered = |input| Filter::try_new(condition, input).map(LogicalPlan::Filter);
    match plan {
        LogicalPlan::Sort(mut sort) => {
            sort.input = Arc::new(filtered(sort.input)?);
            Ok(LogicalPlan::Sort(sort))
        }
        ordered => filtered(Arc::new(ordered)),
    }
}

/// Whether a row has the values of `key` or comes after those that have them, nulls coming last.
pub(super) fn not_before(
    schema: &DFSchema,
    order_by: &[(usize, bool)],
    key: &[Option<String>],
) -> Result<Expr, DataFusionError> {
    let columns = schema.columns();
    let mut condition = lit(true);
    for (&(index, descending), value) in order_by.iter().zip(key).rev() {
        let column = Expr::Column(columns[index].clone());
        let data_type = schema.field(index).data_type();
        let value = ScalarValue::from(value.as_deref()).cast_to(data_type)?;
        condition = match (value.is_null(), descending) {
            (true, _) => column.is_null().and(condition),
            (false, true) => {
                let after = column.clone().lt(lit(value.clone())).or(column.clone().is_null());
                after.or(column.eq(lit(value)).and(condition))
            }
            (false, false) => {
                let after = column.clone().gt(lit(value.clone())).or(column.clone().is_null());
                after.or(column.eq(lit(value)).and(condition))
            }
        };
    }
    Ok(condition)
}

/// `limit` rows from `offset` on; a sort right below need not keep more.
fn paged(plan: LogicalPlan, limit: u64, offset: u64) -> Result<LogicalPlan, DataFusionError> {
    let size = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
    let plan = match plan {
        LogicalPlan::Sort(mut sort) => {
            sort.fetch = Some(size(limit).saturating_add(size(offset)));
            LogicalPlan::Sort(sort)
        }
        other => other,
    };
    let number = |number: u64| Box::new(lit(i64::try_from(number).unwrap_or(i64::MAX)));
    Ok(LogicalPlan::Limit(Limit {
        skip: (offset > 0).then(|| number(offset)),
        fetch: Some(number(limit)),
        input: Arc::new(plan),
    }))
}

/// The value as a literal of the parameter's type.
fn literal(name: &str, value: &Value, data_type: &DataType) -> Result<ScalarValue, SqlError> {
    let scalar = match value {
        Value::List(values) => return list(name, values, data_type),
        Value::Boolean(value) => ScalarValue::from(*value),
        Value::Integer(value) => ScalarValue::from(*value),
        Value::Double(value) => ScalarValue::from(*value),
        Value::Decimal(value) | Value::Text(value) => ScalarValue::from(value.as_str()),
        Value::Date(date) => {
            let days = date.signed_duration_since(NaiveDate::default()).num_days();
            ScalarValue::Date32(i32::try_from(days).ok())
        }
        Value::Timestamp(time) => {
            ScalarValue::TimestampMicrosecond(Some(time.and_utc().timestamp_micros()), None)
        }
    };
    let fits = match (value, data_type) {
        (Value::Text(_), other) => is_text(other),
        (Value::Boolean(_), other) => *other == DataType::Boolean,
        (Value::Date(_), other) => {
            matches!(other, DataType::Date32 | DataType::Timestamp(TimeUnit::Microsecond, _))
        }
        (Value::Timestamp(_), other) => matches!(other, DataType::Timestamp(_, _)),
        (_, other) => other.is_numeric(),
    };
    let cast = if fits { scalar.cast_to(data_type).ok() } else { None };
    let exact = |cast: &ScalarValue| !cast.is_null() && is_exact(value, &scalar, cast);
    cast.filter(exact).ok_or_else(|| {
        let wanted = super::types::sql_name(data_type);
        SqlError::new(format!("parameter `{name}`: {scalar} is no {wanted}"))
    })
}

/// The values as a literal of the parameter's type, which is a list.
fn list(name: &str, values: &[Value], data_type: &DataType) -> Result<ScalarValue, SqlError> {
    let DataType::List(items) = data_type else {
        return Err(SqlError::new(format!("parameter `{name}` is no list")));
    };
    let values = values.iter().map(|value| literal(name, value, items.data_type()));
    let values: Vec<ScalarValue> = values.collect::<Result<_, _>>()?;
    Ok(ScalarValue::List(ScalarValue::new_list(&values, items.data_type(), true)))
}

/// Whether the cast lost nothing: `1.5` is no integer, `0.123` no decimal with two digits behind the point.
fn is_exact(value: &Value, given: &ScalarValue, cast: &ScalarValue) -> bool {
    let scale = match cast.data_type() {
        DataType::Decimal128(_, scale) => usize::from(scale.max(0).unsigned_abs()),
        other if other.is_integer() => 0,
        _ => return true,
    };
    match value {
        Value::Decimal(text) => {
            let fraction = text.split_once('.').map_or("", |(_, fraction)| fraction);
            fraction.trim_end_matches('0').len() <= scale && !text.contains(['e', 'E'])
        }
        Value::Double(_) => cast.cast_to(&given.data_type()).is_ok_and(|back| back == *given),
        _ => true,
    }
}

fn is_text(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Utf8 | DataType::Utf8View | DataType::LargeUtf8)
}
