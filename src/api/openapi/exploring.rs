//! The routes that explore tables and versions, ask queries and hand out tokens.

use utoipa::openapi::path::{HttpMethod, ParameterBuilder, ParameterIn, PathItem};
use utoipa::openapi::request_body::{RequestBody, RequestBodyBuilder};
use utoipa::openapi::schema::{
    AdditionalProperties, ArrayBuilder, ArrayItems, ObjectBuilder, Schema, SchemaType, Type,
};
use utoipa::openapi::{Content, ContentBuilder, RefOr, Required, Response, ResponseBuilder};

use super::described::{at, everywhere};
use super::own::{Route, answer, for_all, get, object, read, text};
use super::parameters;
use super::shared::{self, schema_ref};
use super::{EXPLORING, OPERATING};
use crate::api::answer::FORMATS;
use crate::api::auth::TOKEN;
use crate::engine::output::RowFormat;
use crate::project::PageSize;

pub(super) const ROUTES: &[Route] = &[
    ("/api/v1/versions", versions),
    ("/api/v1/tables", tables),
    ("/api/v1/tables/{name}", table),
    ("/api/v1/tables/{name}/rows", rows),
    ("/api/v1/query", query),
    (TOKEN, token),
    ("/metrics", metrics),
];

/// The scopes that they require, each with what it is for.
pub(super) const SCOPES: [(&str, &str); 3] =
    [("tables", "tables and versions"), ("query", "queries of one's own"), ("metrics", "/metrics")];

fn whole(least: isize) -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(least))
}

fn boolean() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::Boolean)
}

fn list(items: impl Into<ArrayItems>) -> RefOr<Schema> {
    ArrayBuilder::new().items(items).into()
}

/// A row of whatever columns.
fn row() -> RefOr<Schema> {
    let any = AdditionalProperties::FreeForm(true);
    ObjectBuilder::new().schema_type(Type::Object).additional_properties(Some(any)).into()
}

/// Rows of whatever columns, in every form.
fn any_rows(description: &str) -> Response {
    let body: RefOr<Schema> =
        object([("data", list(row())), ("page", schema_ref("Page")), ("meta", schema_ref("Meta"))])
            .into();
    let response = ResponseBuilder::new().description(description);
    let response = FORMATS.iter().fold(response, |response, (format, _, media_type, _)| {
        let content = match format {
            RowFormat::Json => json(body.clone()),
            _ => json(ObjectBuilder::new().schema_type(Type::String)),
        };
        response.content(*media_type, content)
    });
    shared::with_headers(response, &shared::ROWS_HEADERS).build()
}

fn json(body: impl Into<RefOr<Schema>>) -> Content {
    Content::new(Some(body))
}

fn versions() -> PathItem {
    let version = object([
        ("version", whole(1).into()),
        ("published", text().into()),
        ("tested", boolean().into()),
        ("warned", whole(0).into()),
        ("rows", whole(0).into()),
        ("bytes", whole(0).into()),
        ("changed", list(text())),
    ]);
    let body = object([("versions", list(version)), ("total", whole(0).into())]);
    let found = answer("The newest first.", "application/json", json(body));
    let limit = ParameterBuilder::new()
        .name("limit")
        .parameter_in(ParameterIn::Query)
        .required(Required::False)
        .schema(Some(whole(1).maximum(Some(10_000)).default(Some(100.into()))));
    let summary = "What has been published";
    let operation = read("api.versions", EXPLORING, summary, found, &[400, 401, 403]);
    get(operation.securities(Some(shared::security(&["tables"]))).parameter(limit))
}

fn table_properties() -> ObjectBuilder {
    let checks = object([
        ("passed", whole(0).into()),
        ("warned", whole(0).into()),
        ("failed", whole(0).into()),
    ]);
    let table = object([
        ("name", text().into()),
        ("kind", text().enum_values(Some(["table", "view"])).into()),
        ("description", text().into()),
        ("columns", whole(0).into()),
        ("since", whole(1).into()),
        ("as_of", text().into()),
        ("checks", checks.into()),
        ("href", text().into()),
    ]);
    table.property("rows", whole(0))
}

fn tables() -> PathItem {
    let body = object([("tables", list(table_properties())), ("meta", schema_ref("Meta"))]);
    let found = answer("The tables of a version.", "application/json", json(body));
    let summary = "The tables there are, and how their checks went";
    let statuses = &[400, 401, 403, 404, 410, 503];
    let operation = read("api.tables", EXPLORING, summary, found, statuses);
    let operation = operation.securities(Some(shared::security(&["tables"])));
    get(operation.parameter(parameters::query(&at())))
}

fn name() -> ParameterBuilder {
    ParameterBuilder::new()
        .name("name")
        .parameter_in(ParameterIn::Path)
        .required(Required::True)
        .description(Some(
            "`schema.name`, or the name alone where there is one of that name; case is ignored.",
        ))
        .schema(Some(text().min_length(Some(1))))
}

fn table() -> PathItem {
    let column = object([
        ("name", text().into()),
        ("type", text().into()),
        ("nullable", boolean().into()),
        ("description", text().into()),
    ]);
    let outcome = object([
        ("check", text().into()),
        ("status", text().into()),
        ("failures", whole(0).into()),
    ]);
    let body = table_properties()
        .property("schema", list(column))
        .property("outcomes", list(outcome))
        .property("meta", schema_ref("Meta"))
        .required("schema")
        .required("outcomes")
        .required("meta");
    let found = answer("A table of a version.", "application/json", json(body));
    let summary = "A table's columns, and how each of its checks went";
    let statuses = &[400, 401, 403, 404, 410, 503];
    let operation = read("api.table", EXPLORING, summary, found, statuses);
    let operation = operation.securities(Some(shared::security(&["tables"])));
    get(operation.parameter(name()).parameter(parameters::query(&at())))
}

fn rows() -> PathItem {
    let found = any_rows("Rows of a table.");
    let statuses = &[400, 401, 403, 404, 406, 410, 503];
    let mut operation = read("api.rows", EXPLORING, "Rows of a table", found, statuses)
        .description(Some(
            "Each column is a parameter, too, in PostgREST's grammar: `price=gte.10`, `name=like.A*`, \
             `status=in.(new,paid)`, `note=is.null`, `note=not.is.null`; eq, neq, gt, gte, lt, lte, like, ilike, in, is. So are \
             `select`, which chooses columns (`name,price`), and `order` (`price.desc,name`). Rows come as endpoints' do, in the \
             forms that `format` names.",
        ))
        .securities(Some(shared::security(&["tables"])))
        .parameter(name());
    for declared in everywhere(PageSize { default: 100, max: 10_000 }) {
        operation = operation.parameter(parameters::query(&declared));
    }
    get(operation.response("304", shared::not_modified()))
}

fn body(media_types: &[(&str, RefOr<Schema>)]) -> RequestBody {
    let body = RequestBodyBuilder::new().required(Some(Required::True));
    let with = |body: RequestBodyBuilder, (name, schema): &(&str, RefOr<Schema>)| {
        body.content(*name, ContentBuilder::new().schema(Some(schema.clone())).build())
    };
    media_types.iter().fold(body, with).build()
}

fn query() -> PathItem {
    let asked = ObjectBuilder::new()
        .schema_type(Type::Object)
        .property("sql", text().min_length(Some(1)))
        .property("limit", whole(1).maximum(Some(100_000)))
        .property("offset", whole(0))
        .required("sql")
        .additional_properties(Some(AdditionalProperties::FreeForm(false)));
    let found = any_rows("The rows.");
    let statuses = &[400, 401, 403, 404, 406, 408, 410, 415, 503];
    let operation = read("api.query", EXPLORING, "Ask one `select` over the tables", found, statuses)
        .description(Some("Off by default: the setting `server.query` allows it. `page.more` says whether there are more rows."))
        .securities(Some(shared::security(&["query"])))
        .parameter(parameters::query(&at()))
        .request_body(Some(body(&[
            ("application/json", asked.into()),
            ("application/sql", text().min_length(Some(1)).into()),
        ])));
    PathItem::new(HttpMethod::Post, operation)
}

fn token() -> PathItem {
    let form = ObjectBuilder::new()
        .schema_type(Type::Object)
        .property("grant_type", text().enum_values(Some(["client_credentials"])))
        .property("scope", text())
        .property("client_id", text())
        .property("client_secret", text())
        .required("grant_type");
    let given = object([
        ("access_token", text().into()),
        ("token_type", text().enum_values(Some(["Bearer"])).into()),
        ("expires_in", whole(1).into()),
        ("scope", text().into()),
    ]);
    let found = answer("A token.", "application/json", json(given));
    let summary = "A user's name and password for a short-lived token (RFC 6749, 4.4)";
    let operation = for_all(read("api.token", OPERATING, summary, found, &[400, 401, 408]));
    let form = ("application/x-www-form-urlencoded", form.into());
    PathItem::new(HttpMethod::Post, operation.request_body(Some(body(&[form]))))
}

fn metrics() -> PathItem {
    let text: RefOr<Schema> =
        ObjectBuilder::new().schema_type(SchemaType::Type(Type::String)).into();
    let media_type = "application/openmetrics-text";
    let found = answer("OpenMetrics.", media_type, json(text));
    let summary = "What is counted, for Prometheus";
    let operation = read("api.metrics", OPERATING, summary, found, &[401, 403]);
    get(operation.securities(Some(shared::security(&["metrics"]))))
}
