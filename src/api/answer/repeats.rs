//! Requests spelled as one before, of the same version: answered again without being routed, read or negotiated.
//!
//! Only the heads of answers are kept here. Their bodies are those in the cache of answers, which decides how long they stay.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderMap, Method, header};
use axum::response::Response;
use moka::sync::Cache as Moka;

use super::{Answered, Tag};
use crate::api::layers::{Answering, for_browsers};
use crate::api::principal::Principal;
use crate::api::versions::Versions;
use crate::base::Version;

/// What all heads may take together, about.
const BYTES_MAX: u64 = 8 << 20;
/// What a head takes besides its texts, about.
const HEAD_BYTES: usize = 1 << 10;

/// Says of a response what has to be the same for it to be given again. It travels in the response's extensions.
#[derive(Clone)]
pub(super) struct Repeatable {
    pub(super) version: Version,
    /// Of the body in the cache.
    pub(super) tag: Tag,
}

/// An answer but for its body.
struct Head {
    repeatable: Repeatable,
    headers: HeaderMap,
    answered: Option<Answered>,
    /// Keeps the address that is part of the spelling from being another's.
    _principal: Arc<Principal>,
}

/// Stands before `inner`, which is asked only what was not asked like that before.
pub(in crate::api) struct Repeats<S> {
    inner: S,
    versions: Arc<Versions>,
    heads: Moka<blake3::Hash, Arc<Head>>,
}

impl<S> Repeats<S> {
    pub(in crate::api) fn new(inner: S, versions: Arc<Versions>) -> Self {
        let weigh = |_: &blake3::Hash, head: &Arc<Head>| {
            let texts = head.headers.values().map(|value| value.len()).sum::<usize>();
            u32::try_from(HEAD_BYTES + texts).unwrap_or(u32::MAX)
        };
        let heads = Moka::builder().max_capacity(BYTES_MAX).weigher(weigh).build();
        Self { inner, versions, heads }
    }

    fn keep(&self, spelling: blake3::Hash, principal: Arc<Principal>, response: &mut Response) {
        let Some(repeatable) = response.extensions_mut().remove() else { return };
        let mut headers = response.headers().clone();
        for_browsers(&mut headers);
        let answered = response.extensions().get().cloned();
        let head = Head { repeatable, headers, answered, _principal: principal };
        self.heads.insert(spelling, Arc::new(head));
    }
}

impl<S: Answering> Answering for Repeats<S> {
    async fn answer(&self, request: Request) -> Response {
        let Some((spelling, principal)) = spelling(&request) else {
            return self.inner.answer(request).await;
        };
        if let Some(head) = self.heads.get(&spelling)
            && let Some(response) = head.answer(&self.versions).await
        {
            return response;
        }
        let mut response = self.inner.answer(request).await;
        self.keep(spelling, principal, &mut response);
        response
    }
}

impl Head {
    /// The answer, if it still is one and its body is still there.
    async fn answer(&self, versions: &Versions) -> Option<Response> {
        if versions.current().ok()?.version != self.repeatable.version {
            return None;
        }
        let kept = versions.answers.whole(&self.repeatable.tag).await?;
        let mut response = Response::new(Body::from(kept.body.clone()));
        *response.headers_mut() = self.headers.clone();
        if let Some(answered) = &self.answered {
            response.extensions_mut().insert(answered.clone());
        }
        Some(response)
    }
}

/// Names all of a request that an answer depends on, and who asks; none for one that must be looked at each time.
fn spelling(request: &Request) -> Option<(blake3::Hash, Arc<Principal>)> {
    let headers = request.headers();
    if request.method() != Method::GET || headers.contains_key(header::IF_NONE_MATCH) {
        return None;
    }
    let principal = request.extensions().get::<Arc<Principal>>()?;
    let target = request.uri().path_and_query()?.as_str().as_bytes();
    let mut hasher = blake3::Hasher::new();
    hasher.update(&Arc::as_ptr(principal).addr().to_le_bytes());
    let mut part = |bytes: &[u8]| {
        hasher.update(&bytes.len().to_le_bytes()).update(bytes);
    };
    part(target);
    for name in [header::ACCEPT, header::ACCEPT_ENCODING] {
        let values = headers.get_all(name);
        part(&values.iter().count().to_le_bytes());
        values.iter().for_each(|value| part(value.as_bytes()));
    }
    Some((hasher.finalize(), Arc::clone(principal)))
}
