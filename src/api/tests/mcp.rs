//! The Model Context Protocol, message by message; `tests/e2e/mcp_client.py` asks with a client that is not ours.

use serde_json::{Value as Json, json};

use super::client::{Reply, ask, ask_with};
use super::shop::{Server, Shop, daily_sales, endpoint};
use crate::config::ServeLimits;
use crate::project::{Endpoint, Parameter, ParameterKind};

const HEADERS: &str = "content-type: application/json\r\naccept: application/json, text/event-stream\r\nmcp-protocol-version: 2025-11-25\r\n";

fn send(server: &Server, headers: &str, method: &str, params: &Json) -> Reply {
    let message = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
    let headers = format!("{HEADERS}{headers}");
    ask_with(server.address, "POST", "/mcp", &headers, &message.to_string())
}

/// The result of a message that is answered.
fn result(server: &Server, headers: &str, method: &str, params: &Json) -> Json {
    let reply = send(server, headers, method, params);
    assert_eq!(
        (reply.status, reply.header("content-type")),
        (200, "application/json"),
        "{reply:?}"
    );
    let body = reply.json();
    assert!(body.get("error").is_none(), "{method}: {body}");
    body["result"].clone()
}

fn call(server: &Server, name: &str, arguments: &Json) -> Json {
    result(server, "", "tools/call", &json!({"name": name, "arguments": arguments}))
}

fn served() -> (Shop, Server) {
    let shop = Shop::new();
    let least = Parameter {
        required: true,
        minimum: Some("1".to_owned()),
        description: "At least so many orders.".to_owned(),
        ..Parameter::new("least", ParameterKind::Integer)
    };
    let sql = "select order_date, orders from daily_sales where orders >= $least";
    let scoped = Endpoint {
        parameters: vec![least],
        scope: Some("inner".to_owned()),
        ..endpoint("busy_days", sql)
    };
    shop.publish(5, &[daily_sales(), scoped]);
    let server = shop.serve();
    (shop, server)
}

#[test]
fn a_client_learns_what_there_is() {
    let (_shop, server) = served();
    let client = json!({"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}});
    let hello = result(&server, "", "initialize", &client);
    assert_eq!(
        (&hello["protocolVersion"], &hello["serverInfo"]["name"]),
        (&json!("2025-11-25"), &json!("clearwell"))
    );
    let tools = result(&server, "", "tools/list", &json!({}));
    let tools = tools["tools"].as_array().unwrap();
    let tool = tools.iter().find(|tool| tool["name"] == "busy_days").unwrap();
    assert_eq!(
        tool["annotations"],
        json!({"readOnlyHint": true, "destructiveHint": false, "idempotentHint": true, "openWorldHint": false})
    );
    let input = &tool["inputSchema"];
    assert_eq!(
        (&input["required"], &input["additionalProperties"]),
        (&json!(["least"]), &json!(false))
    );
    assert_eq!(input["properties"]["least"]["minimum"], 1);
    assert_eq!(input["properties"]["least"]["description"], "At least so many orders.");
    let names: Vec<&String> = input["properties"].as_object().unwrap().keys().collect();
    assert_eq!(names.len(), 3, "{names:?}");
    assert!(
        tool["outputSchema"]["properties"]["data"]["items"]["properties"].get("orders").is_some()
    );
}

#[test]
fn a_tool_answers_with_rows() {
    let (_shop, server) = served();
    let first = call(&server, "busy_days", &json!({"least": 5, "limit": 3}));
    assert_eq!(
        (&first["isError"], first["structuredContent"]["data"].as_array().unwrap().len()),
        (&json!(false), 3)
    );
    let text: Json = serde_json::from_str(first["content"][0]["text"].as_str().unwrap()).unwrap();
    assert_eq!(text, first["structuredContent"]);
    let cursor = &first["structuredContent"]["page"]["cursor"];
    let second = call(&server, "busy_days", &json!({"least": 5, "limit": 3, "cursor": cursor}));
    let second = &second["structuredContent"];
    assert_eq!(
        (second["data"].as_array().unwrap().len(), &second["page"]["cursor"]),
        (2, &Json::Null)
    );
    assert_eq!(second["data"][1]["order_date"], "2024-01-05");
}

#[test]
fn what_is_wrong_is_for_the_caller_to_mend() {
    let (_shop, server) = served();
    for (arguments, told) in [
        (json!({}), "`least`: it is required"),
        (json!({"least": "many"}), "`least`: `many` is not a whole number"),
        (json!({"least": 0}), "`least`: `0` is not at least 1"),
        (json!({"least": {"x": 1}}), "`least`: it is no plain value"),
        (json!({"least": 1, "lest": 1}), "did you mean `least`?"),
        (json!({"least": 1, "format": "csv"}), "`format`: there is no such parameter"),
        (json!({"least": 1, "at": "1"}), "`at`: there is no such parameter"),
        (json!({"least": 1, "cursor": "x"}), "`cursor`: it is no cursor"),
        (json!({"least": 1, "limit": 0}), "`limit`:"),
    ] {
        let answer = call(&server, "busy_days", &arguments);
        assert_eq!(answer["isError"], true, "{arguments}: {answer}");
        let text = answer["content"][0]["text"].as_str().unwrap();
        assert!(text.contains(told), "{arguments}: {text}");
    }
    let unknown = send(&server, "", "tools/call", &json!({"name": "busy_day", "arguments": {}}));
    assert!(
        unknown.json()["error"]["message"].as_str().unwrap().contains("busy_days"),
        "{unknown:?}"
    );
}

#[test]
fn tables_are_resources() {
    let (_shop, server) = served();
    let listed = result(&server, "", "resources/list", &json!({}));
    assert_eq!(listed["resources"][0]["uri"], "clearwell://tables/main.daily_sales");
    assert_eq!(listed["resources"][0]["description"], "What was sold.");
    let read = result(
        &server,
        "",
        "resources/read",
        &json!({"uri": "clearwell://tables/main.daily_sales"}),
    );
    assert_eq!(read["contents"][0]["mimeType"], "application/json");
    let table: Json = serde_json::from_str(read["contents"][0]["text"].as_str().unwrap()).unwrap();
    assert_eq!(
        (&table["name"], table["data"].as_array().unwrap().len()),
        (&json!("main.daily_sales"), 5)
    );
    for uri in ["clearwell://tables/x", "file:///etc/passwd", "clearwell://tables/../x"] {
        let reply = send(&server, "", "resources/read", &json!({"uri": uri}));
        assert!(reply.json().get("error").is_some(), "{uri}: {reply:?}");
    }
}

#[test]
fn scopes_count_here_too() {
    let (shop, _) = served();
    let server = shop.serve_to(shop.auth(), ServeLimits::default());
    assert_eq!(send(&server, "", "tools/list", &json!({})).status, 401);
    let reader = shop.bearer(&["else"]);
    let tools = result(&server, &reader, "tools/list", &json!({}));
    assert_eq!(tools["tools"].as_array().unwrap().len(), 1);
    assert_eq!(result(&server, &reader, "resources/list", &json!({}))["resources"], json!([]));
    let asked = json!({"name": "busy_days", "arguments": {"least": 1}});
    let refused = result(&server, &reader, "tools/call", &asked);
    assert_eq!(refused["isError"], true);
    assert!(refused["content"][0]["text"].as_str().unwrap().contains("`inner`"), "{refused}");
    let table = json!({"uri": "clearwell://tables/main.daily_sales"});
    assert!(send(&server, &reader, "resources/read", &table).json().get("error").is_some());
    let inner = shop.bearer(&["inner", "tables"]);
    assert_eq!(
        result(&server, &inner, "tools/list", &json!({}))["tools"].as_array().unwrap().len(),
        2
    );
    assert!(result(&server, &inner, "resources/read", &table).get("contents").is_some());
}

#[test]
fn pages_from_elsewhere_cannot_ask() {
    let (_shop, server) = served();
    let status = |headers: &str| send(&server, headers, "tools/list", &json!({})).status;
    assert_eq!(status("origin: http://localhost:3000\r\n"), 200);
    for origin in
        ["http://evil.example", "http://localhost.evil.example", "null", "https://127.0.0.1.nip.io"]
    {
        let reply = send(&server, &format!("origin: {origin}\r\n"), "tools/list", &json!({}));
        assert_eq!(
            (reply.status, reply.header("content-type")),
            (403, "application/problem+json"),
            "{origin}"
        );
    }
    let get = ask(server.address, "GET", "/mcp", HEADERS);
    assert_eq!(
        (get.status, get.header("allow"), get.header("content-type")),
        (405, "POST", "application/problem+json")
    );
    let broken = ask_with(server.address, "POST", "/mcp", HEADERS, "{");
    assert!((400..500).contains(&broken.status), "{broken:?}");
    let long = format!("{{\"x\": \"{}\"}}", "x".repeat(100_000));
    assert_eq!(ask_with(server.address, "POST", "/mcp", HEADERS, &long).status, 413);
}

#[test]
fn a_name_that_was_made_to_mean_this_machine_cannot_ask() {
    use std::io::{Read as _, Write as _};
    let (_shop, server) = served();
    let message = r#"{"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}}"#;
    for (host, status) in [("localhost", 200), ("127.0.0.1:5000", 200), ("evil.example", 403)] {
        let mut socket = std::net::TcpStream::connect(server.address).unwrap();
        let length = message.len();
        let head = format!(
            "POST /mcp HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\ncontent-length: {length}\r\n{HEADERS}\r\n"
        );
        socket.write_all(format!("{head}{message}").as_bytes()).unwrap();
        let mut reply = String::new();
        socket.read_to_string(&mut reply).unwrap();
        assert!(reply.starts_with(&format!("HTTP/1.1 {status} ")), "{host}: {reply}");
    }
}
