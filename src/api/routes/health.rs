//! For those who watch the server: whether it lives, whether it has something to serve.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Serialize;

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
