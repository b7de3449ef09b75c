//! What is counted, for Prometheus: `GET /metrics`, OpenMetrics text.

use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, AtomicU64};
use std::sync::{Arc, PoisonError, RwLock};

use axum::http::StatusCode;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

use super::answer::{Answered, Origin};
use super::versions::Versions;

/// Where latencies are told apart, in seconds.
const SECONDS: [f64; 12] =
    [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0, 30.0];
/// What stands for a request that is none of an endpoint.
const OTHER: &str = "other";
/// Statuses told apart.
const CLASSES: [&str; 4] = ["2xx", "3xx", "4xx", "5xx"];

#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Endpoint {
    endpoint: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Outcome {
    endpoint: String,
    /// `2xx` and so on.
    status: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Refused {
    /// The kind of problem: its slug.
    limit: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Cache {
    endpoint: String,
    /// `hit`, `miss` or `not_modified`.
    outcome: &'static str,
}

/// All that is counted.
pub(super) struct Metrics {
    registry: Registry,
    requests: Family<Outcome, Counter>,
    duration: Family<Endpoint, Histogram>,
    rows: Family<Endpoint, Counter>,
    cache: Family<Cache, Counter>,
    /// What is counted of each endpoint, found without making its labels anew.
    endpoints: RwLock<HashMap<Arc<str>, Arc<OfEndpoint>>>,
    refused: Family<Refused, Counter>,
    connections: Gauge,
    version: Gauge<u64, AtomicU64>,
    published: Gauge,
    memory: Gauge<i64, AtomicI64>,
    memory_limit: Gauge<i64, AtomicI64>,
}

/// What is counted of one endpoint.
struct OfEndpoint {
    duration: Histogram,
    rows: Counter,
    /// By [`Origin`].
    cache: [Counter; Origin::ALL.len()],
    /// By class of status.
    requests: [Counter; CLASSES.len()],
}

impl Metrics {
    pub(super) fn new() -> Self {
        let duration = Family::<Endpoint, Histogram>::new_with_constructor(|| {
            Histogram::new(SECONDS.iter().copied())
        });
        let mut metrics = Self {
            registry: Registry::with_prefix("clearwell"),
            duration,
            requests: Family::default(),
            rows: Family::default(),
            cache: Family::default(),
            endpoints: RwLock::default(),
            refused: Family::default(),
            connections: Gauge::default(),
            version: Gauge::default(),
            published: Gauge::default(),
            memory: Gauge::default(),
            memory_limit: Gauge::default(),
        };
        let registry = &mut metrics.registry;
        registry.register("requests", "Requests answered", metrics.requests.clone());
        registry.register_with_unit(
            "request_duration",
            "From a request's head to its answer's",
            Unit::Seconds,
            metrics.duration.clone(),
        );
        registry.register("rows", "Rows answered, but for those of streams", metrics.rows.clone());
        registry.register("cache", "Answers by where they came from", metrics.cache.clone());
        registry.register("refused", "Requests refused by a limit", metrics.refused.clone());
        registry.register("connections", "Connections open", metrics.connections.clone());
        registry.register("version", "The version that is served", metrics.version.clone());
        registry.register_with_unit(
            "version_published",
            "When that was published, since 1970",
            Unit::Seconds,
            metrics.published.clone(),
        );
        let memory = "Memory that queries have taken";
        registry.register_with_unit("engine_memory", memory, Unit::Bytes, metrics.memory.clone());
        registry.register_with_unit(
            "engine_memory_limit",
            "Memory that queries may take together",
            Unit::Bytes,
            metrics.memory_limit.clone(),
        );
        metrics
    }

    /// Counts a request. Names of endpoints that are not planned make no time series of their own.
    pub(super) fn answered(&self, status: StatusCode, seconds: f64, answered: Option<&Answered>) {
        let counted = match answered {
            Some(answered) => self.of_endpoint(&answered.endpoint),
            None => self.of_endpoint(OTHER),
        };
        counted.duration.observe(seconds);
        if let Some(answered) = answered {
            counted.rows.inc_by(answered.rows.unwrap_or(0));
            if let Some(counter) = counted.cache.get(answered.from as usize) {
                counter.inc();
            }
        }
        let class = usize::from(status.as_u16() / 100).saturating_sub(2);
        if let Some(counter) = counted.requests.get(class) {
            counter.inc();
        }
    }

    fn of_endpoint(&self, endpoint: &str) -> Arc<OfEndpoint> {
        let endpoints = self.endpoints.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(counted) = endpoints.get(endpoint) {
            return Arc::clone(counted);
        }
        drop(endpoints);
        let label = Endpoint { endpoint: endpoint.to_owned() };
        let made = Arc::new(OfEndpoint {
            duration: self.duration.get_or_create(&label).clone(),
            rows: self.rows.get_or_create(&label).clone(),
            cache: Origin::ALL.map(|from| {
                let label = Cache { endpoint: endpoint.to_owned(), outcome: from.name() };
                self.cache.get_or_create(&label).clone()
            }),
            requests: CLASSES.map(|status| {
                let label = Outcome { endpoint: endpoint.to_owned(), status };
                self.requests.get_or_create(&label).clone()
            }),
        });
        let mut endpoints = self.endpoints.write().unwrap_or_else(PoisonError::into_inner);
        endpoints.insert(endpoint.into(), Arc::clone(&made));
        made
    }

    /// Counts a refusal by the limit of this name.
    pub(super) fn refused(&self, limit: &'static str) {
        self.refused.get_or_create(&Refused { limit }).inc();
    }

    /// Counts a connection for as long as the returned value lives.
    pub(super) fn connection(self: &Arc<Self>) -> Connection {
        self.connections.inc();
        Connection(Arc::clone(self))
    }

    /// All of it as text.
    pub(super) fn text(&self, versions: &Versions) -> String {
        if let Ok(served) = versions.current() {
            self.version.set(served.version.0);
            self.published.set(served.published_seconds());
        }
        let (taken, limit) = versions.memory();
        let number = |bytes: u64| i64::try_from(bytes).unwrap_or(i64::MAX);
        self.memory.set(number(taken));
        self.memory_limit.set(number(limit));
        let mut text = String::new();
        // Writing to a string cannot fail.
        let _ = encode(&mut text, &self.registry);
        text
    }
}

/// A connection that is open.
pub(super) struct Connection(Arc<Metrics>);

impl Drop for Connection {
    fn drop(&mut self) {
        self.0.connections.dec();
    }
}
