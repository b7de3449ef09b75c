//! The API described by itself: its document, its pages.

use std::collections::BTreeSet;

use serde_json::Value as Json;

use super::client::{Reply, ask, get};
use super::shop::{Server, Shop, daily_sales, endpoint};
use crate::api::openapi::KINDS;
use crate::project::{Endpoint, Parameter, ParameterKind};

fn served(endpoints: &[Endpoint]) -> (Shop, Server) {
    let shop = Shop::new();
    shop.publish(3, endpoints);
    let server = shop.serve();
    (shop, server)
}

fn document(server: &Server) -> Json {
    let reply = get(server.address, "/api/v1/openapi.json");
    assert_eq!((reply.status, reply.header("content-type")), (200, "application/json"));
    reply.json()
}

fn pretty(value: &Json) -> String {
    serde_json::to_string_pretty(value).unwrap()
}

/// Every value with its place, as a JSON pointer.
fn walk(value: &Json, pointer: &str, see: &mut dyn FnMut(&str, &Json)) {
    see(pointer, value);
    match value {
        Json::Object(object) => {
            for (key, value) in object {
                let key = key.replace('~', "~0").replace('/', "~1");
                walk(value, &format!("{pointer}/{key}"), see);
            }
        }
        Json::Array(items) => {
            for (index, value) in items.iter().enumerate() {
                walk(value, &format!("{pointer}/{index}"), see);
            }
        }
        _ => {}
    }
}

#[test]
fn parameters_have_their_types_bounds_and_examples() {
    let number = Parameter {
        minimum: Some("0.5".to_owned()),
        example: Some("1.5".to_owned()),
        ..Parameter::new("ratio", ParameterKind::Number)
    };
    let text = Parameter {
        pattern: Some("[A-Z]{2}".to_owned()),
        max_length: Some(2),
        required: true,
        description: "Two letters.".to_owned(),
        ..Parameter::new("country", ParameterKind::String)
    };
    let decimal = Parameter {
        maximum: Some("99.90".to_owned()),
        ..Parameter::new("price", ParameterKind::Decimal)
    };
    let values = ["open", "closed"].map(str::to_owned).to_vec();
    let state = Parameter {
        values,
        default: Some("open".to_owned()),
        ..Parameter::new("state", ParameterKind::Enum)
    };
    let sql = "select * from daily_sales where orders > $ratio and note = $country and note = $state and net_revenue < $price";
    let one = Endpoint { parameters: vec![number, text, decimal, state], ..endpoint("sales", sql) };
    let (_shop, server) = served(&[one]);
    let document = document(&server);
    let parameters = document["paths"]["/api/v1/sales"]["get"]["parameters"].as_array().unwrap();
    let own: Json = parameters.iter().take(4).cloned().collect();
    insta::assert_snapshot!(pretty(&own), @r#"
        [
          {
            "name": "ratio",
            "in": "query",
            "required": false,
            "schema": {
              "type": "number",
              "format": "double",
              "minimum": 0.5
            },
            "example": 1.5
          },
          {
            "name": "country",
            "in": "query",
            "description": "Two letters.",
            "required": true,
            "schema": {
              "type": "string",
              "maxLength": 2,
              "pattern": "^(?:[A-Z]{2})$"
            }
          },
          {
            "name": "price",
            "in": "query",
            "description": "At most `99.90`.\n\nWritten as a decimal of at most 28 digits before the point and 10 behind it, like `12.50`.",
            "required": false,
            "schema": {
              "type": "string",
              "format": "decimal",
              "pattern": "^[+-]?0*[0-9]{1,28}(\\.[0-9]{1,10}0*)?$"
            }
          },
          {
            "name": "state",
            "in": "query",
            "required": false,
            "schema": {
              "type": "string",
              "default": "open",
              "enum": [
                "open",
                "closed"
              ]
            }
          }
        ]
        "#);
}

#[test]
fn columns_come_in_their_order_with_types() {
    let (_shop, server) = served(&[daily_sales()]);
    let row = &document(&server)["components"]["schemas"]["daily_sales_row"];
    insta::assert_snapshot!(pretty(row), @r#"
        {
          "type": "object",
          "description": "A row of `/api/v1/daily_sales`.",
          "required": [
            "order_date",
            "orders",
            "net_revenue",
            "note"
          ],
          "properties": {
            "order_date": {
              "type": [
                "string",
                "null"
              ],
              "format": "date"
            },
            "orders": {
              "type": [
                "integer",
                "null"
              ],
              "format": "int64"
            },
            "net_revenue": {
              "type": [
                "string",
                "null"
              ],
              "format": "decimal",
              "pattern": "^-?[0-9]+\\.[0-9]{4}$"
            },
            "note": {
              "type": [
                "string",
                "null"
              ]
            }
          }
        }
        "#);
}

#[test]
fn a_scope_is_told_where_it_is_required() {
    let scope = Some("read:sales".to_owned());
    let (_shop, server) = served(&[Endpoint { scope, ..daily_sales() }]);
    let document = document(&server);
    let flows = &document["components"]["securitySchemes"]["client"]["flows"];
    assert_eq!(flows["clientCredentials"]["scopes"]["read:sales"], "/api/v1/daily_sales");
    let operation = &document["paths"]["/api/v1/daily_sales"]["get"];
    assert_eq!(operation["security"][0]["bearer"][0], "read:sales");
    assert!(operation["description"].as_str().unwrap().contains("the scope `read:sales`"));
}

#[test]
fn every_reference_resolves_and_every_operation_has_its_own_name() {
    let (_shop, server) = served(&[daily_sales(), endpoint("other", "select * from daily_sales")]);
    let document = document(&server);
    let mut names = BTreeSet::new();
    walk(&document, "", &mut |pointer, value| {
        if let Some(reference) = value.get("$ref").and_then(Json::as_str) {
            let target = reference.strip_prefix('#').unwrap();
            assert!(document.pointer(target).is_some(), "{pointer}: {reference}");
        }
        if let Some(name) = value.get("operationId").filter(|_| value.get("responses").is_some()) {
            assert!(names.insert(name.as_str().unwrap().to_owned()), "{name} twice");
        }
    });
    assert!(names.contains("daily_sales") && names.contains("api.index"));
}

#[test]
fn what_is_described_is_there() {
    let (_shop, server) = served(&[daily_sales()]);
    let document = document(&server);
    for (path, item) in document["paths"].as_object().unwrap() {
        if path.contains('{') || item.get("get").is_none() {
            continue;
        }
        let reply = get(server.address, path);
        assert_eq!(reply.status, 200, "{path}");
        let documented = &item["get"]["responses"]["200"];
        let media_type = reply.header("content-type").split(';').next().unwrap();
        assert!(documented["content"].get(media_type).is_some(), "{path}: {media_type}");
    }
}

#[test]
fn the_document_is_of_one_version_and_has_a_tag() {
    let shop = Shop::new();
    shop.publish(1, &[daily_sales()]);
    shop.publish(1, &[]);
    let server = shop.serve();
    let paths = |query: &str| {
        let reply = get(server.address, &format!("/api/v1/openapi.json{query}"));
        reply.json()["paths"].get("/api/v1/daily_sales").is_some()
    };
    assert!(!paths("") && paths("?at=1"));
    for (query, status) in [("at=7", 404), ("at=0", 404), ("at=1&at=1", 400), ("att=1", 400)] {
        let reply = get(server.address, &format!("/api/v1/openapi.json?{query}"));
        assert_eq!(reply.status, status, "{query}");
    }
    for path in ["/api/v1/openapi.json", "/api/v1/openapi.yaml"] {
        let tag = get(server.address, path).header("etag").to_owned();
        let again = ask(server.address, "GET", path, &format!("if-none-match: {tag}\r\n"));
        assert_eq!((again.status, again.body.as_str()), (304, ""), "{path}");
    }
}

#[test]
fn a_document_without_a_version_is_a_problem() {
    let server = Shop::new().serve();
    assert_eq!(get(server.address, "/api/v1/openapi.json").status, 503);
    assert_eq!(get(server.address, "/docs/api").status, 200);
}

#[test]
fn every_kind_of_problem_has_its_page() {
    let server = Shop::new().serve();
    let list = get(server.address, "/problems/");
    for kind in KINDS {
        let (status, slug, title) = kind.facts();
        let page = get(server.address, &format!("/problems/{slug}"));
        assert_eq!((page.status, page.header("content-type")), (200, "text/html; charset=utf-8"));
        assert!(page.body.contains(&format!("<h1>{title}</h1>")), "{slug}");
        assert!(page.body.contains(status.as_str()), "{slug}");
        assert!(list.body.contains(&format!("<a href=\"{slug}\">")), "{slug}");
        assert!(!page.body.contains('`'), "{slug}");
    }
    let answered = get(server.address, "/nothing").json();
    assert_eq!(get(server.address, answered["type"].as_str().unwrap()).status, 200);
    let moved = get(server.address, "/problems");
    assert_eq!((moved.status, moved.header("location")), (308, "problems/"));
}

#[test]
fn swagger_ui_needs_nothing_but_this_server() {
    let (_shop, server) = served(&[daily_sales()]);
    let page = get(server.address, "/docs/api");
    let policy = page.header("content-security-policy");
    assert!(policy.contains("script-src 'self';") && policy.contains("connect-src 'self'"));
    let mut files = 0;
    for part in page.body.split(['"']).filter(|part| part.starts_with("api/")) {
        // Four of them are more than the client reads as text.
        let reply = ask(server.address, "HEAD", &format!("/docs/{part}"), "");
        assert_eq!(reply.status, 200, "{part}");
        files += 1;
    }
    assert_eq!(files, 5);
    assert!(!page.body.contains("http://") && !page.body.contains("https://"));
    let moved = get(server.address, "/docs/api/");
    assert_eq!((moved.status, moved.header("location")), (308, "../api"));
}

#[test]
fn methods_and_unknown_paths_are_told_of() {
    let (_shop, server) = served(&[daily_sales()]);
    let ask = |method, path: &str| -> Reply { ask(server.address, method, path, "") };
    for path in [
        "/api/v1/openapi.json",
        "/api/v1/openapi.yaml",
        "/docs/api",
        "/docs/api/start.js",
        "/problems/",
        "/problems/gone",
    ] {
        let head = ask("HEAD", path);
        assert_eq!((head.status, head.body.as_str()), (200, ""), "{path}");
        for (method, status) in [("OPTIONS", 204), ("POST", 405), ("DELETE", 405)] {
            let reply = ask(method, path);
            let found = (reply.status, reply.header("allow"));
            assert_eq!(found, (status, "GET, HEAD, OPTIONS"), "{method} {path}");
        }
    }
    for path in
        ["/docs", "/docs/", "/docs/api/x", "/docs/api/../x", "/problems/x", "/problems/gone/"]
    {
        for method in ["GET", "POST", "OPTIONS"] {
            let reply = ask(method, path);
            assert_eq!(reply.status, 404, "{method} {path}");
            assert_eq!(reply.header("content-type"), "application/problem+json");
        }
    }
}
