//! Tables, versions and queries of one's own.

use proptest::prelude::*;
use serde_json::{Value as Json, json};

use super::client::{Reply, ask, ask_with, get};
use super::shop::{Server, Shop, daily_sales};
use crate::config::{ServeLimits, ServerConfig};

const ROWS: &str = "/api/v1/tables/daily_sales/rows";

fn dates(reply: &Reply) -> Vec<String> {
    let rows = reply.json()["data"].as_array().cloned().unwrap_or_else(|| panic!("{reply:?}"));
    rows.iter().map(|row| row["order_date"].as_str().unwrap()[8..].to_owned()).collect()
}

fn rows(server: &Server, query: &str) -> Vec<String> {
    dates(&get(server.address, &format!("{ROWS}?{query}")))
}

#[test]
fn versions_and_tables_are_told_to_those_with_the_scope() {
    let shop = Shop::new();
    shop.publish(2, &[daily_sales()]);
    shop.publish(5, &[daily_sales()]);
    shop.publish(5, &[daily_sales()]);
    let server = shop.serve_to(shop.auth(), ServeLimits::default());
    let tables = shop.bearer(&["tables"]);
    for path in ["versions", "tables", "tables/daily_sales", "tables/daily_sales/rows"] {
        let path = format!("/api/v1/{path}");
        assert_eq!(ask(server.address, "GET", &path, "").status, 401, "{path}");
        assert_eq!(
            ask(server.address, "GET", &path, &shop.bearer(&["query"])).status,
            403,
            "{path}"
        );
        assert_eq!(ask(server.address, "GET", &path, &tables).status, 200, "{path}");
        assert_eq!(ask(server.address, "GET", &format!("{path}?nonsense=1"), &tables).status, 400);
    }
    let get = |path: &str| ask(server.address, "GET", path, &tables).json();
    let versions = get("/api/v1/versions?limit=2");
    assert_eq!(versions["total"], 3);
    let told: Vec<(&Json, &Json)> = versions["versions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|version| (&version["version"], &version["changed"]))
        .collect();
    assert_eq!(told, [(&json!(3), &json!([])), (&json!(2), &json!(["main.daily_sales"]))]);
    let listed = get("/api/v1/tables");
    assert_eq!(listed["tables"][0]["name"], "main.daily_sales");
    assert_eq!(listed["tables"][0]["description"], "What was sold.");
    assert_eq!(
        (&listed["tables"][0]["rows"], &listed["tables"][0]["since"]),
        (&json!(5), &json!(2))
    );
    let detail = get("/api/v1/tables/MAIN.Daily_Sales?at=1");
    assert_eq!(
        (&detail["rows"], &detail["schema"][2]["type"]),
        (&json!(2), &json!("decimal(18,4)"))
    );
    let unknown = ask(server.address, "GET", "/api/v1/tables/daily_sale", &tables);
    assert_eq!(unknown.status, 404);
    assert!(unknown.body.contains("did you mean `daily_sales`?"), "{}", unknown.body);
}

#[test]
fn rows_are_filtered_sorted_and_chosen() {
    let shop = Shop::new();
    shop.publish(9, &[daily_sales()]);
    let server = shop.serve();
    assert_eq!(rows(&server, "limit=3"), ["01", "02", "03"]);
    assert_eq!(
        rows(&server, "order_date=gte.2024-01-03&order_date=lt.2024-01-06"),
        ["03", "04", "05"]
    );
    assert_eq!(
        rows(&server, "order_date=in.(2024-01-02,%222024-01-07%22,2030-01-01)"),
        ["02", "07"]
    );
    assert_eq!(rows(&server, "note=in.()"), [""; 0]);
    assert_eq!(rows(&server, "note=not.in.()&limit=2"), ["01", "02"]);
    assert_eq!(rows(&server, "note=is.null&limit=2"), ["02", "04"]);
    assert_eq!(rows(&server, "note=not.is.null&limit=2"), ["01", "03"]);
    assert_eq!(rows(&server, "note=like.*x*&order=net_revenue.desc&limit=2"), ["09", "07"]);
    assert_eq!(rows(&server, "NET_REVENUE=not.gt.1.2345"), ["01", "02"]);
    let chosen =
        get(server.address, &format!("{ROWS}?select=orders,order_date&limit=1&format=csv"));
    assert_eq!(chosen.body, "orders,order_date\n9,2024-01-01\n");

    let mut walked = Vec::new();
    for start in ["order=note.desc&limit=2", "limit=4", "order_date=neq.2024-01-01&limit=3"] {
        let mut next = Some(format!("{ROWS}?{start}"));
        let mut seen = Vec::new();
        while let Some(path) = next {
            let reply = get(server.address, &path);
            seen.extend(dates(&reply));
            next = reply.json()["page"]["next"].as_str().map(str::to_owned);
        }
        seen.sort();
        walked.push(seen.len());
        seen.dedup();
        assert_eq!(walked.last(), Some(&seen.len()), "{start}: {seen:?}");
    }
    assert_eq!(walked, [9, 9, 8]);
    let counted = get(server.address, &format!("{ROWS}?note=is.null&count=true&limit=1")).json();
    assert_eq!(counted["page"]["total"], 4);
}

#[test]
fn questions_that_cannot_be_asked_are_explained() {
    let shop = Shop::new();
    shop.publish(3, &[daily_sales()]);
    let server = shop.serve();
    let detail = |query: &str| {
        let reply = get(server.address, &format!("{ROWS}?{query}"));
        assert_eq!(reply.status, 400, "{query}: {}", reply.body);
        reply.json()["detail"].as_str().unwrap().to_owned()
    };
    insta::assert_snapshot!(detail("order_dat=eq.2024-01-01"), @"`order_dat`: there is no column `order_dat`; did you mean `order_date`?");
    insta::assert_snapshot!(detail("order_date=2024-01-01"), @"`order_date`: `2024-01-01` is no comparison; write one of eq, neq, gt, gte, lt, lte, like, ilike, in, is before a point and the value, like `eq.5`");
    insta::assert_snapshot!(detail("order_date=eq.yesterday"), @"`order_date`: `yesterday` is not a date, like `2024-01-31`");
    insta::assert_snapshot!(detail("orders=in.(1,x)"), @"`orders`: `x` is not a whole number of at most 64 bits, like `42`");
    insta::assert_snapshot!(detail("orders=in.1,2"), @r#"`orders`: write `in.(a,b,"with, comma")`"#);
    insta::assert_snapshot!(detail("orders=like.1*"), @"`orders`: `like` is for texts; this is a bigint");
    insta::assert_snapshot!(detail("note=is.empty"), @"`note`: `is` takes `null` or `not_null`");
    insta::assert_snapshot!(detail("select=order_date,nope"), @"`select`: there is no column `nope`; did you mean `note`?");
    insta::assert_snapshot!(detail("select=note&order=orders"), @"`order`: it names `orders`, which `select` leaves out");
    insta::assert_snapshot!(detail("limit=0"), @"`limit`: `0` is not a whole number from 1 to 10000");
}

#[test]
fn a_query_of_ones_own_is_one_select() {
    let shop = Shop::new();
    shop.publish(3, &[daily_sales()]);
    let off = shop.serve();
    let json_type = "content-type: application/json\r\n";
    let ask = |server: &Server, headers: &str, body: &str| {
        ask_with(server.address, "POST", "/api/v1/query", headers, body)
    };
    let refused = ask(&off, json_type, r#"{"sql": "select 1 as a"}"#);
    assert_eq!(
        (refused.status, &refused.json()["type"]),
        (404, &json!("/problems/not-allowed-here"))
    );
    let open = ServerConfig { query: true, ..ServerConfig::default() };
    let server = shop.serve_as(shop.auth(), open, ServeLimits::default());
    let may = format!("{json_type}{}", shop.bearer(&["query"]));
    let mayn = format!("{json_type}{}", shop.bearer(&["tables"]));
    assert_eq!(ask(&server, &mayn, r#"{"sql": "select 1 as a"}"#).status, 403);
    let sql = |sql: &str| ask(&server, &may, &json!({ "sql": sql, "limit": 2 }).to_string());
    let found = sql("select count(*) as n, sum(net_revenue) as total from daily_sales").json();
    assert_eq!(found["data"], json!([{"n": 3, "total": "3.7035"}]));
    assert_eq!(found["page"], json!({"limit": 2, "offset": 0, "next": null, "more": false}));
    let more = sql("select order_date from daily_sales order by order_date desc").json();
    assert_eq!(
        (&more["page"]["more"], &more["data"][0]["order_date"]),
        (&json!(true), &json!("2024-01-03"))
    );
    let plain = format!("content-type: application/sql\r\n{}", shop.bearer(&["*"]));
    assert_eq!(ask(&server, &plain, "select 1 as a;").status, 200);
    let wrong = sql("select nope from daily_sales");
    assert_eq!(wrong.status, 400);
    assert!(
        wrong.json()["detail"].as_str().unwrap().starts_with("line 1, column 8: "),
        "{}",
        wrong.body
    );
    for attempt in [
        "drop table daily_sales",
        "insert into daily_sales values (1)",
        "create table x as select 1",
        "select 1; select 2",
        "select 1 /* */; drop table daily_sales --",
        "copy daily_sales to '/tmp/x'",
        "select * from read_csv('/etc/passwd')",
        "select * from read_parquet('/etc/passwd')",
        "select * from read_text('/etc/passwd')",
        "select * from '/etc/passwd'",
        "select * from \"/etc/passwd\"",
        "set memory_limit = 1",
        "explain analyze select 1",
        "attach 'x'",
        "call something()",
        "pragma version",
        "with x as (delete from daily_sales returning *) select * from x",
        "select * from information_schema.tables",
        "",
        ";",
    ] {
        let reply = sql(attempt);
        assert_eq!(reply.status, 400, "{attempt}: {}", reply.body);
    }
    assert_eq!(ask(&server, &may, "{}").status, 400);
    assert_eq!(ask(&server, &may, r#"{"sql": "select 1", "more": 1}"#).status, 400);
    let form = format!("content-type: text/html\r\n{}", shop.bearer(&["*"]));
    assert_eq!(ask(&server, &form, "select 1").status, 415);
    // Far more memory than there is: refused, and the server lives on.
    let hungry = sql("select sum(n) as n from (select a.order_date, a.range as k, count(*) as n
         from (select * from daily_sales, range(30000000)) as a group by 1, 2) as b");
    assert!([400, 503, 504].contains(&hungry.status), "{}", hungry.body);
    assert_eq!(sql("select 1 as a").status, 200);
}

#[test]
fn nothing_in_a_question_becomes_sql() {
    let shop = Shop::new();
    shop.publish(4, &[daily_sales()]);
    let server = shop.serve();
    let quote = |text: &str| {
        percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
    };
    for attempt in [
        "' or '1'='1",
        "'; drop table daily_sales --",
        "x' union select 'secret' --",
        "\" or 1=1 --",
        "note) or (1=1",
        "$p0000",
        "$1",
        "1 or 1=1",
        "\\'; select 1",
        "%00",
        "null",
        "*/ or 1=1 /*",
        "'||'x",
    ] {
        let value = quote(attempt);
        assert_eq!(rows(&server, &format!("note=eq.{value}")), Vec::<String>::new(), "{attempt}");
        for query in [
            format!("{value}=eq.1"),
            format!("select={value}"),
            format!("order={value}"),
            format!("orders=eq.{value}"),
            format!("note={value}"),
        ] {
            let reply = get(server.address, &format!("{ROWS}?{query}"));
            assert_eq!(reply.status, 400, "{query}: {}", reply.body);
        }
        let name = get(server.address, &format!("/api/v1/tables/{value}/rows"));
        assert_eq!(name.status, 404, "{attempt}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]
    #[test]
    fn filters_find_what_a_fold_finds(
        filters in prop::collection::vec((0usize..6, 0i64..9, any::<bool>()), 0..4),
        descending in any::<bool>(),
    ) {
        thread_local!(static SERVED: (Shop, Server) = {
            let shop = Shop::new();
            shop.publish(8, &[]);
            let server = shop.serve();
            (shop, server)
        });
        let operators = ["eq", "neq", "gt", "gte", "lt", "lte"];
        let holds = |day: i64| filters.iter().all(|(operator, value, negated)| {
            let held = match operators[*operator] {
                "eq" => day == *value,
                "neq" => day != *value,
                "gt" => day > *value,
                "gte" => day >= *value,
                "lt" => day < *value,
                _ => day <= *value,
            };
            held != *negated
        });
        let mut expected: Vec<String> =
            (1..=8).filter(|day| holds(*day)).map(|day| format!("{day:02}")).collect();
        if descending { expected.reverse() }
        let mut query = format!("order=order_date.{}", if descending { "desc" } else { "asc" });
        for (operator, value, negated) in &filters {
            let not = if *negated { "not." } else { "" };
            // Day 0 is the last of the year before.
            let date = if *value == 0 { "2023-12-31".to_owned() } else { format!("2024-01-{value:02}") };
            query += &format!("&order_date={not}{}.{date}", operators[*operator]);
        }
        let found = SERVED.with(|(_, server)| rows(server, &query));
        prop_assert_eq!(found, expected, "{}", query);
    }
}
