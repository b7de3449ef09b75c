//! What is counted, for Prometheus: `GET /metrics`, OpenMetrics text.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64};

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

use super::answer::Answered;
use super::versions::Versions;

/// Where latencies are told apart, in seconds.
const SECONDS: [f64; 12] =
    [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0, 30.0];
/// What stands for a request that is none of an endpoint.
const OTHER: &str = "other";

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
    refused: Family<Refused, Counter>,
    connections: Gauge,
    version: Gauge<u64, AtomicU64>,
    published: Gauge,
    memory: Gauge<i64, AtomicI64>,
    memory_limit: Gauge<i64, AtomicI64>,
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
    pub(super) fn answered(&self, status: u16, seconds: f64, answered: Option<&Answered>) {
        let endpoint = answered.map_or(OTHER, |answered| answered.endpoint.as_str()).to_owned();
        let status = match status {
            100..200 => "1xx",
            200..300 => "2xx",
            300..400 => "3xx",
            400..500 => "4xx",
            _ => "5xx",
        };
        let label = Endpoint { endpoint: endpoint.clone() };
        self.duration.get_or_create(&label).observe(seconds);
        if let Some(answered) = answered {
            if let Some(rows) = answered.rows {
                self.rows.get_or_create(&label).inc_by(rows);
            }
            let cache = Cache { endpoint: endpoint.clone(), outcome: answered.from.name() };
            self.cache.get_or_create(&cache).inc();
        }
        self.requests.get_or_create(&Outcome { endpoint, status }).inc();
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
