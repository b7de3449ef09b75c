//! What DuckDB means by an expression, where DataFusion would mean something else and types decide.
//!
//! - `/` is a division of doubles, `//` one of integers; dates and integers add up to dates.
//! - `avg` is an exact sum divided by a count, as a double, so that it does not depend on how the rows are split.
//! - Ranks and row numbers are bigints.
//! - A number cast to an integer is rounded, not cut off: decimals half away from zero, doubles half to even.
//! - Integers that overflow are an error; the engine's own operators would wrap round.
//! - A decimal beside a double or a real is one, too: `x = 0.1` compares doubles.
//! - A text in a list of booleans is read as one: `flag in ('true')`.
//! - `x in ($list)` asks whether `x` is one of the items of a parameter that is a list.
//! - `timestamp` means microseconds, `decimal` without arguments `decimal(18,3)`.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef, TimeUnit};
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::common::{DFSchema, Result, plan_err};
use datafusion::functions::math;
use datafusion::functions_aggregate::count::count_udaf;
use datafusion::functions_nested::array_has::array_has;
use datafusion::logical_expr::expr::{
    AggregateFunction, InList, Placeholder, ScalarFunction, WindowFunction, WindowFunctionParams,
};
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::planner::{
    ExprPlanner, PlannerResult, RawAggregateExpr, RawBinaryExpr, RawWindowExpr, TypePlanner,
};
use datafusion::logical_expr::utils::merge_schema;
use datafusion::logical_expr::{
    AggregateUDF, Between, BinaryExpr, Cast, Expr, ExprSchemable, LogicalPlan, Operator,
    WindowFunctionDefinition, try_cast,
};
use datafusion::optimizer::AnalyzerRule;
use datafusion::sql::sqlparser::ast::{
    BinaryOperator, DataType as SqlType, ExactNumberInfo, TimezoneInfo,
};

use super::functions;

/// Plans operators and aggregates.
#[derive(Debug)]
pub(super) struct DuckDbExpressions {
    pub(super) sum: Arc<AggregateUDF>,
}

fn to(expr: Expr, data_type: DataType) -> Expr {
    Expr::Cast(Cast::new(Box::new(expr), data_type))
}

fn binary(left: Expr, op: Operator, right: Expr) -> Expr {
    Expr::BinaryExpr(BinaryExpr::new(Box::new(left), op, Box::new(right)))
}

fn quotient(left: Expr, right: Expr) -> Expr {
    binary(to(left, DataType::Float64), Operator::Divide, to(right, DataType::Float64))
}

impl ExprPlanner for DuckDbExpressions {
    fn plan_binary_op(
        &self,
        raw: RawBinaryExpr,
        schema: &DFSchema,
    ) -> Result<PlannerResult<RawBinaryExpr>> {
        let type_of = |expr: &Expr| expr.get_type(schema).unwrap_or(DataType::Null);
        let mut raw = raw;
        if let Some(float) = float_among(&[type_of(&raw.left), type_of(&raw.right)]) {
            raw.left = beside(raw.left, &float, schema);
            raw.right = beside(raw.right, &float, schema);
        }
        let (left, right) = (type_of(&raw.left), type_of(&raw.right));
        let planned = match raw.op {
            BinaryOperator::Divide if !is_interval(&left) => quotient(raw.left, raw.right),
            BinaryOperator::DuckIntegerDivide if left.is_floating() || left.is_decimal() => {
                quotient(raw.left, raw.right)
            }
            BinaryOperator::DuckIntegerDivide => binary(raw.left, Operator::Divide, raw.right),
            BinaryOperator::PGExp | BinaryOperator::BitwiseXor => {
                let arguments = [raw.left, raw.right].map(|e| to(e, DataType::Float64)).to_vec();
                Expr::ScalarFunction(ScalarFunction::new_udf(math::power(), arguments))
            }
            BinaryOperator::Plus | BinaryOperator::Minus => {
                return Ok(plan_dates(raw, &left, &right));
            }
            _ => return Ok(PlannerResult::Original(raw)),
        };
        Ok(PlannerResult::Planned(planned))
    }

    fn plan_aggregate(&self, raw: RawAggregateExpr) -> Result<PlannerResult<RawAggregateExpr>> {
        if raw.func.name() != "avg" {
            return Ok(PlannerResult::Original(raw));
        }
        let part = |function: &Arc<AggregateUDF>| {
            Expr::AggregateFunction(AggregateFunction::new_udf(
                Arc::clone(function),
                raw.args.clone(),
                raw.distinct,
                raw.filter.clone(),
                raw.order_by.clone(),
                raw.null_treatment,
            ))
        };
        Ok(PlannerResult::Planned(quotient(part(&self.sum), part(&count_udaf()))))
    }

    fn plan_window(&self, raw: RawWindowExpr) -> Result<PlannerResult<RawWindowExpr>> {
        match &raw.func_def {
            WindowFunctionDefinition::WindowUDF(function)
                if matches!(function.name(), "row_number" | "rank" | "dense_rank" | "ntile") =>
            {
                let function = raw.func_def.clone();
                Ok(PlannerResult::Planned(to(window(function, raw), DataType::Int64)))
            }
            WindowFunctionDefinition::AggregateUDF(function) if function.name() == "avg" => {
                let sum = WindowFunctionDefinition::AggregateUDF(Arc::clone(&self.sum));
                let count = WindowFunctionDefinition::AggregateUDF(count_udaf());
                let planned = quotient(window(sum, raw.clone()), window(count, raw));
                Ok(PlannerResult::Planned(planned))
            }
            _ => Ok(PlannerResult::Original(raw)),
        }
    }
}

/// The type in which values of these types meet, if decimals meet floating numbers: the widest of those.
fn float_among(types: &[DataType]) -> Option<DataType> {
    let has_decimal = types.iter().any(DataType::is_decimal);
    let mut floats = types.iter().filter(|data_type| data_type.is_floating());
    let is_double = |data_type: &DataType| *data_type == DataType::Float64;
    let widest = floats.clone().find(|it| is_double(it)).or_else(|| floats.next());
    widest.filter(|_| has_decimal).cloned()
}

/// A decimal as a `float`; anything else as it is.
fn beside(expr: Expr, float: &DataType, schema: &DFSchema) -> Expr {
    match expr.get_type(schema) {
        Ok(found) if found.is_decimal() => to(expr, float.clone()),
        _ => expr,
    }
}

fn is_interval(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Interval(_) | DataType::Duration(_))
}

/// `function` over the window of `raw`.
fn window(function: WindowFunctionDefinition, raw: RawWindowExpr) -> Expr {
    let params = WindowFunctionParams {
        args: raw.args,
        partition_by: raw.partition_by,
        order_by: raw.order_by,
        window_frame: raw.window_frame,
        filter: raw.filter,
        null_treatment: raw.null_treatment,
        distinct: raw.distinct,
    };
    Expr::WindowFunction(Box::new(WindowFunction { fun: function, params }))
}

/// `date + 1`, `date - 1` are dates, `date - date` counts days, `date + interval` is a timestamp.
fn plan_dates(
    raw: RawBinaryExpr,
    left: &DataType,
    right: &DataType,
) -> PlannerResult<RawBinaryExpr> {
    let plus = raw.op == BinaryOperator::Plus;
    let op = if plus { Operator::Plus } else { Operator::Minus };
    let days = |expr: Expr| to(to(expr, DataType::Int32), DataType::Int64);
    let date = |expr: Expr| to(to(expr, DataType::Int32), DataType::Date32);
    let timestamp = |expr: Expr| to(expr, DataType::Timestamp(TimeUnit::Microsecond, None));
    PlannerResult::Planned(match (left, right) {
        (DataType::Date32, other) if other.is_integer() => {
            date(binary(days(raw.left), op, to(raw.right, DataType::Int64)))
        }
        (other, DataType::Date32) if plus && other.is_integer() => {
            date(binary(to(raw.left, DataType::Int64), op, days(raw.right)))
        }
        (DataType::Date32, DataType::Date32) if !plus => {
            binary(days(raw.left), op, days(raw.right))
        }
        (DataType::Date32, DataType::Interval(_)) => binary(timestamp(raw.left), op, raw.right),
        (DataType::Interval(_), DataType::Date32) if plus => {
            binary(raw.left, op, timestamp(raw.right))
        }
        _ => return PlannerResult::Original(raw),
    })
}

/// Plans the types that `cast` and literals name.
#[derive(Debug)]
pub(super) struct DuckDbTypes;

impl TypePlanner for DuckDbTypes {
    fn plan_type_field(&self, written: &SqlType) -> Result<Option<FieldRef>> {
        let planned = match written {
            SqlType::Timestamp(_, TimezoneInfo::None | TimezoneInfo::WithoutTimeZone)
            | SqlType::Datetime(_) => DataType::Timestamp(TimeUnit::Microsecond, None),
            SqlType::Timestamp(_, TimezoneInfo::Tz | TimezoneInfo::WithTimeZone) => {
                DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))
            }
            SqlType::Time(_, _) => DataType::Time64(TimeUnit::Microsecond),
            SqlType::Decimal(size) | SqlType::Numeric(size) | SqlType::Dec(size) => decimal(size)?,
            SqlType::HugeInt => DataType::Decimal128(38, 0),
            SqlType::Custom(name, _) if name.to_string().eq_ignore_ascii_case("string") => {
                DataType::Utf8View
            }
            _ => return Ok(None),
        };
        Ok(Some(Arc::new(Field::new("", planned, true))))
    }
}

fn decimal(size: &ExactNumberInfo) -> Result<DataType> {
    let (precision, scale) = match *size {
        ExactNumberInfo::None => (18, 3),
        ExactNumberInfo::Precision(precision) => (precision, 0),
        ExactNumberInfo::PrecisionAndScale(precision, scale) => (precision, scale),
    };
    match (u8::try_from(precision), i8::try_from(scale)) {
        (Ok(precision @ 1..=38), Ok(scale)) if scale >= 0 && scale as u8 <= precision => {
            Ok(DataType::Decimal128(precision, scale))
        }
        _ => plan_err!(
            "decimal({precision},{scale}): a decimal has 1 to 38 digits, and no more behind the point than in all"
        ),
    }
}

/// Rounds where a decimal or floating number is cast to an integer, and checks integers for overflow. Runs after types
/// are known.
#[derive(Debug)]
pub(super) struct ExactNumbers;

impl AnalyzerRule for ExactNumbers {
    fn name(&self) -> &str {
        "exact_numbers"
    }

    fn analyze(&self, plan: LogicalPlan, _config: &ConfigOptions) -> Result<LogicalPlan> {
        plan.transform_up_with_subqueries(|plan| {
            let mut schema = merge_schema(&plan.inputs());
            if let LogicalPlan::TableScan(scan) = &plan {
                schema.merge(&DFSchema::try_from_qualified_schema(
                    scan.table_name.clone(),
                    &scan.source.schema(),
                )?);
            }
            let names = NamePreserver::new(&plan);
            plan.map_expressions(|expr| {
                let name = names.save(&expr);
                let rounded = exact_numbers(expr, &schema)?;
                Ok(rounded.update_data(|expr| name.restore(expr)))
            })?
            .map_data(LogicalPlan::recompute_schema)
        })
        .map(|plan| plan.data)
    }
}

/// The expression with its casts to integers made to round, and its operators on integers checked.
pub(super) fn exact_numbers(expr: Expr, schema: &DFSchema) -> Result<Transformed<Expr>> {
    expr.transform_up(|expr| match expr {
        Expr::Cast(cast) if cast.field.data_type().is_integer() => {
            let from = cast.expr.get_type(schema).unwrap_or(DataType::Null);
            let to_type = cast.field.data_type().clone();
            match rounded((*cast.expr).clone(), &from) {
                Some(rounded) => Ok(Transformed::yes(to(rounded, to_type))),
                None => Ok(Transformed::no(Expr::Cast(cast))),
            }
        }
        Expr::BinaryExpr(operation) => Ok(checked(operation, schema)),
        other => Ok(Transformed::no(other)),
    })
}

fn checked(operation: BinaryExpr, schema: &DFSchema) -> Transformed<Expr> {
    let left = operation.left.get_type(schema).ok().filter(DataType::is_integer);
    let same = left.is_some() && left == operation.right.get_type(schema).ok();
    match functions::checked(operation.op) {
        Some(function) if same => {
            let arguments = vec![*operation.left, *operation.right];
            let call = ScalarFunction::new_udf(function, arguments);
            Transformed::yes(Expr::ScalarFunction(call))
        }
        _ => Transformed::no(Expr::BinaryExpr(operation)),
    }
}

/// `None` where there is nothing to round, or it is rounded already.
fn rounded(expr: Expr, from: &DataType) -> Option<Expr> {
    let has_fraction = match from {
        DataType::Decimal128(_, scale) | DataType::Decimal256(_, scale) => *scale > 0,
        DataType::Float32 | DataType::Float64 => true,
        _ => false,
    };
    let already = matches!(&expr, Expr::ScalarFunction(call)
        if matches!(call.name(), "round" | "round_even" | "floor" | "ceil" | "trunc" | "date_part"));
    if !has_fraction || already {
        return None;
    }
    let [away_from_zero, to_even] = functions::rounding();
    let (function, number) = match from {
        DataType::Float32 => (to_even, to(expr, DataType::Float64)),
        DataType::Float64 => (to_even, expr),
        _ => (away_from_zero, expr),
    };
    Some(Expr::ScalarFunction(ScalarFunction::new_udf(function, vec![number])))
}

/// Whether [`several`] may have something to do.
pub(super) fn has_several(plan: &LogicalPlan) -> Result<bool> {
    has_expression(plan, |expr| matches!(expr, Expr::InList(_) | Expr::Between(_)))
}

/// Whether such an expression stands anywhere in the plan.
pub(super) fn has_expression(plan: &LogicalPlan, is: impl Fn(&Expr) -> bool) -> Result<bool> {
    let mut found = false;
    plan.apply_with_subqueries(|node| {
        node.apply_expressions(|expr| {
            found |= expr.exists(|expr| Ok(is(expr)))?;
            Ok(TreeNodeRecursion::Continue)
        })
    })?;
    Ok(found)
}

/// What compares a value with several others, as it is meant, in a whole plan: see [`as_meant`].
pub(super) fn several(plan: LogicalPlan) -> Result<LogicalPlan> {
    let changed = plan.transform_up_with_subqueries(|node| {
        let schema = merge_schema(&node.inputs());
        node.map_expressions(|expr| as_meant(expr, &schema))
    })?;
    Ok(changed.data)
}

/// `x in ($list)` as what it means where the parameter is a list: that `x` is one of its items. Texts among booleans are
/// read as such; decimals among floating numbers, also those of a `between`, are such.
pub(super) fn as_meant(expr: Expr, schema: &DFSchema) -> Result<Transformed<Expr>> {
    expr.transform_up(|expr| match expr {
        Expr::InList(InList { expr, list, negated }) if item_type(&list).is_some() => {
            let item_type = item_type(&list).unwrap_or(DataType::Null);
            let list = list.into_iter().next().unwrap_or_default();
            let found = array_has(list, as_item((*expr).clone(), item_type, schema)?);
            // Null is neither in a list nor not in it.
            let judged = if negated { (!found).and(expr.is_not_null()) } else { found };
            Ok(Transformed::yes(judged))
        }
        Expr::InList(InList { expr, list, negated })
            if list.iter().any(is_text)
                && expr.get_type(schema).is_ok_and(|found| found == DataType::Boolean) =>
        {
            let item = |item: Expr| match is_text(&item) {
                true => to(item, DataType::Boolean),
                false => item,
            };
            let list = list.into_iter().map(item).collect();
            Ok(Transformed::yes(Expr::InList(InList { expr, list, negated })))
        }
        Expr::InList(InList { expr, list, negated }) => {
            let Some(float) = float_of(list.iter().chain([&*expr]), schema) else {
                return Ok(Transformed::no(Expr::InList(InList { expr, list, negated })));
            };
            let list = list.into_iter().map(|item| beside(item, &float, schema)).collect();
            let expr = Box::new(beside(*expr, &float, schema));
            Ok(Transformed::yes(Expr::InList(InList { expr, list, negated })))
        }
        Expr::Between(between) => {
            let parts = [&*between.expr, &*between.low, &*between.high];
            let Some(float) = float_of(parts, schema) else {
                return Ok(Transformed::no(Expr::Between(between)));
            };
            let part = |part: Box<Expr>| Box::new(beside(*part, &float, schema));
            let Between { expr, negated, low, high } = between;
            let between = Between::new(part(expr), negated, part(low), part(high));
            Ok(Transformed::yes(Expr::Between(between)))
        }
        other => Ok(Transformed::no(other)),
    })
}

/// As [`float_among`], of the expressions' types.
fn float_of<'a>(exprs: impl IntoIterator<Item = &'a Expr>, schema: &DFSchema) -> Option<DataType> {
    let types: Vec<DataType> =
        exprs.into_iter().filter_map(|expr| expr.get_type(schema).ok()).collect();
    float_among(&types)
}

fn is_text(expr: &Expr) -> bool {
    let Expr::Literal(value, _) = expr else { return false };
    matches!(value.data_type(), DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View)
}

/// The type of the items, where the list is one parameter that is a list.
fn item_type(list: &[Expr]) -> Option<DataType> {
    match list {
        [Expr::Placeholder(Placeholder { field: Some(field), .. })] => match field.data_type() {
            DataType::List(items) => Some(items.data_type().clone()),
            _ => None,
        },
        _ => None,
    }
}

/// A number among numbers of another type; one that has no equal there is null.
fn as_item(expr: Expr, item_type: DataType, schema: &DFSchema) -> Result<Expr> {
    let own = expr.get_type(schema)?;
    let convert = own != item_type && own.is_numeric() && item_type.is_numeric();
    Ok(if convert { try_cast(expr, item_type) } else { expr })
}
