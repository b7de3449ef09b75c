//! What stands beside the rows of an answer: their page and what they speak of, as JSON.

use axum::body::Body;
use axum::http::{HeaderValue, header};
use axum::response::Response;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;

use super::versions::{Served, ServedEndpoint};
use crate::base::Version;

/// How much of a name a message repeats.
pub(super) const NAME_CHARACTERS_MAX: usize = 80;

/// What may stand in a path as it is.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// `meta` of every answer.
#[derive(Serialize)]
pub(super) struct Meta<'a> {
    /// The version that brought what the answer speaks of.
    version: Version,
    /// When that was published.
    as_of: &'a str,
    /// Rows in this answer.
    row_count: u64,
    /// There only where it was published without its checks.
    #[serde(skip_serializing_if = "is_true")]
    tested: bool,
    /// How many of its checks warned, where any did.
    #[serde(skip_serializing_if = "is_zero")]
    warned: u64,
}

impl<'a> Meta<'a> {
    pub(super) fn new(served: &'a Served, row_count: u64) -> Self {
        let Served { version, ref as_of, tested, warned, .. } = *served;
        Self { version, as_of, row_count, tested, warned }
    }

    /// Of rows of `endpoint`: the version that brought the data they are made of.
    pub(super) fn of(served: &'a Served, endpoint: &'a ServedEndpoint, row_count: u64) -> Self {
        let ServedEndpoint { data_version, ref as_of, .. } = *endpoint;
        Self { version: data_version, as_of, ..Self::new(served, row_count) }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_true(value: &bool) -> bool {
    *value
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_zero(value: &u64) -> bool {
    *value == 0
}

/// `page` of an answer.
#[derive(Serialize)]
pub(super) struct PageView {
    pub(super) limit: u64,
    /// Rows before this page.
    pub(super) offset: u64,
    pub(super) next: Option<String>,
    /// Rows on all pages, where it was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) total: Option<u64>,
    /// Whether there are more rows, where no link leads to them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) more: Option<bool>,
}

/// `"page":…,"meta":…`: what follows the rows of an answer.
pub(super) fn tail(page: &PageView, meta: &Meta<'_>) -> Vec<u8> {
    let mut tail = b"\"page\":".to_vec();
    append(page, &mut tail);
    tail.extend_from_slice(b",\"meta\":");
    append(meta, &mut tail);
    tail
}

/// Appends a view made of texts and numbers alone, which JSON can always hold.
fn append(view: &impl Serialize, body: &mut Vec<u8>) {
    let written = serde_json::to_writer(&mut *body, view);
    debug_assert!(written.is_ok(), "{written:?}");
}

/// A text as a part of a path.
pub(super) fn encoded(text: &str) -> String {
    utf8_percent_encode(text, ENCODED).to_string()
}

pub(super) fn json(body: Vec<u8>) -> Response {
    let mut response = Response::new(Body::from(body));
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert(header::CONTENT_TYPE, json);
    response
}
