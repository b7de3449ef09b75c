//! What a client gets when all is well.

use super::client::{ask, get};
use super::shop::{Shop, daily_sales};

#[test]
fn rows_come_in_the_declared_shape_and_order() {
    let shop = Shop::new();
    shop.publish(3, &[daily_sales()]);
    let server = shop.serve();
    let reply = get(server.address, "/api/v1/daily_sales?from=2024-01-02");
    assert_eq!((reply.status, reply.header("content-type")), (200, "application/json"));
    insta::assert_snapshot!(reply.body, @r#"{"data":[{"order_date":"2024-01-02","orders":3,"net_revenue":"1.2345","note":null},{"order_date":"2024-01-03","orders":3,"net_revenue":"2.4690","note":"é \"x\""}],"page":{"limit":100,"offset":0,"next":null},"meta":{"version":1,"as_of":"2026-01-02T03:04:05Z","row_count":2}}"#);
}

#[test]
fn following_next_gives_every_row_once() {
    let shop = Shop::new();
    shop.publish(25, &[daily_sales()]);
    let server = shop.serve();
    let mut path = "/api/v1/daily_sales?limit=10&note=%C3%A9+%22x%22".to_owned();
    let (mut offsets, mut dates) = (Vec::new(), Vec::new());
    loop {
        let answer = get(server.address, &path).json();
        let rows = answer["data"].as_array().unwrap().clone();
        assert_eq!(answer["meta"]["row_count"], rows.len());
        dates.extend(rows.iter().map(|row| row["order_date"].as_str().unwrap().to_owned()));
        offsets.push(answer["page"]["offset"].as_u64().unwrap());
        match answer["page"]["next"].as_str() {
            Some(next) => path = next.to_owned(),
            None => break,
        }
        assert!(path.starts_with("/api/v1/daily_sales?note=%C3%A9%20%22x%22&limit=10&cursor="));
    }
    let even: Vec<_> = (1..=25).step_by(2).map(|day| format!("2024-01-{day:02}")).collect();
    assert_eq!(dates, even);
    assert_eq!(offsets, [0, 10]);
}

#[test]
fn a_page_behind_the_end_is_empty() {
    let shop = Shop::new();
    shop.publish(3, &[daily_sales()]);
    let server = shop.serve();
    for query in ["offset=3", "offset=1000000000000", "from=9999-12-31", "to=0001-01-01"] {
        let answer = get(server.address, &format!("/api/v1/daily_sales?{query}")).json();
        assert_eq!(answer["data"], serde_json::json!([]), "{query}");
        assert!(answer["page"]["next"].is_null() && answer["meta"]["row_count"] == 0);
    }
    let exact = get(server.address, "/api/v1/daily_sales?limit=3").json();
    assert!(exact["page"]["next"].is_null() && exact["meta"]["row_count"] == 3);
}

#[test]
fn the_index_tells_how_to_ask() {
    let shop = Shop::new();
    shop.publish(1, &[daily_sales()]);
    let server = shop.serve();
    let reply = get(server.address, "/api/v1/");
    assert_eq!((reply.status, reply.body == get(server.address, "/api/v1").body), (200, true));
    insta::assert_snapshot!(serde_json::to_string_pretty(&reply.json()).unwrap(), @r#"
        {
          "endpoints": [
            {
              "name": "daily_sales",
              "href": "/api/v1/daily_sales",
              "description": "Sales of a day",
              "parameters": [
                {
                  "name": "from",
                  "type": "date",
                  "required": false
                },
                {
                  "name": "to",
                  "type": "date",
                  "required": false
                },
                {
                  "name": "note",
                  "type": "string",
                  "required": false
                },
                {
                  "name": "limit",
                  "type": "integer",
                  "required": false,
                  "description": "Rows in one answer.",
                  "default": "100",
                  "minimum": "1",
                  "maximum": "1000"
                },
                {
                  "name": "offset",
                  "type": "integer",
                  "required": false,
                  "description": "Rows to skip. Not together with `cursor`.",
                  "default": "0",
                  "minimum": "0",
                  "maximum": "1000000000000"
                },
                {
                  "name": "cursor",
                  "type": "string",
                  "required": false,
                  "description": "Where the page before ended: taken as it is from `page.next` or the `Link` header. It keeps to the version in which the walk began."
                },
                {
                  "name": "count",
                  "type": "boolean",
                  "required": false,
                  "description": "Whether to count the rows of all pages, as `page.total`.",
                  "default": "false"
                },
                {
                  "name": "format",
                  "type": "enum",
                  "required": false,
                  "description": "The form of the answer; goes before the header `Accept`.",
                  "values": [
                    "json",
                    "ndjson",
                    "csv",
                    "arrow",
                    "parquet"
                  ]
                },
                {
                  "name": "at",
                  "type": "string",
                  "required": false,
                  "description": "The state to answer from: a version, a time (the version that was current then; without a zone UTC) or a tag. Without it the current version."
                }
              ],
              "columns": [
                "order_date",
                "orders",
                "net_revenue",
                "note"
              ],
              "order_by": [
                "order_date"
              ]
            }
          ],
          "links": {
            "openapi": "/api/v1/openapi.json",
            "docs": "/docs/api"
          },
          "meta": {
            "version": 1,
            "as_of": "2026-01-02T03:04:05Z",
            "row_count": 1
          }
        }
        "#);
}

#[test]
fn head_and_options_work_everywhere() {
    let shop = Shop::new();
    shop.publish(2, &[daily_sales()]);
    let server = shop.serve();
    for path in ["/api/v1/daily_sales", "/api/v1/", "/api/v1", "/livez", "/readyz"] {
        let (whole, head) = (get(server.address, path), ask(server.address, "HEAD", path, ""));
        assert_eq!((head.status, head.body.as_str()), (200, ""), "{path}");
        assert_eq!(head.header("content-length"), whole.body.len().to_string(), "{path}");
        let options = ask(server.address, "OPTIONS", path, "");
        assert_eq!(
            (options.status, options.header("allow")),
            (204, "GET, HEAD, OPTIONS"),
            "{path}"
        );
    }
}

#[test]
fn a_request_keeps_its_own_id_if_it_is_a_plain_one() {
    let server = Shop::new().serve();
    let id = |header: &str| {
        ask(server.address, "GET", "/livez", header).header("x-request-id").to_owned()
    };
    assert_eq!(id("x-request-id: abc-1.2_3\r\n"), "abc-1.2_3");
    for odd in ["", "x-request-id: a b\r\n", "x-request-id: \r\n", "x-request-id: é\r\n"] {
        assert!(id(odd).len() == 32 && id(odd) != id(odd), "{odd}");
    }
}
