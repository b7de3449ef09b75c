//! An endpoint as a tool: JSON schemas of what it takes and of what it answers.

use serde_json::{Map, Value as Json, json};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ArrayBuilder, ObjectBuilder, SchemaType, Type};

use super::described::Described;
use super::{endpoint, parameters, shared};
use crate::api::mcp::SHARED;
use crate::project::EVERYWHERE;

type Schema = Map<String, Json>;

/// The schemas of a tool's input and output.
///
/// # Errors
/// If JSON cannot hold them, which nothing in an endpoint gives cause for.
pub(in crate::api) fn tool_schemas(
    described: &Described<'_>,
) -> Result<(Schema, Schema), serde_json::Error> {
    let input = input(described)?;
    let row = endpoint::row(described);
    let cursor = ObjectBuilder::new()
        .schema_type(SchemaType::from_iter([Type::String, Type::Null]))
        .description(Some("Given back as `cursor`, it asks for the next page; null on the last."));
    let page = ObjectBuilder::new()
        .schema_type(Type::Object)
        .property("limit", shared::whole("The most rows that it could have.", 1))
        .property("offset", shared::whole("Rows before this page.", 0))
        .property("cursor", cursor)
        .required("limit")
        .required("offset")
        .required("cursor");
    let output = ObjectBuilder::new()
        .schema_type(Type::Object)
        .property("data", ArrayBuilder::new().items(RefOr::T(row)))
        .property("page", page)
        .property("meta", shared::meta())
        .required("data")
        .required("page")
        .required("meta");
    Ok((input, object(serde_json::to_value(output.build())?)))
}

fn input(described: &Described<'_>) -> Result<Schema, serde_json::Error> {
    let mut properties = Map::new();
    let mut required = Vec::new();
    for declared in &described.parameters {
        let name = declared.name.as_str();
        if EVERYWHERE.contains(&name) && !SHARED.contains(&name) {
            continue;
        }
        let mut written = serde_json::to_value(parameters::query(declared))?;
        let mut schema = object(written["schema"].take());
        let mut put = |key: &str, value: Json| {
            if !value.is_null() {
                schema.insert(key.to_owned(), value);
            }
        };
        put("description", written["description"].take());
        put(
            "examples",
            match written["example"].take() {
                Json::Null => Json::Null,
                example => json!([example]),
            },
        );
        if written["required"] == json!(true) {
            required.push(json!(name));
        }
        properties.insert(name.to_owned(), Json::Object(schema));
    }
    let input = json!({
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": false,
    });
    Ok(object(input))
}

fn object(value: Json) -> Schema {
    match value {
        Json::Object(object) => object,
        _ => Map::new(),
    }
}
