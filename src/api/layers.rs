//! What stands around every route, outermost first: its id and its problems, its panics, who asks, its time.

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Router};
use futures::FutureExt as _;

use super::ServeLimits;
use super::auth::{Auth, authenticate};
use super::problem::{Kind, Problem};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const REQUEST_ID_CHARACTERS_MAX: usize = 128;

/// Puts the stack around `router`.
pub(super) fn around(router: Router, auth: Arc<Auth>, limits: &ServeLimits) -> Router {
    router
        .layer(Extension(Arc::clone(&auth)))
        .layer(from_fn_with_state(limits.request_max, time_out))
        .layer(from_fn_with_state(auth, authenticate))
        .layer(from_fn(catch_panics))
        .layer(from_fn(identify))
}

/// Gives the request an id, renders the problem that it may have ended with, and logs.
async fn identify(request: Request, next: Next) -> Response {
    let started = Instant::now();
    let id = request_id(request.headers());
    let method = request.method().clone();
    let path = request.uri().path().to_owned();
    let mut response = next.run(request).await;
    if let Some(problem) = response.extensions_mut().remove::<Problem>() {
        if let Some(cause) = problem.cause() {
            tracing::error!(request_id = %id, %method, %path, cause, "a request failed");
        }
        *response.body_mut() = Body::from(problem.render(&path, &id));
    }
    tracing::debug!(
        request_id = %id,
        %method,
        %path,
        status = response.status().as_u16(),
        duration_us = started.elapsed().as_micros() as u64,
        "answered"
    );
    if let Ok(id) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(REQUEST_ID, id);
    }
    response
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

/// Ends a request that takes longer than `limit`; dropping it cancels its query.
async fn time_out(State(limit): State<Duration>, request: Request, next: Next) -> Response {
    match tokio::time::timeout(limit, next.run(request)).await {
        Ok(response) => response,
        Err(_) => {
            let seconds = limit.as_secs_f64();
            let detail = format!("no answer within {seconds} s; ask for less at once");
            Problem::new(Kind::TimedOut, detail)
                .caused_by(format!("not done within {seconds} s"))
                .into_response()
        }
    }
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
