//! Rounding that keeps decimals decimal: half away from zero, or half to even.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Decimal128Array, Float64Array, Int64Array};
use arrow::datatypes::{DataType, Decimal128Type, Float64Type, Int64Type};
use datafusion::common::{Result, ScalarValue, exec_err, plan_err};
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs};

use super::{Scalar, wrong_arguments};

pub(super) const ROUND: Scalar = Scalar {
    name: "round",
    aliases: &[],
    usage: "round(number, digits)",
    help: "rounded half away from zero to `digits` behind the point (0 without, before it where negative); a decimal \
           becomes a decimal with so many digits, for which `digits` must be a constant",
    arguments: |found| arguments(&ROUND, found),
    returns: |types, constants| returns(&ROUND, types, constants),
    invoke: |call| invoke(call, Half::AwayFromZero),
};

pub(super) const ROUND_EVEN: Scalar = Scalar {
    name: "round_even",
    aliases: &["roundbankers"],
    usage: "round_even(number, digits)",
    help: "as `round`, but half to even: 2.5 becomes 2, 3.5 becomes 4",
    arguments: |found| arguments(&ROUND_EVEN, found),
    returns: |types, constants| returns(&ROUND_EVEN, types, constants),
    invoke: |call| invoke(call, Half::ToEven),
};

#[derive(Clone, Copy)]
enum Half {
    AwayFromZero,
    ToEven,
}

fn arguments(scalar: &Scalar, found: &[DataType]) -> Result<Vec<DataType>> {
    let (number, digits) = match found {
        [number] => (number, None),
        [number, digits] if digits.is_integer() || digits.is_null() => (number, Some(digits)),
        _ => return wrong_arguments(scalar, found),
    };
    let number = match number {
        DataType::Decimal128(_, _) => number.clone(),
        DataType::Decimal32(p, s) | DataType::Decimal64(p, s) => DataType::Decimal128(*p, *s),
        DataType::Float16 | DataType::Float32 | DataType::Float64 => DataType::Float64,
        DataType::Null => DataType::Float64,
        other if other.is_integer() => DataType::Int64,
        _ => return wrong_arguments(scalar, found),
    };
    Ok(std::iter::once(number).chain(digits.map(|_| DataType::Int64)).collect())
}

/// The constant number of digits; `Some(0)` where none is given.
fn constant_digits(types: usize, constants: &[Option<&ScalarValue>]) -> Option<i64> {
    if types < 2 {
        return Some(0);
    }
    match constants.get(1).copied().flatten()?.cast_to(&DataType::Int64).ok()? {
        ScalarValue::Int64(digits) => digits,
        _ => None,
    }
}

fn returns(
    scalar: &Scalar,
    types: &[DataType],
    constants: &[Option<&ScalarValue>],
) -> Result<DataType> {
    match types.first() {
        Some(DataType::Decimal128(precision, scale)) => {
            match constant_digits(types.len(), constants) {
                Some(digits) => {
                    let kept = digits.clamp(0, i64::from((*scale).max(0)));
                    Ok(DataType::Decimal128(*precision, kept as i8))
                }
                None => plan_err!("the digits of `{}` on a decimal are a constant", scalar.usage),
            }
        }
        Some(other) => Ok(other.clone()),
        None => wrong_arguments(scalar, types),
    }
}

fn invoke(call: &ScalarFunctionArgs, half: Half) -> Result<ColumnarValue> {
    let constant = call.args.iter().all(|arg| matches!(arg, ColumnarValue::Scalar(_)));
    let rows = if constant { 1 } else { call.number_rows };
    let numbers = call.args[0].to_array(rows)?;
    let digits = match call.args.get(1) {
        Some(digits) => digits.to_array(rows)?,
        None => Arc::new(Int64Array::from_value(0, rows)),
    };
    let digits = digits.as_primitive::<Int64Type>();
    let rounded = rounded(&numbers, digits, call.return_type(), half)?;
    if constant {
        return Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&rounded, 0)?));
    }
    Ok(ColumnarValue::Array(rounded))
}

fn rounded(
    numbers: &ArrayRef,
    digits: &Int64Array,
    returned: &DataType,
    half: Half,
) -> Result<ArrayRef> {
    let present = |row: usize| numbers.is_valid(row) && digits.is_valid(row);
    let rows = 0..numbers.len();
    match (numbers.data_type(), returned) {
        (DataType::Float64, _) => {
            let values = numbers.as_primitive::<Float64Type>();
            let round =
                |row| present(row).then(|| double(values.value(row), digits.value(row), half));
            Ok(Arc::new(rows.map(round).collect::<Float64Array>()))
        }
        (DataType::Int64, _) => {
            let values = numbers.as_primitive::<Int64Type>();
            let round = |row: usize| -> Result<Option<i64>> {
                if !present(row) {
                    return Ok(None);
                }
                let rounded = unscaled(values.value(row).into(), 0, digits.value(row), half);
                i64::try_from(rounded)
                    .map(Some)
                    .or_else(|_| exec_err!("a rounded bigint is too large"))
            };
            Ok(Arc::new(rows.map(round).collect::<Result<Int64Array>>()?))
        }
        (DataType::Decimal128(_, from), DataType::Decimal128(_, to)) => {
            let values = numbers.as_primitive::<Decimal128Type>();
            let back = 10_i128.pow(u32::from((from - to).unsigned_abs()));
            let round = |row: usize| {
                let value = unscaled(values.value(row), i64::from(*from), digits.value(row), half);
                present(row).then_some(value / back)
            };
            let rounded: Decimal128Array = rows.map(round).collect();
            Ok(Arc::new(rounded.with_data_type(returned.clone())))
        }
        (other, _) => exec_err!("a value of type {other} cannot be rounded"),
    }
}

/// A number with `scale` digits behind the point, rounded to `digits`; it keeps its scale.
fn unscaled(value: i128, scale: i64, digits: i64, half: Half) -> i128 {
    let cut = scale.saturating_sub(digits);
    let Ok(cut) = u32::try_from(cut) else { return value };
    let Some(unit) = 10_i128.checked_pow(cut) else { return 0 };
    let (whole, rest) = (value / unit, (value % unit).abs());
    let up = match half {
        Half::AwayFromZero => rest >= unit - rest && rest > 0,
        Half::ToEven => rest > unit - rest || (rest == unit - rest && whole % 2 != 0),
    };
    (whole + if up { value.signum() } else { 0 }).saturating_mul(unit)
}

fn double(value: f64, digits: i64, half: Half) -> f64 {
    let round = |value: f64| match half {
        Half::AwayFromZero => value.round(),
        Half::ToEven => value.round_ties_even(),
    };
    if digits == 0 {
        return round(value);
    }
    let factor = 10_f64.powi(digits.unsigned_abs().min(400) as i32);
    let rounded =
        if digits > 0 { round(value * factor) / factor } else { round(value / factor) * factor };
    // Too many digits for a double: there is nothing to round off.
    if rounded.is_finite() {
        rounded
    } else if digits > 0 {
        value
    } else {
        0.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_go_away_from_zero_or_to_even() {
        let (away, even) = (Half::AwayFromZero, Half::ToEven);
        assert_eq!(unscaled(1255, 3, 2, away), 1260);
        assert_eq!(unscaled(-25, 1, 0, away), -30);
        assert_eq!(unscaled(25, 1, 0, even), 20);
        assert_eq!(unscaled(-35, 1, 0, even), -40);
        assert_eq!(unscaled(12345, 0, -2, away), 12300);
        assert_eq!(unscaled(12, 1, 5, away), 12);
        assert_eq!(unscaled(i128::MAX, 0, -60, away), 0);
        assert_eq!((double(2.5, 0, away), double(2.5, 0, even)), (3.0, 2.0));
        assert_eq!((double(1.1, 400, away), double(1e300, -400, away)), (1.1, 0.0));
    }
}
