//! What `serve` is told: how it meets its clients, whom it believes, how much it does for each.

use std::num::{NonZeroU32, NonZeroUsize};
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use ipnet::IpNet;

use crate::base::size::ByteSize;

/// What stands between the server and its clients.
#[derive(Clone, Debug)]
pub(crate) struct ServerConfig {
    /// Whose word about clients is believed.
    pub(crate) trusted_proxies: Arc<[IpNet]>,
    /// Origins whose scripts may ask.
    pub(crate) cors_origins: Vec<String>,
    pub(crate) tls: Option<TlsFiles>,
    pub(crate) log: RequestLog,
    /// Whether clients may send queries of their own.
    pub(crate) query: bool,
}

impl Default for ServerConfig {
    fn default() -> Self {
        Self {
            trusted_proxies: Arc::new([]),
            cors_origins: Vec::new(),
            tls: None,
            log: RequestLog::default(),
            query: false,
        }
    }
}

/// How requests are logged: a line each, on standard error.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum RequestLog {
    #[default]
    Off,
    Text,
    Json,
}

impl FromStr for RequestLog {
    type Err = String;

    fn from_str(written: &str) -> Result<Self, String> {
        match written {
            "off" => Ok(Self::Off),
            "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            other => Err(format!("`{other}` is not `off`, `text` or `json`")),
        }
    }
}

/// Where certificate chain and key are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TlsFiles {
    pub(crate) certificate: PathBuf,
    pub(crate) key: PathBuf,
}

/// How principals are known.
#[derive(Clone, Debug)]
pub(crate) struct AuthConfig {
    /// Whether requests need credentials.
    pub(crate) required: bool,
    /// A JSON Web Key Set. Where there is none, the project's own key.
    pub(crate) jwks: Option<PathBuf>,
    /// Where the project's own key is, made when it is needed.
    pub(crate) own_key: PathBuf,
    /// Whether a key is made where the file of `jwks` does not exist.
    pub(crate) make_key: bool,
    pub(crate) users: PathBuf,
    pub(crate) issuer: Option<String>,
    pub(crate) audience: Option<String>,
    pub(crate) clock_skew_seconds: u64,
    /// For how long tokens of `POST /api/v1/token` are valid.
    pub(crate) token_seconds: u64,
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
    /// Open at once from one address; further ones are closed. None limits nobody.
    pub(crate) address_connections_max: Option<NonZeroUsize>,
    /// For a client to take a part of its answer; then the connection is closed.
    pub(crate) write_max: Duration,
    pub(crate) head_bytes_max: usize,
    /// Of path and query string.
    pub(crate) target_bytes_max: usize,
    pub(crate) body_bytes_max: usize,
    /// None limits nobody.
    pub(crate) principal_rate: Option<Rate>,
    pub(crate) address_rate: Option<Rate>,
    /// Queries that run at once, and that wait for those.
    pub(crate) queries_max: usize,
    pub(crate) waiting_max: usize,
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
            address_connections_max: None,
            write_max: Duration::from_secs(30),
            head_bytes_max: 64 << 10,
            target_bytes_max: 16 << 10,
            body_bytes_max: 1 << 20,
            principal_rate: None,
            address_rate: None,
            queries_max: 64,
            waiting_max: 1024,
            drain_max: Duration::from_secs(10),
            query_threads: std::thread::available_parallelism().map_or(1, usize::from),
            poll_every: Duration::from_millis(200),
            answer_cache: ByteSize(64 << 20),
            row_cache: ByteSize(256 << 20),
        }
    }
}

/// A number of requests at once, and how many of them come back each second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rate {
    pub(crate) per_second: NonZeroU32,
    pub(crate) burst: NonZeroU32,
}
