//! Everything HTTP: the endpoints of the current version, served.
//!
//! A request goes through the layers of [`layers`] to a route, which reads the version that is current at that moment
//! and keeps to it: a version published meanwhile changes nothing for it.

mod addresses;
mod answer;
pub(crate) mod auth;
mod client;
mod layers;
mod limits;
mod mcp;
mod metrics;
mod openapi;
pub(crate) mod principal;
mod problem;
mod queries;
mod respond;
mod routes;
mod server;
#[cfg(test)]
mod tests;
mod tls;
mod trace;
mod versions;
mod watched;

use std::io::Write as _;
use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::sync::oneshot;

use crate::base::Version;
use crate::config::{ServeLimits, ServerConfig};
use crate::engine::Engine;
use crate::warehouse::{At, Warehouse};
use addresses::Addresses;
use auth::Auth;
use metrics::Metrics;
pub(crate) use openapi::Document;
use queries::{Queries, Threads};
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
    pub(crate) server: ServerConfig,
}

/// Writes a line of the request log. One that cannot be written is lost: there is nobody to tell.
fn write_log_line(line: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{line}");
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
    #[error(transparent)]
    Tls(#[from] tls::TlsError),
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
    let tls = config.server.tls.as_ref().map(tls::Tls::open).transpose()?;
    let limits = &config.limits;
    let queries = || {
        Queries::new(limits.query_threads, limits.queries_max, limits.waiting_max)
            .map_err(ServeError::Threads)
    };
    let threads = Threads { endpoints: queries()?, passing: queries()? };
    let answers = answer::Cache::new(config.limits.answer_cache);
    let residents = answer::Residents::new(config.limits.row_cache);
    let ServeConfig { warehouse, engine, auth, .. } = config;
    let versions = Arc::new(Versions::new(warehouse, engine, threads, answers, residents));
    versions.refresh().await;
    let watch = tokio::spawn(versions::watch(Arc::clone(&versions), config.limits.poll_every));
    let metrics = Arc::new(Metrics::new());
    let frame = routes::framed(
        versions,
        auth,
        Arc::clone(&metrics),
        address,
        &config.server,
        &config.limits,
    );
    ready(address);
    let proxies = Arc::clone(&config.server.trusted_proxies);
    let addresses = Addresses::new(config.limits.address_connections_max, proxies);
    let server =
        server::Server { frame: Arc::new(frame), tls, metrics, addresses, limits: config.limits };
    server.run(listener, stop).await;
    watch.abort();
    Ok(())
}
