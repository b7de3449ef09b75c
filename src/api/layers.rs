//! What stands around every route, outermost first: its id, its log and its problems; panics; headers for browsers; which
//! client asks; how long its target is and how often it asks; who asks and how often that is; its time.

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::{Body, HttpBody as _};
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Router};
use futures::FutureExt as _;
use tower_http::cors::{AllowOrigin, CorsLayer};

use super::answer::{self, Answered};
use super::auth::{Auth, authenticate};
use super::client::{self, Client};
use super::limits::{self, Per};
use super::metrics::Metrics;
use super::principal::Principal;
use super::problem::{Kind, Problem};
use super::trace::{TRACEPARENT, Trace};
use crate::config::{RequestLog, ServeLimits, ServerConfig};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const REQUEST_ID_CHARACTERS_MAX: usize = 128;
/// What scripts of other origins may read of an answer.
const EXPOSED: [&str; 12] = [
    "etag",
    "link",
    "clearwell-version",
    "clearwell-as-of",
    "x-request-id",
    "retry-after",
    "ratelimit",
    "ratelimit-policy",
    "x-ratelimit-limit",
    "x-ratelimit-remaining",
    "x-ratelimit-reset",
    "www-authenticate",
];

/// Puts the stack around `router`.
pub(super) fn around(
    router: Router,
    auth: Arc<Auth>,
    metrics: Arc<Metrics>,
    server: &ServerConfig,
    limits: &ServeLimits,
) -> Router {
    let router = router
        .layer(Extension(Arc::clone(&auth)))
        .layer(DefaultBodyLimit::max(limits.body_bytes_max))
        .layer(from_fn_with_state(limits.request_max, time_out));
    let router = limits::limited(router, Per::Principal, limits.principal_rate)
        .layer(from_fn_with_state(auth, authenticate));
    let mut router = limits::limited(router, Per::Address, limits.address_rate)
        .layer(from_fn_with_state(limits.target_bytes_max, limits::target_length))
        .layer(from_fn_with_state(Arc::clone(&server.trusted_proxies), client::tell))
        .layer(from_fn(for_browsers));
    if !server.cors_origins.is_empty() {
        router = router.layer(cors(&server.cors_origins));
    }
    let seen = Arc::new(Seen { metrics, log: server.log });
    router.layer(from_fn(catch_panics)).layer(from_fn_with_state(seen, identify))
}

/// What sees every request.
struct Seen {
    metrics: Arc<Metrics>,
    log: RequestLog,
}

/// Gives the request an id, renders the problem that it may have ended with, counts and logs.
async fn identify(State(seen): State<Arc<Seen>>, request: Request, next: Next) -> Response {
    let started = Instant::now();
    let id = request_id(request.headers());
    let trace = Trace::of(request.headers());
    let method = request.method().clone();
    let path = request.uri().path().to_owned();
    let mut response = next.run(request).await;
    if let Some(problem) = response.extensions_mut().remove::<Problem>() {
        if let Some(cause) = problem.cause() {
            tracing::error!(request_id = %id, %method, %path, cause, "a request failed");
        }
        if let Some(limit) = problem.kind().limit() {
            seen.metrics.refused(limit);
        }
        *response.body_mut() = Body::from(problem.render(&path, &id));
    }
    let answered = response.extensions_mut().remove::<Answered>();
    let duration = started.elapsed();
    let status = response.status().as_u16();
    seen.metrics.answered(status, duration.as_secs_f64(), answered.as_ref());
    if seen.log != RequestLog::Off {
        let asked = Asked { id: &id, trace: &trace, method: &method, path: &path, duration };
        asked.log(seen.log, &response, answered.as_ref());
    }
    let headers = response.headers_mut();
    if let Ok(id) = HeaderValue::from_str(&id) {
        headers.insert(REQUEST_ID, id);
    }
    if let Some(trace) = trace.header() {
        headers.insert(TRACEPARENT, trace);
    }
    response
}

/// What a line of the log tells of a request: never its query string, nor what it showed to say who it is.
struct Asked<'a> {
    id: &'a str,
    trace: &'a Trace,
    method: &'a Method,
    path: &'a str,
    duration: Duration,
}

impl Asked<'_> {
    fn log(&self, log: RequestLog, response: &Response, answered: Option<&Answered>) {
        let who = response.extensions().get::<Arc<Principal>>();
        let client = response.extensions().get::<Client>().map(|client| client.0.to_string());
        let line = serde_json::json!({
            "time": chrono::DateTime::<chrono::Utc>::from(std::time::SystemTime::now())
                .to_rfc3339_opts(chrono::SecondsFormat::Millis, true),
            "request_id": self.id,
            "trace_id": self.trace.id,
            "method": self.method.as_str(),
            "path": self.path,
            "status": response.status().as_u16(),
            "duration_us": u64::try_from(self.duration.as_micros()).unwrap_or(u64::MAX),
            "bytes": response.body().size_hint().exact(),
            "client": client,
            "principal": who.map(|who| who.name.as_str()),
            "endpoint": answered.map(|answered| answered.endpoint.as_str()),
            "version": answered.map(|answered| answered.version.0),
            "rows": answered.and_then(|answered| answered.rows),
            "format": answered.map(|answered| answer::format_name(answered.format)),
            "from": answered.map(|answered| answered.from.name()),
        });
        match log {
            RequestLog::Off => {}
            RequestLog::Json => super::write_log_line(&line.to_string()),
            RequestLog::Text => {
                let fields = line.as_object().into_iter().flatten();
                let told = fields.filter(|(_, value)| !value.is_null()).map(|(name, value)| {
                    let bare = value.as_str().map(str::to_owned);
                    format!("{name}={}", bare.unwrap_or_else(|| value.to_string()))
                });
                super::write_log_line(&told.collect::<Vec<_>>().join(" "));
            }
        }
    }
}

/// The client's own id where it is a plain one, else a new one.
fn request_id(headers: &HeaderMap) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    let sane =
        |id: &&str| (1..=REQUEST_ID_CHARACTERS_MAX).contains(&id.len()) && id.bytes().all(plain);
    match headers.get(REQUEST_ID).and_then(|id| id.to_str().ok()).filter(sane) {
        Some(id) => id.to_owned(),
        None => uuid::Uuid::new_v4().simple().to_string(),
    }
}

/// What keeps browsers from taking an answer for what it is not; pages say themselves what they may load.
async fn for_browsers(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    let mut put = |name: HeaderName, value: &'static str| {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    };
    put(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    put(header::REFERRER_POLICY, "no-referrer");
    put(header::X_FRAME_OPTIONS, "DENY");
    put(header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'");
    response
}

/// Lets scripts of these origins ask; `*` lets all. No credentials but those that a script gives itself.
fn cors(origins: &[String]) -> CorsLayer {
    let every = origins.iter().any(|origin| origin == "*");
    let allowed = if every {
        AllowOrigin::any()
    } else {
        AllowOrigin::list(origins.iter().filter_map(|origin| HeaderValue::from_str(origin).ok()))
    };
    let exposed = EXPOSED.map(HeaderName::from_static);
    CorsLayer::new()
        .allow_origin(allowed)
        .allow_methods([Method::GET, Method::HEAD, Method::POST, Method::OPTIONS])
        .allow_headers([
            header::AUTHORIZATION,
            header::ACCEPT,
            header::CONTENT_TYPE,
            header::IF_NONE_MATCH,
            REQUEST_ID,
            TRACEPARENT,
        ])
        .expose_headers(exposed)
        .max_age(Duration::from_secs(3600))
}

/// Ends a request that takes longer than `limit`; dropping it cancels its query.
async fn time_out(State(limit): State<Duration>, request: Request, next: Next) -> Response {
    let principal = request.extensions().get::<Arc<Principal>>().cloned();
    let client = request.extensions().get::<Client>().copied();
    let mut response = match tokio::time::timeout(limit, next.run(request)).await {
        Ok(response) => response,
        Err(_) => {
            let seconds = limit.as_secs_f64();
            let detail = format!("no answer within {seconds} s; ask for less at once");
            Problem::new(Kind::TimedOut, detail)
                .caused_by(format!("not done within {seconds} s"))
                .into_response()
        }
    };
    // For the log.
    let extensions = response.extensions_mut();
    if let Some(principal) = principal {
        extensions.insert(principal);
    }
    if let Some(client) = client {
        extensions.insert(client);
    }
    response
}

/// A panic is a bug of ours that must not cost the client its connection.
async fn catch_panics(request: Request, next: Next) -> Response {
    match AssertUnwindSafe(next.run(request)).catch_unwind().await {
        Ok(response) => response,
        Err(panic) => {
            Problem::internal(format!("panicked: {}", panic_message(&*panic))).into_response()
        }
    }
}

fn panic_message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message")
}
