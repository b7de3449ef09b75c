//! Errors of templates: from what minijinja says to a place, a sentence and a hint.

use std::error::Error as _;
use std::fmt;
use std::ops::Range;

use minijinja::{Error, ErrorKind};

use super::templates::Templates;
use crate::base::suggest::closest;
use crate::base::{Diagnostic, SourceText, Span};

/// An error of ours on its way through minijinja.
#[derive(Debug)]
struct Complaint {
    message: String,
    hint: Option<String>,
}

impl fmt::Display for Complaint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Complaint {}

pub(super) fn complaint(message: String) -> Error {
    let source = Complaint { message, hint: None };
    Error::from(ErrorKind::InvalidOperation).with_source(source)
}

/// A complaint about `written` where one of `known` may have been meant.
pub(super) fn with_names<'a>(
    message: String,
    written: &str,
    known: impl IntoIterator<Item = &'a str>,
) -> Error {
    let hint = closest(written, known).map(|close| format!("did you mean `{close}`?"));
    Error::from(ErrorKind::InvalidOperation).with_source(Complaint { message, hint })
}

/// The problem that `error` is, at its place in the text as the user wrote it.
pub(in crate::project) fn to_diagnostic<'a>(
    error: &Error,
    templates: &Templates,
    names: impl IntoIterator<Item = &'a str>,
) -> Diagnostic {
    let ours = error.source().and_then(|source| source.downcast_ref::<Complaint>());
    let (message, mut hints) = match ours {
        Some(complaint) => (complaint.message.clone(), Vec::from_iter(complaint.hint.clone())),
        None => (sentence(error), Vec::new()),
    };
    let word = unknown_word(error).or_else(|| quoted_word(&message)).map(str::to_owned);
    if ours.is_none()
        && let Some(word) = &word
    {
        let known: Vec<&str> = match error.kind() {
            ErrorKind::UnknownFilter => FILTERS.to_vec(),
            ErrorKind::UnknownFunction | ErrorKind::UnknownMethod => names.into_iter().collect(),
            _ => Vec::new(),
        };
        hints.extend(closest(word, known).map(|name| format!("did you mean `{name}`?")));
    }
    let mut problem = Diagnostic::error(message);
    problem.hints = hints;
    match templates.place(error) {
        Some((source, range)) => problem.at(narrowed(&source, range, word.as_deref())),
        None => problem,
    }
}

/// Filters of Jinja that people use, for did-you-mean.
const FILTERS: [&str; 42] = [
    "abs",
    "attr",
    "batch",
    "bool",
    "capitalize",
    "default",
    "dictsort",
    "escape",
    "first",
    "float",
    "format",
    "groupby",
    "indent",
    "int",
    "items",
    "join",
    "last",
    "length",
    "lines",
    "list",
    "lower",
    "map",
    "max",
    "min",
    "pprint",
    "reject",
    "rejectattr",
    "replace",
    "reverse",
    "round",
    "safe",
    "select",
    "selectattr",
    "slice",
    "sort",
    "split",
    "string",
    "sum",
    "title",
    "tojson",
    "trim",
    "unique",
];

/// The name that minijinja does not know.
fn unknown_word(error: &Error) -> Option<&str> {
    let detail = error.detail()?;
    match error.kind() {
        ErrorKind::UnknownFunction => detail.strip_suffix(" is unknown"),
        ErrorKind::UnknownFilter => detail.strip_prefix("filter ")?.strip_suffix(" is unknown"),
        ErrorKind::UnknownTest => detail.strip_prefix("test ")?.strip_suffix(" is unknown"),
        ErrorKind::UnknownMethod | ErrorKind::UndefinedError => undefined_name(detail),
        _ => None,
    }
}

/// `dbt_utils` of ``… (`dbt_utils` is undefined)``.
fn undefined_name(detail: &str) -> Option<&str> {
    let name = detail.rsplit_once('`')?.0.rsplit_once('`')?.1;
    let plain = name.chars().all(|c| c.is_alphanumeric() || c == '_');
    (plain && detail.ends_with("` is undefined)")).then_some(name)
}

/// As [`to_diagnostic`], for a value of a YAML file at `span`: a scalar with its quotes.
pub(in crate::project) fn to_diagnostic_at<'a>(
    error: &Error,
    templates: &Templates,
    names: impl IntoIterator<Item = &'a str>,
    span: &Span,
) -> Diagnostic {
    let mut problem = to_diagnostic(error, templates, names);
    if problem.span.is_none() {
        let word = quoted_word(&problem.message);
        problem.span = Some(narrowed(&span.source, span.bytes.clone(), word));
    }
    problem
}

/// What minijinja says, as a sentence of ours.
fn sentence(error: &Error) -> String {
    let detail = error.detail().unwrap_or_default();
    match (error.kind(), unknown_word(error)) {
        (ErrorKind::UnknownFunction, Some(name)) => {
            return format!("unknown macro or function `{name}`");
        }
        (ErrorKind::UnknownFilter, Some(name)) => return format!("unknown filter `{name}`"),
        (ErrorKind::UnknownTest, Some(name)) => return format!("unknown test `{name}` of Jinja"),
        (ErrorKind::UnknownMethod, Some(name)) => {
            return format!("there is no object or package `{name}`");
        }
        _ => {}
    }
    match (error.kind(), detail.is_empty()) {
        (ErrorKind::SyntaxError, false) => format!("this is not Jinja: {detail}"),
        (ErrorKind::InvalidOperation, false) => detail.to_owned(),
        (kind, false) => format!("{kind}: {detail}"),
        (kind, true) => kind.to_string(),
    }
}

fn quoted_word(message: &str) -> Option<&str> {
    message.split('`').nth(1).filter(|word| !word.is_empty())
}

/// The place of `word` inside `range` where it stands there once or more, else the first line of `range`.
fn narrowed(source: &SourceText, range: Range<usize>, word: Option<&str>) -> Span {
    let whole = source.span(range);
    let text = whole.text();
    // Of ``there is no block `docs sales` `` only the name stands in the text.
    let last_word = || word.and_then(|word| word.rsplit(' ').next());
    let found = |word: Option<&str>| word.and_then(|word| Some((word.len(), text.find(word)?)));
    if let Some((length, at)) = found(word).or_else(|| found(last_word())) {
        let start = whole.bytes.start + at;
        return source.span(start..start + length);
    }
    // The range of a method call begins behind the object.
    let before = &source.text[..whole.bytes.start];
    if let Some(start) = word.and_then(|word| Some(before.strip_suffix(word)?.len())) {
        return source.span(start..whole.bytes.start);
    }
    let first_line = text.split('\n').next().unwrap_or("").trim_end().len();
    source.span(whole.bytes.start..whole.bytes.start + first_line)
}
