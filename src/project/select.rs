//! dbt's node selection: `+orders`, `tag:nightly,path:models/marts`, `source:shop.orders+`.

use std::collections::{BTreeMap, BTreeSet};

use globset::GlobBuilder;
use serde_json::Value as Json;

use super::graph::{Check, CheckKind, Materialization, Node, Project};
use crate::base::{Diagnostic, NodeId};

/// What `--select` and `--exclude` choose; all nodes without `include`.
///
/// Strings are unions of what blanks separate, and those are intersections of what commas separate. A part that fits
/// no node chooses nothing, as in dbt; [`unmatched`] says which did.
///
/// # Errors
/// On a method that does not exist or is not supported, and on a pattern that cannot be read.
pub(crate) fn select(
    project: &Project,
    include: &[String],
    exclude: &[String],
) -> Result<BTreeSet<NodeId>, Diagnostic> {
    let graph = Graph::new(project);
    let chosen: BTreeSet<NodeId> = match include.iter().all(|text| text.trim().is_empty()) {
        true => project.nodes.keys().cloned().collect(),
        false => union(&graph, include)?,
    };
    let excluded = union(&graph, exclude)?;
    Ok(chosen.difference(&excluded).cloned().collect())
}

/// The parts of `patterns` that fit no node, each as a warning.
pub(crate) fn unmatched(
    project: &Project,
    patterns: &[String],
) -> Result<Vec<Diagnostic>, Diagnostic> {
    let graph = Graph::new(project);
    let mut warnings = Vec::new();
    for part in patterns.iter().flat_map(|text| text.split_whitespace()) {
        if intersection(&graph, part)?.is_empty() {
            let names = project.nodes.keys().map(NodeId::short);
            let problem = Diagnostic::warning(format!("`{part}` selects nothing"));
            warnings.push(problem.did_you_mean(part, names));
        }
    }
    Ok(warnings)
}

/// The nodes with the arrows both ways.
struct Graph<'a> {
    project: &'a Project,
    children: BTreeMap<&'a NodeId, Vec<&'a NodeId>>,
}

impl<'a> Graph<'a> {
    fn new(project: &'a Project) -> Self {
        let mut children: BTreeMap<&NodeId, Vec<&NodeId>> = BTreeMap::new();
        for (id, node) in &project.nodes {
            for parent in &node.info().depends_on {
                children.entry(parent).or_default().push(id);
            }
        }
        Self { project, children }
    }

    fn parents(&self, id: &NodeId) -> Vec<&'a NodeId> {
        let node = self.project.nodes.get(id);
        node.map(|node| node.info().depends_on.iter().collect()).unwrap_or_default()
    }

    fn children(&self, id: &NodeId) -> Vec<&'a NodeId> {
        self.children.get(id).cloned().unwrap_or_default()
    }

    /// `from` and what `next` leads to in `steps` steps.
    fn walk(
        &self,
        from: &BTreeSet<NodeId>,
        steps: usize,
        next: impl Fn(&NodeId) -> Vec<&'a NodeId>,
    ) -> BTreeSet<NodeId> {
        let mut reached = from.clone();
        let mut edge: Vec<NodeId> = from.iter().cloned().collect();
        for _ in 0..steps {
            let found = edge.iter().flat_map(&next).filter(|id| !reached.contains(*id));
            let found: BTreeSet<NodeId> = found.cloned().collect();
            if found.is_empty() {
                break;
            }
            edge = found.iter().cloned().collect();
            reached.extend(found);
        }
        reached
    }
}

fn union(graph: &Graph<'_>, patterns: &[String]) -> Result<BTreeSet<NodeId>, Diagnostic> {
    let mut all = BTreeSet::new();
    for part in patterns.iter().flat_map(|text| text.split_whitespace()) {
        all.extend(intersection(graph, part)?);
    }
    Ok(all)
}

fn intersection(graph: &Graph<'_>, part: &str) -> Result<BTreeSet<NodeId>, Diagnostic> {
    let mut common: Option<BTreeSet<NodeId>> = None;
    for criterion in part.split(',').filter(|criterion| !criterion.is_empty()) {
        let found = reach(graph, &Criterion::parse(criterion)?)?;
        common = Some(match common {
            Some(before) => before.intersection(&found).cloned().collect(),
            None => found,
        });
    }
    Ok(common.unwrap_or_default())
}

/// `2+tag:x+1`, taken apart.
struct Criterion<'a> {
    /// How far up and down the graph it reaches.
    up: usize,
    down: usize,
    /// `@`: with all that the children need, too.
    whole: bool,
    method: &'a str,
    value: &'a str,
}

impl<'a> Criterion<'a> {
    fn parse(written: &'a str) -> Result<Self, Diagnostic> {
        let (whole, rest) = match written.strip_prefix('@') {
            Some(rest) => (true, rest),
            None => (false, written),
        };
        let bad = || Diagnostic::error(format!("`{written}` is no selection"));
        let steps = |digits: &str| match digits {
            "" => Ok(usize::MAX),
            digits => digits.parse().map_err(|_| bad()),
        };
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let (up, rest) = match rest[digits..].strip_prefix('+') {
            Some(behind) => (steps(&rest[..digits])?, behind),
            None => (0, rest),
        };
        let (down, rest) = match rest.rsplit_once('+') {
            Some((before, digits)) if digits.bytes().all(|byte| byte.is_ascii_digit()) => {
                (steps(digits)?, before)
            }
            _ => (0, rest),
        };
        if rest.is_empty() || rest.contains('+') || whole && (up > 0 || down > 0) {
            return Err(bad().hint("write `+x`, `x+`, `2+x+1` or `@x`"));
        }
        let (method, value) = match rest.split_once(':') {
            Some((method, value)) => (method, value),
            None if rest.contains(['/', '\\']) => ("path", rest),
            None if rest.ends_with(".sql") || rest.ends_with(".csv") => ("file", rest),
            None => ("fqn", rest),
        };
        Ok(Self { up, down, whole, method, value })
    }
}

fn reach(graph: &Graph<'_>, criterion: &Criterion<'_>) -> Result<BTreeSet<NodeId>, Diagnostic> {
    let matcher = Matcher::new(criterion.method, criterion.value)?;
    let named: BTreeSet<NodeId> = graph
        .project
        .nodes
        .iter()
        .filter(|(_, node)| matcher.fits(node))
        .map(|(id, _)| id.clone())
        .collect();
    let mut reached = if criterion.whole {
        let below = graph.walk(&named, usize::MAX, |id| graph.children(id));
        graph.walk(&below, usize::MAX, |id| graph.parents(id))
    } else {
        let mut both = graph.walk(&named, criterion.up, |id| graph.parents(id));
        both.extend(graph.walk(&named, criterion.down, |id| graph.children(id)));
        both
    };
    add_checks(graph, &mut reached);
    Ok(reached)
}

/// A check comes with any node that it reads: dbt's "eager" choice.
fn add_checks(graph: &Graph<'_>, reached: &mut BTreeSet<NodeId>) {
    let is_check = |id: &&NodeId| matches!(graph.project.nodes.get(*id), Some(Node::Check(_)));
    let children = reached.iter().flat_map(|id| graph.children(id));
    let checks: Vec<NodeId> = children.filter(is_check).cloned().collect();
    reached.extend(checks);
}

/// Methods of dbt's that are not here yet.
const LATER: [&str; 8] = [
    "state",
    "result",
    "source_status",
    "exposure",
    "metric",
    "semantic_model",
    "saved_query",
    "unit_test",
];
const METHODS: [&str; 12] = [
    "fqn",
    "tag",
    "path",
    "file",
    "source",
    "config",
    "resource_type",
    "test_type",
    "test_name",
    "package",
    "group",
    "access",
];

/// One method with its pattern.
struct Matcher<'a> {
    method: &'a str,
    /// What follows the first dot of the method: `materialized` of `config.materialized`.
    key: &'a str,
    value: &'a str,
    glob: globset::GlobMatcher,
}

impl<'a> Matcher<'a> {
    fn new(written: &'a str, value: &'a str) -> Result<Self, Diagnostic> {
        let (method, key) = written.split_once('.').unwrap_or((written, ""));
        if LATER.contains(&method) {
            let message = format!("selecting by `{method}:` is not supported yet");
            return Err(Diagnostic::error(message));
        }
        if !METHODS.contains(&method) {
            let message = format!("there is no way to select by `{method}:`");
            return Err(Diagnostic::error(message).did_you_mean(method, METHODS));
        }
        let separator = method == "path";
        let pattern = value.trim_end_matches('/');
        let glob = GlobBuilder::new(pattern).literal_separator(separator).build();
        let glob = glob.map_err(|error| Diagnostic::error(format!("`{value}`: {error}")))?;
        Ok(Self { method, key, value: pattern, glob: glob.compile_matcher() })
    }

    fn fits(&self, node: &Node) -> bool {
        let info = node.info();
        let one = |text: &str| self.glob.is_match(text);
        match self.method {
            "fqn" => self.fits_fqn(&info.fqn, &info.name),
            "tag" => info.tags.iter().any(|tag| one(tag)),
            "path" => self.fits_path(&info.path),
            "file" => {
                let file = info.path.rsplit('/').next().unwrap_or_default();
                one(file) || one(file.rsplit_once('.').map_or(file, |(stem, _)| stem))
            }
            "source" => self.fits_source(node),
            "config" => self.fits_config(&info.config, node),
            "resource_type" => one(resource_type(node)),
            "test_type" => matches!(node, Node::Check(_)) && one(test_type(node)),
            "test_name" => matches!(node, Node::Check(_)) && one(test_kind(node)),
            "package" => {
                info.fqn.first().is_some_and(|package| one(package) || self.value == "this")
            }
            "group" | "access" => {
                info.config.get(self.method).and_then(Json::as_str).is_some_and(one)
            }
            _ => false,
        }
    }

    /// The node's name, or the beginning of its place: with or without the project's name.
    fn fits_fqn(&self, fqn: &[String], name: &str) -> bool {
        if self.glob.is_match(name) {
            return true;
        }
        let begins = |parts: &[String]| {
            (1..=parts.len()).any(|length| self.glob.is_match(parts[..length].join(".")))
        };
        begins(fqn) || begins(fqn.get(1..).unwrap_or_default())
    }

    /// A file, or a folder above it.
    fn fits_path(&self, path: &str) -> bool {
        let ends = path.match_indices('/').map(|(at, _)| at).chain([path.len()]);
        let pattern = self.value.strip_prefix("./").unwrap_or(self.value);
        ends.map(|end| &path[..end]).any(|above| above == pattern || self.glob.is_match(above))
    }

    fn fits_source(&self, node: &Node) -> bool {
        let Node::Source(source) = node else { return false };
        let one = |text: &str| self.glob.is_match(text);
        let in_project = source.info.fqn.first().map_or("", String::as_str);
        let full = format!("{}.{}", source.source_name, source.info.name);
        one(&source.source_name) || one(&full) || one(&format!("{in_project}.{full}"))
    }

    fn fits_config(&self, config: &serde_json::Map<String, Json>, node: &Node) -> bool {
        if self.key == "materialized" {
            return materialized(node).is_some_and(|name| self.glob.is_match(name));
        }
        let mut keys = self.key.split('.');
        let first = keys.next().and_then(|key| config.get(key));
        let found = keys.try_fold(first, |value, key| value.map(|value| value.get(key)));
        found.flatten().is_some_and(|value| self.fits_json(value))
    }

    fn fits_json(&self, value: &Json) -> bool {
        match value {
            Json::String(text) => self.glob.is_match(text),
            Json::Array(items) => items.iter().any(|item| self.fits_json(item)),
            Json::Object(entries) => entries.contains_key(self.value),
            other => self.value.eq_ignore_ascii_case(&other.to_string()),
        }
    }
}

fn resource_type(node: &Node) -> &'static str {
    match node {
        Node::Source(_) => "source",
        Node::Seed(_) => "seed",
        Node::Model(_) => "model",
        Node::Check(_) => "test",
        Node::Endpoint(_) => "endpoint",
    }
}

fn materialized(node: &Node) -> Option<&'static str> {
    Some(match node {
        Node::Seed(_) => "seed",
        Node::Check(_) => "test",
        Node::Model(model) => match model.materialization {
            Materialization::View => "view",
            Materialization::Table => "table",
            Materialization::Ephemeral => "ephemeral",
            Materialization::Incremental => "incremental",
        },
        Node::Source(_) | Node::Endpoint(_) => return None,
    })
}

fn test_type(node: &Node) -> &'static str {
    match node {
        Node::Check(Check { kind: CheckKind::Singular { .. }, .. }) => "singular",
        Node::Check(Check { kind: CheckKind::Expectation { .. }, .. }) => "expectation",
        _ => "generic",
    }
}

/// The test's name without its package, as dbt's `test_name:` has it.
fn test_kind(node: &Node) -> &str {
    let Node::Check(check) = node else { return "" };
    let name = check.kind.name();
    name.rsplit_once('.').map_or(name, |(_, name)| name)
}
