//! Great Expectations suites of the project: which table each is about, and a check for each of its expectations.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::{Map, Value as Json};

use super::super::files::File;
use super::super::graph::{Check, CheckConfig, CheckKind, CheckSeverity, Node, NodeInfo};
use super::super::load::{Inputs, Workshop};
use crate::base::{Diagnostic, Diagnostics, NodeId, Span, TableName, json_text};
use crate::rules::{Expectation, Severity, Suite};

/// `meta` of an expectation that only `clearwell validate` is to check: its table's columns are typed, a file's are text.
const ONLY: (&str, &str) = ("only", "file");

type Nodes = BTreeMap<NodeId, Node>;

/// A check for every expectation of every suite whose table there is.
pub(super) fn resolve(
    workshop: &Workshop,
    inputs: &Inputs,
    nodes: &Nodes,
    problems: &mut Diagnostics,
) -> Vec<Check> {
    let mut checks = Vec::new();
    let mut names: BTreeSet<String> = BTreeSet::new();
    for file in &inputs.expectations {
        let Some(suite) = read(file, problems) else { continue };
        if !names.insert(plain(&suite.name)) {
            let message = format!("there are two suites called `{}`", suite.name);
            problems.push(Diagnostic::error(message).at(name_place(file)));
            continue;
        }
        if let Some(target) = target(file, &suite, nodes, problems) {
            checks.extend(of_suite(workshop, file, &suite, target, nodes));
        }
    }
    checks
}

fn read(file: &File, problems: &mut Diagnostics) -> Option<Suite> {
    let suite = json_text::parse(&file.source).and_then(|json| {
        Suite::read(&json, &file.parts.join(".")).map_err(|error| {
            let place = json_text::locate(&file.source, &error.pointer);
            Diagnostic::error(error.message).at(place)
        })
    });
    suite.map_err(|problem| problems.push(problem)).ok()
}

fn name_place(file: &File) -> Span {
    let of = |key: &str| json_text::locate(&file.source, &format!("/{key}"));
    let whole = json_text::locate(&file.source, "");
    let named = ["name", "expectation_suite_name"].map(of);
    named.into_iter().find(|place| place.bytes != whole.bytes).unwrap_or(whole)
}

/// The node whose table the suite is about: as `meta` says, else as the file's path does.
fn target<'a>(
    file: &File,
    suite: &Suite,
    nodes: &'a Nodes,
    problems: &mut Diagnostics,
) -> Option<&'a NodeId> {
    let (found, written, place) = match suite.meta.get("table") {
        Some(Json::String(table)) => {
            (find(nodes, table), table.clone(), json_text::locate(&file.source, "/meta/table"))
        }
        Some(_) => {
            let place = json_text::locate(&file.source, "/meta/table");
            problems.push(Diagnostic::error("`meta.table` is the name of a table").at(place));
            return None;
        }
        None => {
            let candidates = by_path(file);
            let found = candidates.iter().map(|name| find(nodes, name)).find(Found::is_some);
            let written = candidates.into_iter().next().unwrap_or_default();
            (found.unwrap_or(Found::Nothing), written, name_place(file))
        }
    };
    let problem = match found {
        Found::One(id) => return Some(id),
        Found::NoTable => format!("`{written}` is ephemeral: it makes no table to look at"),
        Found::Several => format!("there is more than one table called `{written}`"),
        Found::Nothing => format!("this suite is about the table `{written}`, which is not there"),
    };
    let names = tables(nodes);
    problems.push(
        Diagnostic::error(problem)
            .at(place)
            .did_you_mean(&written, names.iter().map(String::as_str))
            .hint("`\"meta\": {\"table\": …}` of a suite names a model, `source.table` or `schema.table`"),
    );
    None
}

/// The tables that a file may be about, the first that there is: `shop/orders.json` is `shop.orders`, `orders/warning.json`
/// and `orders.warning.json` are `orders`, `marts/daily_sales.json` is `daily_sales`.
fn by_path(file: &File) -> Vec<String> {
    let parts: Vec<&str> = file.parts.iter().flat_map(|part| part.split('.')).collect();
    let two = |at: usize| Some(format!("{}.{}", parts.get(at)?, parts.get(at + 1)?));
    let one = |at: usize| parts.get(at).map(|part| (*part).to_owned());
    let last = parts.len().saturating_sub(1);
    let candidates = [two(0), one(0), last.checked_sub(1).and_then(two), one(last)];
    candidates.into_iter().flatten().collect()
}

#[derive(Clone, Copy)]
enum Found<'a> {
    One(&'a NodeId),
    Several,
    /// An ephemeral model.
    NoTable,
    Nothing,
}

impl Found<'_> {
    fn is_some(&self) -> bool {
        !matches!(self, Self::Nothing)
    }
}

/// By the name of a model or seed, by `source.table`, by the table's own name with its schema, or without where that is
/// enough.
fn find<'a>(nodes: &'a Nodes, written: &str) -> Found<'a> {
    let same = |name: &str| name.eq_ignore_ascii_case(written);
    let of_source = |node: &Node| match node {
        Node::Source(source) => Some(format!("{}.{}", source.source_name, source.info.name)),
        _ => None,
    };
    let is_named =
        |node: &Node| matches!(node, Node::Model(_) | Node::Seed(_)) && same(&node.info().name);
    let ways: [&dyn Fn(&Node) -> bool; 4] = [
        &is_named,
        &|node| of_source(node).is_some_and(|name| same(&name)),
        &|node| node.table().is_some_and(|table| same(&table.to_string())),
        &|node| node.table().is_some_and(|table| same(table.name())),
    ];
    for way in ways {
        let mut fitting = nodes.iter().filter(|(_, node)| way(node));
        match (fitting.next(), fitting.next()) {
            (None, _) => {}
            (Some((_, node)), None) if node.table().is_none() => return Found::NoTable,
            (Some((id, _)), None) => return Found::One(id),
            (Some(_), Some(_)) => return Found::Several,
        }
    }
    Found::Nothing
}

/// What tables can be called.
fn tables(nodes: &Nodes) -> Vec<String> {
    let names = nodes.values().filter_map(|node| match node {
        Node::Source(source) => Some(format!("{}.{}", source.source_name, source.info.name)),
        Node::Model(_) | Node::Seed(_) => node.table().map(|_| node.info().name.clone()),
        Node::Check(_) | Node::Endpoint(_) => None,
    });
    let made = || nodes.values().filter_map(Node::table);
    let bare = made().map(|table| table.name().to_owned());
    names.chain(made().map(TableName::to_string)).chain(bare).collect()
}

fn of_suite(
    workshop: &Workshop,
    file: &File,
    suite: &Suite,
    target: &NodeId,
    nodes: &Nodes,
) -> Vec<Check> {
    let parameters = Arc::new(suite.parameters.clone());
    let of_suite = tags(&suite.meta);
    let numbered = suite.expectations.iter().enumerate();
    let mut checks = Vec::new();
    for (index, expectation) in numbered {
        let meta = expectation.others.get("meta").unwrap_or(&Json::Null);
        if meta.get(ONLY.0).and_then(Json::as_str) == Some(ONLY.1) {
            continue;
        }
        let mut tags: Vec<String> = of_suite.iter().cloned().chain(tags(meta)).collect();
        tags.sort();
        tags.dedup();
        let name = name(index + 1, expectation);
        let mut depends_on = BTreeSet::from([target.clone()]);
        depends_on.extend(other_table(expectation, nodes));
        let severity = severity(expectation.severity);
        let info = NodeInfo {
            id: NodeId::new(
                "test",
                &workshop.settings.name,
                &format!("{}.{name}", plain(&suite.name)),
            ),
            fqn: fqn(workshop, file, &name),
            name,
            path: file.path.clone(),
            description: description(expectation),
            config: config(severity, meta, &tags),
            tags,
            depends_on,
            span: Some(json_text::locate(&file.source, &format!("/expectations/{index}"))),
        };
        checks.push(Check {
            info,
            kind: CheckKind::Expectation {
                suite: suite.name.clone(),
                expectation: expectation.clone(),
                parameters: Arc::clone(&parameters),
            },
            target: Some(target.clone()),
            expressions: String::new(),
            column: column(expectation),
            stored: None,
            config: CheckConfig { severity, ..CheckConfig::default() },
        });
    }
    checks
}

fn fqn(workshop: &Workshop, file: &File, name: &str) -> Vec<String> {
    let mut fqn = workshop.fqn(file);
    fqn.push(name.to_owned());
    fqn
}

/// `3_expect_column_values_to_not_be_null_order_id`
fn name(number: usize, expectation: &Expectation) -> String {
    let column = column(expectation).map(|column| format!("_{}", plain(&column)));
    format!("{number}_{}{}", plain(&expectation.kind), column.unwrap_or_default()).replace('.', "_")
}

/// A text as selectors can write it.
fn plain(text: &str) -> String {
    let fine = |c: char| c.is_alphanumeric() || "._-".contains(c);
    text.chars().map(|c| if fine(c) { c } else { '_' }).collect()
}

fn column(expectation: &Expectation) -> Option<String> {
    expectation.kwargs.get("column").and_then(Json::as_str).map(str::to_owned)
}

/// The table whose rows are counted beside.
fn other_table(expectation: &Expectation, nodes: &Nodes) -> Option<NodeId> {
    let named = expectation.kwargs.get("other_table_name")?.as_str()?;
    match find(nodes, named) {
        Found::One(id) => Some(id.clone()),
        _ => None,
    }
}

fn tags(meta: &Json) -> Vec<String> {
    match meta.get("tags") {
        Some(Json::String(tag)) => vec![tag.clone()],
        Some(Json::Array(tags)) => {
            tags.iter().filter_map(Json::as_str).map(str::to_owned).collect()
        }
        _ => Vec::new(),
    }
}

fn severity(severity: Severity) -> CheckSeverity {
    match severity {
        Severity::Critical => CheckSeverity::Error,
        Severity::Warning | Severity::Info => CheckSeverity::Warn,
    }
}

fn description(expectation: &Expectation) -> String {
    let text = |key: &str| expectation.others.get(key).and_then(Json::as_str);
    text("description").or_else(|| text("notes")).unwrap_or_default().to_owned()
}

fn config(severity: CheckSeverity, meta: &Json, tags: &[String]) -> Map<String, Json> {
    let severity = match severity {
        CheckSeverity::Error => "error",
        CheckSeverity::Warn => "warn",
    };
    let mut config = Map::new();
    config.insert("severity".to_owned(), severity.into());
    config.insert("tags".to_owned(), tags.into());
    if meta.is_object() {
        config.insert("meta".to_owned(), meta.clone());
    }
    config
}
