//! The accept loop: sockets to requests, with the limits that keep one client from holding the others up.
//!
//! HTTP/1.1 by hyper's own connection type, not by hyper-util's automatic one: that reads the first bytes to tell the
//! protocol before any timer runs, so a silent client would keep its connection for ever.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_io_timeout::TimeoutStream;

use super::addresses::Addresses;
use super::layers::{Answering, Frame};
use super::metrics::Metrics;
use super::tls::Tls;
use crate::config::ServeLimits;

/// How long to wait when no connection can be accepted, for want of file handles.
const ACCEPT_AGAIN: Duration = Duration::from_millis(100);

/// What answers.
pub(super) struct Server<S> {
    pub(super) frame: Arc<Frame<S>>,
    /// HTTPS, where it is.
    pub(super) tls: Option<Tls>,
    pub(super) metrics: Arc<Metrics>,
    pub(super) addresses: Arc<Addresses>,
    pub(super) limits: ServeLimits,
}

impl<S: Answering> Server<S> {
    /// Accepts and answers until `stop` is over; then lets the requests under way end.
    pub(super) async fn run(self, listener: TcpListener, stop: impl Future<Output = ()>) {
        let graceful = GracefulShutdown::new();
        let places = Arc::new(Semaphore::new(self.limits.connections_max));
        let server = Arc::new(self);
        let mut stop = pin!(stop);
        loop {
            let accepted = tokio::select! {
                () = &mut stop => break,
                accepted = accept(&listener, &places) => accepted,
            };
            let Some((stream, peer, place)) = accepted else { break };
            let Some(place_of_address) = server.addresses.place(peer.ip()) else {
                // Closed without a word: an answer would cost more than the refusal spares.
                server.metrics.refused("address-connections");
                continue;
            };
            let (server, watcher) = (Arc::clone(&server), graceful.watcher());
            tokio::spawn(async move {
                let counted = server.metrics.connection();
                if let Err(error) = server.connection(stream, peer, watcher).await {
                    if let Some(limit) = unread(&*error) {
                        server.metrics.refused(limit);
                    }
                    tracing::debug!(%peer, %error, "a connection broke");
                }
                drop((counted, place, place_of_address));
            });
        }
        // Nobody is accepted while the others finish.
        drop(listener);
        if tokio::time::timeout(server.limits.drain_max, graceful.shutdown()).await.is_err() {
            tracing::warn!("stopped with requests still under way");
        }
    }

    /// Answers the requests of one connection. A client that does not take what it asked for is left.
    async fn connection(
        &self,
        stream: TcpStream,
        peer: SocketAddr,
        watcher: Watcher,
    ) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        let mut stream = TimeoutStream::new(stream);
        stream.set_write_timeout(Some(self.limits.write_max));
        let stream = Box::pin(stream);
        match &self.tls {
            None => self.serve(stream, peer, watcher).await,
            Some(tls) => {
                let handshake = tls.current().accept(stream);
                let stream = tokio::time::timeout(self.limits.head_max, handshake).await??;
                self.serve(stream, peer, watcher).await
            }
        }
    }

    async fn serve(
        &self,
        stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
        peer: SocketAddr,
        watcher: Watcher,
    ) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        let mut http = http1::Builder::new();
        http.timer(TokioTimer::new())
            .header_read_timeout(self.limits.head_max)
            .max_header_size(self.limits.head_bytes_max);
        let frame = Arc::clone(&self.frame);
        let service = service_fn(move |request: hyper::Request<Incoming>| {
            let frame = Arc::clone(&frame);
            async move { Ok::<_, Infallible>(frame.answer(peer, request.map(Body::new)).await) }
        });
        watcher.watch(http.serve_connection(TokioIo::new(stream), service)).await?;
        Ok(())
    }
}

/// What metrics call the reason for which hyper could not read a request. It answers those by itself, with a bare 400, 414 or
/// 431, and has no place for an answer of ours.
fn unread(error: &(dyn std::error::Error + Send + Sync + 'static)) -> Option<&'static str> {
    let error = error.downcast_ref::<hyper::Error>()?;
    match (error.is_parse_too_large(), error.is_parse()) {
        (true, _) => Some("head-too-large"),
        (false, true) => Some("malformed"),
        (false, false) => None,
    }
}

/// The next connection, once there is a place for it; `None` if there are no more places to come.
async fn accept(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> Option<(TcpStream, SocketAddr, tokio::sync::OwnedSemaphorePermit)> {
    let place = Arc::clone(places).acquire_owned().await.ok()?;
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => {
                // Answers are written whole: waiting for more to send only delays them.
                let _ = stream.set_nodelay(true);
                return Some((stream, peer, place));
            }
            Err(error) if is_about_one_connection(&error) => {}
            Err(error) => {
                tracing::error!(%error, "cannot accept connections");
                tokio::time::sleep(ACCEPT_AGAIN).await;
            }
        }
    }
}

fn is_about_one_connection(error: &std::io::Error) -> bool {
    use std::io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

/// The signals that ask a process to stop.
pub(super) struct Signals {
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    /// Takes them over from here on.
    pub(super) fn new() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    pub(super) async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

#[cfg(not(unix))]
impl Signals {
    pub(super) fn new() -> std::io::Result<Self> {
        Ok(Self {})
    }

    pub(super) async fn next(&mut self) {
        // Where the signal cannot be listened to, it ends the process by itself.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
