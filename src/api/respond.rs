//! Answers: rows, their page and what they speak of, as JSON.

use arrow::array::RecordBatch;
use axum::body::Body;
use axum::http::{HeaderValue, header};
use axum::response::Response;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;

use super::routes::API;
use super::versions::Served;
use crate::base::Version;
use crate::endpoints::{PlannedEndpoint, Request};
use crate::engine::EngineError;
use crate::engine::output::JsonRows;

/// How much of a name a message repeats.
pub(super) const NAME_CHARACTERS_MAX: usize = 80;

/// What may stand in a path as it is.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// `meta` of every answer.
#[derive(Serialize)]
pub(super) struct Meta<'a> {
    version: Version,
    /// When the version was published.
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
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_true(value: &bool) -> bool {
    *value
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_zero(value: &u64) -> bool {
    *value == 0
}

#[derive(Serialize)]
struct PageView {
    limit: u64,
    offset: u64,
    next: Option<String>,
}

/// What one page of an endpoint is made of.
pub(super) struct Answer<'a> {
    pub(super) endpoint: &'a PlannedEndpoint,
    pub(super) request: &'a Request,
    pub(super) served: &'a Served,
    /// One row more than the page holds where there is a next page.
    pub(super) batches: &'a [RecordBatch],
}

impl Answer<'_> {
    /// # Errors
    /// If values of a column's type cannot be written as JSON.
    pub(super) fn encode(&self) -> Result<Vec<u8>, EngineError> {
        let page = self.request.page;
        let found: u64 = self.batches.iter().map(|batch| batch.num_rows() as u64).sum();
        let next = (found > page.limit).then(|| {
            let name = encoded(self.endpoint.name());
            format!("{API}{name}?{}", self.request.next_query())
        });
        let view = PageView { limit: page.limit, offset: page.offset, next };
        let meta = Meta::new(self.served, found.min(page.limit));
        let mut body = Vec::with_capacity(4096);
        body.extend_from_slice(b"{\"data\":[");
        self.rows(page.limit as usize, &mut body)?;
        body.extend_from_slice(b"],\"page\":");
        append(&view, &mut body);
        body.extend_from_slice(b",\"meta\":");
        append(&meta, &mut body);
        body.push(b'}');
        Ok(body)
    }

    fn rows(&self, limit: usize, body: &mut Vec<u8>) -> Result<(), EngineError> {
        let mut rows = JsonRows::new(&self.endpoint.schema());
        let mut left = limit;
        for batch in self.batches {
            let taken = batch.slice(0, batch.num_rows().min(left));
            left -= taken.num_rows();
            rows.append(&taken, body)?;
        }
        Ok(())
    }
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
