//! What stands around every route, outermost first: the frame (id, client, sizes, panics, problems, headers, log), CORS, how
//! often an address asks, who asks, how often that one asks, answers given before, and how long a new one may take. Around
//! health there is the frame alone, and CORS.
//!
//! They are services around services, not layers of a router: each of those costs every request several allocations.

use std::any::Any;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::{Body, Bytes, HttpBody};
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Uri, header};
use axum::response::{IntoResponse, Response};
use futures::FutureExt as _;
use futures::future::BoxFuture;
use hyper::body::{Frame as BodyFrame, SizeHint};
use ipnet::IpNet;
use tower::util::BoxCloneSyncService;
use tower::{Layer, Service, ServiceExt as _};
use tower_http::cors::{AllowOrigin, CorsLayer};

use super::answer::{self, Answered};
use super::auth::Auth;
use super::client::Client;
use super::limits::{self, Per};
use super::metrics::Metrics;
use super::principal::Principal;
use super::problem::{Kind, Problem};
use super::routes::HEALTH;
use super::trace::{Names, TRACEPARENT, Trace};
use crate::config::{RequestLog, ServeLimits, ServerConfig};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const REQUEST_ID_CHARACTERS_MAX: usize = 128;
/// What scripts of other origins may read of an answer.
const EXPOSED: [&str; 14] = [
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
    "traceparent",
    "mcp-session-id",
];
/// What scripts of other origins may send to `/mcp` besides.
const OF_MCP: [HeaderName; 3] = [
    HeaderName::from_static("mcp-session-id"),
    HeaderName::from_static("mcp-protocol-version"),
    HeaderName::from_static("last-event-id"),
];

/// What answers requests, each with whatever status it takes. Asking it clones and boxes nothing.
pub(super) trait Answering: Send + Sync + 'static {
    fn answer(&self, request: Request) -> impl Future<Output = Response> + Send;
}

/// Puts the stack around `routes`, and the frame alone around `health`: whoever watches the server is never told to wait.
pub(super) fn around(
    routes: impl Answering,
    health: Router,
    auth: Arc<Auth>,
    metrics: Arc<Metrics>,
    server: &ServerConfig,
    limits: &ServeLimits,
) -> Frame<impl Answering> {
    let routes = limits::limited(routes, Per::Principal, limits.principal_rate);
    let routes =
        limits::limited(Authenticated { inner: routes, auth }, Per::Address, limits.address_rate);
    let cors = (!server.cors_origins.is_empty()).then(|| cors(&server.cors_origins));
    Frame {
        inner: layered(cors, Beside { routes, health }),
        metrics,
        log: server.log,
        trusted_proxies: Arc::clone(&server.trusted_proxies),
        target_bytes_max: limits.target_bytes_max,
        names: Names::new(),
    }
}

impl Answering for Router {
    async fn answer(&self, request: Request) -> Response {
        self.clone().oneshot(request).await.unwrap_or_else(never)
    }
}

/// What may have a layer of tower around it.
pub(super) enum Layered<S> {
    Bare(S),
    Layered(BoxCloneSyncService<Request, Response, Infallible>),
}

/// `inner` with `layer` around it, where there is one.
pub(super) fn layered<S, L>(layer: Option<L>, inner: S) -> Layered<S>
where
    S: Answering,
    L: Layer<Inner<S>>,
    L::Service: Service<Request, Response = Response, Error = Infallible, Future: Send>
        + Clone
        + Send
        + Sync
        + 'static,
{
    match layer {
        None => Layered::Bare(inner),
        Some(layer) => {
            let service = layer.layer(Inner(Arc::new(inner)));
            Layered::Layered(BoxCloneSyncService::new(service))
        }
    }
}

impl<S: Answering> Answering for Layered<S> {
    async fn answer(&self, request: Request) -> Response {
        match self {
            Self::Bare(inner) => inner.answer(request).await,
            Self::Layered(service) => service.clone().oneshot(request).await.unwrap_or_else(never),
        }
    }
}

/// What a layer of tower goes around.
pub(super) struct Inner<S>(Arc<S>);

impl<S> Clone for Inner<S> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<S: Answering> Service<Request> for Inner<S> {
    type Response = Response;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let inner = Arc::clone(&self.0);
        Box::pin(async move { Ok(inner.answer(request).await) })
    }
}

fn never<T>(error: Infallible) -> T {
    match error {}
}

/// What sees every request.
pub(super) struct Frame<S> {
    inner: S,
    metrics: Arc<Metrics>,
    log: RequestLog,
    trusted_proxies: Arc<[IpNet]>,
    target_bytes_max: usize,
    names: Names,
}

impl<S: Answering> Frame<S> {
    /// Gives the request an id and its client, renders the problem that it may have ended with, counts and logs.
    pub(super) async fn answer(&self, peer: SocketAddr, mut request: Request) -> Response {
        let started = Instant::now();
        let id = request_id(request.headers(), &self.names);
        let trace = Trace::of(request.headers(), &self.names);
        let (method, target) = (request.method().clone(), request.uri().clone());
        let client = Client::of(peer.ip(), request.headers(), &self.trusted_proxies);
        request.extensions_mut().insert(client);
        let mut response = match limits::too_long(&target, self.target_bytes_max) {
            Some(problem) => problem.into_response(),
            None => without_panics(self.inner.answer(request)).await,
        };
        if let Some(problem) = response.extensions_mut().remove::<Problem>() {
            if let Some(cause) = problem.cause() {
                let path = target.path();
                tracing::error!(request_id = %id, %method, %path, cause, "a request failed");
            }
            if let Some(limit) = problem.kind().limit() {
                self.metrics.refused(limit);
            }
            // The router measured the body that there was before.
            response.headers_mut().remove(header::CONTENT_LENGTH);
            *response.body_mut() = Body::from(problem.render(target.path(), &id));
        }
        let answered = response.extensions_mut().remove::<Answered>();
        let duration = started.elapsed();
        self.metrics.answered(response.status(), duration.as_secs_f64(), answered.as_ref());
        if self.log != RequestLog::Off {
            let asked = Asked {
                id: &id,
                trace: trace.as_ref(),
                method: &method,
                target: &target,
                client,
                duration,
            };
            asked.log(self.log, &response, answered.as_ref());
        }
        let headers = response.headers_mut();
        for_browsers(headers);
        if let Ok(id) = HeaderValue::try_from(id) {
            headers.insert(REQUEST_ID, id);
        }
        if let Some(trace) = trace.and_then(|trace| trace.header()) {
            headers.insert(TRACEPARENT, trace);
        }
        response
    }
}

/// Answers requests for paths of health by `health`, others by `routes`.
struct Beside<S> {
    routes: S,
    health: Router,
}

impl<S: Answering> Answering for Beside<S> {
    async fn answer(&self, request: Request) -> Response {
        match HEALTH.contains(&request.uri().path()) {
            true => self.health.answer(request).await,
            false => self.routes.answer(request).await,
        }
    }
}

/// What a line of the log tells of a request: never its query string, nor what it showed to say who it is.
struct Asked<'a> {
    id: &'a str,
    trace: Option<&'a Trace>,
    method: &'a Method,
    target: &'a Uri,
    client: Client,
    duration: Duration,
}

impl Asked<'_> {
    fn log(&self, log: RequestLog, response: &Response, answered: Option<&Answered>) {
        let who = response.extensions().get::<Arc<Principal>>();
        let line = serde_json::json!({
            "time": chrono::DateTime::<chrono::Utc>::from(std::time::SystemTime::now())
                .to_rfc3339_opts(chrono::SecondsFormat::Millis, true),
            "request_id": self.id,
            "trace_id": self.trace.map(Trace::id),
            "method": self.method.as_str(),
            "path": self.target.path(),
            "status": response.status().as_u16(),
            "duration_us": u64::try_from(self.duration.as_micros()).unwrap_or(u64::MAX),
            "bytes": response.body().size_hint().exact(),
            "client": self.client.0.to_string(),
            "principal": who.map(|who| who.name.as_str()),
            "endpoint": answered.map(|answered| &*answered.endpoint),
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
                    match value.as_str().filter(|text| is_plain(text)) {
                        Some(text) => format!("{name}={text}"),
                        None => format!("{name}={value}"),
                    }
                });
                super::write_log_line(&told.collect::<Vec<_>>().join(" "));
            }
        }
    }
}

/// Whether a text can stand in a line of fields as it is; any other is quoted, so that no name can make fields or lines.
fn is_plain(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'"')
}

/// The client's own id where it is a plain one, else a new one.
fn request_id(headers: &HeaderMap, names: &Names) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    let sane =
        |id: &&str| (1..=REQUEST_ID_CHARACTERS_MAX).contains(&id.len()) && id.bytes().all(plain);
    match headers.get(REQUEST_ID).and_then(|id| id.to_str().ok()).filter(sane) {
        Some(id) => id.to_owned(),
        None => names.long(),
    }
}

/// What keeps browsers from taking an answer for what it is not; pages say themselves what they may load.
pub(super) fn for_browsers(headers: &mut HeaderMap) {
    let mut put = |name: HeaderName, value: &'static str| {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    };
    put(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    put(header::REFERRER_POLICY, "no-referrer");
    put(header::X_FRAME_OPTIONS, "DENY");
    put(header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'");
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
    let asked = [
        header::AUTHORIZATION,
        header::ACCEPT,
        header::CONTENT_TYPE,
        header::IF_NONE_MATCH,
        REQUEST_ID,
        TRACEPARENT,
    ];
    CorsLayer::new()
        .allow_origin(allowed)
        .allow_methods([Method::GET, Method::HEAD, Method::POST, Method::OPTIONS])
        .allow_headers(asked.into_iter().chain(OF_MCP).collect::<Vec<_>>())
        .expose_headers(exposed)
        .max_age(Duration::from_secs(3600))
}

/// Gives each request its principal; one that nobody credible sends is refused.
struct Authenticated<S> {
    inner: S,
    auth: Arc<Auth>,
}

impl<S: Answering> Answering for Authenticated<S> {
    async fn answer(&self, mut request: Request) -> Response {
        let client = request.extensions().get().copied();
        let asked = (request.method(), request.uri().path());
        let principal = match self.auth.who(asked, request.headers(), client).await {
            Ok(principal) => principal,
            Err(problem) => return problem.into_response(),
        };
        request.extensions_mut().insert(Arc::clone(&principal));
        let mut response = self.inner.answer(request).await;
        // For the log.
        response.extensions_mut().insert(principal);
        response
    }
}

/// Ends a request that takes longer than it may; dropping it cancels its query.
pub(super) struct Timed<S> {
    pub(super) inner: S,
    pub(super) request_max: Duration,
}

impl<S: Answering> Answering for Timed<S> {
    async fn answer(&self, request: Request) -> Response {
        let (request, arrival) = arriving(request);
        let answer = tokio::time::timeout(self.request_max, self.inner.answer(request)).await;
        answer.unwrap_or_else(|_| {
            let seconds = self.request_max.as_secs_f64();
            if arrival.is_some_and(|arrived| !arrived.load(Ordering::Relaxed)) {
                let detail = format!("the body did not come to its end within {seconds} s");
                return Problem::new(Kind::SlowBody, detail).into_response();
            }
            let detail = format!("no answer within {seconds} s; ask for less at once");
            Problem::new(Kind::TimedOut, detail)
                .caused_by(format!("not done within {seconds} s"))
                .into_response()
        })
    }
}

/// The request, and what tells whether its body came to its end; `None` if it has none.
fn arriving(request: Request) -> (Request, Option<Arc<AtomicBool>>) {
    if request.body().is_end_stream() {
        return (request, None);
    }
    let arrived = Arc::new(AtomicBool::new(false));
    let body = |inner| Body::new(Arriving { inner, arrived: Arc::clone(&arrived) });
    (request.map(body), Some(arrived))
}

/// A body that tells when it has come to its end.
struct Arriving {
    inner: Body,
    arrived: Arc<AtomicBool>,
}

impl HttpBody for Arriving {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<BodyFrame<Bytes>, axum::Error>>> {
        let frame = Pin::new(&mut self.inner).poll_frame(context);
        if matches!(frame, Poll::Ready(None)) || self.inner.is_end_stream() {
            self.arrived.store(true, Ordering::Relaxed);
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

/// A panic is a bug of ours that must not cost the client its connection.
async fn without_panics(answer: impl Future<Output = Response>) -> Response {
    match AssertUnwindSafe(answer).catch_unwind().await {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_texts_stand_in_a_line_of_the_log_as_they_are() {
        for plain in ["ann", "/api/v1/daily_sales", "2001:db8::1"] {
            assert!(is_plain(plain), "{plain}");
        }
        for other in ["", "x\nstatus=200", "x status=200", "\"", "\u{1b}[2J", "Zoë"] {
            assert!(!is_plain(other), "{other:?}");
        }
    }
}
