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
    let place = templates.place(error);
    let mut word = None;
    if error.kind() == ErrorKind::UnknownFunction {
        word = error.detail().and_then(|detail| detail.strip_suffix(" is unknown"));
        hints.extend(
            word.and_then(|name| closest(name, names))
                .map(|name| format!("did you mean `{name}`?")),
        );
    }
    let mut problem = Diagnostic::error(message.as_str());
    problem.hints = hints;
    match place {
        Some((source, range)) => {
            let word = word.or_else(|| quoted_word(&message));
            problem.at(narrowed(&source, range, word))
        }
        None => problem,
    }
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
    match (error.kind(), detail.is_empty()) {
        (ErrorKind::UnknownFunction, _) => match detail.strip_suffix(" is unknown") {
            Some(name) => format!("unknown macro or function `{name}`"),
            None => format!("unknown macro or function: {detail}"),
        },
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
    if let Some((word, at)) = word.and_then(|word| text.find(word).map(|at| (word, at))) {
        let start = whole.bytes.start + at;
        return source.span(start..start + word.len());
    }
    let first_line = text.split('\n').next().unwrap_or("").trim_end().len();
    source.span(whole.bytes.start..whole.bytes.start + first_line)
}
