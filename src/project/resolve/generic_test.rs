//! One use of a generic test, as written: `- unique`, `- accepted_values: {values: […]}`.

use serde_json::{Map, Value as Json};

use super::super::configuration::Configuration;
use super::super::yaml::{self, Data, Entry, Yaml};
use crate::base::{Diagnostic, Diagnostics, Span};

/// A use of a test, its configuration apart from its arguments.
#[derive(Clone, Debug)]
pub(super) struct Use {
    pub(super) kind: String,
    pub(super) kind_span: Span,
    /// The package of `dbt_utils.expression_is_true`.
    pub(super) namespace: Option<String>,
    pub(super) custom_name: Option<String>,
    pub(super) description: (String, Option<Span>),
    pub(super) configuration: Configuration,
    arguments: Vec<Entry>,
}

/// Configuration that may stand among the arguments, as it did in older versions of dbt.
const CONFIGURATION: [&str; 14] = [
    "severity",
    "tags",
    "enabled",
    "where",
    "limit",
    "warn_if",
    "error_if",
    "fail_calc",
    "store_failures",
    "store_failures_as",
    "schema",
    "alias",
    "database",
    "meta",
];

pub(super) fn read(written: &Yaml, problems: &mut Diagnostics) -> Option<Use> {
    match &written.data {
        Data::Scalar { .. } if written.as_text().is_some() => {
            Some(named(written.as_text()?, written.span.clone()))
        }
        Data::Mapping(entries) if written.get("test_name").is_some() => {
            let name = written.get("test_name")?;
            let mut test = named(&yaml::text(name, "`test_name`", problems)?, name.span.clone());
            take(&mut test, entries, problems);
            Some(test)
        }
        Data::Mapping(entries) => {
            let entry = entries.first()?;
            let mut test = named(&entry.key, entry.key_span.clone());
            let what = format!("the arguments of `{}`", entry.key);
            take(&mut test, yaml::entries(&entry.value, &what, problems), problems);
            // `config` and `name` can stand beside the test's name, too.
            take(&mut test, &entries[1..], problems);
            Some(test)
        }
        _ => {
            let message = format!(
                "a test is a name, or a mapping of a name to arguments, and this is {}",
                written.kind()
            );
            problems.push(Diagnostic::error(message).at(written.span.clone()));
            None
        }
    }
}

fn named(written: &str, kind_span: Span) -> Use {
    let (namespace, kind) = match written.split_once('.') {
        // dbt's own tests may be called by their full name.
        Some(("dbt", kind)) => (None, kind),
        Some((namespace, kind)) => (Some(namespace.to_owned()), kind),
        None => (None, written),
    };
    Use {
        kind: kind.to_owned(),
        kind_span,
        namespace,
        custom_name: None,
        description: (String::new(), None),
        configuration: Configuration::default(),
        arguments: Vec::new(),
    }
}

fn take(test: &mut Use, entries: &[Entry], problems: &mut Diagnostics) {
    for entry in entries {
        let (key, value) = (entry.key.as_str(), &entry.value);
        match key {
            "test_name" => {}
            "name" => test.custom_name = yaml::text(value, "`name`", problems),
            "description" => {
                let text = yaml::text(value, "`description`", problems).unwrap_or_default();
                test.description = (text, Some(value.span.clone()));
            }
            "config" => {
                for entry in yaml::entries(value, "`config`", problems) {
                    let (json, span) = (entry.value.to_json(), entry.value.span.clone());
                    test.configuration.apply(&entry.key, json, Some(span));
                }
            }
            "arguments" => {
                test.arguments.extend_from_slice(yaml::entries(value, "`arguments`", problems));
            }
            _ if CONFIGURATION.contains(&key) => {
                test.configuration.apply(key, value.to_json(), Some(value.span.clone()));
            }
            _ => test.arguments.push(entry.clone()),
        }
    }
}

impl Use {
    pub(super) fn argument(&self, name: &str) -> Option<&Yaml> {
        let found = self.arguments.iter().find(|entry| entry.key == name);
        found.map(|entry| &entry.value).filter(|value| !value.is_null())
    }

    /// The argument, or a complaint that it is missing.
    pub(super) fn required(&self, name: &str, problems: &mut Diagnostics) -> Option<&Yaml> {
        let found = self.argument(name);
        if found.is_none() {
            let message = format!("the test `{}` needs the argument `{name}`", self.kind);
            problems.push(Diagnostic::error(message).at(self.kind_span.clone()));
        }
        found
    }

    /// Complains of arguments that the test does not take.
    pub(super) fn check_arguments(&self, known: &[&str], problems: &mut Diagnostics) {
        for entry in self.arguments.iter().filter(|entry| !known.contains(&entry.key.as_str())) {
            let message = format!("the test `{}` takes no argument `{}`", self.kind, entry.key);
            let problem = Diagnostic::error(message).at(entry.key_span.clone());
            problems.push(problem.did_you_mean(&entry.key, known.iter().copied()));
        }
    }

    /// All arguments by name, with the column; what dbt makes the test's name of.
    pub(super) fn arguments(&self, column: Option<&str>) -> Map<String, Json> {
        let given = self.arguments.iter();
        let mut all: Map<String, Json> =
            given.map(|entry| (entry.key.clone(), entry.value.to_json())).collect();
        if let Some(column) = column {
            all.insert("column_name".to_owned(), Json::from(column));
        }
        all
    }
}
