//! The API described by itself: OpenAPI 3.1, from the endpoints as they are planned and the routes of the API itself.
//!
//! Invariant: nothing in the document comes from a row. It is the same for everyone, and says nothing of the version but
//! what its endpoints and its columns' descriptions are, so that it changes only with these.

mod described;
mod endpoint;
mod exploring;
mod own;
mod parameters;
mod problems;
mod shared;
mod tool;
mod types;
mod yaml;

use std::collections::BTreeMap;

use utoipa::openapi::tag::TagBuilder;
use utoipa::openapi::{InfoBuilder, OpenApi, OpenApiBuilder, PathsBuilder, Server, Tag};

pub(super) use described::{Described, describe};
pub(super) use problems::{KINDS, explained};
pub(super) use tool::tool_schemas;

/// Tags of the operations.
const ENDPOINTS: &str = "endpoints";
const EXPLORING: &str = "exploring";
const OPERATING: &str = "operating";

const INTRODUCTION: &str = "Rows of a tested, versioned warehouse. Every answer comes from one published version and \
    names it; `at` asks an older one. Every answer that is not 2xx or 304 is `application/problem+json` (RFC 9457), whose \
    `type` leads to a page that explains it.

In JSON, decimals are strings with all their digits, and so are dates and times. Integers are numbers with all their \
    digits: a reader that keeps numbers as doubles loses those beyond 2^53 (9007199254740992), which CSV, Arrow and Parquet \
    keep. A double that is not finite is null.

`POST /mcp` is the same for agents, by the Model Context Protocol (streamable HTTP, JSON-RPC 2.0): endpoints are its tools, \
    tables its resources, with the same credentials, scopes and limits. It describes itself (`tools/list`, `resources/list`), \
    so its messages are not described here.";

/// The document as it is served and printed.
#[derive(Clone, Debug)]
pub(crate) struct Document {
    pub(crate) json: String,
    pub(crate) yaml: String,
}

impl Document {
    /// # Errors
    /// If it cannot be written, which nothing in an endpoint gives cause for.
    pub(super) fn of(endpoints: &[Described<'_>]) -> Result<Self, String> {
        let document = document(endpoints);
        let json = document.to_pretty_json().map_err(|error| error.to_string())?;
        let yaml = document.to_yaml().map_err(|error| error.to_string())?;
        Ok(Self { json: json + "\n", yaml: yaml::with_quoted_dates(&yaml) })
    }
}

fn document(endpoints: &[Described<'_>]) -> OpenApi {
    let mut paths = PathsBuilder::new();
    let mut components = shared::components(&scopes(endpoints));
    for endpoint in endpoints {
        paths = paths.path(&endpoint.path, endpoint::path(endpoint));
        components = components.schema(endpoint::row_name(endpoint), endpoint::row(endpoint));
    }
    for (path, item) in exploring::ROUTES.iter().chain(own::ROUTES) {
        paths = paths.path(*path, item());
    }
    OpenApiBuilder::new()
        .info(
            InfoBuilder::new()
                .title("Clearwell API")
                .version(env!("CARGO_PKG_VERSION"))
                .description(Some(INTRODUCTION)),
        )
        .servers(Some([Server::new("/")]))
        .tags(Some(tags()))
        .security(Some(shared::security(&[])))
        .paths(paths)
        .components(Some(components.build()))
        .build()
}

/// Every scope that an endpoint requires, with the paths that do.
fn scopes(endpoints: &[Described<'_>]) -> BTreeMap<String, String> {
    let own = exploring::SCOPES.map(|(scope, text)| (scope.to_owned(), text.to_owned()));
    let mut scopes = BTreeMap::from(own);
    for endpoint in endpoints {
        let Some(scope) = endpoint.scope else { continue };
        let paths = scopes.entry(scope.to_owned()).or_default();
        if !paths.is_empty() {
            paths.push_str(", ");
        }
        paths.push_str(&endpoint.path);
    }
    scopes
}

fn tags() -> [Tag; 3] {
    [
        (ENDPOINTS, "The project's own: a `select` each, with typed parameters."),
        (EXPLORING, "What there is."),
        (OPERATING, "For those who watch the server."),
    ]
    .map(|(name, text)| TagBuilder::new().name(name).description(Some(text)).build())
}
