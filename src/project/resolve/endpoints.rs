//! Endpoints: a compiled query, its parameters, its order.

use std::collections::BTreeMap;

use super::super::graph::{EVERYWHERE, Endpoint, NodeInfo, OrderKey, PageSize, Parameter};
use super::super::jinja::Lookup;
use super::super::load::{Inputs, Workshop};
use super::super::properties::EndpointProperties;
use super::super::yaml::{self, Yaml};
use super::compile::Compiled;
use super::{parameters, row_filters};
use crate::base::{Diagnostic, Diagnostics, Span};

/// Routes of the API itself.
const ROUTES: [&str; 5] = ["tables", "versions", "query", "token", "openapi.json"];
const PAGE: PageSize = PageSize { default: 100, max: 1000 };

pub(super) fn resolve(
    workshop: &Workshop,
    inputs: &Inputs,
    lookup: &Lookup,
    compiled: Compiled,
    mut info: NodeInfo,
    problems: &mut Diagnostics,
) -> Option<Endpoint> {
    let name = info.name.clone();
    let mut described = inputs.properties.endpoints.iter().filter(|known| known.name == name);
    let start = compiled.node.file.source.span(0..0);
    let Some(properties) = described.next() else {
        let message = format!("the endpoint `{name}` is not described");
        let problem = Diagnostic::error(message).at(start);
        problems.push(
            problem.hint("a YAML file beside it has `endpoints: [{name: …, order_by: […]}]`"),
        );
        return None;
    };
    if let Some(second) = described.next() {
        let message = format!("the endpoint `{name}` is described twice");
        problems.push(Diagnostic::error(message).at(second.span.clone()));
    }
    check_name(&name, &properties.span, problems);
    let parameters = parameters(properties, problems);
    check_placeholders(&compiled, &parameters, problems);
    info.description = workshop.describe(&properties.description, problems);
    info.span = Some(properties.span.clone());
    let written = &properties.written;
    let scope = written.get("scope").and_then(|scope| yaml::text(scope, "`scope`", problems));
    let order_by = order_by(properties, problems);
    let page = page(written, problems);
    let row_filters = row_filters::read(&name, written, lookup, problems);
    Some(Endpoint { info, sql: compiled.sql, parameters, order_by, page, scope, row_filters })
}

/// Descriptions of endpoints that have no file.
pub(super) fn check_described(inputs: &Inputs, problems: &mut Diagnostics) {
    let names = || inputs.endpoints.iter().map(|file| file.stem());
    for properties in &inputs.properties.endpoints {
        if names().all(|name| name != properties.name) {
            let message = format!("the endpoint `{}` has no file of SQL", properties.name);
            let problem = Diagnostic::error(message).at(properties.span.clone());
            problems.push(problem.did_you_mean(&properties.name, names()));
        }
    }
}

fn check_name(name: &str, span: &Span, problems: &mut Diagnostics) {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    let message = if ROUTES.contains(&name) {
        format!("an endpoint cannot be called `{name}`: the API itself has a route of that name")
    } else if name.is_empty() || !name.chars().all(plain) {
        format!("`{name}` cannot name an endpoint: letters, digits, `_` and `-` can")
    } else {
        return;
    };
    problems.push(Diagnostic::error(message).at(span.clone()));
}

fn parameters(properties: &EndpointProperties, problems: &mut Diagnostics) -> Vec<Parameter> {
    let mut all: Vec<Parameter> = Vec::new();
    for written in &properties.parameters {
        let Some(parameter) = parameters::read(written, problems) else { continue };
        let name = parameter.name.as_str();
        let span = parameter.span.clone().unwrap_or_else(|| written.span.clone());
        if EVERYWHERE.contains(&name) {
            let message = format!("every endpoint has `{name}` already");
            problems.push(Diagnostic::error(message).at(span));
        } else if all.iter().any(|known| known.name == name) {
            let message = format!("the parameter `{name}` is declared twice");
            problems.push(Diagnostic::error(message).at(span));
        } else {
            all.push(parameter);
        }
    }
    all
}

/// Compares the `$name`s of the query with what is declared.
fn check_placeholders(compiled: &Compiled, declared: &[Parameter], problems: &mut Diagnostics) {
    let mut used: BTreeMap<&str, Span> = BTreeMap::new();
    for range in parameters::placeholders(&compiled.sql.text) {
        let name = &compiled.sql.text[range.start + 1..range.end];
        used.entry(name).or_insert_with(|| compiled.sql.place(&range));
    }
    for (name, span) in &used {
        if declared.iter().all(|parameter| parameter.name != *name) {
            let problem = Diagnostic::error(format!("the parameter `{name}` is not declared"));
            let problem = problem.at(span.clone());
            let names = declared.iter().map(|parameter| parameter.name.as_str());
            problems.push(match EVERYWHERE.contains(name) {
                true => {
                    problem.hint("paging is added to every endpoint; leave it out of the query")
                }
                false => problem.did_you_mean(name, names),
            });
        }
    }
    for parameter in declared.iter().filter(|parameter| !used.contains_key(parameter.name.as_str()))
    {
        let message = format!("the query does not use the parameter `{}`", parameter.name);
        let problem = Diagnostic::warning(message);
        problems.push(match &parameter.span {
            Some(span) => problem.at(span.clone()),
            None => problem,
        });
    }
}

fn order_by(properties: &EndpointProperties, problems: &mut Diagnostics) -> Vec<OrderKey> {
    let missing = || {
        let message = format!("the endpoint `{}` has no `order_by`", properties.name);
        let problem = Diagnostic::error(message).at(properties.span.clone());
        problem.hint("columns that order its rows completely, so that pages fit together")
    };
    let Some(written) = properties.written.get("order_by") else {
        problems.push(missing());
        return Vec::new();
    };
    let texts = yaml::spanned_texts(written, "`order_by`", problems);
    let keys: Vec<OrderKey> = texts
        .iter()
        .flat_map(|(text, span)| text.split(',').map(move |text| (text, span)))
        .filter_map(|(text, span)| order_key(text, span, problems))
        .collect();
    if texts.is_empty() && written.as_text().is_none() {
        problems.push(missing());
    }
    keys
}

fn order_key(text: &str, span: &Span, problems: &mut Diagnostics) -> Option<OrderKey> {
    let text = text.trim();
    let (column, direction) = match text.rsplit_once(char::is_whitespace) {
        Some((column, direction)) => (column.trim(), direction.to_ascii_lowercase()),
        None => (text, "asc".to_owned()),
    };
    let column = column.trim_matches('"');
    match direction.as_str() {
        "asc" | "desc" if !column.is_empty() => {
            let (column, descending) = (column.to_owned(), direction == "desc");
            Some(OrderKey { column, descending, span: Some(span.clone()) })
        }
        _ => {
            let message = format!("`{text}` is no key of an order: `column`, or `column desc`");
            problems.push(Diagnostic::error(message).at(span.clone()));
            None
        }
    }
}

fn page(written: &Yaml, problems: &mut Diagnostics) -> PageSize {
    let Some(page) = written.get("page") else { return PAGE };
    yaml::only_keys(page, "`page`", &["default", "max"], problems);
    let mut read =
        |key: &str| page.get(key).and_then(|value| yaml::number(value, "a page", problems));
    let (default, max) = (read("default"), read("max"));
    let max = max.unwrap_or_else(|| PAGE.max.max(default.unwrap_or(0)));
    let size = PageSize { default: default.unwrap_or(PAGE.default.min(max)), max };
    if size.default == 0 || size.default > size.max {
        let message = "a page has 1 row or more, and by default no more than at most";
        problems.push(Diagnostic::error(message).at(page.span.clone()));
        return PAGE;
    }
    size
}
