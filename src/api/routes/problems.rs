//! `GET /problems/<kind>`: a page for each kind of problem, where its `type` leads, and `/problems/`, which lists them.

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, Error, HtmlEscape, Value, context};
use serde::Serialize;

use super::read_only;
use crate::api::openapi::{KINDS, explained};
use crate::api::problem::{Kind, Problem};
use crate::api::versions::Versions;

const PAGE: &str = include_str!("problems.html");

/// A style of its own and nothing else.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; \
     frame-ancestors 'none'";

const HTML: &str = "text/html; charset=utf-8";

/// What a page says of a kind.
#[derive(Serialize)]
struct View {
    slug: &'static str,
    title: &'static str,
    status: u16,
    reason: &'static str,
    meaning: &'static str,
    remedy: &'static str,
}

impl From<Kind> for View {
    fn from(kind: Kind) -> Self {
        let (status, slug, title) = kind.facts();
        let (meaning, remedy) = explained(kind);
        let reason = status.canonical_reason().unwrap_or_default();
        Self { slug, title, status: status.as_u16(), reason, meaning, remedy }
    }
}

pub(super) fn routes(router: Router<Arc<Versions>>) -> Router<Arc<Versions>> {
    let router = router
        .route("/problems", read_only(get(async || super::moved("problems/"))))
        .route("/problems/", read_only(get(async || answer(render(None)))));
    KINDS.iter().fold(router, |router, &kind| {
        let path = format!("/problems/{}", kind.facts().1);
        router.route(&path, read_only(get(async move || answer(render(Some(kind))))))
    })
}

fn answer(page: Result<String, Error>) -> Response {
    let page = match page {
        Ok(page) => Bytes::from(page),
        Err(error) => return Problem::internal(error.to_string()).into_response(),
    };
    let mut response = Response::new(Body::from(page));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(HTML));
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    response
}

/// A text whose backticks stand around code.
fn marked(text: &str) -> Value {
    let parts = text.split('`').enumerate().map(|(index, part)| {
        let part = HtmlEscape(part);
        if index % 2 == 1 { format!("<code>{part}</code>") } else { part.to_string() }
    });
    Value::from_safe_string(parts.collect())
}

/// The page of one kind, or the list of all.
fn render(kind: Option<Kind>) -> Result<String, Error> {
    let mut environment = Environment::new();
    environment.set_auto_escape_callback(|_| AutoEscape::Html);
    environment.add_filter("marked", marked);
    let all: Vec<View> = KINDS.iter().map(|&kind| kind.into()).collect();
    let kind = Value::from(Serde(kind.map(View::from)));
    environment.render_str(PAGE, context! { kind, all => Value::from(Serde(all)) })
}
