//! What routes have in common: schemas, headers, problems, ways to say who asks.

use std::collections::BTreeMap;

use axum::http::StatusCode;
use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, Schema, SchemaFormat, Type};
use utoipa::openapi::security::{
    ClientCredentials, Flow, HttpAuthScheme, HttpBuilder, OAuth2, Scopes, SecurityScheme,
};
use utoipa::openapi::{
    ArrayBuilder, ComponentsBuilder, Content, Header, HeaderBuilder, Ref, RefOr, Response,
    ResponseBuilder, SecurityRequirement,
};

use super::problems;
use super::types::custom;

const PROBLEM_JSON: &str = "application/problem+json";

/// The statuses that any request may be answered with, whatever it asks for.
const ANY: [u16; 7] = [413, 414, 429, 431, 500, 503, 504];

/// Headers by the name that they have on the wire and in the components, each with what it says.
const HEADERS: &[(&str, &str)] = &[
    (
        "X-Request-Id",
        "Names this request in the server's log. A request may bring one of its own: up to 128 letters, digits, `-`, \
         `_` and `.`.",
    ),
    ("Clearwell-Version", "The version that the answer comes from."),
    ("Clearwell-As-Of", "When the data of the answer became what they are (RFC 3339, UTC)."),
    (
        "ETag",
        "Strong name of the answer. Sent back in `If-None-Match`, it gives 304 without a body as long as the answer is \
         the same; versions that do not touch its tables leave it so.",
    ),
    ("Link", "The first page (`rel=\"first\"`) and the next one (`rel=\"next\"`), RFC 8288."),
    (
        "Cache-Control",
        "Whoever keeps the answer keeps it for one reader, and asks whether it still holds.",
    ),
    ("Vary", "The request headers that the answer depends on."),
    ("RateLimit", "What is left of the limits: `\"name\";r=requests;t=seconds`."),
    ("RateLimit-Policy", "The limits themselves: `\"name\";q=requests;w=seconds`."),
    ("X-RateLimit-Limit", "How many requests may come at once."),
    ("X-RateLimit-Remaining", "How many requests are left now."),
    ("Retry-After", "After how many seconds to try again."),
    ("WWW-Authenticate", "How to say who asks."),
];

/// Those of an answer made of rows.
pub(super) const ROWS_HEADERS: [&str; 11] = [
    "X-Request-Id",
    "Clearwell-Version",
    "Clearwell-As-Of",
    "ETag",
    "Link",
    "Cache-Control",
    "Vary",
    "RateLimit",
    "RateLimit-Policy",
    "X-RateLimit-Limit",
    "X-RateLimit-Remaining",
];

/// `scopes`: those that there are, each with what it is for.
pub(super) fn components(scopes: &BTreeMap<String, String>) -> ComponentsBuilder {
    let mut components = ComponentsBuilder::new()
        .schema("Problem", problem())
        .schema("Page", page())
        .schema("Meta", meta());
    for (name, description) in HEADERS {
        components = components.header(*name, header(name, description));
    }
    for status in statuses() {
        components = components.response(name(status), problem_response(status));
    }
    for (name, scheme) in security_schemes(scopes) {
        components = components.security_scheme(name, scheme);
    }
    components
}

/// The ways to say who asks, each with the scopes that are required.
pub(super) fn security(scopes: &[&str]) -> Vec<SecurityRequirement> {
    ["bearer", "basic", "client"]
        .map(|scheme| SecurityRequirement::new(scheme, scopes.iter().copied()))
        .into()
}

/// References to the problems that a route may answer with: those of `statuses` and those of every route.
pub(super) fn problems_of(
    statuses: &[u16],
) -> impl Iterator<Item = (String, RefOr<Response>)> + use<> {
    let wanted = |status: &StatusCode| {
        let status = status.as_u16();
        statuses.contains(&status) || ANY.contains(&status)
    };
    let wanted: Vec<StatusCode> = self::statuses().into_iter().filter(wanted).collect();
    wanted.into_iter().map(|status| {
        (status.as_str().to_owned(), RefOr::Ref(Ref::from_response_name(name(status))))
    })
}

/// The answer to a client that has it already.
pub(super) fn not_modified() -> Response {
    let response = ResponseBuilder::new()
        .description("`If-None-Match` names the answer: what the client has still holds.");
    with_headers(response, &["X-Request-Id", "ETag", "Cache-Control", "Vary"]).build()
}

/// `response` with references to these headers.
pub(super) fn with_headers(response: ResponseBuilder, names: &[&str]) -> ResponseBuilder {
    names.iter().fold(response, |response, name| {
        response.header_ref(*name, Ref::new(format!("#/components/headers/{name}")))
    })
}

/// A reference to a schema of the components.
pub(super) fn schema_ref(name: &str) -> RefOr<Schema> {
    RefOr::Ref(Ref::from_schema_name(name))
}

fn statuses() -> Vec<StatusCode> {
    let mut statuses: Vec<StatusCode> = problems::KINDS.iter().map(|kind| kind.facts().0).collect();
    statuses.sort_unstable();
    statuses.dedup();
    statuses
}

/// `NotFound` of 404.
fn name(status: StatusCode) -> String {
    status.canonical_reason().unwrap_or(status.as_str()).split(' ').collect()
}

fn problem_response(status: StatusCode) -> Response {
    let kinds = problems::of_status(status.as_u16()).map(|kind| {
        let (_, slug, title) = kind.facts();
        let (meaning, _) = problems::explained(kind);
        format!("- [`{slug}`](/problems/{slug}) {title}: {meaning}")
    });
    let kinds: Vec<String> = kinds.collect();
    let response = ResponseBuilder::new()
        .description(kinds.join("\n"))
        .content(PROBLEM_JSON, Content::new(Some(schema_ref("Problem"))));
    let more: &[&str] = match status {
        StatusCode::UNAUTHORIZED => &["WWW-Authenticate"],
        StatusCode::TOO_MANY_REQUESTS => {
            &["Retry-After", "RateLimit", "RateLimit-Policy", "X-RateLimit-Limit"]
        }
        StatusCode::SERVICE_UNAVAILABLE => &["Retry-After"],
        _ => &[],
    };
    with_headers(with_headers(response, &["X-Request-Id"]), more).build()
}

fn header(name: &str, description: &str) -> Header {
    let text = ObjectBuilder::new().schema_type(Type::String);
    let whole = || {
        let integer = ObjectBuilder::new().schema_type(Type::Integer);
        integer.format(Some(SchemaFormat::KnownFormat(KnownFormat::Int64))).minimum(Some(0))
    };
    let schema = match name {
        "Clearwell-Version" | "Retry-After" | "X-RateLimit-Limit" | "X-RateLimit-Remaining" => {
            whole()
        }
        "Clearwell-As-Of" => text.format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime))),
        _ => text,
    };
    HeaderBuilder::new().schema(Some(schema)).description(Some(description)).build()
}

fn text(description: &str) -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String).description(Some(description))
}

pub(super) fn whole(description: &str, least: isize) -> ObjectBuilder {
    ObjectBuilder::new()
        .schema_type(Type::Integer)
        .format(Some(SchemaFormat::KnownFormat(KnownFormat::Int64)))
        .minimum(Some(least))
        .description(Some(description))
}

fn problem() -> ObjectBuilder {
    let entry = ObjectBuilder::new()
        .schema_type(Type::Object)
        .property("parameter", text("Its name."))
        .property("detail", text("What is wrong with it."))
        .required("parameter")
        .required("detail");
    let reference = |description| text(description).format(Some(custom("uri-reference")));
    ObjectBuilder::new()
        .schema_type(Type::Object)
        .description(Some("What went wrong: RFC 9457."))
        .property("type", reference("Names the kind of problem; a page that explains it."))
        .property("title", text("The kind in words."))
        .property("status", whole("The answer's status.", 400).maximum(Some(599)))
        .property("detail", text("What went wrong this time, and what to do about it."))
        .property("instance", reference("The path that was asked."))
        .property("request_id", text("As in the header `X-Request-Id`."))
        .property(
            "errors",
            ArrayBuilder::new()
                .items(entry)
                .description(Some("Each parameter that cannot be used.")),
        )
        .required("type")
        .required("title")
        .required("status")
        .required("detail")
        .required("instance")
        .required("request_id")
}

fn page() -> ObjectBuilder {
    let next = ObjectBuilder::new()
        .schema_type(utoipa::openapi::schema::SchemaType::from_iter([Type::String, Type::Null]))
        .format(Some(custom("uri-reference")))
        .description(Some("Path and query of the next page; null on the last."));
    let more = ObjectBuilder::new()
        .schema_type(Type::Boolean)
        .description(Some("Of a query: whether there are further rows."));
    ObjectBuilder::new()
        .schema_type(Type::Object)
        .description(Some("Which rows of all."))
        .property("limit", whole("The most rows that it could have.", 1))
        .property("offset", whole("Rows before this page.", 0))
        .property("next", next)
        .property("total", whole("Rows on all pages, where `count` asked for it.", 0))
        .property("more", more)
        .required("limit")
        .required("offset")
        .required("next")
}

pub(super) fn meta() -> ObjectBuilder {
    let time = text("When that version was published (UTC).")
        .format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)));
    let tested = ObjectBuilder::new()
        .schema_type(Type::Boolean)
        .description(Some("There, and false, where the version was published without its checks."));
    ObjectBuilder::new()
        .schema_type(Type::Object)
        .description(Some("What the answer speaks of."))
        .property("version", whole("The version that brought the data.", 1))
        .property("as_of", time)
        .property("row_count", whole("Rows in this answer.", 0))
        .property("tested", tested)
        .property("warned", whole("How many checks of the version warned, where any did.", 1))
        .required("version")
        .required("as_of")
        .required("row_count")
}

fn security_schemes(scopes: &BTreeMap<String, String>) -> [(&'static str, SecurityScheme); 3] {
    let http =
        |scheme, description| HttpBuilder::new().scheme(scheme).description(Some(description));
    let bearer =
        http(HttpAuthScheme::Bearer, "A token: `clearwell token`, or `POST /api/v1/token`.")
            .bearer_format("JWT");
    let basic = http(HttpAuthScheme::Basic, "A user of the users file: `clearwell user add`.");
    let scopes = scopes.iter().map(|(scope, text)| (scope.as_str(), text.as_str()));
    let scopes = Scopes::from_iter(scopes);
    let flow = Flow::ClientCredentials(ClientCredentials::new("/api/v1/token", scopes));
    let client =
        OAuth2::with_description([flow], "A user's name and password for a short-lived token.");
    [
        ("bearer", SecurityScheme::Http(bearer.build())),
        ("basic", SecurityScheme::Http(basic.build())),
        ("client", SecurityScheme::OAuth2(client)),
    ]
}
