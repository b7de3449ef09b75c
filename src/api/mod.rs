//! Everything HTTP: the endpoints of the current version, served.
//!
//! A request goes through the layers of [`layers`] to a route, which reads the version that is current at that moment
//! and keeps to it: a version published meanwhile changes nothing for it.

mod answer;
pub(crate) mod auth;
mod layers;
mod openapi;
pub(crate) mod principal;
mod problem;
mod queries;
mod respond;
mod routes;
mod server;
#[cfg(test)]
mod tests;
mod versions;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::oneshot;

use crate::base::Version;
use crate::base::size::ByteSize;
use crate::engine::Engine;
use crate::warehouse::{At, Warehouse};
use auth::Auth;
pub(crate) use openapi::Document;
use queries::Queries;
use versions::{Served, Versions};

/// What is served, and where.
#[derive(Clone)]
pub(crate) struct ServeConfig {
    /// Port 0 takes any free one.
    pub(crate) bind: SocketAddr,
    pub(crate) warehouse: Warehouse,
    pub(crate) engine: Engine,
    pub(crate) limits: ServeLimits,
    pub(crate) auth: Arc<Auth>,
}

/// How long and how many; the defaults are sensible.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ServeLimits {
    /// From the request's head to its answer; then 504.
    pub(crate) request_max: Duration,
    /// For a connection to send a request's head, from its start or its last answer; then it is closed.
    pub(crate) head_max: Duration,
    /// Open at once; further ones wait to be accepted.
    pub(crate) connections_max: usize,
    /// For requests under way when the server is told to stop.
    pub(crate) drain_max: Duration,
    /// Threads that queries run on, besides those that answer.
    pub(crate) query_threads: usize,
    /// Between two looks for a new version.
    pub(crate) poll_every: Duration,
    /// What encoded answers may take together; 0 keeps none.
    pub(crate) answer_cache: ByteSize,
    /// What endpoints' rows may take together in memory; 0 keeps none.
    pub(crate) row_cache: ByteSize,
}

impl Default for ServeLimits {
    fn default() -> Self {
        Self {
            request_max: Duration::from_secs(30),
            head_max: Duration::from_secs(15),
            connections_max: 1024,
            drain_max: Duration::from_secs(10),
            query_threads: std::thread::available_parallelism().map_or(1, usize::from),
            poll_every: Duration::from_millis(200),
            answer_cache: ByteSize(64 << 20),
            row_cache: ByteSize(256 << 20),
        }
    }
}

/// Why the server does not run.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ServeError {
    #[error("cannot listen on {address}: {source}")]
    Bind { address: SocketAddr, source: std::io::Error },
    #[error("cannot start threads for queries: {0}")]
    Threads(std::io::Error),
    #[error("cannot wait for signals: {0}")]
    Signals(std::io::Error),
}

/// The OpenAPI document of a version, as it is served.
///
/// # Errors
/// Why the version cannot be served.
pub(crate) fn document(
    warehouse: &Warehouse,
    engine: &Engine,
    version: Version,
) -> Result<Document, String> {
    let state = warehouse.at(&At::Version(version)).map_err(|error| error.to_string())?;
    let served = Served::prepare(warehouse, engine, version, &state);
    Document::of(&served.map_err(|error| error.to_string())?.described())
}

/// Serves until the process is told to stop (ctrl-c or SIGTERM), then ends the requests under way; told again, it leaves
/// them. `ready` is called once with the bound address, when the current version can be asked.
///
/// # Errors
/// If the address cannot be bound, or the system gives no threads. What goes wrong later is answered to the client or logged.
pub(crate) async fn serve(
    config: ServeConfig,
    ready: impl FnOnce(SocketAddr),
) -> Result<(), ServeError> {
    let mut signals = server::Signals::new().map_err(ServeError::Signals)?;
    let (stop, stopped) = oneshot::channel::<()>();
    let insist = async {
        signals.next().await;
        drop(stop);
        signals.next().await;
    };
    let served = serve_until(config, ready, async {
        // An error says that the sender is gone, which is the sign.
        let _ = stopped.await;
    });
    tokio::select! {
        served = served => served,
        () = insist => Ok(()),
    }
}

/// As [`serve`], until `stop` is over.
async fn serve_until(
    config: ServeConfig,
    ready: impl FnOnce(SocketAddr),
    stop: impl Future<Output = ()>,
) -> Result<(), ServeError> {
    let bind_error = |source| ServeError::Bind { address: config.bind, source };
    let listener = TcpListener::bind(config.bind).await.map_err(bind_error)?;
    let address = listener.local_addr().map_err(bind_error)?;
    let queries = Queries::new(config.limits.query_threads).map_err(ServeError::Threads)?;
    let answers = answer::Cache::new(config.limits.answer_cache);
    let residents = answer::Residents::new(config.limits.row_cache);
    let ServeConfig { warehouse, engine, auth, .. } = config;
    let versions = Arc::new(Versions::new(warehouse, engine, queries, answers, residents));
    versions.refresh().await;
    let watch = tokio::spawn(versions::watch(Arc::clone(&versions), config.limits.poll_every));
    let router = routes::router(versions, auth, &config.limits);
    ready(address);
    server::run(listener, &router, &config.limits, stop).await;
    watch.abort();
    Ok(())
}
