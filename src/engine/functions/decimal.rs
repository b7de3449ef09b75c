//! Exact division.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Decimal128Builder};
use arrow::datatypes::{DECIMAL128_MAX_PRECISION, DataType, Decimal128Type, i256};
use datafusion::common::{Result, ScalarValue, exec_err, plan_err};
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs};

use super::{Scalar, wrong_arguments};

/// `divide_decimal(1.00, 3, 4)` is `0.3333`.
pub(super) const DIVIDE_DECIMAL: Scalar = Scalar {
    name: "divide_decimal",
    aliases: &[],
    usage: "divide_decimal(numerator, denominator, scale)",
    help: "the exact quotient of integers or decimals, rounded half away from zero to `scale` digits behind the point; \
           null where the denominator is zero",
    arguments,
    returns,
    invoke,
};

fn arguments(found: &[DataType]) -> Result<Vec<DataType>> {
    let [numerator, denominator, scale] = found else {
        return wrong_arguments(&DIVIDE_DECIMAL, found);
    };
    match (exact(numerator), exact(denominator)) {
        (Some(numerator), Some(denominator)) if scale.is_integer() => {
            Ok(vec![numerator, denominator, DataType::Int64])
        }
        _ => wrong_arguments(&DIVIDE_DECIMAL, found),
    }
}

/// The 128-bit decimal that holds every value of the type.
fn exact(data_type: &DataType) -> Option<DataType> {
    let (precision, scale) = match data_type {
        DataType::Decimal32(precision, scale)
        | DataType::Decimal64(precision, scale)
        | DataType::Decimal128(precision, scale) => (*precision, *scale),
        DataType::Int8 | DataType::UInt8 => (3, 0),
        DataType::Int16 | DataType::UInt16 => (5, 0),
        DataType::Int32 | DataType::UInt32 => (10, 0),
        DataType::Int64 | DataType::UInt64 | DataType::Null => (20, 0),
        _ => return None,
    };
    Some(DataType::Decimal128(precision, scale))
}

fn returns(_types: &[DataType], constants: &[Option<&ScalarValue>]) -> Result<DataType> {
    match constants.get(2).copied().flatten().and_then(|scale| scale.cast_to(&DataType::Int64).ok())
    {
        Some(ScalarValue::Int64(Some(scale @ 0..=38))) => {
            Ok(DataType::Decimal128(DECIMAL128_MAX_PRECISION, scale as i8))
        }
        _ => plan_err!("the scale of `{}` is a constant from 0 to 38", DIVIDE_DECIMAL.usage),
    }
}

fn invoke(call: &ScalarFunctionArgs) -> Result<ColumnarValue> {
    let DataType::Decimal128(precision, scale) = *call.return_type() else {
        return exec_err!("`{}` answers decimals", DIVIDE_DECIMAL.usage);
    };
    let constant = call.args[..2].iter().all(|arg| matches!(arg, ColumnarValue::Scalar(_)));
    let rows = if constant { 1 } else { call.number_rows };
    let numerators = call.args[0].to_array(rows)?;
    let denominators = call.args[1].to_array(rows)?;
    let shift =
        i32::from(scale) + i32::from(scale_of(&denominators)) - i32::from(scale_of(&numerators));
    let numerators = numerators.as_primitive::<Decimal128Type>();
    let denominators = denominators.as_primitive::<Decimal128Type>();
    let mut quotients =
        Decimal128Builder::with_capacity(rows).with_precision_and_scale(precision, scale)?;
    for row in 0..rows {
        if numerators.is_null(row) || denominators.is_null(row) || denominators.value(row) == 0 {
            quotients.append_null();
            continue;
        }
        match quotient(numerators.value(row), denominators.value(row), shift) {
            Some(value) => quotients.append_value(value),
            None => return exec_err!("a quotient of `divide_decimal` has more than 38 digits"),
        }
    }
    let quotients: ArrayRef = Arc::new(quotients.finish());
    if constant {
        return Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&quotients, 0)?));
    }
    Ok(ColumnarValue::Array(quotients))
}

fn scale_of(array: &ArrayRef) -> i8 {
    match array.data_type() {
        DataType::Decimal128(_, scale) => *scale,
        _ => 0,
    }
}

/// The greatest value of 38 digits, and one more.
const LIMIT: i128 = 10_i128.pow(38);

/// `numerator * 10^shift / denominator`, rounded half away from zero; `None` beyond 38 digits.
///
/// `denominator` is not zero; `shift` is within -76 to 114.
fn quotient(numerator: i128, denominator: i128, shift: i32) -> Option<i128> {
    let rounded = match u32::try_from(shift).ok().and_then(|shift| 10_i128.checked_pow(shift)) {
        Some(factor) => match numerator.checked_mul(factor) {
            Some(scaled) if scaled != i128::MIN => round_half_away(scaled, denominator),
            _ => wide_quotient(numerator, denominator, shift)?,
        },
        None => wide_quotient(numerator, denominator, shift)?,
    };
    (rounded > -LIMIT && rounded < LIMIT).then_some(rounded)
}

fn round_half_away(numerator: i128, denominator: i128) -> i128 {
    let (quotient, rest) = (numerator / denominator, numerator % denominator);
    // |rest| >= |denominator| - |rest| is 2|rest| >= |denominator| without overflow.
    let (rest, divisor) = (rest.unsigned_abs(), denominator.unsigned_abs());
    if rest != 0 && rest >= divisor - rest {
        quotient + if (numerator < 0) == (denominator < 0) { 1 } else { -1 }
    } else {
        quotient
    }
}

/// The same in 256 bits, for what does not fit into 128 on the way.
fn wide_quotient(numerator: i128, denominator: i128, shift: i32) -> Option<i128> {
    let power = i256::from_i128(10).checked_pow(shift.unsigned_abs());
    let (numerator, denominator) = (i256::from_i128(numerator), i256::from_i128(denominator));
    let (numerator, denominator) = match (power, shift < 0) {
        (Some(power), false) => (numerator.checked_mul(power)?, denominator),
        (None, false) => return (numerator == i256::ZERO).then_some(0),
        (Some(power), true) => match denominator.checked_mul(power) {
            Some(denominator) => (numerator, denominator),
            None => return Some(0),
        },
        (None, true) => return Some(0),
    };
    let quotient = numerator.checked_div(denominator)?;
    let rest = numerator.checked_rem(denominator)?.wrapping_abs();
    let divisor = denominator.wrapping_abs();
    let away = rest != i256::ZERO && rest >= divisor.wrapping_sub(rest);
    let negative = numerator.is_negative() != denominator.is_negative();
    let step = i256::from_i128(if negative { -1 } else { 1 });
    if away { quotient.checked_add(step)?.to_i128() } else { quotient.to_i128() }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn halves_go_away_from_zero() {
        for (numerator, denominator, shift, expected) in [
            (1, 2, 0, 1),
            (-1, 2, 0, -1),
            (1, -2, 0, -1),
            (1, 3, 4, 3333),
            (2, 3, 4, 6667),
            (-2, 3, 4, -6667),
            (125, 1, -1, 13),
            (124, 1, -1, 12),
            (0, 5, 38, 0),
        ] {
            assert_eq!(quotient(numerator, denominator, shift), Some(expected));
        }
        assert_eq!(quotient(10_i128.pow(37), 1, 1), None, "39 digits");
        assert_eq!(quotient(i128::MIN, -1, 0), None);
    }

    proptest! {
        /// The definition itself: |n·10^s − q·d| ≤ |d|/2, a tie being rounded away from zero.
        #[test]
        fn a_quotient_is_the_nearest_one(
            numerator in -(10_i128.pow(37))..10_i128.pow(37),
            denominator in prop_oneof![-1000_i128..-1, 1_i128..1000, any::<i128>().prop_map(|d| d | 1)],
            shift in 0_i32..20,
        ) {
            let wide = |value: i128| i256::from_i128(value);
            let scaled = wide(numerator).checked_mul(wide(10_i128.pow(shift as u32))).unwrap();
            match quotient(numerator, denominator, shift) {
                Some(found) => {
                    let error = scaled - wide(found) * wide(denominator);
                    let twice = error.wrapping_abs() * wide(2);
                    let divisor = wide(denominator).wrapping_abs();
                    prop_assert!(twice <= divisor);
                    if twice == divisor {
                        let away = wide(found).wrapping_abs() * divisor;
                        prop_assert!(away > scaled.wrapping_abs());
                    }
                }
                None => {
                    let floor = scaled.wrapping_abs() / wide(denominator).wrapping_abs();
                    prop_assert!(floor >= wide(LIMIT) - wide(1));
                }
            }
        }
    }
}
