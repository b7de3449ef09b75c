//! Sources.

use std::collections::BTreeSet;

use super::super::graph::{NodeInfo, Source};
use super::super::jinja::Lookup;
use super::super::load::Workshop;
use super::columns::{self, UnknownType};
use super::contract;
use super::declare::{Declared, SourceNode};
use super::reading::{self, Reading};
use crate::base::{Diagnostic, Diagnostics, NodeId, Span, TableName};
use crate::rules::Contract;

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
        depends_on: depends_on(source, contract.as_ref(), read_here, declared),
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
        check_spans: contract::check_spans(source),
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
    if text.contains('(') && text.trim_start().starts_with("read_") {
        let message = "`external_location` names files; a call of a function is not supported";
        let problem = Diagnostic::error(message).at(written.span.clone());
        problems.push(
            problem.hint("what the function is told is set beside it: `delimiter`, `header` …"),
        );
        return None;
    }
    let table = source.properties.table.as_str();
    let identifier = source.properties.identifier().unwrap_or_else(|| table.to_owned());
    let filled = text
        .replace("{name}", table)
        .replace("{identifier}", &identifier)
        .replace("{source_name}", &source.properties.source)
        .replace("{schema}", source.table.schema());
    Some((filled, written.span))
}

/// The nodes whose tables it needs: a source that reads nothing may stand for a table that a seed or model makes, and
/// whether a row with a foreign key is accepted depends on the rows that it refers to.
fn depends_on(
    source: &SourceNode,
    contract: Option<&Contract>,
    read_here: bool,
    declared: &Declared,
) -> BTreeSet<NodeId> {
    let keys = contract.map(|contract| &contract.foreign_keys[..]).unwrap_or_default();
    let mut tables: BTreeSet<&TableName> = keys.iter().map(|key| &key.to).collect();
    if !read_here {
        tables.insert(&source.table);
    }
    let makers =
        declared.makers().filter(|(table, id, _)| tables.contains(table) && **id != source.id);
    makers.map(|(_, id, _)| id.clone()).collect()
}
