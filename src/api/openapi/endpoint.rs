//! An endpoint of the project as a path of the document.

use arrow::datatypes::DataType;
use serde_json::{Value as Json, json};
use utoipa::openapi::link::LinkBuilder;
use utoipa::openapi::path::{HttpMethod, Operation, OperationBuilder, PathItem};
use utoipa::openapi::schema::{ArrayBuilder, ObjectBuilder, Schema, Type};
use utoipa::openapi::{Content, ContentBuilder, RefOr, Response, ResponseBuilder};

use super::described::Described;
use super::shared::{self, ROWS_HEADERS, schema_ref};
use super::types;
use super::{ENDPOINTS, parameters};
use crate::api::answer::FORMATS;
use crate::engine::output::RowFormat;

/// What a request to an endpoint may be answered with, besides what any request may.
const STATUSES: [u16; 7] = [400, 401, 403, 404, 406, 410, 415];

/// The version and time of the examples.
const EXAMPLE_TIME: &str = "2024-02-01T06:00:00Z";

/// The name of the schema of its rows. No other schema of the document ends so.
pub(super) fn row_name(endpoint: &Described<'_>) -> String {
    format!("{}_row", endpoint.name)
}

/// Its columns, in the order in which they come.
pub(super) fn row(endpoint: &Described<'_>) -> Schema {
    let description = format!("A row of `{}`.", endpoint.path);
    let object = ObjectBuilder::new().schema_type(Type::Object).description(Some(description));
    let columns = endpoint.columns.iter();
    let object = columns.fold(object, |object, (field, text)| {
        object.property(field.name(), types::column(field, text)).required(field.name())
    });
    Schema::Object(object.build())
}

pub(super) fn path(endpoint: &Described<'_>) -> PathItem {
    PathItem::new(HttpMethod::Get, operation(endpoint))
}

fn operation(endpoint: &Described<'_>) -> Operation {
    let queries = endpoint.parameters.iter().map(parameters::query);
    let scopes: Vec<&str> = endpoint.scope.into_iter().collect();
    let operation = OperationBuilder::new()
        .tag(ENDPOINTS)
        .operation_id(Some(endpoint.name))
        .summary(Some(summary(endpoint)))
        .description(Some(description(endpoint)))
        .parameters(Some(queries))
        .securities(Some(shared::security(&scopes)))
        .response("200", answer(endpoint))
        .response("304", shared::not_modified());
    let problems = shared::problems_of(&STATUSES);
    problems
        .fold(operation, |operation, (status, problem)| operation.response(status, problem))
        .build()
}

/// The first sentence of its description.
fn summary(endpoint: &Described<'_>) -> String {
    let line = endpoint.description.lines().next().unwrap_or_default();
    let sentence = line.split_once(". ").map_or(line, |(sentence, _)| sentence);
    match sentence.trim_end_matches('.') {
        "" => endpoint.name.to_owned(),
        sentence => sentence.to_owned(),
    }
}

fn description(endpoint: &Described<'_>) -> String {
    let mut parts = Vec::new();
    if !endpoint.description.is_empty() {
        parts.push(endpoint.description.to_owned());
    }
    let order: Vec<String> = endpoint.order_by.iter().map(|key| format!("`{key}`")).collect();
    if !order.is_empty() {
        parts.push(format!("Rows come in the order of {}.", order.join(", ")));
    }
    if let Some(scope) = endpoint.scope {
        parts.push(format!("Requires the scope `{scope}`."));
    }
    if !endpoint.own_rows.is_empty() {
        parts.push(format!(
            "Whoever asks sees its own rows alone: {}, as its credentials say; without the claim the answer is 403.",
            endpoint.own_rows.join("; ")
        ));
    }
    parts.join("\n\n")
}

fn answer(endpoint: &Described<'_>) -> Response {
    let mut response = ResponseBuilder::new().description("The rows of one page.");
    for (format, _, media_type, _) in FORMATS {
        response = response.content(*media_type, content(endpoint, *format));
    }
    let link = LinkBuilder::new()
        .operation_id(endpoint.name)
        .parameter("at", "$response.header.Clearwell-Version")
        .description("The same rows again, whatever is published meanwhile.");
    shared::with_headers(response, &ROWS_HEADERS)
        .link("at_this_version", RefOr::T(link.build()))
        .build()
}

fn content(endpoint: &Described<'_>, format: RowFormat) -> Content {
    let text = |description: &str| {
        let text = ObjectBuilder::new().schema_type(Type::String).description(Some(description));
        ContentBuilder::new().schema(Some(text))
    };
    match format {
        RowFormat::Json => {
            let rows = ArrayBuilder::new().items(schema_ref(&row_name(endpoint)));
            let body = ObjectBuilder::new()
                .schema_type(Type::Object)
                .property("data", rows)
                .property("page", schema_ref("Page"))
                .property("meta", schema_ref("Meta"))
                .required("data")
                .required("page")
                .required("meta");
            let limit = endpoint.parameters.iter().find(|parameter| parameter.name == "limit");
            let limit = limit.and_then(|limit| limit.default.as_ref()?.parse::<u64>().ok());
            let example = json!({
                "data": [example_row(endpoint)],
                "page": {"limit": limit, "offset": 0, "next": null},
                "meta": {"version": 1, "as_of": EXAMPLE_TIME, "row_count": 1},
            });
            ContentBuilder::new().schema(Some(body)).example(Some(example)).build()
        }
        RowFormat::Ndjson => {
            let example = format!("{}\n", example_row(endpoint));
            text(&format!("One object a line, each a `{}`.", row_name(endpoint)))
                .example(Some(json!(example)))
                .build()
        }
        RowFormat::Csv => {
            let names: Vec<&str> =
                endpoint.columns.iter().map(|(field, _)| field.name().as_str()).collect();
            text("RFC 4180, with the names of the columns in the first line; nulls are empty.")
                .example(Some(json!(format!("{}\n", names.join(",")))))
                .build()
        }
        RowFormat::Arrow => binary("Arrow's IPC stream."),
        RowFormat::Parquet => binary("A Parquet file."),
    }
}

/// A row made of types, with the examples of parameters where texts are called like them.
fn example_row(endpoint: &Described<'_>) -> Json {
    let cells = endpoint.columns.iter().map(|(field, _)| {
        let declared = endpoint.parameters.iter().find(|parameter| parameter.name == *field.name());
        let declared = declared.and_then(|parameter| parameter.example.as_deref());
        let value = match declared.filter(|_| *field.data_type() == DataType::Utf8) {
            Some(text) => json!(text),
            None => types::example(field.data_type()),
        };
        (field.name().clone(), value)
    });
    Json::Object(cells.collect())
}

fn binary(description: &str) -> Content {
    let bytes = ObjectBuilder::new()
        .schema_type(Type::String)
        .format(Some(utoipa::openapi::SchemaFormat::KnownFormat(
            utoipa::openapi::KnownFormat::Binary,
        )))
        .description(Some(description));
    Content::new(Some(bytes))
}
