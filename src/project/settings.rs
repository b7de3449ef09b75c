//! `dbt_project.yml`.

use std::path::Path;

use serde_json::{Map, Value as Json};

use super::files;
use super::yaml::{self, Yaml};
use crate::base::{Diagnostic, Diagnostics, SourceText, Span};

pub(super) const FILE_NAME: &str = "dbt_project.yml";

/// Folders by what they hold, relative to the project's.
#[derive(Clone, Debug)]
pub(super) struct Paths {
    pub(super) models: Vec<String>,
    pub(super) seeds: Vec<String>,
    pub(super) tests: Vec<String>,
    pub(super) macros: Vec<String>,
    pub(super) endpoints: Vec<String>,
    pub(super) expectations: Vec<String>,
    pub(super) documents: Vec<String>,
    pub(super) snapshots: Vec<String>,
    pub(super) analyses: Vec<String>,
}

/// The project's file, read.
#[derive(Clone, Debug)]
pub(super) struct Settings {
    pub(super) name: String,
    pub(super) paths: Paths,
    pub(super) vars: Map<String, Json>,
    /// The trees of configuration, by `models`, `seeds`, `sources`, `data_tests`, `endpoints`.
    trees: Vec<(&'static str, Yaml)>,
}

const KNOWN: [&str; 45] = [
    "name",
    "version",
    "config-version",
    "profile",
    "model-paths",
    "source-paths",
    "seed-paths",
    "data-paths",
    "test-paths",
    "macro-paths",
    "endpoint-paths",
    "expectation-paths",
    "docs-paths",
    "snapshot-paths",
    "analysis-paths",
    "asset-paths",
    "function-paths",
    "target-path",
    "log-path",
    "packages-install-path",
    "clean-targets",
    "modules-path",
    "require-dbt-version",
    "vars",
    "models",
    "seeds",
    "sources",
    "tests",
    "data_tests",
    "endpoints",
    "snapshots",
    "unit_tests",
    "exposures",
    "metrics",
    "semantic-models",
    "saved-queries",
    "functions",
    "quoting",
    "on-run-start",
    "on-run-end",
    "dispatch",
    "query-comment",
    "flags",
    "dbt-cloud",
    "restrict-access",
];

/// Keys whose values keep their Jinja: dbt renders variables never, and hooks when they run.
pub(super) const NOT_RENDERED: [&str; 10] = [
    "vars",
    "on-run-start",
    "on-run-end",
    "query-comment",
    "+pre-hook",
    "+post-hook",
    "+pre_hook",
    "+post_hook",
    "pre-hook",
    "post-hook",
];

/// Reads and renders the project's file.
///
/// `render` fills in `{{ var(…) }}` and `{{ env_var(…) }}`.
///
/// # Errors
/// If there is no such file, or it is no mapping with a `name`.
pub(super) fn read(
    root: &Path,
    base_dir: &Path,
    render: &mut dyn FnMut(&mut Yaml, &mut Diagnostics),
    problems: &mut Diagnostics,
) -> Option<Settings> {
    let file = root.join(FILE_NAME);
    let shown = files::shown_path(root, base_dir, FILE_NAME);
    if !file.is_file() {
        let message = format!("there is no {FILE_NAME} in `{}`", root.display());
        problems.push(
            Diagnostic::error(message).hint("--project-dir names the folder of a dbt project"),
        );
        return None;
    }
    let source = files::read(&file, &shown, problems)?;
    let mut yaml = yaml::parse(&source, problems)?;
    render(&mut yaml, problems);
    settings(&source, &yaml, problems)
}

fn settings(source: &SourceText, yaml: &Yaml, problems: &mut Diagnostics) -> Option<Settings> {
    if !yaml.is_mapping() {
        let message = format!("{FILE_NAME} must be a mapping with a `name`");
        problems.push(Diagnostic::error(message).at(source.span(0..0)));
        return None;
    }
    yaml::check_keys(yaml, FILE_NAME, &KNOWN, problems);
    for hook in ["on-run-start", "on-run-end"].iter().filter_map(|key| yaml.get(key)) {
        if !hook.is_null() && hook.as_text() != Some("") {
            let message = "hooks are not supported yet; those of this project are not run";
            problems.push(Diagnostic::warning(message).at(hook.span.clone()));
        }
    }
    let (name, span) = yaml::name_of(yaml, FILE_NAME, problems)?;
    if name.is_empty() || !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
        let message = format!("`{name}` cannot name a project: letters, digits and `_` can");
        problems.push(Diagnostic::error(message).at(span));
    }
    let paths = paths(yaml, problems);
    let vars = vars(yaml, &name, problems);
    let mut trees = Vec::new();
    for (key, tree) in [
        ("models", "models"),
        ("seeds", "seeds"),
        ("sources", "sources"),
        ("tests", "data_tests"),
        ("data_tests", "data_tests"),
        ("endpoints", "endpoints"),
    ] {
        if let Some(value) = yaml.get(key) {
            yaml::entries(value, &format!("`{key}`"), problems);
            trees.push((tree, value.clone()));
        }
    }
    Some(Settings { name, paths, vars, trees })
}

fn paths(yaml: &Yaml, problems: &mut Diagnostics) -> Paths {
    let mut read = |keys: &[&str], default: &[&str]| {
        let found = keys.iter().find_map(|key| Some((key, yaml.get(key)?)));
        match found {
            Some((key, value)) => yaml::text_list(value, &format!("`{key}`"), problems),
            None => default.iter().map(|folder| (*folder).to_owned()).collect(),
        }
    };
    Paths {
        models: read(&["model-paths", "source-paths"], &["models"]),
        seeds: read(&["seed-paths", "data-paths"], &["seeds"]),
        tests: read(&["test-paths"], &["tests"]),
        macros: read(&["macro-paths"], &["macros"]),
        endpoints: read(&["endpoint-paths"], &["endpoints"]),
        expectations: read(&["expectation-paths"], &["expectations"]),
        documents: read(&["docs-paths"], &[]),
        snapshots: read(&["snapshot-paths"], &["snapshots"]),
        analyses: read(&["analysis-paths"], &["analyses"]),
    }
}

/// Variables for everyone, and over them those of the project itself.
fn vars(yaml: &Yaml, project: &str, problems: &mut Diagnostics) -> Map<String, Json> {
    let Some(value) = yaml.get("vars") else { return Map::new() };
    let mut vars = Map::new();
    let mut own = Map::new();
    for entry in yaml::entries(value, "`vars`", problems) {
        match entry.value.to_json() {
            Json::Object(entries) if entry.key == project => own = entries,
            json => {
                vars.insert(entry.key.clone(), json);
            }
        }
    }
    vars.extend(own);
    vars
}

/// One value that the project's file configures for a node.
#[derive(Clone, Debug)]
pub(super) struct Configured<'a> {
    pub(super) key: &'a str,
    pub(super) value: &'a Yaml,
    pub(super) span: &'a Span,
}

/// Keys whose values are mappings without being folders.
const MAPPINGS: [&str; 9] = [
    "meta",
    "docs",
    "persist_docs",
    "grants",
    "column_types",
    "contract",
    "quoting",
    "config",
    "partition_by",
];

impl Settings {
    /// What the tree `kind` says for the node at `fqn` (project, folders, name), from the general to the special.
    pub(super) fn configured(&self, kind: &str, fqn: &[String]) -> Vec<Configured<'_>> {
        let mut found = Vec::new();
        for (_, tree) in self.trees.iter().filter(|(name, _)| *name == kind) {
            let mut level = Some(tree);
            let mut names = fqn.iter();
            while let Some(mapping) = level {
                found.extend(configured_here(mapping));
                level = names.next().and_then(|name| mapping.get(name));
            }
        }
        found
    }

    /// Folders in the trees of configuration that no node is in.
    pub(super) fn unused(&self, fqns: &[(&str, Vec<String>)]) -> Vec<Diagnostic> {
        let mut problems = Vec::new();
        for (kind, tree) in &self.trees {
            let of_kind = || fqns.iter().filter(|(known, _)| known == kind).map(|(_, fqn)| fqn);
            if of_kind().next().is_some() {
                unused_below(tree, &[], &of_kind().collect::<Vec<_>>(), &mut problems);
            }
        }
        problems
    }
}

fn is_folder(entry: &yaml::Entry) -> bool {
    entry.value.is_mapping()
        && !entry.key.starts_with('+')
        && !MAPPINGS.contains(&entry.key.as_str())
}

fn configured_here(mapping: &Yaml) -> impl Iterator<Item = Configured<'_>> {
    let entries = match &mapping.data {
        yaml::Data::Mapping(entries) => entries.as_slice(),
        _ => &[],
    };
    entries.iter().filter(|entry| !is_folder(entry)).map(|entry| Configured {
        key: entry.key.trim_start_matches('+'),
        value: &entry.value,
        span: &entry.key_span,
    })
}

fn unused_below(
    tree: &Yaml,
    above: &[&str],
    fqns: &[&Vec<String>],
    problems: &mut Vec<Diagnostic>,
) {
    let yaml::Data::Mapping(entries) = &tree.data else { return };
    for entry in entries.iter().filter(|entry| is_folder(entry)) {
        let path = [above, &[entry.key.as_str()]].concat();
        let inside = |fqn: &&&Vec<String>| {
            fqn.iter().zip(&path).all(|(a, b)| a == b) && fqn.len() >= path.len()
        };
        if fqns.iter().any(|fqn| inside(&fqn)) {
            unused_below(&entry.value, &path, fqns, problems);
            continue;
        }
        let message =
            format!("this configuration applies to nothing: no node is in `{}`", path.join("."));
        let siblings = fqns.iter().filter(|fqn| fqn.len() > above.len());
        let siblings = siblings.map(|fqn| fqn[above.len()].as_str());
        problems.push(
            Diagnostic::warning(message)
                .at(entry.key_span.clone())
                .did_you_mean(&entry.key, siblings),
        );
    }
}
