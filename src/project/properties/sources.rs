//! `sources:`, flattened to their tables.

use super::super::configuration::Configuration;
use super::super::yaml::{self, Yaml};
use super::ColumnProperties;
use super::nodes::configure;
use crate::base::{Diagnostics, Span};

/// One table of a source, with what its source says for all tables.
#[derive(Clone, Debug)]
pub(in crate::project) struct SourceProperties {
    pub(in crate::project) source: String,
    pub(in crate::project) table: String,
    pub(in crate::project) span: Span,
    pub(in crate::project) path: String,
    pub(in crate::project) schema: (String, Span),
    pub(in crate::project) description: (String, Option<Span>),
    /// The source's mapping and the table's, the latter counting more.
    written: [Yaml; 2],
    pub(in crate::project) columns: Vec<ColumnProperties>,
    pub(in crate::project) tests: Vec<Yaml>,
    pub(in crate::project) constraints: Vec<Yaml>,
}

const KNOWN: [&str; 18] = [
    "name",
    "description",
    "schema",
    "database",
    "tables",
    "config",
    "meta",
    "tags",
    "loader",
    "loaded_at_field",
    "loaded_at_query",
    "freshness",
    "quoting",
    "overrides",
    "docs",
    "external_location",
    "tests",
    "data_tests",
];

const KNOWN_OF_TABLE: [&str; 19] = [
    "name",
    "description",
    "identifier",
    "columns",
    "tests",
    "data_tests",
    "constraints",
    "config",
    "meta",
    "tags",
    "loader",
    "loaded_at_field",
    "loaded_at_query",
    "freshness",
    "quoting",
    "docs",
    "external",
    "external_location",
    "enabled",
];

pub(super) fn read(path: &str, item: &Yaml, problems: &mut Diagnostics) -> Vec<SourceProperties> {
    let Some((source, span)) = yaml::name_of(item, "a source", problems) else { return Vec::new() };
    yaml::check_keys(item, "a source", &KNOWN, problems);
    let written_schema = item
        .get("schema")
        .and_then(|schema| Some((yaml::text(schema, "`schema`", problems)?, schema.span.clone())));
    let schema = written_schema.unwrap_or_else(|| (source.clone(), span));
    let tables = super::list(item, "tables", problems);
    let read = |table: &Yaml| self::table(path, &source, &schema, item, table, problems);
    tables.iter().filter_map(read).collect()
}

fn table(
    path: &str,
    source: &str,
    schema: &(String, Span),
    of: &Yaml,
    item: &Yaml,
    problems: &mut Diagnostics,
) -> Option<SourceProperties> {
    let (table, span) = yaml::name_of(item, "a table of a source", problems)?;
    yaml::check_keys(item, "a table of a source", &KNOWN_OF_TABLE, problems);
    Some(SourceProperties {
        source: source.to_owned(),
        table,
        span,
        path: path.to_owned(),
        schema: schema.clone(),
        description: super::description(item, problems),
        written: [of.clone(), item.clone()],
        columns: super::columns::read(item, problems),
        tests: super::tests(item, problems),
        constraints: super::list(item, "constraints", problems),
    })
}

impl SourceProperties {
    pub(in crate::project) fn configure(&self, configuration: &mut Configuration) {
        self.written.iter().for_each(|written| configure(written, configuration));
    }

    /// The mappings in which settings of the reading can stand, the later counting more: `meta`, `config.meta` and
    /// `config` itself, where dbt-duckdb takes some, too.
    pub(in crate::project) fn setting_layers(&self) -> Vec<Yaml> {
        let layers = |written: &Yaml| {
            let config = written.get("config").filter(|config| config.is_mapping()).cloned();
            super::meta_layers(written).into_iter().chain(config).collect::<Vec<_>>()
        };
        self.written.iter().flat_map(layers).collect()
    }

    /// The last value of `key` in any layer, or beside them.
    fn setting(&self, key: &str) -> Option<Yaml> {
        let beside = |written: &Yaml| written.get(key).cloned();
        let layers = self.setting_layers();
        let layered = layers.iter().rev().find_map(|layer| layer.get(key).cloned());
        layered.or_else(|| self.written.iter().rev().find_map(beside))
    }

    /// Where its files are, before `{name}` is filled in.
    pub(in crate::project) fn location(&self) -> Option<Yaml> {
        self.setting("external_location")
    }

    pub(in crate::project) fn has_location(&self) -> bool {
        self.location().is_some()
    }

    /// The table's name in its schema, where it is another one.
    pub(in crate::project) fn identifier(&self) -> Option<String> {
        self.setting("identifier")?.as_text().map(str::to_owned)
    }
}
