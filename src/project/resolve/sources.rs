//! Sources.

use std::collections::BTreeSet;

use super::super::graph::{NodeInfo, Source};
use super::super::jinja::Lookup;
use super::super::load::Workshop;
use super::columns::{self, UnknownType};
use super::contract;
use super::declare::{Declared, SourceNode};
use super::reading::{self, Reading};
use crate::base::{Diagnostic, Diagnostics, NodeId, Span};

pub(super) fn resolve(
    workshop: &Workshop,
    source: &SourceNode,
    declared: &Declared,
    lookup: &Lookup,
    problems: &mut Diagnostics,
) -> Source {
    let properties = &source.properties;
    let (location, location_span) = location(source, problems).unzip();
    let Reading { options, on_reject, max_rejects, refuse_extra_columns } =
        reading::read(&properties.setting_layers(), problems);
    let read_here = location.is_some();
    let unknown = if read_here { UnknownType::Refused } else { UnknownType::LeftOut };
    let columns = columns::infos(workshop, &properties.columns, unknown, problems);
    let contract = match read_here {
        true => contract::read(source, declared, lookup, refuse_extra_columns, problems),
        false => None,
    };
    let info = NodeInfo {
        id: source.id.clone(),
        name: properties.table.clone(),
        fqn: source.fqn.clone(),
        path: properties.path.clone(),
        description: workshop.describe(&properties.description, problems),
        tags: source.configuration.tags(),
        config: source.configuration.to_map(),
        depends_on: depends_on(source, read_here, declared),
        span: Some(properties.span.clone()),
    };
    Source {
        info,
        table: source.table.clone(),
        quarantine: source.quarantine.clone(),
        source_name: properties.source.clone(),
        location,
        location_span,
        reading: options,
        contract,
        on_reject,
        max_rejects,
        columns,
    }
}

/// The external location with `{name}` and `{identifier}` filled in.
fn location(source: &SourceNode, problems: &mut Diagnostics) -> Option<(String, Span)> {
    let written = source.properties.location()?;
    let Some(text) = written.as_text().filter(|text| !text.trim().is_empty()) else {
        let message = "`external_location` must be a path";
        problems.push(Diagnostic::error(message).at(written.span));
        return None;
    };
    let table = source.properties.table.as_str();
    let identifier = source.properties.identifier().unwrap_or_else(|| table.to_owned());
    let filled = text
        .replace("{name}", table)
        .replace("{identifier}", &identifier)
        .replace("{source_name}", &source.properties.source)
        .replace("{schema}", source.table.schema());
    Some((filled, written.span))
}

/// A source that reads nothing may stand for a table that a seed or model makes.
fn depends_on(source: &SourceNode, read_here: bool, declared: &Declared) -> BTreeSet<NodeId> {
    let maker = declared.makers().find(|(table, _, _)| **table == source.table);
    match (read_here, maker) {
        (false, Some((_, id, _))) => BTreeSet::from([id.clone()]),
        _ => BTreeSet::new(),
    }
}
