//! References: from the names in `ref` and `source` to nodes, and what is said of names that lead nowhere.

use std::collections::BTreeSet;

use super::super::jinja::{CallSite, Lookup, NotFound, Reason, call_sites};
use crate::base::{Diagnostic, Diagnostics, NodeId, SourceText, Span};

/// The nodes that `references` lead to; the others are reported at their place in `source`.
pub(super) fn resolve(
    who: &str,
    source: &SourceText,
    references: &BTreeSet<(String, Vec<String>)>,
    lookup: &Lookup,
    problems: &mut Diagnostics,
) -> BTreeSet<NodeId> {
    let mut found = BTreeSet::new();
    for (function, arguments) in references {
        match lookup.find(function, arguments) {
            Ok(node) => {
                found.insert(node.id.clone());
            }
            Err(missing) => {
                let span = place(source, &missing);
                problems.push(diagnostic(who, &missing, lookup).at(span));
            }
        }
    }
    found
}

/// The sentence about a name that leads nowhere; `who` refers to it.
pub(super) fn diagnostic(who: &str, missing: &NotFound, lookup: &Lookup) -> Diagnostic {
    let written = missing.arguments.join(".");
    let last = missing.arguments.last().map_or("", String::as_str);
    let first = missing.arguments.first().map_or("", String::as_str);
    let refs = || lookup.refs.keys().map(String::as_str);
    match (missing.reason, missing.function.as_str()) {
        (Reason::Disabled, _) => {
            Diagnostic::error(format!("{who} refers to `{written}`, which is disabled"))
                .hint("`enabled: true` in its configuration switches it on")
        }
        (Reason::UnknownPackage, _) => Diagnostic::error(format!(
            "{who} refers to `{last}` of the project `{first}`, and there is no such project here"
        ))
        .did_you_mean(first, [lookup.package.as_str()]),
        (Reason::UnknownSource, _) => {
            let names = lookup.sources.keys().map(|(source, _)| source.as_str());
            Diagnostic::error(format!("{who} refers to the unknown source `{first}`"))
                .did_you_mean(first, names)
        }
        (Reason::Unknown, "source") => {
            let tables = lookup.sources.keys().filter(|(source, _)| source == first);
            Diagnostic::error(format!(
                "{who} refers to `{last}`, which the source `{first}` has not"
            ))
            .did_you_mean(last, tables.map(|(_, table)| table.as_str()))
        }
        (Reason::Unknown, _) => {
            let problem = Diagnostic::error(format!("{who} refers to the unknown model `{last}`"))
                .did_you_mean(last, refs());
            match lookup.sources.keys().find(|(_, table)| table == last) {
                Some((source, table)) if problem.hints.is_empty() => {
                    problem.hint(format!("a source's table is `source('{source}', '{table}')`"))
                }
                _ => problem,
            }
        }
    }
}

/// Where `missing` stands in `source`: its name, or the beginning where a macro wrote it.
fn place(source: &SourceText, missing: &NotFound) -> Span {
    match site(source, &missing.function, &missing.arguments) {
        Some(site) => {
            let index = match missing.reason {
                Reason::UnknownSource | Reason::UnknownPackage => 0,
                _ => missing.arguments.len() - 1,
            };
            let range = site.arguments.get(index).map_or(site.range, |(_, range)| range.clone());
            source.span(range)
        }
        None => source.span(0..0),
    }
}

/// The first call of `function` with exactly these names.
pub(super) fn site(source: &SourceText, function: &str, names: &[String]) -> Option<CallSite> {
    call_sites(&source.text, &[function])
        .into_iter()
        .find(|site| site.arguments.iter().map(|(name, _)| name).eq(names))
}
