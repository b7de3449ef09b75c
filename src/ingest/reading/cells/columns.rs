//! One growing Arrow array for each column of a batch.

use std::marker::PhantomData;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanBuilder, GenericByteArray, NullBufferBuilder, PrimitiveBuilder,
};
use arrow::buffer::{OffsetBuffer, ScalarBuffer};
use arrow::datatypes::{
    ArrowPrimitiveType, BinaryType, ByteArrayType, DataType, Date32Type, Decimal128Type,
    Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, Time64MicrosecondType,
    TimeUnit, TimestampMicrosecondType, Utf8Type,
};
use arrow::error::ArrowError;

use super::{Cells, ColumnPlan, Faults, number, time};
use crate::rules::ColumnType;

/// The Arrow type that holds a column's values.
pub(crate) fn arrow_type(column_type: ColumnType) -> DataType {
    match column_type {
        ColumnType::Boolean => DataType::Boolean,
        ColumnType::TinyInt => DataType::Int8,
        ColumnType::SmallInt => DataType::Int16,
        ColumnType::Integer => DataType::Int32,
        ColumnType::BigInt => DataType::Int64,
        ColumnType::Real => DataType::Float32,
        ColumnType::Double => DataType::Float64,
        ColumnType::Decimal { precision, scale } => {
            DataType::Decimal128(precision, scale.cast_signed())
        }
        ColumnType::Text => DataType::Utf8,
        ColumnType::Date => DataType::Date32,
        ColumnType::Time => DataType::Time64(TimeUnit::Microsecond),
        ColumnType::Timestamp => DataType::Timestamp(TimeUnit::Microsecond, None),
        ColumnType::TimestampTz => {
            DataType::Timestamp(TimeUnit::Microsecond, Some(Arc::from("UTC")))
        }
        ColumnType::Blob => DataType::Binary,
    }
}

/// Whether `bytes` spell a value of one of the types that inference looks for.
pub(in crate::ingest::reading) fn spelled(column_type: ColumnType, bytes: &[u8]) -> bool {
    match column_type {
        ColumnType::BigInt => number::integer::<i64>(bytes).is_some(),
        ColumnType::Double => number::double(bytes).is_some(),
        ColumnType::Date => time::date(bytes).is_some(),
        ColumnType::Timestamp => time::timestamp(bytes).is_some(),
        _ => false,
    }
}

/// A way to write values of a type, to hold values against.
#[derive(Clone, Debug)]
pub(crate) struct Spelling {
    data_type: ColumnType,
    format: Option<time::TimeFormat>,
}

impl Spelling {
    /// `format` is strftime's. `None` if it is none.
    pub(crate) fn new(data_type: ColumnType, format: Option<&str>) -> Option<Self> {
        let format = match format {
            Some(format) => Some(time::TimeFormat::new(format)?),
            None => None,
        };
        Some(Self { data_type, format })
    }

    /// Whether a column of the type, so written, takes `bytes` for a value.
    pub(crate) fn fits(&self, bytes: &[u8]) -> bool {
        match (self.data_type, &self.format) {
            (ColumnType::Boolean, _) => number::boolean(bytes).is_some(),
            (ColumnType::Decimal { precision, scale }, _) => {
                number::decimal(bytes, precision, scale).is_some()
            }
            (ColumnType::Date, Some(format)) => format.date(bytes).is_some(),
            (ColumnType::Time, None) => time::time(bytes).is_some(),
            (ColumnType::Time, Some(format)) => format.time(bytes).is_some(),
            (ColumnType::Timestamp, Some(format)) => format.timestamp(bytes).is_some(),
            (ColumnType::TimestampTz, None) => time::timestamp_tz(bytes).is_some(),
            (ColumnType::TimestampTz, Some(format)) => format.timestamp_tz(bytes).is_some(),
            (ColumnType::Text, _) => true,
            (plain, _) => spelled(plain, bytes),
        }
    }
}

/// A column under way.
pub(in crate::ingest::reading) trait ColumnBuilder {
    /// Appends one value for each of the rows: null where it is null, or not of the type.
    fn append(&mut self, plan: &ColumnPlan, cells: Cells<'_>, faults: &mut Faults<'_>);

    /// # Errors
    /// If text is not UTF-8, which decoding has made sure of.
    fn finish(&mut self) -> Result<ArrayRef, ArrowError>;
}

/// What a column of `plan`'s type is built with, for about so many rows.
pub(in crate::ingest::reading) fn builder(
    plan: &ColumnPlan,
    rows: usize,
) -> Box<dyn ColumnBuilder> {
    let data_type = plan.rule.data_type;
    let format = plan.format.clone();
    match data_type {
        ColumnType::Boolean => Box::new(Booleans(BooleanBuilder::with_capacity(rows))),
        ColumnType::TinyInt => primitive::<Int8Type>(data_type, rows, number::integer),
        ColumnType::SmallInt => primitive::<Int16Type>(data_type, rows, number::integer),
        ColumnType::Integer => primitive::<Int32Type>(data_type, rows, number::integer),
        ColumnType::BigInt => primitive::<Int64Type>(data_type, rows, number::integer),
        ColumnType::Real => primitive::<Float32Type>(data_type, rows, number::real),
        ColumnType::Double => primitive::<Float64Type>(data_type, rows, number::double),
        ColumnType::Decimal { precision, scale } => {
            primitive::<Decimal128Type>(data_type, rows, move |bytes: &[u8]| {
                number::decimal(bytes, precision, scale)
            })
        }
        ColumnType::Date => match format {
            None => primitive::<Date32Type>(data_type, rows, time::date),
            Some(format) => {
                primitive::<Date32Type>(data_type, rows, move |bytes: &[u8]| format.date(bytes))
            }
        },
        ColumnType::Time => match format {
            None => primitive::<Time64MicrosecondType>(data_type, rows, time::time),
            Some(format) => {
                primitive::<Time64MicrosecondType>(data_type, rows, move |bytes: &[u8]| {
                    format.time(bytes)
                })
            }
        },
        ColumnType::Timestamp => match format {
            None => primitive::<TimestampMicrosecondType>(data_type, rows, time::timestamp),
            Some(format) => {
                primitive::<TimestampMicrosecondType>(data_type, rows, move |bytes: &[u8]| {
                    format.timestamp(bytes)
                })
            }
        },
        ColumnType::TimestampTz => match format {
            None => primitive::<TimestampMicrosecondType>(data_type, rows, time::timestamp_tz),
            Some(format) => {
                primitive::<TimestampMicrosecondType>(data_type, rows, move |bytes: &[u8]| {
                    format.timestamp_tz(bytes)
                })
            }
        },
        ColumnType::Text => Box::new(Bytes::<Utf8Type>::with_rows(rows)),
        ColumnType::Blob => Box::new(Bytes::<BinaryType>::with_rows(rows)),
    }
}

fn primitive<T: ArrowPrimitiveType>(
    data_type: ColumnType,
    rows: usize,
    parse: impl Fn(&[u8]) -> Option<T::Native> + 'static,
) -> Box<dyn ColumnBuilder> {
    let builder = PrimitiveBuilder::<T>::with_capacity(rows).with_data_type(arrow_type(data_type));
    Box::new(Primitives { builder, parse })
}

struct Primitives<T: ArrowPrimitiveType, P> {
    builder: PrimitiveBuilder<T>,
    parse: P,
}

impl<T: ArrowPrimitiveType, P: Fn(&[u8]) -> Option<T::Native>> ColumnBuilder for Primitives<T, P> {
    fn append(&mut self, plan: &ColumnPlan, cells: Cells<'_>, faults: &mut Faults<'_>) {
        cells.each(plan, |row, value| match value {
            None => {
                self.builder.append_null();
                if plan.not_null {
                    faults.null(row);
                }
            }
            Some(bytes) => match (self.parse)(bytes) {
                Some(value) => self.builder.append_value(value),
                None => {
                    self.builder.append_null();
                    faults.bad(row, plan, bytes);
                }
            },
        });
    }

    fn finish(&mut self) -> Result<ArrayRef, ArrowError> {
        Ok(Arc::new(self.builder.finish()))
    }
}

struct Booleans(BooleanBuilder);

impl ColumnBuilder for Booleans {
    fn append(&mut self, plan: &ColumnPlan, cells: Cells<'_>, faults: &mut Faults<'_>) {
        cells.each(plan, |row, value| {
            let parsed = value.and_then(number::boolean);
            self.0.append_option(parsed);
            match value {
                None if plan.not_null => faults.null(row),
                Some(bytes) if parsed.is_none() => faults.bad(row, plan, bytes),
                _ => {}
            }
        });
    }

    fn finish(&mut self) -> Result<ArrayRef, ArrowError> {
        Ok(Arc::new(self.0.finish()))
    }
}

/// Text or bytes, as they stand. Built by hand so that UTF-8 is checked once for the whole column.
struct Bytes<T> {
    values: Vec<u8>,
    offsets: Vec<i32>,
    nulls: NullBufferBuilder,
    of: PhantomData<T>,
}

impl<T> Bytes<T> {
    fn with_rows(rows: usize) -> Self {
        let mut offsets = Vec::with_capacity(rows + 1);
        offsets.push(0);
        let values = Vec::with_capacity(8 * rows);
        Self { values, offsets, nulls: NullBufferBuilder::new(rows), of: PhantomData }
    }
}

impl<T: ByteArrayType<Offset = i32>> ColumnBuilder for Bytes<T> {
    fn append(&mut self, plan: &ColumnPlan, cells: Cells<'_>, faults: &mut Faults<'_>) {
        cells.each(plan, |row, value| {
            match value {
                Some(bytes) => {
                    self.values.extend_from_slice(bytes);
                    self.nulls.append_non_null();
                }
                None => {
                    self.nulls.append_null();
                    if plan.not_null {
                        faults.null(row);
                    }
                }
            }
            // Texts to scan are shorter than 2^30 bytes, and so is what is read from them.
            self.offsets.push(self.values.len() as i32);
        });
    }

    fn finish(&mut self) -> Result<ArrayRef, ArrowError> {
        let Self { values, offsets, mut nulls, .. } = std::mem::replace(self, Self::with_rows(0));
        let offsets = OffsetBuffer::new(ScalarBuffer::from(offsets));
        Ok(Arc::new(GenericByteArray::<T>::try_new(offsets, values.into(), nulls.finish())?))
    }
}
