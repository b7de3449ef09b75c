//! The Model Context Protocol at `/mcp`: endpoints as read-only tools, tables as resources, for the same principals under
//! the same limits. Each request stands for itself and is answered in JSON: there are no sessions.
//!
//! <https://modelcontextprotocol.io/specification>

mod resources;
mod tools;

use std::net::SocketAddr;
use std::sync::Arc;

use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::{HeaderMap, StatusCode, header, request};
use axum::response::{IntoResponse as _, Response};
use futures::StreamExt as _;
use rmcp::model::{
    CacheScope, CallToolRequestParams, CallToolResponse, Implementation, ListResourcesResult,
    ListToolsResult, PaginatedRequestParams, ReadResourceRequestParams, ReadResourceResponse,
    ServerCapabilities, ServerConfig,
};
use rmcp::service::RequestContext;
use rmcp::transport::streamable_http_server::session::never::NeverSessionManager;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};
use rmcp::{ErrorData, RoleServer, ServerHandler};
use serde_json::Value as Json;

use super::answer;
use super::principal::Principal;
use super::problem::{Kind, Problem};
use super::versions::{Served, ServedEndpoint, Versions};
use crate::endpoints::Request as Question;

/// Where it is.
pub(super) const PATH: &str = "/mcp";

/// The longest message, in bytes.
const MESSAGE_BYTES_MAX: usize = 64 << 10;
/// The most bytes of an answer that are handed on: a page of rows is made in memory.
const ANSWER_BYTES_MAX: usize = 16 << 20;
/// The most bytes of a refusal that are read for its reason.
const REASON_BYTES_MAX: usize = 4 << 10;
/// For how long a client may keep what it was told: a new version is taken up within a second.
const FRESH_MILLISECONDS: u64 = 1000;
/// Pages of browsers on this machine; those of others cannot ask.
const ORIGINS: [&str; 3] = ["http://localhost:*", "http://127.0.0.1:*", "http://[::1]:*"];

const INSTRUCTIONS: &str = "Rows of a tested, versioned warehouse, read-only. Tools are questions with typed parameters; their \
    answers come in pages, `page.cursor` is given back as `cursor` for the next one. Resources are tables, with their columns \
    and first rows. Decimals, dates and times are texts.";

pub(super) use tools::SHARED;

type Service = StreamableHttpService<Handler, NeverSessionManager>;

/// The service of a server at `address`.
///
/// Where that is of this machine alone, only requests to this machine's own names are answered: a page from elsewhere whose
/// name was made to mean this machine is not. A server that others reach knows who asks by credentials.
pub(super) fn service(versions: &Arc<Versions>, address: SocketAddr) -> Service {
    let config = StreamableHttpServerConfig::default()
        .with_legacy_session_mode(false)
        .with_json_response(true)
        .with_sse_keep_alive(None)
        .with_max_request_body_bytes(MESSAGE_BYTES_MAX)
        .with_allowed_origins(ORIGINS)
        .enforce_origin_validation();
    let config = match address.ip().is_loopback() {
        true => config,
        false => config.disable_allowed_hosts(),
    };
    let versions = Arc::clone(versions);
    let handler = move || Ok(Handler { versions: Arc::clone(&versions) });
    StreamableHttpService::new(handler, Arc::new(NeverSessionManager::default()), config)
}

/// Answers one message. What the protocol has no words for is a problem as everywhere else.
pub(super) async fn answer(service: Service, request: Request) -> Response {
    let response = service.handle(request).await;
    let (parts, body) = response.into_parts();
    let body = Body::new(body);
    let is_json = parts.headers.get(header::CONTENT_TYPE).is_some_and(|t| t == "application/json");
    if parts.status.is_success() || is_json {
        return Response::from_parts(parts, body);
    }
    let reason = to_bytes(body, REASON_BYTES_MAX).await.unwrap_or_default();
    let reason = String::from_utf8_lossy(&reason).into_owned();
    let kind = match parts.status {
        StatusCode::FORBIDDEN => Kind::Forbidden,
        StatusCode::METHOD_NOT_ALLOWED => Kind::MethodNotAllowed,
        StatusCode::NOT_ACCEPTABLE => Kind::NotAcceptable,
        StatusCode::PAYLOAD_TOO_LARGE => Kind::BodyTooLarge,
        StatusCode::UNSUPPORTED_MEDIA_TYPE => Kind::UnsupportedMediaType,
        status if status.is_client_error() => Kind::BadMessage,
        _ => return Problem::internal(reason).into_response(),
    };
    let mut response = Problem::new(kind, reason).into_response();
    if let Some(allow) = parts.headers.get(header::ALLOW) {
        response.headers_mut().insert(header::ALLOW, allow.clone());
    }
    response
}

/// What answers a request.
pub(super) struct Handler {
    versions: Arc<Versions>,
}

impl ServerHandler for Handler {
    fn get_info(&self) -> ServerConfig {
        let capabilities = ServerCapabilities::builder().enable_tools().enable_resources().build();
        ServerConfig::new(capabilities)
            .with_server_info(Implementation::new("clearwell", env!("CARGO_PKG_VERSION")))
            .with_instructions(INSTRUCTIONS)
    }

    async fn list_tools(
        &self,
        _: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        let served = self.versions.current().map_err(|problem| refused(&problem))?;
        let tools = tools::list(&served, &principal(&context))?;
        let listed = ListToolsResult::with_all_items(tools);
        Ok(listed.with_ttl_ms(FRESH_MILLISECONDS).with_cache_scope(CacheScope::Private))
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let arguments = request.arguments.unwrap_or_default();
        let principal = principal(&context);
        let result = tools::call(&self.versions, &principal, &request.name, &arguments).await?;
        Ok(result.into())
    }

    async fn list_resources(
        &self,
        _: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListResourcesResult, ErrorData> {
        let served = self.versions.current().map_err(|problem| refused(&problem))?;
        let resources = resources::list(&served, &principal(&context));
        let listed = ListResourcesResult::with_all_items(resources);
        Ok(listed.with_ttl_ms(FRESH_MILLISECONDS).with_cache_scope(CacheScope::Private))
    }

    async fn read_resource(
        &self,
        request: ReadResourceRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<ReadResourceResponse, ErrorData> {
        let principal = principal(&context);
        resources::read(&self.versions, &principal, &request.uri).await.map(Into::into)
    }
}

/// Who asks: nobody in particular where the layer that knows is missing.
fn principal(context: &RequestContext<RoleServer>) -> Arc<Principal> {
    let parts = context.extensions.get::<request::Parts>();
    parts.and_then(|parts| parts.extensions.get::<Arc<Principal>>().cloned()).unwrap_or_default()
}

/// A problem as the protocol tells it.
fn refused(problem: &Problem) -> ErrorData {
    match problem.cause() {
        Some(cause) => {
            tracing::error!(cause, "a message could not be answered");
            ErrorData::internal_error(problem.told(), None)
        }
        None => ErrorData::invalid_params(problem.told(), None),
    }
}

/// The JSON of one page of rows, out of the same caches as over HTTP.
async fn page(
    versions: &Versions,
    served: &Arc<Served>,
    endpoint: &Arc<ServedEndpoint>,
    question: &Question,
) -> Result<Json, Problem> {
    let headers = HeaderMap::new();
    let response = answer::page(versions, served, endpoint, "", question, &headers).await?;
    let mut chunks = response.into_body().into_data_stream();
    let mut body = Vec::new();
    while let Some(chunk) = chunks.next().await {
        // The query failed after its first rows.
        let chunk = chunk.map_err(|error| Problem::internal(error.to_string()))?;
        if body.len() + chunk.len() > ANSWER_BYTES_MAX {
            let detail =
                format!("the answer has more than {ANSWER_BYTES_MAX} bytes; ask for fewer rows");
            return Err(Problem::parameter("limit", detail));
        }
        body.extend_from_slice(&chunk);
    }
    serde_json::from_slice(&body).map_err(|error| Problem::internal(error.to_string()))
}
