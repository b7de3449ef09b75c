//! Typed reading of values; what does not fit is reported and left out.

use super::tree::{Data, Entry, Yaml};
use crate::base::{Diagnostic, Diagnostics, Span};

fn wrong(what: &str, expected: &str, value: &Yaml, problems: &mut Diagnostics) {
    let message = format!("{what} must be {expected}, and this is {}", value.kind());
    problems.push(Diagnostic::error(message).at(value.span.clone()));
}

/// A scalar's text; numbers and booleans count as they are written.
pub(in crate::project) fn text(
    value: &Yaml,
    what: &str,
    problems: &mut Diagnostics,
) -> Option<String> {
    if let Some(text) = value.as_text() {
        return Some(text.to_owned());
    }
    wrong(what, "a text", value, problems);
    None
}

pub(in crate::project) fn boolean(
    value: &Yaml,
    what: &str,
    problems: &mut Diagnostics,
) -> Option<bool> {
    let quoted = || value.as_text().and_then(|text| text.to_ascii_lowercase().parse().ok());
    let found = value.as_bool().or_else(quoted);
    if found.is_none() {
        wrong(what, "`true` or `false`", value, problems);
    }
    found
}

pub(in crate::project) fn number(
    value: &Yaml,
    what: &str,
    problems: &mut Diagnostics,
) -> Option<u64> {
    let found = value.as_text().and_then(|text| text.replace('_', "").parse().ok());
    if found.is_none() {
        wrong(what, "a whole number of 0 or more", value, problems);
    }
    found
}

/// One text or a list of them.
pub(in crate::project) fn text_list(
    value: &Yaml,
    what: &str,
    problems: &mut Diagnostics,
) -> Vec<String> {
    match &value.data {
        Data::Sequence(items) => {
            items.iter().filter_map(|item| text(item, what, problems)).collect()
        }
        Data::Scalar { .. } if value.is_null() => Vec::new(),
        Data::Scalar { text, .. } => vec![text.clone()],
        Data::Mapping(_) => {
            wrong(what, "a text or a list of texts", value, problems);
            Vec::new()
        }
    }
}

/// The entries of a mapping; null has none.
pub(in crate::project) fn entries<'a>(
    value: &'a Yaml,
    what: &str,
    problems: &mut Diagnostics,
) -> &'a [Entry] {
    match &value.data {
        Data::Mapping(entries) => entries,
        _ if value.is_null() => &[],
        _ => {
            wrong(what, "a mapping", value, problems);
            &[]
        }
    }
}

/// The items of a list; null has none.
pub(in crate::project) fn items<'a>(
    value: &'a Yaml,
    what: &str,
    problems: &mut Diagnostics,
) -> &'a [Yaml] {
    match &value.data {
        Data::Sequence(items) => items,
        _ if value.is_null() => &[],
        _ => {
            wrong(what, "a list", value, problems);
            &[]
        }
    }
}

/// As [`text_list`], each with its place.
pub(in crate::project) fn spanned_texts(
    value: &Yaml,
    what: &str,
    problems: &mut Diagnostics,
) -> Vec<(String, Span)> {
    let one = |value: &Yaml, problems: &mut Diagnostics| {
        Some((text(value, what, problems)?, value.span.clone()))
    };
    match &value.data {
        Data::Sequence(items) => items.iter().filter_map(|item| one(item, problems)).collect(),
        _ if value.is_null() => Vec::new(),
        _ => one(value, problems).into_iter().collect(),
    }
}

/// The `name` that every item of a properties file has.
pub(in crate::project) fn name_of(
    item: &Yaml,
    what: &str,
    problems: &mut Diagnostics,
) -> Option<(String, Span)> {
    if !item.is_mapping() {
        wrong(what, "a mapping with a `name`", item, problems);
        return None;
    }
    match item.get("name") {
        Some(name) => Some((text(name, "`name`", problems)?, name.span.clone())),
        None => {
            let message = format!("{what} has no `name`");
            problems.push(Diagnostic::error(message).at(item.span.clone()));
            None
        }
    }
}

/// Warns of keys that nothing reads.
pub(in crate::project) fn check_keys(
    mapping: &Yaml,
    what: &str,
    known: &[&str],
    problems: &mut Diagnostics,
) {
    for entry in unknown(mapping, known) {
        let message = format!("{what} has no setting `{}`; it is ignored", entry.key);
        let problem = Diagnostic::warning(message).at(entry.key_span.clone());
        problems.push(problem.did_you_mean(&entry.key, known.iter().copied()));
    }
}

/// As [`check_keys`], but none may be there: where one that is misspelled would let somebody in.
pub(in crate::project) fn only_keys(
    mapping: &Yaml,
    what: &str,
    known: &[&str],
    problems: &mut Diagnostics,
) {
    for entry in unknown(mapping, known) {
        let message = format!("{what} has no setting `{}`", entry.key);
        let problem = Diagnostic::error(message).at(entry.key_span.clone());
        problems.push(problem.did_you_mean(&entry.key, known.iter().copied()));
    }
}

fn unknown<'a>(mapping: &'a Yaml, known: &'a [&str]) -> impl Iterator<Item = &'a Entry> {
    let entries = match &mapping.data {
        Data::Mapping(entries) => entries.as_slice(),
        _ => &[],
    };
    entries.iter().filter(|entry| !known.contains(&entry.key.as_str()))
}
