//! Limits, and what those see who watch the server.

use std::num::NonZeroU32;
use std::time::Duration;

use serde_json::json;

use super::client::{ask, ask_with, get};
use super::shop::{Shop, daily_sales, endpoint};
use crate::config::{Rate, RequestLog, ServeLimits, ServerConfig};

const PATH: &str = "/api/v1/daily_sales";

fn rate(per_second: u32, burst: u32) -> Option<Rate> {
    let number = |number| NonZeroU32::new(number).unwrap();
    Some(Rate { per_second: number(per_second), burst: number(burst) })
}

#[test]
fn who_asks_too_often_waits_and_others_do_not() {
    let shop = Shop::new();
    shop.publish(1, &[daily_sales()]);
    let limits = ServeLimits { principal_rate: rate(1, 3), ..ServeLimits::default() };
    let server = shop.serve_to(shop.auth(), limits);
    let ann = shop.bearer(&["*"]);
    let first = ask(server.address, "GET", PATH, &ann);
    assert_eq!(first.header("ratelimit-policy"), "\"principal\";q=3;w=3");
    assert_eq!(first.header("ratelimit"), "\"principal\";r=2;t=1");
    assert_eq!(
        (first.header("x-ratelimit-limit"), first.header("x-ratelimit-remaining")),
        ("3", "2")
    );
    let replies: Vec<_> = (0..6).map(|_| ask(server.address, "GET", PATH, &ann)).collect();
    let refused = replies.iter().find(|reply| reply.status == 429).expect("nobody was refused");
    assert_eq!(refused.json()["type"], "/problems/too-many-requests");
    assert!(refused.header("retry-after").parse::<u32>().is_ok_and(|seconds| seconds >= 1));
    assert_eq!(refused.header("x-ratelimit-remaining"), "0");
    assert!(refused.header("ratelimit").starts_with("\"principal\";r=0;"), "{refused:?}");
    assert_eq!(ask(server.address, "GET", PATH, &shop.bearer_of("bob", &["*"])).status, 200);

    let limits = ServeLimits { address_rate: rate(1, 2), ..ServeLimits::default() };
    let server = shop.serve_to(shop.auth(), limits);
    let statuses: Vec<u16> = (0..4).map(|_| get(server.address, PATH).status).collect();
    assert_eq!((statuses[0], statuses[3]), (401, 429), "{statuses:?}");
    let unlimited = shop.serve();
    assert!((0..50).all(|_| get(unlimited.address, PATH).status == 200));
    assert_eq!(get(unlimited.address, PATH).header("ratelimit"), "");
}

#[test]
fn what_is_left_is_told_of_both_limits() {
    let shop = Shop::new();
    shop.publish(1, &[daily_sales()]);
    let limits = ServeLimits {
        principal_rate: rate(1, 2),
        address_rate: rate(100, 400),
        ..ServeLimits::default()
    };
    let server = shop.serve_to(shop.auth(), limits);
    let ann = shop.bearer(&["*"]);
    let first = ask(server.address, "GET", PATH, &ann);
    assert_eq!(first.header("ratelimit-policy"), "\"principal\";q=2;w=2, \"address\";q=400;w=4");
    let replies: Vec<_> = (0..6).map(|_| ask(server.address, "GET", PATH, &ann)).collect();
    let refused = replies.iter().find(|reply| reply.status == 429).expect("nobody was refused");
    // Whoever is refused has nothing left, however much the other limit would give.
    assert_eq!(
        (refused.header("x-ratelimit-limit"), refused.header("x-ratelimit-remaining")),
        ("2", "0")
    );
    assert!(refused.header("ratelimit").starts_with("\"principal\";r=0;"), "{refused:?}");
    assert!(refused.header("ratelimit").contains("\"address\";r=39"), "{refused:?}");
}

#[test]
fn health_is_told_to_whoever_asks_however_often() {
    let shop = Shop::new();
    shop.publish(1, &[daily_sales()]);
    let limits = ServeLimits { address_rate: rate(1, 1), ..ServeLimits::default() };
    let server = shop.serve_with(limits);
    let statuses: Vec<u16> = (0..4).map(|_| get(server.address, PATH).status).collect();
    assert!(statuses.contains(&429), "{statuses:?}");
    for path in ["/livez", "/readyz"].repeat(4) {
        let reply = get(server.address, path);
        assert_eq!((reply.status, reply.header("ratelimit")), (200, ""), "{path}");
    }
    assert_eq!(ask(server.address, "POST", "/livez", "").status, 405);
}

#[test]
fn a_forged_header_behind_a_proxy_is_no_way_around_a_limit() {
    let shop = Shop::new();
    shop.publish(1, &[daily_sales()]);
    let proxy = ServerConfig {
        trusted_proxies: std::sync::Arc::new(["127.0.0.1/32".parse().unwrap()]),
        ..ServerConfig::default()
    };
    let limits = ServeLimits { address_rate: rate(1, 2), ..ServeLimits::default() };
    let server = shop.serve_as(shop.auth(), proxy, limits);
    let refused = |headers: &dyn Fn(u32) -> String| {
        let ask = |number| ask(server.address, "GET", PATH, &headers(number)).status;
        (1..=8).filter(|number| ask(*number) == 429).count()
    };
    assert!(refused(&|n| format!("x-forwarded-for: 8.8.8.8\r\nforwarded: for=1.2.3.{n}\r\n")) > 0);
    assert!(refused(&|n| format!("x-forwarded-for: 1.2.3.{n}, 8.8.4.4\r\n")) > 0);
    assert!(refused(&|n| format!("x-forwarded-for: 2001:db8::{n}\r\n")) > 0);
    // Clients that differ are told apart.
    assert_eq!(refused(&|n| format!("x-forwarded-for: 9.9.9.{n}\r\n")), 0);
}

#[test]
fn one_address_does_not_take_every_connection() {
    let shop = Shop::new();
    shop.publish(1, &[daily_sales()]);
    let most = std::num::NonZeroUsize::new(2);
    let limits = ServeLimits { address_connections_max: most, ..ServeLimits::default() };
    let server = shop.serve_with(limits);
    // What was refused is closed at once, what has a place is answered.
    let open = || {
        use std::io::{Read as _, Write as _};
        let mut socket = std::net::TcpStream::connect(server.address).unwrap();
        // The server may have closed it already.
        let _ = socket.write_all(b"GET /livez HTTP/1.1\r\nhost: localhost\r\n\r\n");
        let mut reply = [0; 12];
        socket.read_exact(&mut reply).ok().map(|()| (socket, reply))
    };
    let first = open().expect("the first has a place");
    let second = open().expect("the second has a place");
    assert_eq!(&first.1, b"HTTP/1.1 200");
    assert!(open().is_none());
    drop(first);
    // The place is free once the server has seen the end of the first.
    let next = (0..500).find_map(|_| {
        std::thread::sleep(Duration::from_millis(10));
        open()
    });
    assert!(next.is_some());
    drop(second);
}

#[test]
fn sizes_have_limits() {
    let shop = Shop::new();
    shop.publish(1, &[daily_sales()]);
    let limits = ServeLimits {
        target_bytes_max: 200,
        body_bytes_max: 100,
        head_bytes_max: 8192,
        ..ServeLimits::default()
    };
    let server = shop.serve_with(limits);
    let long = get(server.address, &format!("{PATH}?note={}", "x".repeat(200)));
    assert_eq!((long.status, long.json()["type"].clone()), (414, json!("/problems/uri-too-long")));
    let form = "content-type: application/x-www-form-urlencoded\r\n";
    let large = ask_with(server.address, "POST", "/api/v1/token", form, &"x".repeat(101));
    assert_eq!(
        (large.status, large.json()["type"].clone()),
        (413, json!("/problems/body-too-large"))
    );
    let head = format!("x-long: {}\r\n", "x".repeat(9000));
    assert_eq!(ask(server.address, "GET", PATH, &head).status, 431);
    assert_eq!(get(server.address, PATH).status, 200);
}

#[test]
fn queries_queue_and_then_are_refused() {
    let shop = Shop::new();
    let sql = "select a.order_date, count(*) as n from daily_sales a, daily_sales b, daily_sales c \
        where a.net_revenue + b.net_revenue <> c.net_revenue * 3 group by 1";
    shop.publish(90, &[endpoint("slow", sql), daily_sales()]);
    let limits = ServeLimits { queries_max: 1, waiting_max: 1, ..ServeLimits::default() };
    let server =
        shop.serve_with(ServeLimits { row_cache: crate::base::size::ByteSize(0), ..limits });
    let address = server.address;
    // Different questions, so that none waits for another's answer.
    let ask = move |limit: u32| get(address, &format!("/api/v1/slow?limit={limit}"));
    let askers: Vec<_> = (1..=8).map(|limit| std::thread::spawn(move || ask(limit))).collect();
    let replies: Vec<_> = askers.into_iter().map(|asker| asker.join().unwrap()).collect();
    let count = |status: u16| replies.iter().filter(|reply| reply.status == status).count();
    assert_eq!(count(200) + count(503), 8, "{replies:?}");
    assert!(count(200) >= 2 && count(503) >= 1, "{replies:?}");
    let refused = replies.iter().find(|reply| reply.status == 503).unwrap();
    assert_eq!(
        (refused.header("retry-after"), &refused.json()["type"]),
        ("1", &json!("/problems/overloaded"))
    );
    assert_eq!(get(address, "/api/v1/slow?limit=20").status, 200);
}

#[test]
fn what_is_counted_is_told_to_those_who_may_know() {
    let shop = Shop::new();
    shop.publish(3, &[daily_sales()]);
    let server = shop.serve_to(shop.auth(), ServeLimits::default());
    let ann = shop.bearer(&[]);
    let ask = |path: &str, who: &str| ask(server.address, "GET", path, who);
    let tag = ask(PATH, &ann).header("etag").to_owned();
    ask(PATH, &ann);
    ask(PATH, &format!("{ann}if-none-match: {tag}\r\n"));
    ask(&format!("{PATH}?limit=0"), &ann);
    for name in ["nothing", "x\"y", "another"] {
        ask(&format!("/api/v1/{name}"), &ann);
    }
    assert_eq!(ask("/metrics", "").status, 401);
    assert_eq!(ask("/metrics", &ann).status, 403);
    let told = ask("/metrics", &shop.bearer(&["metrics"]));
    assert_eq!(
        told.header("content-type"),
        "application/openmetrics-text; version=1.0.0; charset=utf-8"
    );
    let lines: Vec<&str> = told.body.lines().filter(|line| !line.starts_with('#')).collect();
    for line in [
        "clearwell_requests_total{endpoint=\"daily_sales\",status=\"2xx\"} 2",
        "clearwell_requests_total{endpoint=\"daily_sales\",status=\"3xx\"} 1",
        "clearwell_cache_total{endpoint=\"daily_sales\",outcome=\"miss\"} 1",
        "clearwell_cache_total{endpoint=\"daily_sales\",outcome=\"hit\"} 1",
        "clearwell_cache_total{endpoint=\"daily_sales\",outcome=\"not_modified\"} 1",
        "clearwell_rows_total{endpoint=\"daily_sales\"} 6",
        "clearwell_version 1",
        "clearwell_engine_memory_limit_bytes 268435456",
    ] {
        assert!(lines.contains(&line), "{line} is not in\n{}", told.body);
    }
    // Whatever is asked for, there are no more series.
    assert!(!told.body.contains("nothing") && !told.body.contains("another"), "{}", told.body);
    assert!(told.body.ends_with("# EOF\n"));
}

#[test]
fn browsers_and_traces_are_told_what_they_need() {
    let shop = Shop::new();
    shop.publish(1, &[daily_sales()]);
    let plain = shop.serve();
    let reply = ask(plain.address, "GET", PATH, "origin: https://a.example\r\n");
    assert_eq!(reply.header("access-control-allow-origin"), "");
    assert_eq!(reply.header("x-content-type-options"), "nosniff");
    assert_eq!(
        reply.header("content-security-policy"),
        "default-src 'none'; frame-ancestors 'none'"
    );
    assert!(
        get(plain.address, "/docs/api/").header("content-security-policy").contains("'self'")
            || get(plain.address, "/docs/api").header("content-security-policy").contains("'self'")
    );
    let id = "4bf92f3577b34da6a3ce929d0e0e4736";
    let traced = format!("traceparent: 00-{id}-00f067aa0ba902b7-01\r\n");
    let traced = ask(plain.address, "GET", PATH, &traced);
    assert!(traced.header("traceparent").starts_with(&format!("00-{id}-")), "{traced:?}");

    let origins = vec!["https://a.example".to_owned()];
    let open =
        ServerConfig { cors_origins: origins, log: RequestLog::Off, ..ServerConfig::default() };
    let server = shop.serve_as(shop.auth(), open, ServeLimits::default());
    let preflight = "origin: https://a.example\r\naccess-control-request-method: GET\r\n\
        access-control-request-headers: authorization\r\n";
    let reply = ask(server.address, "OPTIONS", PATH, preflight);
    assert_eq!(reply.status, 200);
    assert_eq!(reply.header("access-control-allow-origin"), "https://a.example");
    for allowed in ["authorization", "mcp-session-id", "mcp-protocol-version", "last-event-id"] {
        assert!(reply.header("access-control-allow-headers").contains(allowed), "{reply:?}");
    }
    let ann = shop.bearer(&["*"]);
    let reply = ask(server.address, "GET", PATH, &format!("{ann}origin: https://a.example\r\n"));
    assert_eq!(
        (reply.status, reply.header("access-control-allow-origin")),
        (200, "https://a.example")
    );
    for exposed in ["etag", "traceparent", "mcp-session-id"] {
        assert!(reply.header("access-control-expose-headers").contains(exposed), "{reply:?}");
    }
    let other = ask(server.address, "GET", PATH, &format!("{ann}origin: https://b.example\r\n"));
    assert_eq!(other.header("access-control-allow-origin"), "");
}

#[test]
fn a_client_that_takes_nothing_is_left() {
    use std::io::Write as _;
    let shop = Shop::new();
    let sql = "select a.order_date, repeat('x', 2000) as filler from daily_sales a, daily_sales b, daily_sales c";
    let many = crate::project::Endpoint {
        page: crate::project::PageSize { default: 100_000, max: 100_000 },
        // To sort that much takes more memory than there is.
        order_by: Vec::new(),
        ..endpoint("many", sql)
    };
    shop.publish(40, &[many, daily_sales()]);
    let limits = ServeLimits {
        write_max: Duration::from_millis(300),
        connections_max: 1,
        ..ServeLimits::default()
    };
    let server = shop.serve_with(limits);
    let mut socket = std::net::TcpStream::connect(server.address).unwrap();
    socket.write_all(b"GET /api/v1/many HTTP/1.1\r\nhost: test\r\n\r\n").unwrap();
    // There is place for one connection: the next is answered once the first was given up.
    assert_eq!(get(server.address, PATH).status, 200);
    drop(socket);
}

#[test]
fn requests_that_cannot_be_read_are_counted() {
    use std::io::{Read as _, Write as _};
    let shop = Shop::new();
    shop.publish(1, &[daily_sales()]);
    let server = shop.serve();
    let ask = |request: &[u8]| {
        let mut socket = std::net::TcpStream::connect(server.address).unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        // The server may close before it has read all.
        let _ = socket.write_all(request);
        let mut reply = [0; 12];
        let _ = socket.read_exact(&mut reply);
        String::from_utf8_lossy(&reply).into_owned()
    };
    assert_eq!(ask(b"this is no request\r\n\r\n"), "HTTP/1.1 400");
    let long = format!("GET / HTTP/1.1\r\nhost: test\r\nx: {}\r\n\r\n", "y".repeat(1 << 20));
    ask(long.as_bytes());
    let deadline = std::time::Instant::now() + Duration::from_secs(5);
    loop {
        let told = get(server.address, "/metrics").body;
        if told.contains("\"malformed\"") && told.contains("\"head-too-large\"") {
            break;
        }
        assert!(std::time::Instant::now() < deadline, "not counted: {told}");
        std::thread::sleep(Duration::from_millis(20));
    }
}
