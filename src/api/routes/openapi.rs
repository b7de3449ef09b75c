//! `GET /api/v1/openapi.json` and `openapi.yaml`: the API described by itself.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};

use super::endpoint;
use crate::api::answer::Tag;
use crate::api::openapi::Document;
use crate::api::problem::Problem;
use crate::api::versions::Versions;
use crate::endpoints;

pub(super) async fn json(
    State(versions): State<Arc<Versions>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    answer(&versions, query, &headers, "application/json", |document| &document.json).await
}

pub(super) async fn yaml(
    State(versions): State<Arc<Versions>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    answer(&versions, query, &headers, "application/yaml", |document| &document.yaml).await
}

/// The document of the version that `at` names, or of the current one.
async fn answer(
    versions: &Arc<Versions>,
    query: Option<String>,
    headers: &HeaderMap,
    media_type: &'static str,
    written: impl Fn(&Document) -> &str,
) -> Result<Response, Problem> {
    let query = query.unwrap_or_default();
    endpoints::only(&query, &["at"]).map_err(Problem::parameters)?;
    let served = endpoint::version(versions, &query).await?;
    let body = written(served.document()?);
    let tag = Tag::of([media_type, body]);
    let mut response = match tag.is_known(headers) {
        true => StatusCode::NOT_MODIFIED.into_response(),
        false => {
            let mut whole = Response::new(Body::from(body.to_owned()));
            let media_type = HeaderValue::from_static(media_type);
            whole.headers_mut().insert(header::CONTENT_TYPE, media_type);
            whole
        }
    };
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    if let Ok(tag) = HeaderValue::from_str(&tag.to_string()) {
        headers.insert(header::ETAG, tag);
    }
    Ok(response)
}
