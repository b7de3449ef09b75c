//! Key cells as numbers that are equal exactly when the cells are.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, PrimitiveArray};
use arrow::buffer::{NullBuffer, ScalarBuffer};
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{
    DataType, Date32Type, Decimal128Type, Float64Type, Int64Type, Time64MicrosecondType, TimeUnit,
    TimestampMicrosecondType,
};
use arrow::error::ArrowError;
use arrow::row::{RowConverter, SortField};

use super::mix;

/// How the cells of a key, or of a key and what refers to it, are compared: the types to which its columns are
/// brought first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::ingest::loading) struct KeyForm {
    types: Vec<DataType>,
}

/// The keys of consecutive rows. A key with a null cell is null.
#[derive(Debug)]
pub(in crate::ingest::loading) enum KeyValues {
    Words { values: ScalarBuffer<i64>, nulls: Option<NullBuffer> },
    Numbers { values: Vec<u128>, nulls: Option<NullBuffer> },
}

impl KeyForm {
    /// The form of a key with columns of these types.
    pub(in crate::ingest::loading) fn of(types: &[DataType]) -> Self {
        Self { types: types.iter().map(normal).collect() }
    }

    /// The form in which two keys are compared with one another; `None` where their types cannot be.
    pub(in crate::ingest::loading) fn common(
        left: &[DataType],
        right: &[DataType],
    ) -> Option<Self> {
        if left.len() != right.len() {
            return None;
        }
        let pairs = left.iter().map(normal).zip(right.iter().map(normal));
        let types = pairs.map(|(left, right)| common(&left, &right)).collect::<Option<_>>()?;
        Some(Self { types })
    }

    /// Whether a key is one 64-bit integer.
    pub(super) fn is_word(&self) -> bool {
        matches!(&self.types[..], [only] if is_word(only))
    }

    /// The keys of rows with these columns.
    ///
    /// # Errors
    /// Where a cell does not fit the common type.
    pub(in crate::ingest::loading) fn values(
        &self,
        columns: &[ArrayRef],
    ) -> Result<KeyValues, ArrowError> {
        let strict = CastOptions { safe: false, ..CastOptions::default() };
        let columns = columns.iter().zip(&self.types);
        let columns: Vec<ArrayRef> = columns
            .map(|(column, data_type)| cast_with_options(column, data_type, &strict))
            .collect::<Result<_, _>>()?;
        let nulls = columns.iter().fold(None, |all, column| {
            NullBuffer::union(all.as_ref(), column.logical_nulls().as_ref())
        });
        match &columns[..] {
            [column] if is_word(column.data_type()) => {
                Ok(KeyValues::Words { values: words(column), nulls })
            }
            [column] if *column.data_type() == DataType::Utf8 => {
                let values = column.as_string::<i32>();
                let values = values.iter().map(|text| mix::number(text.unwrap_or("").as_bytes()));
                Ok(KeyValues::Numbers { values: values.collect(), nulls })
            }
            columns => Ok(KeyValues::Numbers { values: self.rows(columns)?, nulls }),
        }
    }

    /// Keys of several columns, in Arrow's row format: bytes that are equal exactly when all cells are.
    fn rows(&self, columns: &[ArrayRef]) -> Result<Vec<u128>, ArrowError> {
        let fields = self.types.iter().cloned().map(SortField::new).collect();
        let columns: Vec<ArrayRef> = columns.iter().map(canonical).collect();
        let rows = RowConverter::new(fields)?.convert_columns(&columns)?;
        Ok(rows.iter().map(|row| mix::number(row.as_ref())).collect())
    }
}

impl KeyValues {
    pub(in crate::ingest::loading) fn nulls(&self) -> Option<&NullBuffer> {
        match self {
            Self::Words { nulls, .. } | Self::Numbers { nulls, .. } => nulls.as_ref(),
        }
    }

    /// Key `row` as a number that is the same for equal keys of this form; `None` where it is null.
    pub(in crate::ingest::loading) fn number(&self, row: usize) -> Option<u128> {
        if self.nulls().is_some_and(|nulls| nulls.is_null(row)) {
            return None;
        }
        Some(match self {
            Self::Words { values, .. } => u128::from(values[row] as u64),
            Self::Numbers { values, .. } => values[row],
        })
    }
}

/// One type for each way of comparing: all integers are compared as 64-bit ones, all texts as text.
fn normal(data_type: &DataType) -> DataType {
    use DataType as T;
    match data_type {
        T::Int8 | T::Int16 | T::Int32 | T::Int64 | T::UInt8 | T::UInt16 | T::UInt32 => T::Int64,
        T::UInt64 => T::Decimal128(20, 0),
        T::Float16 | T::Float32 | T::Float64 => T::Float64,
        T::Utf8 | T::LargeUtf8 | T::Utf8View => T::Utf8,
        T::Binary | T::LargeBinary | T::BinaryView | T::FixedSizeBinary(_) => T::Binary,
        T::Date32 | T::Date64 => T::Date32,
        T::Time32(_) | T::Time64(_) => T::Time64(TimeUnit::Microsecond),
        T::Timestamp(_, zone) => {
            T::Timestamp(TimeUnit::Microsecond, zone.as_ref().map(|_| Arc::from("UTC")))
        }
        T::Decimal32(precision, scale) | T::Decimal64(precision, scale) => {
            T::Decimal128(*precision, *scale)
        }
        T::Dictionary(_, value) => normal(value),
        other => other.clone(),
    }
}

fn common(left: &DataType, right: &DataType) -> Option<DataType> {
    use DataType::{Decimal128, Int64};
    match (left, right) {
        _ if left == right => Some(left.clone()),
        (Decimal128(_, scale), Int64) | (Int64, Decimal128(_, scale)) => {
            Some(Decimal128(38, (*scale).max(0)))
        }
        (Decimal128(_, left), Decimal128(_, right)) => Some(Decimal128(38, *left.max(right))),
        _ => None,
    }
}

/// Decimals of up to 18 digits fit 64 bits.
fn is_word(data_type: &DataType) -> bool {
    use DataType as T;
    match data_type {
        T::Int64 | T::Date32 | T::Time64(_) | T::Timestamp(..) | T::Float64 => true,
        T::Decimal128(precision, _) => *precision <= 18,
        _ => false,
    }
}

fn words(column: &ArrayRef) -> ScalarBuffer<i64> {
    match column.data_type() {
        DataType::Int64 => column.as_primitive::<Int64Type>().values().clone(),
        DataType::Timestamp(..) => {
            column.as_primitive::<TimestampMicrosecondType>().values().clone()
        }
        DataType::Time64(_) => column.as_primitive::<Time64MicrosecondType>().values().clone(),
        DataType::Date32 => {
            column.as_primitive::<Date32Type>().values().iter().map(|day| i64::from(*day)).collect()
        }
        DataType::Float64 => {
            let values = column.as_primitive::<Float64Type>().values();
            values.iter().map(|value| one_zero(*value).to_bits() as i64).collect()
        }
        _ => column.as_primitive::<Decimal128Type>().values().iter().map(|v| *v as i64).collect(),
    }
}

/// Floats whose bytes are equal where SQL calls the values equal; anything else as it is.
fn canonical(column: &ArrayRef) -> ArrayRef {
    match column.as_primitive_opt::<Float64Type>() {
        Some(floats) => {
            let floats: PrimitiveArray<Float64Type> = floats.unary(one_zero);
            Arc::new(floats)
        }
        None => Arc::clone(column),
    }
}

/// One spelling of zero and one of "not a number".
fn one_zero(value: f64) -> f64 {
    if value.is_nan() { f64::NAN } else { value + 0.0 }
}

#[cfg(test)]
mod tests {
    use arrow::array::{Decimal128Array, Float64Array, Int32Array, Int64Array, StringArray};

    use super::*;

    fn numbers(form: &KeyForm, columns: &[ArrayRef]) -> Vec<Option<u128>> {
        let values = form.values(columns).unwrap();
        (0..columns[0].len()).map(|row| values.number(row)).collect()
    }

    #[test]
    fn an_integer_refers_to_a_bigint_and_to_a_whole_decimal() {
        let small: ArrayRef = Arc::new(Int32Array::from(vec![Some(7), None]));
        let big: ArrayRef = Arc::new(Int64Array::from(vec![Some(7), None]));
        let money: ArrayRef = Arc::new(
            Decimal128Array::from(vec![Some(700), None]).with_precision_and_scale(18, 2).unwrap(),
        );
        for other in [&big, &money] {
            let types = [small.data_type().clone()];
            let form = KeyForm::common(&types, &[other.data_type().clone()]).unwrap();
            let (left, right) =
                (numbers(&form, &[Arc::clone(&small)]), numbers(&form, &[Arc::clone(other)]));
            assert_eq!(left, right);
            assert!(left[0].is_some() && left[1].is_none());
        }
    }

    #[test]
    fn text_is_not_compared_with_numbers() {
        assert_eq!(KeyForm::common(&[DataType::Utf8], &[DataType::Int64]), None);
        assert_eq!(KeyForm::common(&[DataType::Int64], &[DataType::Int64, DataType::Int64]), None);
    }

    #[test]
    fn a_composite_key_is_null_with_any_of_its_cells() {
        let form = KeyForm::of(&[DataType::Utf8, DataType::Int32]);
        let text: ArrayRef =
            Arc::new(StringArray::from(vec![Some("a"), Some("a"), None, Some("a1")]));
        let number: ArrayRef = Arc::new(Int32Array::from(vec![Some(1), None, Some(1), Some(1)]));
        let keys = numbers(&form, &[text, number]);
        assert_eq!(
            keys.iter().map(Option::is_some).collect::<Vec<_>>(),
            [true, false, false, true]
        );
        assert_ne!(keys[0], keys[3]);
    }

    #[test]
    fn zeros_are_one_value() {
        let floats: ArrayRef = Arc::new(Float64Array::from(vec![0.0, -0.0, f64::NAN, -f64::NAN]));
        for form in [
            KeyForm::of(&[DataType::Float64]),
            KeyForm::of(&[DataType::Float64, DataType::Float64]),
        ] {
            let keys = numbers(&form, &vec![Arc::clone(&floats); form.types.len()]);
            assert_eq!((keys[0], keys[2]), (keys[1], keys[3]));
        }
    }
}
