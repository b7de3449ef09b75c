//! `GET /api/v1/<endpoint>`: the rows of one page, as the endpoint's definition says.

use std::sync::Arc;

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, RawQuery, State};
use axum::http::Method;
use axum::response::{IntoResponse as _, Response};

use super::API;
use crate::api::problem::{Kind, Problem};
use crate::api::respond::{self, Answer};
use crate::api::versions::{Served, Versions};
use crate::base::suggest;
use crate::endpoints::{PlannedEndpoint, Request};
use crate::engine::EngineError;

/// Seconds after which memory is likely to be free again.
const RETRY_AFTER_SECONDS: u32 = 1;

pub(super) async fn answer(
    State(versions): State<Arc<Versions>>,
    name: Result<Path<String>, PathRejection>,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let served = versions.current()?;
    let endpoint = find(&served, name)?;
    permit(endpoint)?;
    let request =
        endpoint.read(query.as_deref().unwrap_or_default()).map_err(Problem::parameters)?;
    let (endpoint, served) = (Arc::clone(endpoint), Arc::clone(&served));
    let page = versions.queries.run(page(served, endpoint, request)).await?;
    Ok(respond::json(page))
}

/// Runs the query of one page and encodes what comes.
async fn page(
    served: Arc<Served>,
    endpoint: Arc<PlannedEndpoint>,
    request: Request,
) -> Result<Vec<u8>, Problem> {
    let bound = endpoint.bind(&request).map_err(|error| Problem::internal(error.message))?;
    let batches = bound.collect().await.map_err(|error| failed(&error))?;
    let answer =
        Answer { endpoint: &endpoint, request: &request, served: &served, batches: &batches };
    answer.encode().map_err(|error| failed(&error))
}

/// What an endpoint says to any method but GET and HEAD; one that does not exist is still not found.
pub(super) async fn other_method(
    State(versions): State<Arc<Versions>>,
    name: Result<Path<String>, PathRejection>,
    method: Method,
) -> Response {
    match versions.current().and_then(|served| find(&served, name).map(|_| ())) {
        Ok(()) => super::other_method(method).await,
        Err(problem) => problem.into_response(),
    }
}

fn find(
    served: &Served,
    name: Result<Path<String>, PathRejection>,
) -> Result<&Arc<PlannedEndpoint>, Problem> {
    let Ok(Path(name)) = name else {
        let detail = format!("the name is not UTF-8; the endpoints are listed at `{API}`");
        return Err(Problem::new(Kind::NoSuchEndpoint, detail));
    };
    if let Some(endpoint) = served.endpoint(&name) {
        return endpoint.as_ref().map_err(|_| {
            let detail = format!(
                "endpoint `{name}` cannot be planned over version {}; run clearwell build",
                served.version
            );
            Problem::new(Kind::EndpointUnavailable, detail)
        });
    }
    let advice = match suggest::closest(&name, served.names()) {
        Some(close) => format!("did you mean `{API}{}`?", respond::encoded(close)),
        None => format!("the endpoints are listed at `{API}`"),
    };
    let shown: String = name.chars().take(respond::NAME_CHARACTERS_MAX).collect();
    Err(Problem::new(Kind::NoSuchEndpoint, format!("there is no endpoint `{shown}`; {advice}")))
}

/// Nobody has shown a scope as long as nobody can: what requires one is answered to no one.
fn permit(endpoint: &PlannedEndpoint) -> Result<(), Problem> {
    let Some(scope) = &endpoint.definition().scope else { return Ok(()) };
    let name = endpoint.name();
    let detail = format!("endpoint `{name}` requires the scope `{scope}`");
    Err(Problem::new(Kind::Forbidden, detail))
}

fn failed(error: &EngineError) -> Problem {
    match error {
        EngineError::Memory(cause) => {
            let detail = "there is no memory left for this request now; try again";
            Problem::new(Kind::Overloaded, detail)
                .caused_by(cause.as_str())
                .retry_after(RETRY_AFTER_SECONDS)
        }
        other => Problem::internal(other.to_string()),
    }
}
