//! Addition, subtraction and multiplication of integers that tell of an overflow: the engine's operators wrap round.
//!
//! Nobody calls these by name; `meaning` puts them in place of the operators.

use arrow::compute::kernels::numeric;
use arrow::datatypes::DataType;
use datafusion::common::{Result, ScalarValue};
use datafusion::logical_expr::Operator;
use datafusion::physical_expr_common::datum::apply;

use super::{Scalar, wrong_arguments};

/// The function that an operator on integers stands for.
pub(super) fn of(op: Operator) -> Option<&'static Scalar> {
    match op {
        Operator::Plus => Some(&ADD),
        Operator::Minus => Some(&SUBTRACT),
        Operator::Multiply => Some(&MULTIPLY),
        _ => None,
    }
}

static ADD: Scalar = Scalar {
    name: "checked_add",
    aliases: &[],
    usage: "a + b",
    help: "the sum of two integers",
    arguments: |found| arguments(&ADD, found),
    returns,
    invoke: |call| apply(&call.args[0], &call.args[1], numeric::add),
};

static SUBTRACT: Scalar = Scalar {
    name: "checked_subtract",
    aliases: &[],
    usage: "a - b",
    help: "the difference of two integers",
    arguments: |found| arguments(&SUBTRACT, found),
    returns,
    invoke: |call| apply(&call.args[0], &call.args[1], numeric::sub),
};

static MULTIPLY: Scalar = Scalar {
    name: "checked_multiply",
    aliases: &[],
    usage: "a * b",
    help: "the product of two integers",
    arguments: |found| arguments(&MULTIPLY, found),
    returns,
    invoke: |call| apply(&call.args[0], &call.args[1], numeric::mul),
};

fn arguments(scalar: &Scalar, found: &[DataType]) -> Result<Vec<DataType>> {
    match found {
        [left, right] if left == right && left.is_integer() => Ok(found.to_vec()),
        _ => wrong_arguments(scalar, found),
    }
}

fn returns(types: &[DataType], _constants: &[Option<&ScalarValue>]) -> Result<DataType> {
    Ok(types.first().cloned().unwrap_or(DataType::Int64))
}
