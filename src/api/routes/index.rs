//! `GET /api/v1/`: the endpoints there are, and how to ask each.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use serde::Serialize;

use super::API;
use crate::api::problem::Problem;
use crate::api::respond::{self, Meta};
use crate::api::versions::Versions;
use crate::endpoints::{self, PlannedEndpoint};
use crate::project::{OrderKey, Parameter};

#[derive(Serialize)]
struct Index<'a> {
    endpoints: Vec<EndpointView<'a>>,
    meta: Meta<'a>,
}

#[derive(Serialize)]
struct EndpointView<'a> {
    name: &'a str,
    href: String,
    description: &'a str,
    parameters: Vec<ParameterView<'a>>,
    columns: Vec<String>,
    order_by: Vec<String>,
}

#[derive(Default, Serialize)]
struct ParameterView<'a> {
    name: &'a str,
    #[serde(rename = "type")]
    kind: &'a str,
    required: bool,
    #[serde(skip_serializing_if = "str::is_empty")]
    description: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    default: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    minimum: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    maximum: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    min_length: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_length: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pattern: Option<&'a str>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    values: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    example: Option<&'a str>,
}

pub(super) async fn list(State(versions): State<Arc<Versions>>) -> Result<Response, Problem> {
    let served = versions.current()?;
    let endpoints: Vec<_> = served.planned().map(view).collect();
    let meta = Meta::new(&served, endpoints.len() as u64);
    let body = serde_json::to_vec(&Index { endpoints, meta })
        .map_err(|error| Problem::internal(error.to_string()))?;
    Ok(respond::json(body))
}

fn view(endpoint: &PlannedEndpoint) -> EndpointView<'_> {
    let definition = endpoint.definition();
    let order = |key: &OrderKey| {
        if key.descending { format!("{} desc", key.column) } else { key.column.clone() }
    };
    let mut parameters: Vec<_> = definition.parameters.iter().map(parameter).collect();
    let page = definition.page;
    parameters.push(page_parameter("limit", "rows in one answer", page.default, 1, Some(page.max)));
    parameters.push(page_parameter("offset", "rows to skip", 0, 0, None));
    EndpointView {
        name: endpoint.name(),
        href: format!("{API}{}", respond::encoded(endpoint.name())),
        description: &definition.info.description,
        parameters,
        columns: endpoint.schema().fields().iter().map(|field| field.name().clone()).collect(),
        order_by: definition.order_by.iter().map(order).collect(),
    }
}

fn parameter(declared: &Parameter) -> ParameterView<'_> {
    ParameterView {
        name: &declared.name,
        kind: endpoints::kind_name(declared.kind),
        required: declared.required,
        description: &declared.description,
        default: declared.default.clone(),
        minimum: declared.minimum.clone(),
        maximum: declared.maximum.clone(),
        min_length: declared.min_length,
        max_length: declared.max_length,
        pattern: declared.pattern.as_deref(),
        values: &declared.values,
        example: declared.example.as_deref(),
    }
}

fn page_parameter<'a>(
    name: &'a str,
    description: &'a str,
    default: u64,
    least: u64,
    most: Option<u64>,
) -> ParameterView<'a> {
    ParameterView {
        name,
        kind: "integer",
        description,
        default: Some(default.to_string()),
        minimum: Some(least.to_string()),
        maximum: most.map(|most| most.to_string()),
        ..ParameterView::default()
    }
}
