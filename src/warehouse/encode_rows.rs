//! The content hash of rows: 128 bits that depend on which rows there are and how often, not on their order.
//!
//! Each row is encoded to bytes, the bytes are hashed with XXH3-128 (seed 0), and the hashes are added modulo 2^128: added
//! and not xored, so that a row that stands twice counts twice. The encoding of a row is that of its cells, one after
//! another; of a cell:
//!
//! | value | bytes |
//! |---|---|
//! | null | `00` |
//! | any other | `01` and then |
//! | boolean | `00` or `01` |
//! | integer, date, time, timestamp, duration, interval | its stored number(s), little endian, in its type's width |
//! | real, double | IEEE 754, little endian; `-0` as `0`, every NaN as `7fc00000` or `7ff8000000000000` |
//! | decimal | its digits as one integer, 16 bytes little endian (32 beyond 38 digits); the scale is the type's |
//! | text, bytes | length in 8 bytes little endian, then the bytes |
//! | list, map | number of items in 8 bytes little endian, then each item as a cell |
//! | struct | each field as a cell |
//!
//! No encoding is the beginning of another's of the same types, so different rows have different bytes.

use std::ops::Range;

use arrow::array::{
    Array, ArrayRef, ArrowPrimitiveType, AsArray, BooleanArray, FixedSizeListArray,
    GenericByteArray, GenericByteViewArray, MapArray, PrimitiveArray, StructArray,
};
use arrow::buffer::NullBuffer;
use arrow::datatypes::{
    BinaryViewType, ByteArrayType, ByteViewType, DataType, Date32Type, Decimal128Type,
    Decimal256Type, DurationMicrosecondType, DurationMillisecondType, DurationNanosecondType,
    DurationSecondType, Float32Type, Float64Type, GenericBinaryType, GenericStringType, Int8Type,
    Int16Type, Int32Type, Int64Type, IntervalUnit, IntervalYearMonthType, StringViewType,
    Time64MicrosecondType, TimeUnit, TimestampMicrosecondType, UInt8Type, UInt16Type, UInt32Type,
    UInt64Type,
};
use arrow::error::ArrowError;
use xxhash_rust::xxh3::xxh3_128;

/// Rows encoded together: their bytes stay in the processor's cache.
const BLOCK_ROWS: usize = 1024;

/// The sum of the hashes of the `rows` rows that `columns` hold.
///
/// # Errors
/// If a column has a type that is not a stored one.
pub(super) fn rows_hash(columns: &[ArrayRef], rows: usize) -> Result<u128, ArrowError> {
    let columns: Vec<_> = columns.iter().map(cells).collect::<Result<_, _>>()?;
    let mut bytes = Vec::new();
    let mut cursors = Vec::with_capacity(BLOCK_ROWS);
    let mut sum = 0_u128;
    for start in (0..rows).step_by(BLOCK_ROWS) {
        let block = start..rows.min(start + BLOCK_ROWS);
        encode_block(&columns, &block, &mut cursors, &mut bytes);
        let mut from = 0;
        for &end in &cursors {
            sum = sum.wrapping_add(xxh3_128(&bytes[from..end]));
            from = end;
        }
    }
    Ok(sum)
}

/// Encodes rows into `bytes`, and leaves in `ends` where each one ends. Column by column, each with its own tight loop:
/// first the lengths of all rows, then the bytes at the places that these give.
fn encode_block(
    columns: &[Box<dyn Cells + '_>],
    rows: &Range<usize>,
    ends: &mut Vec<usize>,
    bytes: &mut Vec<u8>,
) {
    ends.clear();
    ends.resize(rows.len(), 0);
    for column in columns {
        column.add_lengths(rows.clone(), ends);
    }
    let mut total = 0;
    for cursor in ends.iter_mut() {
        let length = std::mem::replace(cursor, total);
        total += length;
    }
    if bytes.len() < total {
        bytes.resize(total, 0);
    }
    for column in columns {
        column.write(rows.clone(), ends, bytes);
    }
}

/// The cells of one column.
trait Cells {
    /// Adds to each length that of the cell of the row.
    fn add_lengths(&self, rows: Range<usize>, lengths: &mut [usize]);
    /// Writes each row's cell at its cursor, and moves the cursor behind it.
    fn write(&self, rows: Range<usize>, cursors: &mut [usize], bytes: &mut [u8]);
}

fn is_null(nulls: Option<&NullBuffer>, row: usize) -> bool {
    nulls.is_some_and(|nulls| nulls.is_null(row))
}

/// Values of `WIDTH` bytes.
struct Fixed<'a, F, const WIDTH: usize> {
    nulls: Option<&'a NullBuffer>,
    value: F,
}

impl<F: Fn(usize) -> [u8; WIDTH], const WIDTH: usize> Cells for Fixed<'_, F, WIDTH> {
    fn add_lengths(&self, rows: Range<usize>, lengths: &mut [usize]) {
        for (length, row) in lengths.iter_mut().zip(rows) {
            *length += if is_null(self.nulls, row) { 1 } else { 1 + WIDTH };
        }
    }

    fn write(&self, rows: Range<usize>, cursors: &mut [usize], bytes: &mut [u8]) {
        for (cursor, row) in cursors.iter_mut().zip(rows) {
            if is_null(self.nulls, row) {
                bytes[*cursor] = 0;
                *cursor += 1;
            } else {
                let cell = &mut bytes[*cursor..*cursor + 1 + WIDTH];
                cell[0] = 1;
                cell[1..].copy_from_slice(&(self.value)(row));
                *cursor += 1 + WIDTH;
            }
        }
    }
}

/// Values of any length, which goes before them.
struct Bytes<'a, F> {
    nulls: Option<&'a NullBuffer>,
    value: F,
}

impl<'v, F: Fn(usize) -> &'v [u8]> Cells for Bytes<'_, F> {
    fn add_lengths(&self, rows: Range<usize>, lengths: &mut [usize]) {
        for (length, row) in lengths.iter_mut().zip(rows) {
            *length += if is_null(self.nulls, row) { 1 } else { 9 + (self.value)(row).len() };
        }
    }

    fn write(&self, rows: Range<usize>, cursors: &mut [usize], bytes: &mut [u8]) {
        for (cursor, row) in cursors.iter_mut().zip(rows) {
            if is_null(self.nulls, row) {
                bytes[*cursor] = 0;
                *cursor += 1;
                continue;
            }
            let value = (self.value)(row);
            let cell = &mut bytes[*cursor..*cursor + 9 + value.len()];
            cell[0] = 1;
            cell[1..9].copy_from_slice(&(value.len() as u64).to_le_bytes());
            cell[9..].copy_from_slice(value);
            *cursor += 9 + value.len();
        }
    }
}

/// Lists, maps and structs: cells of cells, encoded one by one. Encoded twice (for the length, for the bytes), which their
/// rarity excuses.
struct Nested<'a> {
    nulls: Option<&'a NullBuffer>,
    /// The cells that make up a row's value, and whether their number goes before them.
    parts: Vec<Box<dyn Cells + 'a>>,
    items: Items<'a>,
}

enum Items<'a> {
    /// A struct: each part's cell of the same row.
    Same,
    /// A list: the one part's cells of this range.
    Ranges(Box<dyn Fn(usize) -> Range<usize> + 'a>),
}

impl Nested<'_> {
    fn encode(&self, row: usize) -> Vec<u8> {
        if is_null(self.nulls, row) {
            return vec![0];
        }
        let mut bytes = vec![1];
        let rows = match &self.items {
            Items::Same => row..row + 1,
            Items::Ranges(range) => {
                let items = range(row);
                bytes.extend((items.len() as u64).to_le_bytes());
                items
            }
        };
        let (mut ends, mut block) = (Vec::new(), Vec::new());
        encode_block(&self.parts, &rows, &mut ends, &mut block);
        bytes.extend_from_slice(&block[..ends.last().copied().unwrap_or(0)]);
        bytes
    }
}

impl Cells for Nested<'_> {
    fn add_lengths(&self, rows: Range<usize>, lengths: &mut [usize]) {
        for (length, row) in lengths.iter_mut().zip(rows) {
            *length += self.encode(row).len();
        }
    }

    fn write(&self, rows: Range<usize>, cursors: &mut [usize], bytes: &mut [u8]) {
        for (cursor, row) in cursors.iter_mut().zip(rows) {
            let cell = self.encode(row);
            bytes[*cursor..*cursor + cell.len()].copy_from_slice(&cell);
            *cursor += cell.len();
        }
    }
}

fn cells(array: &ArrayRef) -> Result<Box<dyn Cells + '_>, ArrowError> {
    macro_rules! number {
        ($type:ty) => {
            number(array.as_primitive::<$type>(), |value| value.to_le_bytes())
        };
    }
    Ok(match array.data_type() {
        DataType::Boolean => boolean(array.as_boolean()),
        DataType::Int8 => number!(Int8Type),
        DataType::Int16 => number!(Int16Type),
        DataType::Int32 => number!(Int32Type),
        DataType::Int64 => number!(Int64Type),
        DataType::UInt8 => number!(UInt8Type),
        DataType::UInt16 => number!(UInt16Type),
        DataType::UInt32 => number!(UInt32Type),
        DataType::UInt64 => number!(UInt64Type),
        DataType::Float32 => number(array.as_primitive::<Float32Type>(), real),
        DataType::Float64 => number(array.as_primitive::<Float64Type>(), double),
        DataType::Decimal128(..) => number!(Decimal128Type),
        DataType::Decimal256(..) => number!(Decimal256Type),
        DataType::Date32 => number!(Date32Type),
        DataType::Time64(TimeUnit::Microsecond) => number!(Time64MicrosecondType),
        DataType::Timestamp(TimeUnit::Microsecond, _) => number!(TimestampMicrosecondType),
        DataType::Duration(TimeUnit::Second) => number!(DurationSecondType),
        DataType::Duration(TimeUnit::Millisecond) => number!(DurationMillisecondType),
        DataType::Duration(TimeUnit::Microsecond) => number!(DurationMicrosecondType),
        DataType::Duration(TimeUnit::Nanosecond) => number!(DurationNanosecondType),
        DataType::Interval(IntervalUnit::YearMonth) => number!(IntervalYearMonthType),
        DataType::Utf8 => bytes(array.as_bytes::<GenericStringType<i32>>()),
        DataType::Binary => bytes(array.as_bytes::<GenericBinaryType<i32>>()),
        DataType::Utf8View => views(array.as_byte_view::<StringViewType>()),
        DataType::BinaryView => views(array.as_byte_view::<BinaryViewType>()),
        DataType::FixedSizeBinary(_) => {
            let array = array.as_fixed_size_binary();
            Box::new(Bytes { nulls: array.nulls(), value: move |row| array.value(row) })
        }
        DataType::List(_) => {
            let list = array.as_list::<i32>();
            let offsets = list.value_offsets();
            items(list.nulls(), list.values(), move |row| {
                offsets[row] as usize..offsets[row + 1] as usize
            })?
        }
        DataType::FixedSizeList(..) => fixed_list(array.as_fixed_size_list())?,
        DataType::Map(..) => map(array.as_map())?,
        DataType::Struct(_) => structure(array.as_struct())?,
        other => {
            let message = format!("rows with a column of type {other} have no content hash");
            return Err(ArrowError::NotYetImplemented(message));
        }
    })
}

fn boolean(array: &BooleanArray) -> Box<dyn Cells + '_> {
    Box::new(Fixed { nulls: array.nulls(), value: move |row| [u8::from(array.value(row))] })
}

fn number<T: ArrowPrimitiveType, const WIDTH: usize>(
    array: &PrimitiveArray<T>,
    encode: impl Fn(T::Native) -> [u8; WIDTH] + 'static,
) -> Box<dyn Cells + '_> {
    let values = array.values();
    Box::new(Fixed { nulls: array.nulls(), value: move |row| encode(values[row]) })
}

fn real(value: f32) -> [u8; 4] {
    let value = if value.is_nan() { f32::from_bits(0x7fc0_0000) } else { value + 0.0 };
    value.to_le_bytes()
}

fn double(value: f64) -> [u8; 8] {
    let value = if value.is_nan() { f64::from_bits(0x7ff8 << 48) } else { value + 0.0 };
    value.to_le_bytes()
}

fn bytes<T: ByteArrayType>(array: &GenericByteArray<T>) -> Box<dyn Cells + '_> {
    Box::new(Bytes { nulls: array.nulls(), value: move |row| array.value(row).as_ref() })
}

fn views<T: ByteViewType + ?Sized>(array: &GenericByteViewArray<T>) -> Box<dyn Cells + '_> {
    Box::new(Bytes { nulls: array.nulls(), value: move |row| array.value(row).as_ref() })
}

fn items<'a>(
    nulls: Option<&'a NullBuffer>,
    values: &'a ArrayRef,
    range: impl Fn(usize) -> Range<usize> + 'a,
) -> Result<Box<dyn Cells + 'a>, ArrowError> {
    let parts = vec![cells(values)?];
    Ok(Box::new(Nested { nulls, parts, items: Items::Ranges(Box::new(range)) }))
}

fn fixed_list(array: &FixedSizeListArray) -> Result<Box<dyn Cells + '_>, ArrowError> {
    let length = array.value_length() as usize;
    items(array.nulls(), array.values(), move |row| row * length..(row + 1) * length)
}

fn map(array: &MapArray) -> Result<Box<dyn Cells + '_>, ArrowError> {
    let offsets = array.value_offsets();
    let parts = vec![structure(array.entries())?];
    let range = move |row: usize| offsets[row] as usize..offsets[row + 1] as usize;
    Ok(Box::new(Nested { nulls: array.nulls(), parts, items: Items::Ranges(Box::new(range)) }))
}

fn structure(array: &StructArray) -> Result<Box<dyn Cells + '_>, ArrowError> {
    let parts = array.columns().iter().map(cells).collect::<Result<_, _>>()?;
    Ok(Box::new(Nested { nulls: array.nulls(), parts, items: Items::Same }))
}

#[cfg(test)]
mod tests;
