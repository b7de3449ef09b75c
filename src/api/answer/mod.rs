//! Answers: which form they take, whether the client or the cache has them already, and the headers they carry.
//!
//! A [`Tag`] names all that an answer is made of: the content of the tables that its plan reads, the plan, the values,
//! format and coding. It is the answer's strong `ETag` and its key in the cache.

mod cache;
mod compress;
mod negotiate;
mod page;
mod repeats;
mod resident;
mod writing;

use std::fmt;
use std::sync::Arc;

use axum::body::Body;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};

use super::versions::Served;
use crate::base::{Version, hash};
use crate::engine::output::RowFormat;
pub(super) use cache::Cache;
use cache::{Cached, Kept};
use negotiate::{Coding, coding, media_type};
pub(super) use negotiate::{FORMATS, format_name};
pub(super) use page::page;
pub(super) use repeats::Repeats;
pub(super) use resident::Residents;
use writing::{Rows, Written};

/// The version that an answer comes from.
const VERSION: HeaderName = HeaderName::from_static("clearwell-version");
/// When the data of an answer became what they are: RFC 3339, UTC.
const AS_OF: HeaderName = HeaderName::from_static("clearwell-as-of");
/// How many digits of a hash make a tag: 128 bits.
const TAG_DIGITS: usize = 32;

/// The strong name of an answer.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Tag(String);

impl Tag {
    /// The name of what is made of `parts`.
    pub(super) fn of<'a>(parts: impl IntoIterator<Item = &'a str>) -> Self {
        let mut digits = hash::of_parts(parts.into_iter().map(str::as_bytes));
        digits.truncate(TAG_DIGITS);
        Self(digits)
    }

    /// Whether `If-None-Match` names it: the client has the answer. RFC 9110, 13.1.2.
    pub(super) fn is_known(&self, headers: &HeaderMap) -> bool {
        let values = headers.get_all(header::IF_NONE_MATCH).iter();
        let mut tags = values.filter_map(|value| value.to_str().ok()).flat_map(|v| v.split(','));
        let quoted = self.to_string();
        tags.any(|tag| {
            let tag = tag.trim();
            tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == quoted
        })
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.0)
    }
}

/// What is told of an answer to those who watch the server. It travels in the response's extensions.
#[derive(Clone, Debug)]
pub(super) struct Answered {
    pub(super) endpoint: Arc<str>,
    pub(super) version: Version,
    /// None for one that the client has already.
    pub(super) rows: Option<u64>,
    pub(super) format: RowFormat,
    pub(super) from: Origin,
}

/// Where an answer came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    Cache,
    Query,
    /// The client has it.
    Client,
}

impl Origin {
    /// Each at the place that its number names.
    pub(super) const ALL: [Self; 3] = [Self::Cache, Self::Query, Self::Client];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Cache => "hit",
            Self::Query => "miss",
            Self::Client => "not_modified",
        }
    }
}

/// What the headers of an answer say of it.
pub(super) struct Facts<'a> {
    pub(super) served: &'a Served,
    pub(super) as_of: &'a str,
    pub(super) tag: Option<&'a Tag>,
    pub(super) format: RowFormat,
    pub(super) coding: Coding,
    /// Where the next and the first page are.
    pub(super) links: &'a [(&'static str, String)],
}

impl Facts<'_> {
    /// The answer to a client that has it already.
    pub(super) fn not_modified(&self) -> Response {
        let mut response = StatusCode::NOT_MODIFIED.into_response();
        self.common(response.headers_mut());
        response
    }

    pub(super) fn with(&self, body: impl Into<Body>) -> Response {
        let mut response = Response::new(body.into());
        let headers = response.headers_mut();
        self.common(headers);
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type(self.format)));
        if let Some(name) = self.coding.name() {
            headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(name));
        }
        let links = self.links.iter().map(|(relation, url)| format!("<{url}>; rel=\"{relation}\""));
        put(headers, header::LINK, &links.collect::<Vec<_>>().join(", "));
        response
    }

    /// What a 304 carries, too.
    fn common(&self, headers: &mut HeaderMap) {
        put(headers, VERSION, &self.served.version.to_string());
        put(headers, AS_OF, self.as_of);
        // Whoever keeps an answer keeps it for one principal, and asks whether it still holds.
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
        let vary = HeaderValue::from_static("accept, accept-encoding, authorization");
        headers.insert(header::VARY, vary);
        if let Some(tag) = self.tag {
            put(headers, header::ETAG, &tag.to_string());
        }
    }
}

/// Sets a header to a text; one that is empty or cannot stand in a header is left out.
fn put(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value)
        && !value.is_empty()
    {
        headers.insert(name, value);
    }
}

/// The coding that an answer in `format` is sent in: what is compressed already is left as it is.
pub(super) fn coding_of(format: RowFormat, headers: &HeaderMap) -> Coding {
    match format {
        RowFormat::Parquet => Coding::Identity,
        _ => coding(headers),
    }
}
