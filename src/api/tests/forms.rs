//! The forms of an answer, what names it, and the versions that it may come from.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::json;

use super::client::{ask, get};
use super::shop::{Shop, daily_sales, endpoint};
use crate::base::size::ByteSize;
use crate::config::ServeLimits;
use crate::project::Endpoint;

const PATH: &str = "/api/v1/daily_sales";

#[test]
fn an_answer_comes_in_the_form_that_is_asked_for() {
    let shop = Shop::new();
    shop.publish(2, &[daily_sales()]);
    let server = shop.serve();
    let csv = ask(server.address, "GET", "/api/v1/daily_sales", "accept: text/csv\r\n");
    assert_eq!(csv.header("content-type"), "text/csv; charset=utf-8; header=present");
    insta::assert_snapshot!(csv.body, @r#"
    order_date,orders,net_revenue,note
    2024-01-01,2,0.0000,"é ""x"""
    2024-01-02,2,1.2345,
    "#);
    assert_eq!(get(server.address, "/api/v1/daily_sales?format=csv").body, csv.body);
    let lines = get(server.address, "/api/v1/daily_sales?format=ndjson&limit=1");
    let next = lines.header("link").split('>').next().unwrap_or_default().trim_start_matches('<');
    assert!(lines.header("link").contains("rel=\"next\""), "{}", lines.header("link"));
    insta::assert_snapshot!(lines.body, @r#"{"order_date":"2024-01-01","orders":2,"net_revenue":"0.0000","note":"é \"x\""}"#);
    insta::assert_snapshot!(get(server.address, next).body, @r#"{"order_date":"2024-01-02","orders":2,"net_revenue":"1.2345","note":null}"#);

    let none = ask(server.address, "GET", "/api/v1/daily_sales", "accept: text/html\r\n");
    assert_eq!(
        (none.status, none.json()["type"].clone()),
        (406, json!("/problems/not-acceptable"))
    );
    assert!(none.body.contains("application/vnd.apache.parquet"));
    let unknown = get(server.address, "/api/v1/daily_sales?format=jsn");
    insta::assert_snapshot!(unknown.json()["detail"].as_str().unwrap_or_default(), @"`format`: it is no format; did you mean `json`?");
}

#[test]
fn who_has_an_answer_is_told_so_until_its_tables_change() {
    let shop = Shop::new();
    shop.publish(2, &[daily_sales()]);
    let server = shop.serve();
    let first = get(server.address, "/api/v1/daily_sales");
    let tag = first.header("etag").to_owned();
    assert_eq!((tag.len(), first.header("clearwell-version")), (34, "1"));
    assert_eq!(first.header("vary"), "accept, accept-encoding, authorization");
    let known = format!("if-none-match: \"other\", W/{tag}\r\n");
    let again = ask(server.address, "GET", "/api/v1/daily_sales", &known);
    assert_eq!((again.status, again.body.as_str(), again.header("etag")), (304, "", &*tag));
    for other in ["/api/v1/daily_sales?limit=1", "/api/v1/daily_sales?format=csv"] {
        assert_eq!(ask(server.address, "GET", other, &known).status, 200, "{other}");
    }

    // The same rows again: a new version, the same answer.
    shop.publish(2, &[daily_sales()]);
    server.await_version(2);
    let after = ask(server.address, "GET", "/api/v1/daily_sales", &known);
    assert_eq!((after.status, after.header("clearwell-version")), (304, "2"));
    assert_eq!(get(server.address, "/api/v1/daily_sales").body, first.body);

    shop.publish(3, &[daily_sales()]);
    server.await_version(3);
    let changed = ask(server.address, "GET", "/api/v1/daily_sales", &known);
    assert_eq!((changed.status, changed.json()["meta"]["version"].clone()), (200, json!(3)));
    assert_ne!(changed.header("etag"), tag);
}

#[test]
fn an_answer_given_again_is_the_same_and_of_the_current_version() {
    let shop = Shop::new();
    let scoped = || Endpoint { scope: Some("read:sales".to_owned()), ..daily_sales() };
    shop.publish(2, &[scoped(), endpoint("days", "select order_date from daily_sales")]);
    let server = shop.serve_to(shop.auth(), ServeLimits::default());
    let (ann, eve) = (shop.bearer(&["*"]), shop.bearer(&[]));
    // Made, from the cache of answers, and twice as its spelling was answered before.
    let told = |headers: &str, path: &str| {
        let four = [(); 4].map(|()| ask(server.address, "GET", path, headers));
        let names: BTreeSet<_> = four.iter().map(|r| r.header("x-request-id").to_owned()).collect();
        assert_eq!(names.len(), 4);
        let bare = four.map(|mut reply| {
            reply.headers.retain(|(name, _)| {
                !["x-request-id", "traceparent", "date"].contains(&name.as_str())
            });
            format!("{reply:?}")
        });
        for again in &bare[1..] {
            assert_eq!(*again, bare[0]);
        }
        bare[0].clone()
    };
    let mut seen = BTreeSet::new();
    for path in [PATH, "/api/v1/daily_sales?limit=1", "/api/v1/days"] {
        for headers in ["", "accept: text/csv\r\n", "accept-encoding: gzip;q=0\r\n"] {
            seen.insert((path, told(&format!("{ann}{headers}"), path)));
        }
    }
    // No coding and none named are the same answer.
    assert_eq!(seen.len(), 6);
    // Whoever may not ask gets nothing that another got.
    assert_eq!(ask(server.address, "GET", PATH, "").status, 401);
    assert_eq!(ask(server.address, "GET", PATH, &eve).status, 403);

    shop.publish(3, &[scoped()]);
    server.await_version(2);
    let after = told(&ann, PATH);
    assert!(after.contains("2024-01-03") && !seen.contains(&(PATH, after.clone())), "{after}");
    assert_eq!(ask(server.address, "GET", "/api/v1/days", &ann).status, 404);
}

#[test]
fn a_walk_over_pages_stays_in_its_version_and_the_past_can_be_asked() {
    let shop = Shop::new();
    shop.publish(5, &[daily_sales()]);
    let server = shop.serve();
    let first = get(server.address, "/api/v1/daily_sales?limit=2&count=true").json();
    assert_eq!(first["page"]["total"], 5);
    shop.publish(9, &[daily_sales()]);
    server.await_version(2);
    let second = get(server.address, first["page"]["next"].as_str().unwrap()).json();
    assert_eq!((&second["meta"]["version"], &second["page"]["offset"]), (&json!(1), &json!(2)));
    assert_eq!(
        (&second["page"]["total"], second["data"].as_array().unwrap().len()),
        (&json!(5), 2)
    );
    let third = get(server.address, second["page"]["next"].as_str().unwrap()).json();
    assert_eq!(
        (third["data"].as_array().unwrap().len(), &third["page"]["next"]),
        (1, &json!(null))
    );

    assert_eq!(get(server.address, "/api/v1/daily_sales?at=1").json()["meta"]["row_count"], 5);
    assert_eq!(get(server.address, "/api/v1/daily_sales?at=2").json()["meta"]["row_count"], 9);
    let statuses = ["at=0", "at=3", "at=2020-01-01", "at=nobody", "at=run:x", "at=", "at=1&at=2"];
    let status = |query: &&str| get(server.address, &format!("/api/v1/daily_sales?{query}")).status;
    assert_eq!(
        statuses.iter().map(status).collect::<Vec<_>>(),
        [404, 404, 404, 404, 400, 400, 400]
    );
    let wrong = get(server.address, "/api/v1/daily_sales?cursor=eyJ2IjoxLCJrIjpbMSwyXSwibiI6Mn0");
    assert_eq!(
        (wrong.status, wrong.json()["errors"][0]["parameter"].clone()),
        (400, json!("cursor"))
    );
}

#[test]
fn rows_kept_in_memory_answer_as_queries_do() {
    let shop = Shop::new();
    shop.publish(9, &[daily_sales()]);
    let none = ByteSize(0);
    let without = shop.serve_with(ServeLimits {
        answer_cache: none,
        row_cache: none,
        ..ServeLimits::default()
    });
    let with = shop.serve_with(ServeLimits { answer_cache: none, ..ServeLimits::default() });
    let queries = [
        "",
        "?from=2024-01-03&limit=2",
        "?from=2024-01-03&to=2024-01-08&limit=3&offset=1&count=true",
        "?note=%C3%A9%20%22x%22&limit=2&count=true",
        "?note=&format=csv",
        "?to=2023-01-01&count=true",
    ];
    // The first request has the rows computed beside it; all that follow find the same, whether they are there or not.
    for _ in 0..3 {
        for query in queries {
            let path = format!("/api/v1/daily_sales{query}");
            let expected = get(without.address, &path);
            assert_eq!(get(with.address, &path).body, expected.body, "{query}");
            if let Some(next) = expected.body.strip_prefix('{').map(|_| expected.json())
                && let Some(next) = next["page"]["next"].as_str()
            {
                assert_eq!(get(with.address, next).body, get(without.address, next).body);
            }
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}
