//! One constraint, as dbt spells it at a column or at a table.

use std::collections::BTreeSet;

use super::super::jinja::{Lookup, call_sites};
use super::super::yaml::{self, Yaml};
use super::declare::Declared;
use super::references;
use crate::base::{Diagnostic, Diagnostics, NodeId, Span, TableName};
use crate::rules::{Contract, ForeignKey, RowCheck};

const TYPES: [&str; 5] = ["primary_key", "not_null", "unique", "foreign_key", "check"];
const KNOWN: [&str; 9] = [
    "type",
    "name",
    "columns",
    "expression",
    "to",
    "to_columns",
    "warn_unenforced",
    "warn_unsupported",
    "description",
];

/// Where a constraint stands.
pub(super) struct Place<'a> {
    /// `None` at the table.
    pub(super) column: Option<&'a str>,
    /// The table's columns.
    pub(super) names: &'a [String],
}

/// Puts what `written` demands into `contract`.
pub(super) fn apply(
    written: &Yaml,
    place: &Place<'_>,
    declared: &Declared,
    lookup: &Lookup,
    contract: &mut Contract,
    problems: &mut Diagnostics,
) {
    yaml::check_keys(written, "a constraint", &KNOWN, problems);
    let Some(written_type) = written.get("type") else {
        let message = "a constraint is a mapping with a `type`";
        problems.push(Diagnostic::error(message).at(written.span.clone()));
        return;
    };
    let Some(name) = yaml::text(written_type, "the type of a constraint", problems) else { return };
    if !TYPES.contains(&name.as_str()) {
        let problem = Diagnostic::error(format!("unknown constraint `{name}`"))
            .at(written_type.span.clone())
            .did_you_mean(&name, TYPES);
        problems.push(problem.hint(format!("there are {}", TYPES.join(", "))));
        return;
    }
    if name == "check" {
        return check(written, place, contract, problems);
    }
    let columns = columns(written, place, problems);
    if columns.is_empty() {
        return;
    }
    match name.as_str() {
        "not_null" => not_null(&columns, contract),
        "unique" => contract.unique.push(columns),
        "primary_key" => primary_key(written, columns, contract, problems),
        _ => foreign_key(written, columns, declared, lookup, contract, problems),
    }
}

fn not_null(columns: &[String], contract: &mut Contract) {
    for rule in contract.columns.iter_mut().filter(|rule| columns.contains(&rule.name)) {
        rule.not_null = true;
    }
}

fn primary_key(
    written: &Yaml,
    columns: Vec<String>,
    contract: &mut Contract,
    problems: &mut Diagnostics,
) {
    if contract.primary_key.is_empty() {
        not_null(&columns, contract);
        contract.primary_key = columns;
        return;
    }
    let problem = Diagnostic::error("a table has one primary key").at(written.span.clone());
    problems
        .push(problem.hint("a key of several columns stands at the table, with `columns: […]`"));
}

/// The columns that a constraint is about, as the table spells them.
fn columns(written: &Yaml, place: &Place<'_>, problems: &mut Diagnostics) -> Vec<String> {
    let Some(list) = written.get("columns") else {
        if place.column.is_none() {
            let message = "a constraint of a table names its `columns`";
            problems.push(Diagnostic::error(message).at(written.span.clone()));
        }
        return place.column.map(str::to_owned).into_iter().collect();
    };
    let names = yaml::spanned_texts(list, "`columns`", problems);
    names.iter().filter_map(|(name, span)| column(name, span, place.names, problems)).collect()
}

fn column(name: &str, span: &Span, names: &[String], problems: &mut Diagnostics) -> Option<String> {
    let found = names.iter().find(|known| known.eq_ignore_ascii_case(name));
    if found.is_none() {
        let problem = Diagnostic::error(format!("there is no column `{name}`")).at(span.clone());
        problems.push(problem.did_you_mean(name, names.iter().map(String::as_str)));
    }
    found.cloned()
}

fn check(written: &Yaml, place: &Place<'_>, contract: &mut Contract, problems: &mut Diagnostics) {
    let Some(expression) = written.get("expression") else {
        let message = "a check has an `expression`: a condition in SQL";
        problems.push(Diagnostic::error(message).at(written.span.clone()));
        return;
    };
    let Some(expression) = yaml::text(expression, "`expression`", problems) else { return };
    let name = written.get("name").and_then(|name| yaml::text(name, "`name`", problems));
    let column = place.column.map(str::to_owned);
    let name = name.or_else(|| column.clone()).unwrap_or_else(|| expression.clone());
    contract.checks.push(RowCheck { name, column, expression });
}

/// Makes the names of checks differ: `quantity`, `quantity_2`.
pub(super) fn name_checks(contract: &mut Contract) {
    let written: BTreeSet<String> =
        contract.checks.iter().map(|check| check.name.to_lowercase()).collect();
    let mut taken = BTreeSet::new();
    for check in &mut contract.checks {
        let mut name = check.name.clone();
        let mut number = 2;
        while !taken.insert(name.to_lowercase()) {
            name = format!("{}_{number}", check.name);
            number += 1;
            // A name that somebody chose is not taken from him.
            while written.contains(&name.to_lowercase()) {
                name = format!("{}_{number}", check.name);
                number += 1;
            }
        }
        check.name = name;
    }
}

fn foreign_key(
    written: &Yaml,
    columns: Vec<String>,
    declared: &Declared,
    lookup: &Lookup,
    contract: &mut Contract,
    problems: &mut Diagnostics,
) {
    let Some((to, to_columns)) = target(written, problems) else { return };
    let (text, span) = to;
    let Some(id) = refers_to(&text, &span, lookup, problems) else { return };
    let Some((table, names)) = table_of(&id, declared) else {
        let message =
            format!("a foreign key refers to a source or seed, and `{}` is a model", id.short());
        let problem = Diagnostic::error(message).at(span);
        problems.push(problem.hint("a `relationships` test checks references to models"));
        return;
    };
    let same_names = || columns.iter().map(|name| (name.clone(), span.clone())).collect();
    let to_columns: SpannedNames = to_columns.unwrap_or_else(same_names);
    if to_columns.len() != columns.len() {
        let (own, other) = (columns.len(), to_columns.len());
        let message =
            format!("a foreign key refers to as many columns as it has: {own}, not {other}");
        problems.push(Diagnostic::error(message).at(span));
        return;
    }
    let known = |(name, span): &(String, Span)| match names.is_empty() {
        // Nothing is known of the other table's columns before it is read.
        true => Some(name.clone()),
        false => column(name, span, &names, problems),
    };
    let to_columns: Option<Vec<String>> = to_columns.iter().map(known).collect();
    let Some(to_columns) = to_columns else { return };
    contract.foreign_keys.push(ForeignKey { columns, to: table, to_columns });
}

type SpannedNames = Vec<(String, Span)>;
type Target = ((String, Span), Option<SpannedNames>);

/// `to` and `to_columns`, or both in an `expression`: `source('shop', 'customers') (customer_id)`.
fn target(written: &Yaml, problems: &mut Diagnostics) -> Option<Target> {
    if let Some(to) = written.get("to") {
        let text = yaml::text(to, "`to`", problems)?;
        let columns = written.get("to_columns");
        let columns = columns.map(|columns| yaml::spanned_texts(columns, "`to_columns`", problems));
        return Some(((text, to.span.clone()), columns));
    }
    let Some(expression) = written.get("expression") else {
        let problem = Diagnostic::error("a foreign key says what it refers to: `to`");
        let problem = problem.at(written.span.clone());
        problems.push(problem.hint("to: source('shop', 'customers'), to_columns: [customer_id]"));
        return None;
    };
    let text = yaml::text(expression, "`expression`", problems)?;
    let span = expression.span.clone();
    let Some((to, columns)) = text.trim().strip_suffix(')').and_then(|text| text.rsplit_once('('))
    else {
        return Some(((text, span), None));
    };
    let name = |name: &str| (name.trim().trim_matches('"').to_owned(), span.clone());
    let names = columns.split(',').map(name).collect();
    match to.trim().ends_with([')', '}']) {
        true => Some(((to.to_owned(), span), Some(names))),
        false => Some(((text, span), None)),
    }
}

/// The node that `ref('…')` or `source('…', '…')` in a YAML value leads to.
pub(super) fn refers_to(
    text: &str,
    span: &Span,
    lookup: &Lookup,
    problems: &mut Diagnostics,
) -> Option<NodeId> {
    let inner = text.trim().trim_start_matches("{{").trim_end_matches("}}");
    let site = call_sites(&format!("{{{{ {inner} }}}}"), &["ref", "source"]).into_iter().next();
    let Some(site) = site else {
        let message = format!("this must be `ref('…')` or `source('…', '…')`, not `{text}`");
        problems.push(Diagnostic::error(message).at(span.clone()));
        return None;
    };
    let names: Vec<String> = site.arguments.into_iter().map(|(name, _)| name).collect();
    match lookup.find(&site.function, &names) {
        Ok(found) => Some(found.id.clone()),
        Err(missing) => {
            let word = names.last().map_or("", String::as_str);
            let at = span.text().find(word).map(|at| span.bytes.start + at);
            let place = at.map_or(span.clone(), |at| span.source.span(at..at + word.len()));
            problems.push(references::diagnostic("this", &missing, lookup).at(place));
            None
        }
    }
}

/// The table of a source or seed, and its columns where they are declared.
fn table_of(id: &NodeId, declared: &Declared) -> Option<(TableName, Vec<String>)> {
    if let Some(source) = declared.sources.iter().find(|source| source.id == *id) {
        let columns = source.properties.columns.iter().map(|column| column.name.clone());
        return Some((source.table.clone(), columns.collect()));
    }
    let seed = declared.seeds.iter().find(|seed| seed.id == *id)?;
    Some((seed.table.clone(), Vec::new()))
}
