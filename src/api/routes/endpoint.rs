//! `GET /api/v1/<endpoint>`: the rows of one page, as the endpoint's definition says.

use std::sync::Arc;

use axum::extract::rejection::PathRejection;
use axum::extract::{Extension, Path, RawQuery, State};
use axum::http::{HeaderMap, Method};
use axum::response::{IntoResponse as _, Response};

use super::API;
use crate::api::answer;
use crate::api::principal::Principal;
use crate::api::problem::{Kind, Problem};
use crate::api::respond;
use crate::api::versions::{Served, ServedEndpoint, Versions};
use crate::base::suggest;
use crate::endpoints::{self, ClaimProblem, Cursor, PlannedEndpoint, Request};
use crate::warehouse::At;

pub(super) async fn answer(
    State(versions): State<Arc<Versions>>,
    Extension(principal): Extension<Arc<Principal>>,
    name: Result<Path<String>, PathRejection>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let query = query.unwrap_or_default();
    let served = version(&versions, &query).await?;
    let endpoint = Arc::clone(find(&served, name)?);
    let request = question(&endpoint, &principal, &query)?;
    let path = format!("{API}{}", respond::encoded(endpoint.planned.name()));
    answer::page(&versions, &served, &endpoint, &path, &request, &headers).await
}

/// What `principal` asks of an endpoint with a query string.
///
/// # Errors
/// 403 if it may not, 400 with what is wrong with its parameters.
pub(in crate::api) fn question(
    endpoint: &ServedEndpoint,
    principal: &Principal,
    query: &str,
) -> Result<Request, Problem> {
    let planned = &endpoint.planned;
    permit(principal, planned)?;
    let mut request = planned.read(query).map_err(Problem::parameters)?;
    planned.bind_claims(&mut request, &principal.claims).map_err(|problem| forbidden(&problem))?;
    Ok(request)
}

/// The version that the request asks for: by `at`, by the cursor that it goes on from, else the current one.
pub(in crate::api) async fn version(
    versions: &Arc<Versions>,
    query: &str,
) -> Result<Arc<Served>, Problem> {
    let at = endpoints::single(query, "at");
    let cursor = endpoints::single(query, "cursor");
    let cursor = cursor.and_then(|cursor| cursor.parse::<Cursor>().ok());
    let served = match (at, &cursor) {
        (Some(at), _) => versions.named(&at).await?,
        (None, Some(cursor)) => match versions.at(At::Version(cursor.version)).await {
            // The page may have been kept since that version; what it was made of is still there.
            Err(problem) if problem.is_gone() => {
                let current = versions.current()?;
                return if current.has(&cursor.depends_on) { Ok(current) } else { Err(problem) };
            }
            found => found?,
        },
        (None, None) => versions.current()?,
    };
    match cursor {
        Some(cursor) if cursor.version != served.version => {
            let detail = format!("it goes on in version {}; leave `at` out", cursor.version);
            Err(Problem::parameter("cursor", detail))
        }
        _ => Ok(served),
    }
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
) -> Result<&Arc<ServedEndpoint>, Problem> {
    let Ok(Path(name)) = name else {
        let detail = format!("the name is not UTF-8; the endpoints are listed at `{API}`");
        return Err(Problem::new(Kind::NoSuchEndpoint, detail));
    };
    named(served, &name)
}

/// The endpoint of this name.
///
/// # Errors
/// 404 if there is none, 503 if it does not fit its version.
pub(in crate::api) fn named<'a>(
    served: &'a Served,
    name: &str,
) -> Result<&'a Arc<ServedEndpoint>, Problem> {
    if let Some(endpoint) = served.endpoint(name) {
        return endpoint.as_ref().map_err(|_| {
            let detail = format!(
                "endpoint `{name}` cannot be planned over version {}; run clearwell build",
                served.version
            );
            Problem::new(Kind::EndpointUnavailable, detail)
        });
    }
    let advice = match suggest::closest(name, served.names()) {
        Some(close) => format!("did you mean `{API}{}`?", respond::encoded(close)),
        None => format!("the endpoints are listed at `{API}`"),
    };
    let shown: String = name.chars().take(respond::NAME_CHARACTERS_MAX).collect();
    Err(Problem::new(Kind::NoSuchEndpoint, format!("there is no endpoint `{shown}`; {advice}")))
}

fn forbidden(problem: &ClaimProblem) -> Problem {
    let ClaimProblem { claim, detail } = problem;
    let detail = format!("your rows are told by the claim `{claim}` of your token: {detail}");
    Problem::new(Kind::Forbidden, detail)
}

fn permit(principal: &Principal, endpoint: &PlannedEndpoint) -> Result<(), Problem> {
    match &endpoint.definition().scope {
        Some(scope) => principal.require(scope, &format!("endpoint `{}`", endpoint.name())),
        None => Ok(()),
    }
}
