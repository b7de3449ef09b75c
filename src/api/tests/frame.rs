//! What surrounds every route, over routes that misbehave.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::routing::get as on_get;
use axum::{Extension, Router};

use super::client::get;
use super::problems::problem;
use super::shop::auth_in;
use crate::api::addresses::Addresses;
use crate::api::auth::Auth;
use crate::api::client::Client;
use crate::api::metrics::Metrics;
use crate::api::{layers, server};
use crate::config::{AuthConfig, ServeLimits, ServerConfig};

/// Runs `check` against a server of these routes.
async fn with_server(
    router: Router,
    limits: ServeLimits,
    check: impl FnOnce(SocketAddr) + Send + 'static,
) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let client = std::thread::spawn(move || {
        check(address);
        drop(stop);
    });
    let stop = async {
        let _ = stopped.await;
    };
    let folder = tempfile::tempdir().unwrap();
    let auth = AuthConfig { required: false, ..auth_in(folder.path()) };
    let auth = Arc::new(Auth::for_server(auth, address).unwrap());
    let metrics = Arc::new(Metrics::new());
    let addresses = Addresses::new(limits.address_connections_max, Arc::new([]));
    let open = ServerConfig::default();
    let routes = layers::Timed { inner: router, request_max: limits.request_max };
    let frame = layers::around(routes, Router::new(), auth, Arc::clone(&metrics), &open, &limits);
    let frame = Arc::new(frame);
    server::Server { frame, tls: None, metrics, addresses, limits }.run(listener, stop).await;
    client.join().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_is_answered() {
    async fn panics() -> &'static str {
        panic!("secret cause")
    }
    let router =
        Router::new().route("/panics", on_get(panics)).route("/fine", on_get(async || "ok"));
    with_server(router, ServeLimits::default(), |address| {
        let reply = get(address, "/panics");
        insta::assert_snapshot!(problem(&reply), @r#"
        {
          "type": "/problems/internal",
          "title": "Something went wrong here",
          "status": 500,
          "detail": "the request could not be answered; the log has the cause under this request id",
          "instance": "/panics",
          "request_id": "ID"
        }
        "#);
        assert_eq!(get(address, "/fine").body, "ok");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_handler_that_never_ends_is_ended() {
    let router = Router::new().route("/sleeps", on_get(std::future::pending::<()>));
    let limits = ServeLimits { request_max: Duration::from_millis(100), ..ServeLimits::default() };
    with_server(router, limits, |address| {
        insta::assert_snapshot!(problem(&get(address, "/sleeps")), @r#"
        {
          "type": "/problems/timed-out",
          "title": "It took too long",
          "status": 504,
          "detail": "no answer within 0.1 s; ask for less at once",
          "instance": "/sleeps",
          "request_id": "ID"
        }
        "#);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_does_not_come_is_the_clients_fault() {
    let router = Router::new().route("/reads", axum::routing::post(async |body: String| body));
    let limits = ServeLimits { request_max: Duration::from_millis(200), ..ServeLimits::default() };
    with_server(router, limits, |address| {
        use std::io::{Read as _, Write as _};
        let ask = |body: &[u8]| {
            let mut socket = std::net::TcpStream::connect(address).unwrap();
            let head = b"POST /reads HTTP/1.1\r\nhost: test\r\ncontent-length: 10\r\n\r\n";
            socket.write_all(&[&head[..], body].concat()).unwrap();
            socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
            // To the end of the connection, which the server has to close.
            let mut reply = String::new();
            let closed = socket.read_to_string(&mut reply).is_ok();
            (closed, reply.to_ascii_lowercase())
        };
        for partial in [&b""[..], b"half "] {
            let (closed, reply) = ask(partial);
            assert!(closed && reply.starts_with("http/1.1 408 "), "{reply}");
            assert!(
                reply.contains("connection: close") && reply.contains("problem+json"),
                "{reply}"
            );
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_leaves_cancels_its_request() {
    struct Cancelled(Arc<AtomicUsize>);
    impl Drop for Cancelled {
        fn drop(&mut self) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }
    let (cancelled, seen) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let counts = (Arc::clone(&cancelled), Arc::clone(&seen));
    let handler = async move || {
        let _guard = Cancelled(Arc::clone(&counts.0));
        counts.1.fetch_add(1, Ordering::SeqCst);
        std::future::pending::<()>().await;
    };
    let router = Router::new().route("/sleeps", on_get(handler));
    with_server(router, ServeLimits::default(), move |address| {
        use std::io::Write as _;
        let mut socket = std::net::TcpStream::connect(address).unwrap();
        socket.write_all(b"GET /sleeps HTTP/1.1\r\nhost: test\r\n\r\n").unwrap();
        let wait_for = |count: &AtomicUsize| {
            for _ in 0..500 {
                if count.load(Ordering::SeqCst) == 1 {
                    return;
                }
                std::thread::sleep(Duration::from_millis(10));
            }
            panic!("waited in vain");
        };
        wait_for(&seen);
        drop(socket);
        wait_for(&cancelled);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_handler_knows_its_client() {
    let handler = async |Extension(client): Extension<Client>| client.0.to_string();
    let router = Router::new().route("/peer", on_get(handler));
    with_server(router, ServeLimits::default(), |address| {
        assert_eq!(get(address, "/peer").body, "127.0.0.1");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_without_end_is_cut_off() {
    let router = Router::new().route("/fine", on_get(async || "ok"));
    with_server(router, ServeLimits::default(), |address| {
        use std::io::{Read as _, Write as _};
        let long = format!("GET /fine HTTP/1.1\r\nx-long: {}\r\n\r\n", "a".repeat(100_000));
        let mut socket = std::net::TcpStream::connect(address).unwrap();
        let mut reply = Vec::new();
        // The server may close the connection before everything is written, and take its answer with it.
        let _ = socket.write_all(long.as_bytes());
        let _ = socket.read_to_end(&mut reply);
        assert!(reply.is_empty() || reply.starts_with(b"HTTP/1.1 431 "), "{reply:?}");
    })
    .await;
}
