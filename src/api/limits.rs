//! How often one client may ask, and how long what it asks may be.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::http::{HeaderMap, HeaderName, HeaderValue, Uri};
use axum::response::{IntoResponse as _, Response};
use tower::layer::util::Stack;
use tower::util::MapResponseLayer;
use tower_governor::governor::GovernorConfigBuilder;
use tower_governor::key_extractor::KeyExtractor;
use tower_governor::{GovernorError, GovernorLayer};

use super::client::{self, Client};
use super::layers::{self, Answering, Layered};
use super::principal::Principal;
use super::problem::{Kind, Problem};
use crate::config::Rate;

/// How often those are forgotten who have not asked lately.
const FORGET_EVERY: Duration = Duration::from_secs(60);

/// Whom requests are counted for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Per {
    Address,
    Principal,
}

impl Per {
    /// What the headers call the limit.
    const fn name(self) -> &'static str {
        match self {
            Self::Address => "address",
            Self::Principal => "principal",
        }
    }
}

/// Who is counted as one.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Key {
    Address(IpAddr),
    Name(String),
}

impl KeyExtractor for Per {
    type Key = Key;

    fn extract<T>(&self, request: &axum::http::Request<T>) -> Result<Key, GovernorError> {
        let client = request.extensions().get::<Client>();
        let address = client.map(|client| Key::Address(client::network(client.0)));
        let principal = request.extensions().get::<Arc<Principal>>();
        let name = principal.map(|principal| &principal.name).filter(|name| !name.is_empty());
        let key = match (self, name) {
            (Self::Principal, Some(name)) => Some(Key::Name(name.clone())),
            _ => address,
        };
        key.ok_or(GovernorError::UnableToExtractKey)
    }
}

/// Puts a limit around `inner`: whoever asks more often is told to wait, and everyone how much is left.
pub(super) fn limited<S: Answering>(inner: S, per: Per, rate: Option<Rate>) -> Layered<S> {
    let limit = rate.and_then(|rate| {
        let mut config = GovernorConfigBuilder::default();
        let mut config = config.key_extractor(per).use_headers();
        config.period(Duration::from_secs(1) / rate.per_second.get());
        let config = Arc::new(config.burst_size(rate.burst.get()).finish()?);
        let kept = Arc::downgrade(&config);
        tokio::spawn(async move {
            let mut ticks = tokio::time::interval(FORGET_EVERY);
            loop {
                ticks.tick().await;
                let Some(config) = kept.upgrade() else { break };
                config.limiter().retain_recent();
            }
        });
        let governor = GovernorLayer::new(config).error_handler(refused);
        let told = MapResponseLayer::new(move |response| told(response, per, rate));
        Some(Stack::new(governor, told))
    });
    layers::layered(limit, inner)
}

fn refused(error: GovernorError) -> Response {
    match error {
        GovernorError::TooManyRequests { wait_time, headers } => {
            let seconds = u32::try_from(wait_time).unwrap_or(u32::MAX).saturating_add(1);
            let detail = format!("too many requests in a short time; wait for {seconds} s");
            let problem = Problem::new(Kind::TooManyRequests, detail).retry_after(seconds);
            let mut response = problem.into_response();
            let told = headers.unwrap_or_default();
            for name in ["x-ratelimit-limit", "x-ratelimit-remaining"] {
                if let Some(value) = told.get(name) {
                    response.headers_mut().insert(name, value.clone());
                }
            }
            response
        }
        _ => Problem::internal("a request without an address").into_response(),
    }
}

/// What is left to a client of one limit.
#[derive(Clone, Copy)]
struct Left {
    per: Per,
    rate: Rate,
    requests: u32,
}

/// What is left of the limits that an answer has passed on its way out.
#[derive(Clone, Default)]
struct AllLeft(Vec<Left>);

impl Left {
    /// Seconds until all requests of the limit are there again.
    fn until_full(&self) -> u32 {
        let taken = self.rate.burst.get().saturating_sub(self.requests);
        taken.div_ceil(self.rate.per_second.get())
    }

    fn policy(&self) -> String {
        let (burst, per_second) = (self.rate.burst.get(), self.rate.per_second.get());
        format!("\"{}\";q={burst};w={}", self.per.name(), burst.div_ceil(per_second))
    }

    fn state(&self) -> String {
        format!("\"{}\";r={};t={}", self.per.name(), self.requests, self.until_full())
    }
}

/// Tells what is left in the words of the IETF's draft (draft-ietf-httpapi-ratelimit-headers): of every limit. The headers of
/// old have place for one: the limit of which least is left.
fn told(mut response: Response, per: Per, rate: Rate) -> Response {
    let Some(requests) = number(response.headers(), "x-ratelimit-remaining") else {
        return response;
    };
    let AllLeft(mut all) = response.extensions_mut().remove().unwrap_or_default();
    all.push(Left { per, rate, requests });
    let headers = response.headers_mut();
    let list = |spell: fn(&Left) -> String| all.iter().map(spell).collect::<Vec<_>>().join(", ");
    put(headers, "ratelimit-policy", &list(Left::policy));
    put(headers, "ratelimit", &list(Left::state));
    if let Some(least) = all.iter().min_by_key(|left| left.requests) {
        put(headers, "x-ratelimit-limit", &least.rate.burst.to_string());
        put(headers, "x-ratelimit-remaining", &least.requests.to_string());
        put(headers, "x-ratelimit-reset", &least.until_full().to_string());
    }
    response.extensions_mut().insert(AllLeft(all));
    response
}

fn number(headers: &HeaderMap, name: &str) -> Option<u32> {
    headers.get(name)?.to_str().ok()?.parse().ok()
}

fn put(headers: &mut HeaderMap, name: &'static str, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(HeaderName::from_static(name), value);
    }
}

/// What is wrong with a target that is longer than `max` bytes.
pub(super) fn too_long(target: &Uri, max: usize) -> Option<Problem> {
    let length = target.path().len() + target.query().map_or(0, |query| query.len() + 1);
    (length > max).then(|| {
        let detail = format!("the path and query have {length} bytes; at most {max} are read");
        Problem::new(Kind::UriTooLong, detail)
    })
}
