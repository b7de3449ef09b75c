//! The configuration of one node: layers put over one another.

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json};

use super::yaml::{Data, Yaml};
use crate::base::suggest::closest;
use crate::base::{Diagnostic, Diagnostics, Span};

/// What dbt or we read from a node's configuration. Others are the user's own.
pub(super) const KNOWN: [&str; 48] = [
    "enabled",
    "materialized",
    "schema",
    "alias",
    "database",
    "tags",
    "meta",
    "docs",
    "contract",
    "quoting",
    "column_types",
    "delimiter",
    "quote_columns",
    "full_refresh",
    "unique_key",
    "incremental_strategy",
    "incremental_predicates",
    "on_schema_change",
    "on_configuration_change",
    "persist_docs",
    "pre_hook",
    "post_hook",
    "grants",
    "group",
    "access",
    "event_time",
    "batch_size",
    "begin",
    "lookback",
    "severity",
    "warn_if",
    "error_if",
    "fail_calc",
    "where",
    "limit",
    "store_failures",
    "store_failures_as",
    "external_location",
    "identifier",
    "location",
    "format",
    "options",
    "freshness",
    "loaded_at_field",
    "loaded_at_query",
    "static_analysis",
    "packages",
    "sql_header",
];

/// Resolved values by key; `-` in keys is `_`.
#[derive(Clone, Debug, Default)]
pub(super) struct Configuration {
    values: BTreeMap<String, Configured>,
}

#[derive(Clone, Debug)]
struct Configured {
    value: Json,
    span: Option<Span>,
}

impl Configuration {
    /// Puts a value over what there is: `tags` add up, `meta` merges, others replace. A null in YAML resets nothing.
    pub(super) fn apply(&mut self, key: &str, value: Json, span: Option<Span>) {
        let key = match key {
            "pre-hook" => "pre_hook",
            "post-hook" => "post_hook",
            other => other,
        };
        let before = self.values.remove(key);
        let before_value = before.map(|configured| configured.value);
        let value = match (key, before_value, value) {
            ("tags", before, after) => merged_tags(before, after),
            ("meta", Some(Json::Object(mut before)), Json::Object(after)) => {
                before.extend(after);
                Json::Object(before)
            }
            (_, _, value) => value,
        };
        self.values.insert(key.to_owned(), Configured { value, span });
    }

    /// Applies a `config:` mapping.
    pub(super) fn apply_yaml(&mut self, mapping: &Yaml) {
        if let Data::Mapping(entries) = &mapping.data {
            for entry in entries {
                self.apply(&entry.key, entry.value.to_json(), Some(entry.value.span.clone()));
            }
        }
    }

    /// Puts what `evaluate` makes of a text with its place for each that holds Jinja.
    pub(super) fn render(&mut self, mut evaluate: impl FnMut(&str, Option<&Span>) -> Option<Json>) {
        for configured in self.values.values_mut() {
            let Json::String(text) = &configured.value else { continue };
            if text.contains("{{") || text.contains("{%") {
                configured.value = evaluate(text, configured.span.as_ref()).unwrap_or(Json::Null);
            }
        }
    }

    pub(super) fn get(&self, key: &str) -> Option<&Json> {
        self.values.get(key).map(|configured| &configured.value).filter(|value| !value.is_null())
    }

    pub(super) fn span(&self, key: &str) -> Option<Span> {
        self.values.get(key)?.span.clone()
    }

    pub(super) fn to_map(&self) -> Map<String, Json> {
        self.values
            .iter()
            .map(|(key, configured)| (key.clone(), configured.value.clone()))
            .collect()
    }

    pub(super) fn tags(&self) -> Vec<String> {
        let tags = self.get("tags").and_then(Json::as_array).into_iter().flatten();
        let mut tags: Vec<String> = tags.filter_map(Json::as_str).map(str::to_owned).collect();
        tags.sort();
        tags.dedup();
        tags
    }

    pub(super) fn text(&self, key: &str, problems: &mut Diagnostics) -> Option<String> {
        match self.get(key)? {
            Json::String(text) => Some(text.clone()),
            Json::Number(number) => Some(number.to_string()),
            other => {
                self.wrong(key, "a text", other, problems);
                None
            }
        }
    }

    pub(super) fn boolean(&self, key: &str, problems: &mut Diagnostics) -> Option<bool> {
        match self.get(key)? {
            Json::Bool(boolean) => Some(*boolean),
            Json::String(text) if text.eq_ignore_ascii_case("true") => Some(true),
            Json::String(text) if text.eq_ignore_ascii_case("false") => Some(false),
            other => {
                self.wrong(key, "`true` or `false`", other, problems);
                None
            }
        }
    }

    fn wrong(&self, key: &str, expected: &str, found: &Json, problems: &mut Diagnostics) {
        let message = format!("`{key}` must be {expected}, and this is `{found}`");
        problems.push(located(Diagnostic::error(message), self.span(key)));
    }

    /// Warns of keys that are close to one that is read, and are not read.
    pub(super) fn check_keys(&self, problems: &mut Diagnostics) {
        for (key, configured) in &self.values {
            let is_hook = matches!(key.as_str(), "pre_hook" | "post_hook");
            if is_hook && !configured.value.is_null() && configured.value.as_str() != Some("") {
                let message = format!("hooks are not supported yet: `{key}` is not run");
                problems.push(located(Diagnostic::warning(message), configured.span.clone()));
            }
            if KNOWN.contains(&key.as_str()) || key.chars().count() < 4 {
                continue;
            }
            if let Some(close) = closest(key, KNOWN) {
                let message = format!("nothing reads the configuration `{key}`");
                let problem = located(Diagnostic::warning(message), configured.span.clone());
                problems.push(problem.hint(format!("did you mean `{close}`?")));
            }
        }
    }
}

pub(super) fn located(problem: Diagnostic, span: Option<Span>) -> Diagnostic {
    match span {
        Some(span) => problem.at(span),
        None => problem,
    }
}

fn merged_tags(before: Option<Json>, after: Json) -> Json {
    let list = |value: Json| match value {
        Json::Array(items) => items,
        Json::Null => Vec::new(),
        // dbt reads one text as one tag.
        other => vec![other],
    };
    let mut tags = before.map(list).unwrap_or_default();
    for tag in list(after) {
        if !tags.contains(&tag) {
            tags.push(tag);
        }
    }
    Json::Array(tags)
}
