//! Properties files: models, seeds, sources and endpoints as YAML describes them.

mod columns;
mod endpoints;
mod nodes;
mod sources;

pub(super) use columns::ColumnProperties;
pub(super) use endpoints::EndpointProperties;
pub(super) use nodes::NodeProperties;
pub(super) use sources::SourceProperties;

use super::files::File;
use super::yaml::{self, Yaml};
use crate::base::{Diagnostic, Diagnostics};

/// Everything that properties files say, as written.
#[derive(Clone, Debug, Default)]
pub(super) struct Properties {
    pub(super) models: Vec<NodeProperties>,
    pub(super) seeds: Vec<NodeProperties>,
    pub(super) sources: Vec<SourceProperties>,
    pub(super) endpoints: Vec<EndpointProperties>,
    /// Configuration of singular tests.
    pub(super) tests: Vec<NodeProperties>,
}

const KNOWN: [&str; 17] = [
    "version",
    "models",
    "seeds",
    "sources",
    "endpoints",
    "data_tests",
    "macros",
    "snapshots",
    "analyses",
    "exposures",
    "metrics",
    "semantic_models",
    "saved_queries",
    "unit_tests",
    "groups",
    "functions",
    "anchors",
];

/// Whose Jinja is not filled in when a properties file is read: descriptions know `doc` only, tests and hooks are
/// rendered where they are used.
const NOT_RENDERED: [&str; 12] = [
    "description",
    "tests",
    "data_tests",
    "constraints",
    "macros",
    "unit_tests",
    "exposures",
    "metrics",
    "pre_hook",
    "post_hook",
    "pre-hook",
    "post-hook",
];

/// What fills in the Jinja of a value; the third argument names keys to leave alone.
pub(super) type Render<'a> = &'a mut dyn FnMut(&mut Yaml, &mut Diagnostics, &[&str]);

/// Reads all properties files.
pub(super) fn read(files: &[File], render: Render<'_>, problems: &mut Diagnostics) -> Properties {
    let mut properties = Properties::default();
    for file in files {
        let Some(mut yaml) = yaml::parse(&file.source, problems) else { continue };
        if yaml.is_null() {
            continue;
        }
        render(&mut yaml, problems, &NOT_RENDERED);
        if !yaml.is_mapping() {
            let message = format!("a properties file is a mapping, and this is {}", yaml.kind());
            problems.push(Diagnostic::error(message).at(yaml.span.clone()));
            continue;
        }
        yaml::check_keys(&yaml, "a properties file", &KNOWN, problems);
        read_file(&file.path, &yaml, &mut properties, problems);
    }
    properties
}

fn read_file(path: &str, yaml: &Yaml, all: &mut Properties, problems: &mut Diagnostics) {
    warn_of_unit_tests(yaml, problems);
    let mut each = |key: &str, read: &mut dyn FnMut(&Yaml, &mut Diagnostics)| {
        let Some(list) = yaml.get(key) else { return };
        for item in yaml::items(list, &format!("`{key}`"), problems) {
            read(item, problems);
        }
    };
    each("models", &mut |item, problems| {
        all.models.extend(nodes::read(path, item, "a model", problems));
    });
    each("seeds", &mut |item, problems| {
        all.seeds.extend(nodes::read(path, item, "a seed", problems));
    });
    each("data_tests", &mut |item, problems| {
        all.tests.extend(nodes::read(path, item, "a test", problems));
    });
    each("sources", &mut |item, problems| {
        all.sources.extend(sources::read(path, item, problems));
    });
    each("endpoints", &mut |item, problems| {
        all.endpoints.extend(endpoints::read(item, problems));
    });
}

/// A test that silently does not run would be taken for one that passed.
fn warn_of_unit_tests(yaml: &Yaml, problems: &mut Diagnostics) {
    if let Some(first) = list(yaml, "unit_tests", problems).first() {
        let message = "unit tests are not supported yet; those of this file are not run";
        problems.push(Diagnostic::warning(message).at(first.span.clone()));
    }
}

/// `data_tests`, and `tests` as dbt called them before.
fn tests(yaml: &Yaml, problems: &mut Diagnostics) -> Vec<Yaml> {
    let mut all = Vec::new();
    for key in ["tests", "data_tests"] {
        if let Some(list) = yaml.get(key) {
            all.extend_from_slice(yaml::items(list, &format!("`{key}`"), problems));
        }
    }
    all
}

fn list(yaml: &Yaml, key: &str, problems: &mut Diagnostics) -> Vec<Yaml> {
    match yaml.get(key) {
        Some(list) => yaml::items(list, &format!("`{key}`"), problems).to_vec(),
        None => Vec::new(),
    }
}

fn description(yaml: &Yaml, problems: &mut Diagnostics) -> (String, Option<crate::base::Span>) {
    let Some(written) = yaml.get("description") else { return (String::new(), None) };
    let text = yaml::text(written, "`description`", problems).unwrap_or_default();
    (text, Some(written.span.clone()))
}

/// `meta`, directly and under `config`, the latter counting more.
fn meta_layers(yaml: &Yaml) -> Vec<Yaml> {
    let direct = yaml.get("meta");
    let configured = yaml.get("config").and_then(|config| config.get("meta"));
    direct.into_iter().chain(configured).filter(|meta| meta.is_mapping()).cloned().collect()
}
