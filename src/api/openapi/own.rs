//! The routes of the API itself. A further one is a function here, and a line in [`ROUTES`].

use serde_json::json;
use utoipa::openapi::path::{HttpMethod, OperationBuilder, PathItem};
use utoipa::openapi::schema::{ArrayBuilder, ObjectBuilder, Type};
use utoipa::openapi::{Content, ContentBuilder, RefOr, Response, ResponseBuilder, Schema};

use super::described::at;
use super::parameters;
use super::shared::{self, schema_ref};
use super::{EXPLORING, OPERATING};

/// A path and what describes it.
pub(super) type Route = (&'static str, fn() -> PathItem);

pub(super) const ROUTES: &[Route] = &[
    ("/api/v1/", index),
    ("/api/v1/openapi.json", openapi_json),
    ("/api/v1/openapi.yaml", openapi_yaml),
    ("/livez", livez),
    ("/readyz", readyz),
];

/// A route that is read, by whoever has a token.
pub(super) fn read(
    id: &str,
    tag: &str,
    summary: &str,
    answer: Response,
    statuses: &[u16],
) -> OperationBuilder {
    let operation = OperationBuilder::new()
        .tag(tag)
        .operation_id(Some(id))
        .summary(Some(summary))
        .securities(Some(shared::security(&[])))
        .response("200", answer);
    let problems = shared::problems_of(statuses);
    problems.fold(operation, |operation, (status, problem)| operation.response(status, problem))
}

/// The same for everybody.
pub(super) fn for_all(operation: OperationBuilder) -> OperationBuilder {
    operation.securities(Some([]))
}

pub(super) fn get(operation: OperationBuilder) -> PathItem {
    PathItem::new(HttpMethod::Get, operation)
}

pub(super) fn answer(description: &str, media_type: &str, content: Content) -> Response {
    let response = ResponseBuilder::new().description(description).content(media_type, content);
    shared::with_headers(response, &["X-Request-Id"]).build()
}

pub(super) fn text() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String)
}

pub(super) fn object<const N: usize>(properties: [(&str, RefOr<Schema>); N]) -> ObjectBuilder {
    let object = ObjectBuilder::new().schema_type(Type::Object);
    properties
        .into_iter()
        .fold(object, |object, (name, schema)| object.property(name, schema).required(name))
}

fn index() -> PathItem {
    let texts = || ArrayBuilder::new().items(text());
    let parameter = object([
        ("name", text().into()),
        ("type", text().into()),
        ("required", ObjectBuilder::new().schema_type(Type::Boolean).into()),
    ]);
    let endpoint = object([
        ("name", text().into()),
        ("href", text().into()),
        ("description", text().into()),
        ("parameters", ArrayBuilder::new().items(parameter).into()),
        ("columns", texts().into()),
        ("order_by", texts().into()),
    ]);
    let links = object([("openapi", text().into()), ("docs", text().into())]);
    let body = object([
        ("endpoints", ArrayBuilder::new().items(endpoint).into()),
        ("links", links.into()),
        ("meta", schema_ref("Meta")),
    ]);
    let answer = answer("The endpoints.", "application/json", Content::new(Some(body)));
    let summary = "The endpoints there are, and how to ask each";
    get(read("api.index", EXPLORING, summary, answer, &[400, 401, 403]))
}

fn openapi_json() -> PathItem {
    openapi("api.openapi_json", "This document as JSON", "application/json")
}

fn openapi_yaml() -> PathItem {
    openapi("api.openapi_yaml", "This document as YAML", "application/yaml")
}

fn openapi(id: &str, summary: &str, media_type: &str) -> PathItem {
    let body = object([("openapi", text().into())]);
    let document = ResponseBuilder::new()
        .description("OpenAPI 3.1.")
        .content(media_type, Content::new(Some(body)));
    let document = shared::with_headers(document, &["X-Request-Id", "ETag", "Cache-Control"]);
    let operation = for_all(read(id, EXPLORING, summary, document.build(), &[400, 404, 410]));
    get(operation.parameter(parameters::query(&at())).response("304", shared::not_modified()))
}

fn livez() -> PathItem {
    let status = text().enum_values(Some(["alive"]));
    let body = object([("status", status.into())]);
    let answer = answer("It answers.", "application/json", Content::new(Some(body)));
    get(for_all(read("api.livez", OPERATING, "Whether the process answers", answer, &[])))
}

fn readyz() -> PathItem {
    let version = ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(1));
    let status = text().enum_values(Some(["ready"]));
    let body = object([("status", status.into()), ("version", version.into())]);
    let content = ContentBuilder::new()
        .schema(Some(body))
        .example(Some(json!({"status": "ready", "version": 1})));
    let answer = answer("There is a version.", "application/json", content.build());
    get(for_all(read("api.readyz", OPERATING, "Whether there is a version to serve", answer, &[])))
}
