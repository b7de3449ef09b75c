//! The types that tables are stored with: few, and none that tells how the engine happened to hold a column.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef, Fields, Schema, TimeUnit};

use super::error::WarehouseError;
use super::manifest::TableColumn;
use crate::base::TableName;

/// Columns so named are stored in files and belong to no table.
pub(super) const HIDDEN_PREFIX: &str = "__clearwell_";

impl TableColumn {
    /// The columns of a table whose rows come with `schema`: stored types, without the hidden ones.
    pub(crate) fn of(schema: &Schema) -> Vec<Self> {
        let visible = schema.fields().iter().filter(|field| !is_hidden(field.name()));
        let column = |field: &FieldRef| Self {
            name: field.name().clone(),
            data_type: stored_type(field.data_type()),
            nullable: field.is_nullable() || field.data_type().is_null(),
            description: String::new(),
        };
        visible.map(column).collect()
    }
}

pub(super) fn is_hidden(column: &str) -> bool {
    column.starts_with(HIDDEN_PREFIX)
}

/// The type that a column of `data_type` is stored with: text, bytes, lists and dictionaries in their plain form,
/// timestamps and times in microseconds, a column of nothing but nulls as integers (as DuckDB has it).
pub(crate) fn stored_type(data_type: &DataType) -> DataType {
    let within = |field: &FieldRef| Arc::new(stored_field(field));
    match data_type {
        DataType::Null => DataType::Int32,
        DataType::LargeUtf8 | DataType::Utf8View => DataType::Utf8,
        DataType::LargeBinary | DataType::BinaryView => DataType::Binary,
        DataType::Dictionary(_, values) => stored_type(values),
        DataType::RunEndEncoded(_, values) => stored_type(values.data_type()),
        DataType::Timestamp(_, zone) => DataType::Timestamp(TimeUnit::Microsecond, zone.clone()),
        DataType::Time32(_) | DataType::Time64(_) => DataType::Time64(TimeUnit::Microsecond),
        DataType::Date64 => DataType::Date32,
        DataType::Float16 => DataType::Float32,
        DataType::Decimal32(precision, scale) | DataType::Decimal64(precision, scale) => {
            DataType::Decimal128(*precision, *scale)
        }
        DataType::List(item)
        | DataType::LargeList(item)
        | DataType::ListView(item)
        | DataType::LargeListView(item) => DataType::List(within(item)),
        DataType::FixedSizeList(item, length) => DataType::FixedSizeList(within(item), *length),
        DataType::Struct(fields) => DataType::Struct(fields.iter().map(within).collect()),
        DataType::Map(entries, sorted) => DataType::Map(within(entries), *sorted),
        plain => plain.clone(),
    }
}

fn stored_field(field: &Field) -> Field {
    let nullable = field.is_nullable() || field.data_type().is_null();
    Field::new(field.name(), stored_type(field.data_type()), nullable)
}

/// The schema of a table's files: stored types, hidden columns included.
///
/// # Errors
/// If two columns have the same name but for case, or a type cannot be told again from its text in a manifest.
pub(super) fn stored_schema(table: &TableName, schema: &Schema) -> Result<Schema, WarehouseError> {
    check_names(table, schema.fields().iter().map(|field| field.name().as_str()))?;
    let fields: Fields = schema.fields().iter().map(|field| stored_field(field)).collect();
    match fields.iter().find(|field| !survives_text(field.data_type())) {
        Some(field) => Err(unstorable(table, field)),
        None => Ok(Schema::new(fields)),
    }
}

pub(super) fn unstorable(table: &TableName, field: &Field) -> WarehouseError {
    let (table, column) = (table.clone(), field.name().clone());
    WarehouseError::UnstorableColumn {
        table,
        column,
        data_type: Box::new(field.data_type().clone()),
    }
}

fn survives_text(data_type: &DataType) -> bool {
    data_type.to_string().parse::<DataType>().is_ok_and(|parsed| parsed == *data_type)
}

/// # Errors
/// `DuplicateColumn` where two names are the same but for case.
pub(super) fn check_names<'a>(
    table: &TableName,
    names: impl Iterator<Item = &'a str>,
) -> Result<(), WarehouseError> {
    let mut seen = BTreeSet::new();
    for name in names {
        if !seen.insert(name.to_lowercase()) {
            let (table, column) = (table.clone(), name.to_owned());
            return Err(WarehouseError::DuplicateColumn { table, column });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(item: DataType) -> DataType {
        DataType::List(Arc::new(Field::new("item", item, true)))
    }

    #[test]
    fn stored_types_tell_nothing_of_the_engine() {
        let dictionary =
            DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8View));
        let large = DataType::LargeList(Arc::new(Field::new("item", DataType::Utf8View, true)));
        let second = DataType::Timestamp(TimeUnit::Second, Some("UTC".into()));
        let microsecond = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
        let cases = [
            (DataType::Utf8View, DataType::Utf8),
            (dictionary, DataType::Utf8),
            (large, list(DataType::Utf8)),
            (second, microsecond),
            (DataType::Null, DataType::Int32),
            (DataType::Decimal128(18, 2), DataType::Decimal128(18, 2)),
        ];
        for (held, stored) in cases {
            assert_eq!(stored_type(&held), stored, "{held}");
            assert_eq!(stored_type(&stored), stored, "{stored}");
        }
    }

    #[test]
    fn types_are_told_again_from_their_text() {
        let zoned = DataType::Timestamp(TimeUnit::Microsecond, Some("+02:00".into()));
        let pair = DataType::Struct(Fields::from(vec![
            Field::new("a b", list(DataType::Decimal128(18, 2)), true),
            Field::new("c", zoned.clone(), false),
        ]));
        for data_type in [zoned, list(pair.clone()), pair, DataType::FixedSizeBinary(16)] {
            assert!(survives_text(&data_type), "{data_type}");
        }
    }

    #[test]
    fn columns_that_differ_by_case_alone_are_refused() {
        let table = TableName::new("main", "t").unwrap();
        let error = check_names(&table, ["id", "ID"].into_iter()).unwrap_err();
        insta::assert_snapshot!(error, @"`main.t` has two columns named `ID`");
    }
}
