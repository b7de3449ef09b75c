//! What YAML says about a model or a seed.

use super::super::configuration::Configuration;
use super::super::yaml::{self, Yaml};
use super::ColumnProperties;
use crate::base::{Diagnostics, Span};

#[derive(Clone, Debug)]
pub(in crate::project) struct NodeProperties {
    pub(in crate::project) name: String,
    pub(in crate::project) span: Span,
    /// The properties file, relative to the project.
    pub(in crate::project) path: String,
    pub(in crate::project) description: (String, Option<Span>),
    /// The mapping itself, for its `config`.
    written: Yaml,
    pub(in crate::project) columns: Vec<ColumnProperties>,
    pub(in crate::project) tests: Vec<Yaml>,
}

const KNOWN: [&str; 20] = [
    "name",
    "description",
    "columns",
    "tests",
    "data_tests",
    "constraints",
    "config",
    "meta",
    "docs",
    "tags",
    "access",
    "group",
    "latest_version",
    "versions",
    "deprecation_date",
    "time_spine",
    "semantic_model",
    "metrics",
    "primary_entity",
    "agg_time_dimension",
];

/// Settings of a node that stand beside `config` for historical reasons.
const CONFIG_BESIDE: [&str; 4] = ["tags", "meta", "docs", "enabled"];

pub(super) fn read(
    path: &str,
    item: &Yaml,
    what: &str,
    problems: &mut Diagnostics,
) -> Option<NodeProperties> {
    let (name, span) = yaml::name_of(item, what, problems)?;
    yaml::check_keys(item, what, &KNOWN, problems);
    if let Some(config) = item.get("config") {
        yaml::entries(config, "`config`", problems);
    }
    Some(NodeProperties {
        name,
        span,
        path: path.to_owned(),
        description: super::description(item, problems),
        written: item.clone(),
        columns: super::columns::read(item, problems),
        tests: super::tests(item, problems),
    })
}

impl NodeProperties {
    /// Puts what YAML configures over `configuration`.
    pub(in crate::project) fn configure(&self, configuration: &mut Configuration) {
        configure(&self.written, configuration);
    }
}

pub(in crate::project) fn configure(written: &Yaml, configuration: &mut Configuration) {
    for key in CONFIG_BESIDE {
        if let Some(value) = written.get(key) {
            configuration.apply(key, value.to_json(), Some(value.span.clone()));
        }
    }
    if let Some(config) = written.get("config") {
        configuration.apply_yaml(config);
    }
}
