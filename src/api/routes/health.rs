//! For those who watch the server: whether it lives, whether it has something to serve.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Extension, State};
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use serde::Serialize;

use crate::api::metrics::Metrics;
use crate::api::principal::Principal;
use crate::api::problem::Problem;
use crate::api::versions::Versions;
use crate::base::Version;

#[derive(Serialize)]
pub(super) struct Alive {
    status: &'static str,
}

#[derive(Serialize)]
pub(super) struct Ready {
    status: &'static str,
    version: Version,
}

/// `GET /livez`: the process answers.
pub(super) async fn alive() -> Json<Alive> {
    Json(Alive { status: "alive" })
}

/// `GET /readyz`: there is a version to serve.
pub(super) async fn ready(State(versions): State<Arc<Versions>>) -> Result<Json<Ready>, Problem> {
    let served = versions.current()?;
    Ok(Json(Ready { status: "ready", version: served.version }))
}

/// What OpenMetrics calls itself.
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// `GET /metrics`, for Prometheus.
pub(super) async fn metrics(
    State(versions): State<Arc<Versions>>,
    Extension(principal): Extension<Arc<Principal>>,
    Extension(metrics): Extension<Arc<Metrics>>,
) -> Result<Response, Problem> {
    principal.require("metrics", "`/metrics`")?;
    Ok(([(header::CONTENT_TYPE, OPEN_METRICS)], metrics.text(&versions)).into_response())
}
