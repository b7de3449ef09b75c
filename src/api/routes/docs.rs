//! `GET /docs/api`: Swagger UI over the OpenAPI document, from files that the program carries with it.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;

use super::read_only;
use crate::api::problem::Problem;
use crate::api::versions::Versions;

/// Where the page is; its links are relative to this.
pub(super) const PAGE: &str = "/docs/api";

/// What is taken of Swagger UI's distribution.
const FILES: [&str; 4] =
    ["swagger-ui-bundle.js", "swagger-ui.css", "favicon-16x16.png", "favicon-32x32.png"];

/// Scripts, styles and requests of this server alone. Swagger UI has its pictures in its style sheet and sets styles of
/// single elements.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
     connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const HTML: &str = include_str!("docs.html");
const START: &str = include_str!("docs.js");

/// The files stay what they are as long as the program does.
const CACHE: &str = "public, max-age=3600";

pub(super) fn routes(router: Router<Arc<Versions>>) -> Router<Arc<Versions>> {
    let page = async || written("text/html; charset=utf-8", HTML.into());
    let start = async || written("text/javascript; charset=utf-8", START.into());
    let router = router
        .route(PAGE, read_only(get(page)))
        .route("/docs/api/", read_only(get(async || super::moved("../api"))))
        .route("/docs/api/start.js", read_only(get(start)));
    FILES.into_iter().fold(router, |router, name| {
        router.route(&format!("{PAGE}/{name}"), read_only(get(async move || file(name))))
    })
}

fn file(name: &str) -> Response {
    match utoipa_swagger_ui::serve(name, Arc::default()) {
        Ok(Some(file)) => {
            let mut response = written(&file.content_type, file.bytes.into_owned().into());
            let headers = response.headers_mut();
            headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(CACHE));
            if file.gzpipped {
                headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
            }
            response
        }
        Ok(None) => Problem::internal(format!("Swagger UI has no `{name}`")).into_response(),
        Err(error) => Problem::internal(format!("Swagger UI's `{name}`: {error}")).into_response(),
    }
}

fn written(media_type: &str, body: Body) -> Response {
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    if let Ok(media_type) = HeaderValue::from_str(media_type) {
        headers.insert(header::CONTENT_TYPE, media_type);
    }
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    let nosniff = HeaderValue::from_static("nosniff");
    headers.insert(HeaderName::from_static("x-content-type-options"), nosniff);
    response
}
