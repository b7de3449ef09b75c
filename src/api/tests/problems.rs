//! What a client gets when something is wrong: one shape for all.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::client::{Reply, ask, get};
use super::shop::{Shop, TAKE_UP_MAX, daily_sales, endpoint};
use crate::config::ServeLimits;
use crate::project::Endpoint;

/// The problem's body, with a fixed request id; checks what holds for every problem.
pub(super) fn problem(reply: &Reply) -> String {
    let mut body = reply.json();
    assert_eq!(reply.header("content-type"), "application/problem+json");
    assert_eq!(body["status"], reply.status);
    assert_eq!(body["request_id"], reply.header("x-request-id"));
    body["request_id"] = "ID".into();
    serde_json::to_string_pretty(&body).unwrap()
}

#[test]
fn parameters_that_cannot_be_used() {
    let shop = Shop::new();
    shop.publish(1, &[daily_sales()]);
    let server = shop.serve();
    let one = get(server.address, "/api/v1/daily_sales?from=2024-02-30");
    insta::assert_snapshot!(problem(&one), @r#"
        {
          "type": "/problems/bad-parameters",
          "title": "Parameters that cannot be used",
          "status": 400,
          "detail": "`from`: `2024-02-30` is not a date, like `2024-01-31`",
          "instance": "/api/v1/daily_sales",
          "request_id": "ID",
          "errors": [
            {
              "parameter": "from",
              "detail": "`2024-02-30` is not a date, like `2024-01-31`"
            }
          ]
        }
        "#);
    let all = get(server.address, "/api/v1/daily_sales?form=1&limit=0&to=x&to=y");
    insta::assert_snapshot!(problem(&all), @r#"
        {
          "type": "/problems/bad-parameters",
          "title": "Parameters that cannot be used",
          "status": 400,
          "detail": "4 parameters cannot be used; each is explained below",
          "instance": "/api/v1/daily_sales",
          "request_id": "ID",
          "errors": [
            {
              "parameter": "form",
              "detail": "there is no such parameter; did you mean `from`?"
            },
            {
              "parameter": "limit",
              "detail": "`0` is not a whole number from 1 to 1000"
            },
            {
              "parameter": "to",
              "detail": "`x` is not a date, like `2024-01-31`"
            },
            {
              "parameter": "to",
              "detail": "it is given more than once; give it once"
            }
          ]
        }
        "#);
}

#[test]
fn paths_and_endpoints_that_are_not_there() {
    let shop = Shop::new();
    shop.publish(1, &[daily_sales()]);
    let server = shop.serve();
    insta::assert_snapshot!(problem(&get(server.address, "/api/v1/daily_sale")), @r#"
        {
          "type": "/problems/no-such-endpoint",
          "title": "No such endpoint",
          "status": 404,
          "detail": "there is no endpoint `daily_sale`; did you mean `/api/v1/daily_sales`?",
          "instance": "/api/v1/daily_sale",
          "request_id": "ID"
        }
        "#);
    insta::assert_snapshot!(problem(&get(server.address, "/nothing?x=1")), @r#"
        {
          "type": "/problems/no-such-path",
          "title": "No such path",
          "status": 404,
          "detail": "there is nothing at `/nothing`; the endpoints are listed at `/api/v1/`",
          "instance": "/nothing",
          "request_id": "ID"
        }
        "#);
    for path in ["/api/v1/%ff", "/api/v1/zebra", "/api/v1/daily_sales/1", "/api/v2/daily_sales"] {
        assert_eq!(get(server.address, path).status, 404, "{path}");
    }
}

#[test]
fn methods_that_are_not_possible() {
    let shop = Shop::new();
    shop.publish(1, &[daily_sales()]);
    let server = shop.serve();
    let reply = ask(server.address, "POST", "/api/v1/daily_sales", "content-length: 0\r\n");
    assert_eq!(reply.header("allow"), "GET, HEAD, OPTIONS");
    insta::assert_snapshot!(problem(&reply), @r#"
        {
          "type": "/problems/method-not-allowed",
          "title": "Method not allowed",
          "status": 405,
          "detail": "POST is not possible here; this can only be read",
          "instance": "/api/v1/daily_sales",
          "request_id": "ID"
        }
        "#);
    for method in ["DELETE", "PUT", "PATCH", "BREW"] {
        assert_eq!(ask(server.address, method, "/livez", "").status, 405, "{method}");
    }
    let unknown = ask(server.address, "POST", "/api/v1/zebra", "content-length: 0\r\n");
    assert_eq!(unknown.status, 404);
}

#[test]
fn a_warehouse_without_a_version() {
    let shop = Shop::new();
    let server = shop.serve();
    insta::assert_snapshot!(problem(&get(server.address, "/api/v1/daily_sales")), @r#"
        {
          "type": "/problems/no-version",
          "title": "Nothing has been published",
          "status": 503,
          "detail": "no version has been published; run clearwell build",
          "instance": "/api/v1/daily_sales",
          "request_id": "ID"
        }
        "#);
    assert_eq!(get(server.address, "/livez").status, 200);
    assert_eq!(get(server.address, "/readyz").status, 503);
    shop.publish(1, &[daily_sales()]);
    let deadline = Instant::now() + TAKE_UP_MAX;
    while get(server.address, "/readyz").status != 200 {
        assert!(Instant::now() < deadline, "not taken up");
    }
    assert_eq!(get(server.address, "/api/v1/daily_sales").status, 200);
}

#[test]
fn an_endpoint_that_does_not_fit_its_version() {
    let shop = Shop::new();
    shop.publish(
        1,
        &[daily_sales(), endpoint("broken", "select order_date, gone from daily_sales")],
    );
    let server = shop.serve();
    insta::assert_snapshot!(problem(&get(server.address, "/api/v1/broken")), @r#"
        {
          "type": "/problems/endpoint-unavailable",
          "title": "The endpoint does not fit the data",
          "status": 503,
          "detail": "endpoint `broken` cannot be planned over version 1; run clearwell build",
          "instance": "/api/v1/broken",
          "request_id": "ID"
        }
        "#);
    assert_eq!(get(server.address, "/api/v1/daily_sales").status, 200);
}

#[test]
fn an_endpoint_that_requires_a_scope() {
    let shop = Shop::new();
    shop.publish(1, &[Endpoint { scope: Some("read:sales".to_owned()), ..daily_sales() }]);
    let server = shop.serve_to(shop.auth(), ServeLimits::default());
    let ask =
        |scopes: &[&str]| ask(server.address, "GET", "/api/v1/daily_sales", &shop.bearer(scopes));
    let refused = ask(&["read:orders", "read"]);
    insta::assert_snapshot!(refused.header("www-authenticate"), @r#"Bearer realm="clearwell", error="insufficient_scope", scope="read:sales""#);
    assert_eq!((ask(&["read:sales"]).status, ask(&["*"]).status), (200, 200));
    insta::assert_snapshot!(problem(&refused), @r#"
        {
          "type": "/problems/forbidden",
          "title": "Not allowed",
          "status": 403,
          "detail": "endpoint `daily_sales` requires the scope `read:sales`",
          "instance": "/api/v1/daily_sales",
          "request_id": "ID"
        }
        "#);
}

#[test]
fn a_query_that_fails_is_logged_and_not_told() {
    let shop = Shop::new();
    let sql = "select order_date, cast(note as bigint) as number from daily_sales";
    shop.publish(1, &[endpoint("failing", sql)]);
    let server = shop.serve();
    insta::assert_snapshot!(problem(&get(server.address, "/api/v1/failing")), @r#"
        {
          "type": "/problems/internal",
          "title": "Something went wrong here",
          "status": 500,
          "detail": "the request could not be answered; the log has the cause under this request id",
          "instance": "/api/v1/failing",
          "request_id": "ID"
        }
        "#);
}

#[test]
fn a_query_that_takes_too_long() {
    let shop = Shop::new();
    let sql = "select a.order_date, count(*) as n from daily_sales a, daily_sales b, daily_sales c \
        where a.net_revenue + b.net_revenue <> c.net_revenue * 3 group by 1";
    shop.publish(200, &[endpoint("slow", sql)]);
    let limits = ServeLimits { request_max: Duration::from_millis(250), ..ServeLimits::default() };
    let server = shop.serve_with(limits);
    let asked = Instant::now();
    insta::assert_snapshot!(problem(&get(server.address, "/api/v1/slow")), @r#"
        {
          "type": "/problems/timed-out",
          "title": "It took too long",
          "status": 504,
          "detail": "no answer within 0.25 s; ask for less at once",
          "instance": "/api/v1/slow",
          "request_id": "ID"
        }
        "#);
    assert!(asked.elapsed() < Duration::from_secs(5), "{:?}", asked.elapsed());
}

#[test]
fn a_silent_client_does_not_keep_its_connection() {
    let limits = ServeLimits {
        head_max: Duration::from_millis(200),
        connections_max: 1,
        ..ServeLimits::default()
    };
    let server = Shop::new().serve_with(limits);
    for said in ["", "GET /livez HTTP/1.1\r\nhost:"] {
        let mut silent = TcpStream::connect(server.address).unwrap();
        silent.write_all(said.as_bytes()).unwrap();
        // There is one place: who comes next is answered once the silent one has lost it.
        assert_eq!(get(server.address, "/livez").status, 200);
        let mut rest = Vec::new();
        let _ = silent.read_to_end(&mut rest);
    }
}

#[test]
fn any_query_string_is_answered_or_explained() {
    let shop = Shop::new();
    shop.publish(3, &[daily_sales()]);
    let server = shop.serve();
    let pair = "(from|to|note|limit|offset|[a-z]{1,4})=([0-9]{1,20}|2024-0[0-9]-[0-9]{2}|[A-Za-z0-9!$()*,;:@?._~%+'=-]{0,12}|(%[0-9a-f]{2}){0,4})";
    let query = proptest::collection::vec(pair, 0..4).prop_map(|pairs| pairs.join("&"));
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig::with_cases(200));
    let outcome = runner.run(&query, |query| {
        let reply = get(server.address, &format!("/api/v1/daily_sales?{query}"));
        let answer = reply.json();
        // Only a version that is not there is not found.
        let no_such_version =
            query.contains("at=") && answer["type"] == "/problems/no-such-version";
        let fits =
            if no_such_version { reply.status == 404 } else { matches!(reply.status, 200 | 400) };
        prop_assert!(fits, "{query}: {reply:?}");
        Ok(())
    });
    outcome.unwrap();
}
