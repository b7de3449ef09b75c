//! Functions whose answer may be far larger than what they are given: `repeat('x', 2000000000)`. The engine's own make
//! it, however large; here they are asked first how large it would be.
//!
//! Invariant: a call that is let through makes no more than [`Bounded::max`] bytes at once (or takes no more than
//! [`STEPS_MAX`] steps), whatever the batch.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray as _};
use arrow::datatypes::{DataType, FieldRef, Int64Type};
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TreeNode as _, TreeNodeRecursion};
use datafusion::common::{DataFusionError, Result, ScalarValue};
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::{
    ColumnarValue, Expr, LogicalPlan, Operator, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF,
    ScalarUDFImpl, Signature,
};
use datafusion::optimizer::AnalyzerRule;

use super::error::carried;
use super::{SqlError, functions};
use crate::base::size::{ByteSize, count};

/// The most that one call makes of one batch where memory is plenty; and its share of the memory where it is not.
const BYTES_MAX: u64 = 32 << 20;
const SHARE_OF_MEMORY: u64 = 16;
/// The most steps that one call takes for one batch: about a second.
const STEPS_MAX: u64 = 1 << 28;
/// What an item of a list takes at least.
const ITEM_BYTES: u64 = 8;

/// The most that the constants of a plan may take in one batch, where each row has a copy of them.
const CONSTANTS_BYTES_MAX: usize = 64 << 20;

/// How many rows a batch of the plan may have, at most `usual`: fewer where its constants are long, since each row may get
/// copies of them.
pub(super) fn batch_rows(plan: &LogicalPlan, usual: usize) -> Result<usize> {
    let mut bytes: usize = 1;
    plan.apply_with_subqueries(|node| {
        node.apply_expressions(|expr| {
            expr.apply(|expr| {
                if let Expr::Literal(value, _) = expr {
                    bytes = bytes.saturating_add(value.size());
                }
                Ok(TreeNodeRecursion::Continue)
            })
        })
    })?;
    Ok((CONSTANTS_BYTES_MAX / bytes).clamp(1, usual))
}

/// What a call costs, in one row of its arguments.
struct Cost {
    function: &'static str,
    unit: Unit,
    /// Whether it may be far more than what is really made, so that many rows are tried in parts.
    is_loose: bool,
    of: fn(&Row<'_>) -> u64,
}

#[derive(Clone, Copy, PartialEq)]
enum Unit {
    Bytes,
    Steps,
}

const fn bytes(function: &'static str, of: fn(&Row<'_>) -> u64) -> Cost {
    Cost { function, unit: Unit::Bytes, is_loose: false, of }
}

/// Every function that is asked. What is not listed makes about as much as it is given.
const COSTS: &[Cost] = &[
    bytes("repeat", |row| row.bytes(0).saturating_mul(row.number(1))),
    bytes("lpad", |row| row.number(1)),
    bytes("rpad", |row| row.number(1)),
    bytes("replace", |row| replaced(row.bytes(0), row.bytes(1), row.bytes(2))),
    // A pattern may find the empty text at each place; what a replacement takes from the text is no more than there is.
    Cost {
        is_loose: true,
        ..bytes("regexp_replace", |row| replaced(row.bytes(0), 0, row.bytes(2).saturating_mul(2)))
    },
    bytes("concat", everything),
    bytes(functions::CONCATENATED, everything),
    bytes("concat_ws", |row| {
        row.all_bytes().saturating_add(row.bytes(0).saturating_mul(row.len() as u64))
    }),
    bytes("array_to_string", |row| {
        let separators = row.items(0).saturating_mul(row.bytes(1).saturating_add(row.bytes(2)));
        row.bytes(0).saturating_mul(2).saturating_add(separators)
    }),
    bytes("make_array", everything),
    bytes("array_concat", everything),
    bytes("array_append", everything),
    bytes("array_prepend", everything),
    bytes("array_repeat", |row| row.bytes(0).max(ITEM_BYTES).saturating_mul(row.number(1))),
    bytes("array_resize", |row| row.bytes(2).max(ITEM_BYTES).saturating_mul(row.number(1))),
    bytes("array_replace_n", |row| row.items(0).saturating_mul(row.bytes(2))),
    bytes("array_replace_all", |row| row.items(0).saturating_mul(row.bytes(2))),
    bytes("range", series),
    bytes("generate_series", series),
    bytes("strftime", |row| row.all_bytes().saturating_mul(FORMATTED_BYTES)),
    Cost {
        unit: Unit::Steps,
        ..bytes("levenshtein", |row| row.bytes(0).saturating_mul(row.bytes(1)))
    },
];

/// The arguments put together.
fn everything(row: &Row<'_>) -> u64 {
    row.all_bytes()
}

/// What one byte of a format may become: `%c` is the whole date.
const FORMATTED_BYTES: u64 = 16;

/// What `text` has at most after `from` was replaced by `to`.
fn replaced(text: u64, from: u64, to: u64) -> u64 {
    let found = text.checked_div(from).unwrap_or(text.saturating_add(1));
    text.saturating_add(found.saturating_mul(to))
}

/// `range(stop)`, `range(start, stop)`, `range(start, stop, step)`; of numbers, or of times with an interval.
fn series(row: &Row<'_>) -> u64 {
    let (start, stop) = match row.len() {
        1 => (Some(0), row.integer(0)),
        _ => (row.integer(0), row.integer(1)),
    };
    let (Some(start), Some(stop)) = (start, stop) else { return 0 };
    let step = if row.len() < 3 { 1 } else { row.step(2, row.data_type(0)) };
    let span = i128::from(stop).abs_diff(i128::from(start));
    // A step of nothing never ends.
    let items = span.checked_div(step.unsigned_abs()).map_or(u128::MAX, |items| items + 1);
    u64::try_from(items).unwrap_or(u64::MAX).saturating_mul(ITEM_BYTES)
}

/// One row of a call's arguments. What is null costs nothing.
struct Row<'a> {
    arguments: &'a [(ArrayRef, bool)],
    row: usize,
}

impl Row<'_> {
    fn len(&self) -> usize {
        self.arguments.len()
    }

    /// The argument's array, and where its value stands there.
    fn at(&self, argument: usize) -> Option<(&ArrayRef, usize)> {
        let (array, constant) = self.arguments.get(argument)?;
        let row = if *constant { 0 } else { self.row };
        (row < array.len() && !array.is_null(row)).then_some((array, row))
    }

    fn data_type(&self, argument: usize) -> &DataType {
        self.arguments.get(argument).map_or(&DataType::Null, |(array, _)| array.data_type())
    }

    fn bytes(&self, argument: usize) -> u64 {
        self.at(argument).map_or(0, |(array, row)| bytes_at(array, row))
    }

    fn all_bytes(&self) -> u64 {
        (0..self.len()).fold(0, |sum, argument| sum.saturating_add(self.bytes(argument)))
    }

    fn items(&self, argument: usize) -> u64 {
        let Some((array, row)) = self.at(argument) else { return 0 };
        array.as_list_opt::<i32>().map_or(0, |lists| lists.value(row).len() as u64)
    }

    fn integer(&self, argument: usize) -> Option<i64> {
        let (array, row) = self.at(argument)?;
        if let Some(ints) = array.as_primitive_opt::<Int64Type>() {
            return Some(ints.value(row));
        }
        let ints = match array.data_type() {
            DataType::Date32 => arrow::compute::cast(&array.slice(row, 1), &DataType::Int32),
            _ => Ok(array.slice(row, 1)),
        };
        let ints = arrow::compute::cast(&ints.ok()?, &DataType::Int64).ok()?;
        (!ints.is_null(0)).then(|| ints.as_primitive::<Int64Type>().value(0))
    }

    /// A count of things to make; nothing is made of a negative one.
    fn number(&self, argument: usize) -> u64 {
        self.integer(argument).map_or(0, |number| u64::try_from(number).unwrap_or(0))
    }

    /// The step of a series of `of`, in units of `of`: an interval is told by its greatest part.
    fn step(&self, argument: usize, of: &DataType) -> i128 {
        let Some((array, row)) = self.at(argument) else { return 1 };
        let Ok(ScalarValue::IntervalMonthDayNano(Some(step))) =
            ScalarValue::try_from_array(array, row)
        else {
            return self.integer(argument).map_or(1, i128::from);
        };
        const DAY_NANOSECONDS: i128 = 86_400_000_000_000;
        let days = i128::from(step.months) * 28 + i128::from(step.days);
        let nanoseconds = days * DAY_NANOSECONDS + i128::from(step.nanoseconds);
        match of {
            DataType::Timestamp(unit, _) => {
                let unit_nanoseconds = match unit {
                    arrow::datatypes::TimeUnit::Second => 1_000_000_000,
                    arrow::datatypes::TimeUnit::Millisecond => 1_000_000,
                    arrow::datatypes::TimeUnit::Microsecond => 1_000,
                    arrow::datatypes::TimeUnit::Nanosecond => 1,
                };
                nanoseconds / unit_nanoseconds
            }
            _ => nanoseconds / DAY_NANOSECONDS,
        }
    }
}

/// What one value takes: the bytes of a text, those of all items of a list.
fn bytes_at(array: &ArrayRef, row: usize) -> u64 {
    let bytes = match array.data_type() {
        DataType::Utf8 => array.as_string::<i32>().value(row).len(),
        DataType::LargeUtf8 => array.as_string::<i64>().value(row).len(),
        DataType::Utf8View => array.as_string_view().value(row).len(),
        DataType::Binary => array.as_binary::<i32>().value(row).len(),
        DataType::List(_) => {
            let items = array.as_list::<i32>().value(row);
            return match items.data_type().primitive_width() {
                Some(width) => (items.len() * width) as u64,
                None => (0..items.len())
                    .filter(|item| !items.is_null(*item))
                    .fold(0, |sum: u64, item| sum.saturating_add(bytes_at(&items, item))),
            };
        }
        other => match other.primitive_width() {
            Some(width) => width,
            None => array.slice(row, 1).get_array_memory_size(),
        },
    };
    bytes as u64
}

/// Puts the asking in front of every call of [`COSTS`]. Runs after types are known.
#[derive(Debug)]
pub(super) struct BoundedAnswers {
    max: u64,
}

impl BoundedAnswers {
    /// For an engine with so much memory.
    pub(super) fn new(memory_bytes: u64) -> Self {
        Self { max: BYTES_MAX.min(memory_bytes / SHARE_OF_MEMORY) }
    }

    fn bounded(&self, expr: Expr) -> Transformed<Expr> {
        match expr {
            Expr::BinaryExpr(operation) if operation.op == Operator::StringConcat => {
                let call = functions::concatenated();
                let arguments = vec![*operation.left, *operation.right];
                let bounded =
                    self.bounded(Expr::ScalarFunction(ScalarFunction::new_udf(call, arguments)));
                Transformed::yes(bounded.data)
            }
            Expr::ScalarFunction(call) => {
                let cost = COSTS.iter().find(|cost| cost.function == call.func.name());
                match cost.filter(|_| !call.func.inner().is::<Bounded>()) {
                    None => Transformed::no(Expr::ScalarFunction(call)),
                    Some(cost) => {
                        let bounded = Bounded { inner: call.func, cost, max: self.max };
                        let func = Arc::new(ScalarUDF::from(bounded));
                        Transformed::yes(Expr::ScalarFunction(ScalarFunction::new_udf(
                            func, call.args,
                        )))
                    }
                }
            }
            other => Transformed::no(other),
        }
    }
}

impl AnalyzerRule for BoundedAnswers {
    fn name(&self) -> &str {
        "bounded_answers"
    }

    fn analyze(&self, plan: LogicalPlan, _config: &ConfigOptions) -> Result<LogicalPlan> {
        plan.transform_up_with_subqueries(|plan| {
            let names = NamePreserver::new(&plan);
            plan.map_expressions(|expr| {
                let name = names.save(&expr);
                let bounded = expr.transform_up(|expr| Ok(self.bounded(expr)))?;
                Ok(bounded.update_data(|expr| name.restore(expr)))
            })
        })
        .map(|plan| plan.data)
    }
}

/// A function that is asked what it costs before it is called.
struct Bounded {
    inner: Arc<ScalarUDF>,
    cost: &'static Cost,
    max: u64,
}

impl Bounded {
    const fn max(&self) -> u64 {
        match self.cost.unit {
            Unit::Bytes => self.max,
            Unit::Steps => STEPS_MAX,
        }
    }

    /// Whether the call costs no more than it may.
    fn is_affordable(&self, call: &ScalarFunctionArgs) -> Result<bool> {
        let array = |value: &ColumnarValue| match value {
            ColumnarValue::Array(array) => Ok((Arc::clone(array), false)),
            ColumnarValue::Scalar(value) => Ok((value.to_array()?, true)),
        };
        let arguments = call.args.iter().map(array).collect::<Result<Vec<_>>>()?;
        let constant = arguments.iter().all(|(_, constant)| *constant);
        let rows = if constant { 1 } else { call.number_rows };
        let mut cost: u64 = 0;
        for row in 0..rows {
            cost = cost.saturating_add((self.cost.of)(&Row { arguments: &arguments, row }));
            if cost > self.max() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// The rows in two halves, and those in halves, until each part can be afforded.
    ///
    /// # Errors
    /// If a single row cannot, or all parts together make too much.
    fn in_parts(&self, call: &ScalarFunctionArgs) -> Result<ArrayRef> {
        if self.is_affordable(call)? {
            return self.inner.invoke_with_args(call.clone())?.into_array(call.number_rows);
        }
        let half = call.number_rows / 2;
        if half == 0 {
            return Err(self.refused());
        }
        let first = self.in_parts(&part(call, 0, half))?;
        let second = self.in_parts(&part(call, half, call.number_rows - half))?;
        let made = first.get_array_memory_size() + second.get_array_memory_size();
        if made as u64 > self.max() {
            return Err(self.refused());
        }
        Ok(arrow::compute::concat(&[&first, &second])?)
    }

    fn refused(&self) -> DataFusionError {
        carried(SqlError::new(self.refusal(self.max())))
    }

    fn refusal(&self, max: u64) -> String {
        let name = match self.inner.name() {
            functions::CONCATENATED => "||",
            other => other,
        };
        match self.cost.unit {
            Unit::Bytes => {
                format!(
                    "`{name}` would make more than {} at once, which is its limit",
                    ByteSize(max)
                )
            }
            Unit::Steps => {
                format!(
                    "`{name}` would take more than {} steps at once, which is its limit",
                    count(max)
                )
            }
        }
    }
}

impl std::fmt::Debug for Bounded {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.inner.name())
    }
}

impl PartialEq for Bounded {
    fn eq(&self, other: &Self) -> bool {
        self.inner == other.inner && self.max == other.max
    }
}

impl Eq for Bounded {}

impl Hash for Bounded {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.inner.hash(state);
    }
}

/// As the function itself, but for its simplifications: those would put the unbounded function back.
impl ScalarUDFImpl for Bounded {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn aliases(&self) -> &[String] {
        self.inner.aliases()
    }

    fn signature(&self) -> &Signature {
        self.inner.signature()
    }

    fn coerce_types(&self, arguments: &[DataType]) -> Result<Vec<DataType>> {
        self.inner.coerce_types(arguments)
    }

    fn return_type(&self, arguments: &[DataType]) -> Result<DataType> {
        self.inner.return_type(arguments)
    }

    fn return_field_from_args(&self, arguments: ReturnFieldArgs) -> Result<FieldRef> {
        self.inner.return_field_from_args(arguments)
    }

    fn is_strict(&self) -> bool {
        self.inner.is_strict()
    }

    fn invoke_with_args(&self, call: ScalarFunctionArgs) -> Result<ColumnarValue> {
        if self.is_affordable(&call)? {
            return self.inner.invoke_with_args(call);
        }
        match self.cost.is_loose {
            true => self.in_parts(&call).map(ColumnarValue::Array),
            false => Err(self.refused()),
        }
    }
}

/// The call for some of its rows.
fn part(call: &ScalarFunctionArgs, start: usize, rows: usize) -> ScalarFunctionArgs {
    let args = call.args.iter().map(|argument| match argument {
        ColumnarValue::Array(array) => ColumnarValue::Array(array.slice(start, rows)),
        ColumnarValue::Scalar(value) => ColumnarValue::Scalar(value.clone()),
    });
    ScalarFunctionArgs { args: args.collect(), number_rows: rows, ..call.clone() }
}
