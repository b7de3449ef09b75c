//! Models, singular tests and endpoints, from their compiled SQL.

use serde_json::Value as Json;

use super::super::graph::{Check, CheckKind, Model, Node, NodeInfo};
use super::super::jinja::Lookup;
use super::super::load::{Inputs, Workshop};
use super::super::naming;
use super::checks;
use super::columns::{self, UnknownType};
use super::compile::Compiled;
use super::declare::Purpose;
use super::endpoints;
use crate::base::{Diagnostic, Diagnostics};

pub(super) fn resolve(
    workshop: &Workshop,
    inputs: &Inputs,
    lookup: &Lookup,
    compiled: Compiled,
    problems: &mut Diagnostics,
) -> Option<Node> {
    if compiled.sql.text.trim().is_empty() {
        let message =
            format!("the {} `{}` is empty", compiled.node.purpose.name(), compiled.node.name());
        problems.push(Diagnostic::error(message).at(compiled.node.file.source.span(0..0)));
        return None;
    }
    let info = info(workshop, &compiled, problems);
    match compiled.node.purpose {
        Purpose::Model => model(workshop, compiled, info, problems).map(Node::Model),
        Purpose::Test => Some(Node::Check(singular(workshop, compiled, info, problems))),
        Purpose::Endpoint => endpoints::resolve(workshop, inputs, lookup, compiled, info, problems)
            .map(Node::Endpoint),
    }
}

fn info(workshop: &Workshop, compiled: &Compiled, problems: &mut Diagnostics) -> NodeInfo {
    let node = &compiled.node;
    let described = node.properties.as_ref();
    let description =
        described.map(|described| workshop.describe(&described.description, problems));
    NodeInfo {
        id: node.id.clone(),
        name: node.name().to_owned(),
        fqn: node.fqn.clone(),
        path: node.file.path.clone(),
        description: description.unwrap_or_default(),
        tags: node.configuration.tags(),
        config: node.configuration.to_map(),
        depends_on: compiled.depends_on.clone(),
        span: Some(node.span()),
    }
}

fn model(
    workshop: &Workshop,
    compiled: Compiled,
    info: NodeInfo,
    problems: &mut Diagnostics,
) -> Option<Model> {
    let node = &compiled.node;
    let contract = node.configuration.get("contract");
    let enforced = contract.and_then(|contract| contract.get("enforced"));
    let contract_enforced = enforced.and_then(Json::as_bool).unwrap_or(false);
    let unknown = match contract_enforced {
        true => UnknownType::Refused,
        false => UnknownType::LeftOut,
    };
    let described = node.properties.as_ref().map(|properties| &properties.columns[..]);
    let columns = columns::infos(workshop, described.unwrap_or_default(), unknown, problems);
    Some(Model {
        info,
        table: node.table.clone()?,
        materialization: node.materialization,
        sql: compiled.sql,
        columns,
        contract_enforced,
    })
}

fn singular(
    workshop: &Workshop,
    compiled: Compiled,
    info: NodeInfo,
    problems: &mut Diagnostics,
) -> Check {
    let mut about = compiled.depends_on.iter();
    let target = match (about.next(), about.next()) {
        (Some(only), None) => Some(only.clone()),
        _ => None,
    };
    let config = checks::config(&compiled.node.configuration, problems);
    let name = naming::TestName { full: info.name.clone(), short: info.name.clone() };
    let mut configuration = compiled.node.configuration.clone();
    let place = compiled.node.span();
    let stored = checks::stored(workshop, &name, &info.fqn, &mut configuration, place, problems);
    let kind = CheckKind::Singular { sql: compiled.sql };
    Check { info, kind, target, expressions: String::new(), column: None, config, stored }
}
