//! Endpoints as tools: typed input, structured output.

use std::sync::Arc;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use rmcp::ErrorData;
use rmcp::model::{CallToolResult, ContentBlock, JsonObject, Tool, ToolAnnotations};
use serde_json::Value as Json;

use super::page;
use crate::api::openapi::{self, Described};
use crate::api::principal::Principal;
use crate::api::problem::{Kind, Problem};
use crate::api::routes::endpoint;
use crate::api::versions::{Served, Versions};
use crate::endpoints::{self, ParameterProblem};
use crate::project::{EVERYWHERE, Parameter};

/// Parameters of every endpoint that a tool has, too.
pub(in crate::api) const SHARED: [&str; 2] = ["limit", "cursor"];

/// The endpoints that `principal` may ask.
///
/// # Errors
/// If a schema cannot be written.
pub(super) fn list(served: &Served, principal: &Principal) -> Result<Vec<Tool>, ErrorData> {
    let described = served.described();
    let may = |endpoint: &&Described<'_>| endpoint.scope.is_none_or(|scope| principal.may(scope));
    described.iter().filter(may).map(tool).collect()
}

fn tool(endpoint: &Described<'_>) -> Result<Tool, ErrorData> {
    let failed = |error: serde_json::Error| ErrorData::internal_error(error.to_string(), None);
    let (input, output) = openapi::tool_schemas(endpoint).map_err(failed)?;
    let annotations = ToolAnnotations::new()
        .read_only(true)
        .destructive(false)
        .idempotent(true)
        .open_world(false);
    Ok(Tool::new(endpoint.name.to_owned(), endpoint.description.to_owned(), Arc::new(input))
        .with_raw_output_schema(Arc::new(output))
        .with_annotations(annotations))
}

/// Asks the endpoint `name`. What is wrong with its parameters is for whoever called, to be mended.
///
/// # Errors
/// If there is no such tool.
pub(super) async fn call(
    versions: &Arc<Versions>,
    principal: &Principal,
    name: &str,
    arguments: &JsonObject,
) -> Result<CallToolResult, ErrorData> {
    match asked(versions, principal, name, arguments).await {
        Ok(answer) => Ok(CallToolResult::structured(answer)),
        Err(problem) if problem.kind() == Kind::NoSuchEndpoint => {
            Err(ErrorData::invalid_params(problem.told(), None))
        }
        Err(problem) => {
            if let Some(cause) = problem.cause() {
                tracing::error!(tool = name, cause, "a tool failed");
            }
            Ok(CallToolResult::error(vec![ContentBlock::text(problem.told())]))
        }
    }
}

async fn asked(
    versions: &Arc<Versions>,
    principal: &Principal,
    name: &str,
    arguments: &JsonObject,
) -> Result<Json, Problem> {
    let query = query(arguments)?;
    let served = endpoint::version(versions, &query).await?;
    let endpoint = Arc::clone(endpoint::named(&served, name)?);
    only_own(&endpoint.planned.definition().parameters, arguments)?;
    let question = endpoint::question(&endpoint, principal, &query)?;
    let mut answer = page(versions, &served, &endpoint, &question).await?;
    with_cursor(&mut answer);
    Ok(answer)
}

/// The arguments as the query string that says the same.
fn query(arguments: &JsonObject) -> Result<String, Problem> {
    let mut pairs = Vec::new();
    for (name, value) in arguments {
        let items = match value {
            Json::Array(items) => items.as_slice(),
            single => std::slice::from_ref(single),
        };
        for item in items {
            let text = match item {
                Json::Null => continue,
                Json::String(text) => text.clone(),
                Json::Number(_) | Json::Bool(_) => item.to_string(),
                Json::Array(_) | Json::Object(_) => {
                    return Err(Problem::parameter(name, "it is no plain value".to_owned()));
                }
            };
            let encoded = |text| utf8_percent_encode(text, NON_ALPHANUMERIC);
            pairs.push(format!("{}={}", encoded(name), encoded(&text)));
        }
    }
    Ok(pairs.join("&"))
}

/// Holds that nothing is given but what the tool's schema has.
fn only_own(parameters: &[Parameter], arguments: &JsonObject) -> Result<(), Problem> {
    let own = |name: &str| parameters.iter().any(|parameter| parameter.name == name);
    let shared = |name: &str| EVERYWHERE.contains(&name) && !SHARED.contains(&name);
    let others = arguments.keys().filter(|name| shared(name) && !own(name));
    let problems: Vec<ParameterProblem> = others
        .map(|name| ParameterProblem {
            parameter: name.clone(),
            detail: "there is no such parameter".to_owned(),
        })
        .collect();
    if problems.is_empty() { Ok(()) } else { Err(Problem::parameters(problems)) }
}

/// `page.next` of an answer is a query string; a tool takes its cursor.
fn with_cursor(answer: &mut Json) {
    let Some(page) = answer.get_mut("page").and_then(Json::as_object_mut) else { return };
    let next = page.remove("next");
    let query = next.as_ref().and_then(Json::as_str).and_then(|next| next.split_once('?'));
    let cursor = query.and_then(|(_, query)| endpoints::single(query, "cursor"));
    page.insert("cursor".to_owned(), cursor.map_or(Json::Null, Json::String));
}
