//! `GET /api/v1/`: the endpoints there are, and how to ask each.

use std::sync::Arc;

use axum::extract::{RawQuery, State};
use axum::response::Response;
use serde::Serialize;

use super::{API, docs};
use crate::api::openapi::Described;
use crate::api::problem::Problem;
use crate::api::respond::{self, Meta};
use crate::api::versions::Versions;
use crate::endpoints;
use crate::project::Parameter;

#[derive(Serialize)]
struct Index<'a> {
    endpoints: Vec<EndpointView<'a>>,
    links: Links,
    meta: Meta<'a>,
}

/// Where the rest is told.
#[derive(Serialize)]
struct Links {
    openapi: String,
    docs: &'static str,
}

#[derive(Serialize)]
struct EndpointView<'a> {
    name: &'a str,
    href: &'a str,
    description: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    scope: Option<&'a str>,
    parameters: Vec<ParameterView<'a>>,
    columns: Vec<&'a str>,
    order_by: &'a [String],
}

#[derive(Serialize)]
struct ParameterView<'a> {
    name: &'a str,
    #[serde(rename = "type")]
    kind: &'a str,
    required: bool,
    #[serde(skip_serializing_if = "str::is_empty")]
    description: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    default: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    minimum: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    maximum: Option<&'a str>,
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

pub(super) async fn list(
    State(versions): State<Arc<Versions>>,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    endpoints::only(&query.unwrap_or_default(), &[]).map_err(Problem::parameters)?;
    let served = versions.current()?;
    let described = served.described();
    let endpoints: Vec<_> = described.iter().map(view).collect();
    let links = Links { openapi: format!("{API}openapi.json"), docs: docs::PAGE };
    let meta = Meta::new(&served, endpoints.len() as u64);
    let body = serde_json::to_vec(&Index { endpoints, links, meta })
        .map_err(|error| Problem::internal(error.to_string()))?;
    Ok(respond::json(body))
}

fn view<'a>(endpoint: &'a Described<'_>) -> EndpointView<'a> {
    EndpointView {
        name: endpoint.name,
        href: &endpoint.path,
        description: endpoint.description,
        scope: endpoint.scope,
        parameters: endpoint.parameters.iter().map(parameter).collect(),
        columns: endpoint.columns.iter().map(|(field, _)| field.name().as_str()).collect(),
        order_by: &endpoint.order_by,
    }
}

fn parameter(declared: &Parameter) -> ParameterView<'_> {
    ParameterView {
        name: &declared.name,
        kind: endpoints::kind_name(declared.kind),
        required: declared.required,
        description: &declared.description,
        default: declared.default.as_deref(),
        minimum: declared.minimum.as_deref(),
        maximum: declared.maximum.as_deref(),
        min_length: declared.min_length,
        max_length: declared.max_length,
        pattern: declared.pattern.as_deref(),
        values: &declared.values,
        example: declared.example.as_deref(),
    }
}
