//! Types as users see them: which ones leave the engine, and what they are called.

use arrow::array::{Array, AsArray as _};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Int64Type, TimeUnit};

/// The type in which a column of the given type leaves the engine: text as `Utf8`, bytes as `Binary`, timestamps in
/// microseconds, no unsigned integers, no dictionaries.
pub(super) fn outward(data_type: &DataType) -> DataType {
    use DataType as T;
    match data_type {
        T::Utf8View | T::LargeUtf8 => T::Utf8,
        T::BinaryView | T::LargeBinary | T::FixedSizeBinary(_) => T::Binary,
        T::Timestamp(_, zone) => T::Timestamp(TimeUnit::Microsecond, zone.clone()),
        T::Time32(_) | T::Time64(_) => T::Time64(TimeUnit::Microsecond),
        T::Date64 => T::Date32,
        T::Dictionary(_, value) => outward(value),
        T::UInt8 => T::Int16,
        T::UInt16 => T::Int32,
        T::UInt32 | T::UInt64 => T::Int64,
        T::Float16 => T::Float32,
        T::Decimal32(precision, scale) | T::Decimal64(precision, scale) => {
            T::Decimal128(*precision, *scale)
        }
        T::Null => T::Int32,
        T::List(item) | T::LargeList(item) | T::FixedSizeList(item, _) => {
            T::List(outward_field(item).into())
        }
        T::Struct(fields) => T::Struct(fields.iter().map(|field| outward_field(field)).collect()),
        other => other.clone(),
    }
}

fn outward_field(field: &Field) -> Field {
    field.clone().with_data_type(outward(field.data_type()))
}

/// What SQL calls the type.
pub(crate) fn sql_name(data_type: &DataType) -> String {
    use DataType as T;
    match data_type {
        T::Boolean => "boolean".to_owned(),
        T::Int8 => "tinyint".to_owned(),
        T::Int16 | T::UInt8 => "smallint".to_owned(),
        T::Int32 | T::UInt16 => "integer".to_owned(),
        T::Int64 | T::UInt32 | T::UInt64 => "bigint".to_owned(),
        T::Float16 | T::Float32 => "real".to_owned(),
        T::Float64 => "double".to_owned(),
        T::Decimal32(precision, scale)
        | T::Decimal64(precision, scale)
        | T::Decimal128(precision, scale)
        | T::Decimal256(precision, scale) => format!("decimal({precision},{scale})"),
        T::Utf8 | T::LargeUtf8 | T::Utf8View => "text".to_owned(),
        T::Date32 | T::Date64 => "date".to_owned(),
        T::Time32(_) | T::Time64(_) => "time".to_owned(),
        T::Timestamp(_, None) => "timestamp".to_owned(),
        T::Timestamp(_, Some(_)) => "timestamptz".to_owned(),
        T::Binary | T::LargeBinary | T::BinaryView | T::FixedSizeBinary(_) => "blob".to_owned(),
        T::Interval(_) | T::Duration(_) => "interval".to_owned(),
        T::Null => "null".to_owned(),
        T::Dictionary(_, value) => sql_name(value),
        T::List(item) | T::LargeList(item) | T::FixedSizeList(item, _) => {
            format!("{}[]", sql_name(item.data_type()))
        }
        T::Struct(fields) => {
            let fields: Vec<String> = fields
                .iter()
                .map(|field| format!("{} {}", field.name(), sql_name(field.data_type())))
                .collect();
            format!("struct({})", fields.join(", "))
        }
        other => other.to_string().to_lowercase(),
    }
}

/// A cell as a whole number; `None` for null and what is none.
pub(crate) fn int_at(column: &dyn Array, row: usize) -> Option<i64> {
    let ints = cast(&column.slice(row.min(column.len()), 1.min(column.len())), &DataType::Int64);
    let ints = ints.ok()?;
    (ints.len() == 1 && !ints.is_null(0)).then(|| ints.as_primitive::<Int64Type>().value(0))
}
