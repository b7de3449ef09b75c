//! The routes: which path is answered by which file.

mod docs;
pub(super) mod endpoint;
mod health;
mod index;
mod openapi;
mod problems;
mod query;
pub(super) mod tables;
mod token;

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::{DefaultBodyLimit, Request};
use axum::http::{HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, any, get, post};
use axum::{Extension, Router};

use super::answer;
use super::auth::{self, Auth};
use super::layers::{self, Answering, Frame, Timed};
use super::mcp;
use super::metrics::Metrics;
use super::problem::{Kind, Problem};
use super::versions::Versions;
use crate::config::{ServeLimits, ServerConfig};

/// Where the endpoints are.
pub(super) const API: &str = "/api/v1/";

/// What whoever watches the server asks.
pub(super) const HEALTH: [&str; 2] = ["/livez", "/readyz"];

/// The methods of routes that are read, and of those that are asked with a body.
const READ: &str = "GET, HEAD, OPTIONS";
const ASKED: &str = "POST, OPTIONS";

/// All routes with what stands around them.
pub(super) fn framed(
    versions: Arc<Versions>,
    auth: Arc<Auth>,
    metrics: Arc<Metrics>,
    address: SocketAddr,
    server: &ServerConfig,
    limits: &ServeLimits,
) -> Frame<impl Answering> {
    let body_max = DefaultBodyLimit::max(limits.body_bytes_max);
    let service = mcp::service(&versions, address);
    let mcp = move |request: Request| mcp::answer(service.clone(), request);
    let router = problems::routes(docs::routes(Router::new()))
        .route("/api/v1", read_only(get(index::list)))
        .route(API, read_only(get(index::list)))
        .route("/api/v1/openapi.json", read_only(get(openapi::json)))
        .route("/api/v1/openapi.yaml", read_only(get(openapi::yaml)))
        .route("/api/v1/versions", read_only(get(tables::versions)))
        .route("/api/v1/tables", read_only(get(tables::list)))
        .route("/api/v1/tables/{name}", read_only(get(tables::detail)))
        .route("/api/v1/tables/{name}/rows", read_only(get(tables::rows)))
        .route(
            "/api/v1/query",
            post(query::answer)
                .fallback(post_only)
                .layer::<_, Infallible>(Extension(query::Allowed(server.query)))
                .layer(body_max),
        )
        .route("/api/v1/{endpoint}", get(endpoint::answer).fallback(endpoint::other_method))
        .route(
            auth::TOKEN,
            post(token::issue)
                .fallback(post_only)
                .layer::<_, Infallible>(Extension(Arc::clone(&auth)))
                .layer(body_max),
        )
        .route(mcp::PATH, any(mcp))
        .route("/metrics", read_only(get(health::metrics)).layer(Extension(Arc::clone(&metrics))))
        .fallback(no_such_path)
        .with_state(Arc::clone(&versions));
    let [live, ready] = HEALTH;
    let health = Router::new()
        .route(live, read_only(get(health::alive)))
        .route(ready, read_only(get(health::ready)))
        .with_state(Arc::clone(&versions));
    let timed = Timed { inner: router, request_max: limits.request_max };
    let routes = answer::Repeats::new(timed, versions);
    layers::around(routes, health, auth, metrics, server, limits)
}

fn read_only(route: MethodRouter<Arc<Versions>>) -> MethodRouter<Arc<Versions>> {
    route.fallback(other_method)
}

/// What a route that is read says to any method but GET and HEAD.
async fn other_method(method: Method) -> Response {
    refused_method(&method, "this can only be read", READ)
}

/// What a route that is asked with a body says to any method but POST.
async fn post_only(method: Method) -> Response {
    refused_method(&method, "this is asked with POST", ASKED)
}

fn refused_method(method: &Method, why: &str, allowed: &'static str) -> Response {
    let mut response = if method == Method::OPTIONS {
        StatusCode::NO_CONTENT.into_response()
    } else {
        let detail = format!("{method} is not possible here; {why}");
        Problem::new(Kind::MethodNotAllowed, detail).into_response()
    };
    response.headers_mut().insert(header::ALLOW, HeaderValue::from_static(allowed));
    response
}

/// Another path stands for this one, for good; `to` is relative, so that a proxy may serve all below a path of its own.
fn moved(to: &'static str) -> Response {
    let mut response = StatusCode::PERMANENT_REDIRECT.into_response();
    response.headers_mut().insert(header::LOCATION, HeaderValue::from_static(to));
    response
}

async fn no_such_path(uri: Uri) -> Problem {
    let detail =
        format!("there is nothing at `{}`; the endpoints are listed at `{API}`", uri.path());
    Problem::new(Kind::NoSuchPath, detail)
}
