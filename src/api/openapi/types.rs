//! Columns of an answer as JSON schemas: the spelling that the program's one JSON encoder has for each type.

use arrow::datatypes::{DataType, Field, TimeUnit};
use serde_json::{Map, Value as Json, json};
use utoipa::openapi::schema::{
    ArrayBuilder, KnownFormat, Object, ObjectBuilder, Schema, SchemaFormat, SchemaType, Type,
};

/// The schema of one column's values, with its description.
pub(super) fn column(field: &Field, description: &str) -> Schema {
    described(field.data_type(), field.is_nullable(), description)
}

/// A format that OpenAPI's registry has and `utoipa` has no name for.
pub(super) fn custom(format: &str) -> SchemaFormat {
    SchemaFormat::Custom(format.to_owned())
}

fn described(data_type: &DataType, nullable: bool, description: &str) -> Schema {
    if let DataType::List(item) = data_type {
        let items = described(item.data_type(), item.is_nullable(), "");
        let list = ArrayBuilder::new()
            .schema_type(schema_type(Type::Array, nullable))
            .items(utoipa::openapi::RefOr::T(items))
            .description(written(description));
        return Schema::Array(list.build());
    }
    let mut object = scalar(data_type);
    if let SchemaType::Type(single) = object.schema_type {
        object.schema_type = schema_type(single, nullable);
    }
    object.description = written(description);
    Schema::Object(object)
}

fn written(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

fn schema_type(one: Type, nullable: bool) -> SchemaType {
    match nullable {
        true => SchemaType::from_iter([one, Type::Null]),
        false => SchemaType::new(one),
    }
}

fn scalar(data_type: &DataType) -> Object {
    let text = || ObjectBuilder::new().schema_type(Type::String);
    let known = |format| Some(SchemaFormat::KnownFormat(format));
    let number = |of: Type, format| ObjectBuilder::new().schema_type(of).format(known(format));
    match data_type {
        DataType::Boolean => ObjectBuilder::new().schema_type(Type::Boolean),
        DataType::Int8 => bounded(i64::from(i8::MIN), i64::from(i8::MAX)),
        DataType::Int16 => bounded(i64::from(i16::MIN), i64::from(i16::MAX)),
        DataType::Int32 => number(Type::Integer, KnownFormat::Int32),
        DataType::Int64 => number(Type::Integer, KnownFormat::Int64),
        DataType::Float32 => number(Type::Number, KnownFormat::Float),
        DataType::Float64 => number(Type::Number, KnownFormat::Double),
        DataType::Decimal128(_, scale) | DataType::Decimal256(_, scale) => {
            text().format(Some(custom("decimal"))).pattern(Some(decimal_pattern(*scale)))
        }
        DataType::Date32 => text().format(known(KnownFormat::Date)),
        DataType::Timestamp(_, None) => text().format(Some(custom("date-time-local"))),
        DataType::Timestamp(_, Some(_)) => text().format(known(KnownFormat::DateTime)),
        DataType::Time64(_) => text().format(Some(custom("time-local"))),
        DataType::Struct(fields) => {
            let object = ObjectBuilder::new().schema_type(Type::Object);
            fields.iter().fold(object, |object, field| {
                object.property(field.name(), column(field, "")).required(field.name())
            })
        }
        _ => text(),
    }
    .build()
}

fn bounded(least: i64, most: i64) -> ObjectBuilder {
    let integer = ObjectBuilder::new().schema_type(Type::Integer);
    let integer = integer.format(Some(SchemaFormat::KnownFormat(KnownFormat::Int32)));
    integer.minimum(Some(least as f64)).maximum(Some(most as f64))
}

fn decimal_pattern(scale: i8) -> String {
    match scale {
        1.. => format!("^-?[0-9]+\\.[0-9]{{{scale}}}$"),
        _ => "^-?[0-9]+$".to_owned(),
    }
}

/// A value that could stand in an answer, made of nothing but its type.
pub(super) fn example(data_type: &DataType) -> Json {
    match data_type {
        DataType::Boolean => json!(true),
        DataType::Int8 | DataType::Int16 | DataType::Int32 | DataType::Int64 => json!(42),
        DataType::Float32 | DataType::Float64 => json!(0.5),
        DataType::Decimal128(precision, scale) => json!(decimal_example(*precision, *scale)),
        DataType::Date32 => json!("2024-01-31"),
        DataType::Timestamp(TimeUnit::Microsecond, None) => json!("2024-01-31T10:00:00"),
        DataType::Timestamp(..) => json!("2024-01-31T10:00:00Z"),
        DataType::Time64(_) => json!("10:00:00"),
        DataType::List(item) => json!([example(item.data_type())]),
        DataType::Struct(fields) => {
            let cells = fields.iter().map(|f| (f.name().clone(), example(f.data_type())));
            Json::Object(cells.collect::<Map<_, _>>())
        }
        _ => json!("text"),
    }
}

/// `12.50`, `0.125`: as many digits as the type has room for behind the point.
fn decimal_example(precision: u8, scale: i8) -> String {
    let behind = usize::from(scale.max(0).unsigned_abs());
    let whole = if usize::from(precision) > behind + 1 { "12" } else { "0" };
    match behind {
        0 => whole.to_owned(),
        _ => format!("{whole}.{:0<behind$}", "5"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schema(data_type: DataType) -> String {
        serde_json::to_string(&column(&Field::new("x", data_type, true), "")).unwrap()
    }

    #[test]
    fn each_type_has_its_spelling() {
        let cases = [
            (DataType::Boolean, r#"{"type":["boolean","null"]}"#),
            (DataType::Utf8, r#"{"type":["string","null"]}"#),
            (DataType::Int32, r#"{"type":["integer","null"],"format":"int32"}"#),
            (DataType::Date32, r#"{"type":["string","null"],"format":"date"}"#),
            (
                DataType::Decimal128(18, 2),
                r#"{"type":["string","null"],"format":"decimal","pattern":"^-?[0-9]+\\.[0-9]{2}$"}"#,
            ),
            (
                DataType::Timestamp(TimeUnit::Microsecond, None),
                r#"{"type":["string","null"],"format":"date-time-local"}"#,
            ),
            (
                DataType::new_list(DataType::Utf8, false),
                r#"{"type":["array","null"],"items":{"type":"string"}}"#,
            ),
        ];
        for (data_type, expected) in cases {
            assert_eq!(schema(data_type), expected);
        }
        let required = column(&Field::new("x", DataType::Utf8, false), "what it is");
        let required = serde_json::to_string(&required).unwrap();
        assert_eq!(required, r#"{"type":"string","description":"what it is"}"#);
    }

    #[test]
    fn an_example_fits_its_type() {
        let example = |precision, scale| decimal_example(precision, scale);
        assert_eq!([example(18, 2), example(4, 4), example(5, 0)], ["12.50", "0.5000", "12"]);
    }
}
