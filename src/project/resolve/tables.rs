//! Seeds.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value as Json;

use super::super::configuration::located;
use super::super::graph::{NodeInfo, Seed};
use super::super::load::Workshop;
use super::columns::{self, UnknownType};
use super::declare::SeedNode;
use crate::base::{Diagnostic, Diagnostics};
use crate::rules::ColumnType;

pub(super) fn seed(workshop: &Workshop, seed: &SeedNode, problems: &mut Diagnostics) -> Seed {
    let properties = seed.properties.as_ref();
    let described = properties.map(|properties| &properties.columns[..]).unwrap_or_default();
    let columns = columns::infos(workshop, described, UnknownType::LeftOut, problems);
    let description =
        properties.map(|properties| workshop.describe(&properties.description, problems));
    let span = properties.map(|properties| properties.span.clone());
    Seed {
        info: NodeInfo {
            id: seed.id.clone(),
            name: seed.file.stem().to_owned(),
            fqn: seed.fqn.clone(),
            path: seed.file.path.clone(),
            description: description.unwrap_or_default(),
            tags: seed.configuration.tags(),
            config: seed.configuration.to_map(),
            depends_on: BTreeSet::new(),
            span: Some(span.unwrap_or_else(|| seed.file.source.span(0..0))),
        },
        table: seed.table.clone(),
        file: seed.file.absolute.clone(),
        delimiter: delimiter(seed, problems),
        column_types: column_types(seed, problems),
        columns,
    }
}

fn delimiter(seed: &SeedNode, problems: &mut Diagnostics) -> String {
    match seed.configuration.text("delimiter", problems) {
        Some(written) if written.is_empty() => {
            let message = "a delimiter has one character or more";
            let span = seed.configuration.span("delimiter");
            problems.push(located(Diagnostic::error(message), span));
            ",".to_owned()
        }
        Some(written) => written.replace("\\t", "\t"),
        None => ",".to_owned(),
    }
}

fn column_types(seed: &SeedNode, problems: &mut Diagnostics) -> BTreeMap<String, ColumnType> {
    let Some(written) = seed.configuration.get("column_types") else { return BTreeMap::new() };
    let span = || seed.configuration.span("column_types");
    let Json::Object(entries) = written else {
        let message = "`column_types` must be a mapping of columns to types";
        problems.push(located(Diagnostic::error(message), span()));
        return BTreeMap::new();
    };
    let mut types = BTreeMap::new();
    for (column, written) in entries {
        let text = written.as_str().unwrap_or_default();
        match text.parse::<ColumnType>() {
            Ok(column_type) => {
                types.insert(column.clone(), column_type);
            }
            Err(error) => {
                let message = format!("`column_types` of `{column}`: {error}");
                let problem = located(Diagnostic::error(message), span());
                problems.push(problem.did_you_mean(text, ColumnType::spellings()));
            }
        }
    }
    types
}
