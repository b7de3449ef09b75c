//! What is wrong with something the user wrote, and where.

use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

/// A file's text with the path by which a user knows it. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct SourceText {
    pub(crate) path: Arc<Path>,
    pub(crate) text: Arc<str>,
}

impl SourceText {
    pub(crate) fn new(path: impl Into<PathBuf>, text: impl Into<Arc<str>>) -> Self {
        Self { path: Arc::from(path.into()), text: text.into() }
    }

    /// The place of byte range `bytes`, moved inside the text where it points beyond it.
    pub(crate) fn span(&self, bytes: Range<usize>) -> Span {
        let floor = |at: usize| {
            let mut at = at.min(self.text.len());
            while !self.text.is_char_boundary(at) {
                at -= 1;
            }
            at
        };
        let start = floor(bytes.start);
        Span { source: self.clone(), bytes: start..floor(bytes.end).max(start) }
    }

    /// The place of a 1-based line and column (in characters), `length` characters long.
    pub(crate) fn span_at(&self, line: usize, column: usize, length: usize) -> Span {
        let mut start = 0;
        for _ in 1..line {
            match self.text[start..].find('\n') {
                Some(newline) => start += newline + 1,
                None => break,
            }
        }
        let rest = &self.text[start..];
        let rest = &rest[..rest.find('\n').unwrap_or(rest.len())];
        let byte = |chars: usize| rest.char_indices().nth(chars).map_or(rest.len(), |(at, _)| at);
        let first = column.saturating_sub(1);
        self.span(start + byte(first)..start + byte(first + length))
    }
}

/// A range of bytes in a source text.
#[derive(Clone, Debug)]
pub(crate) struct Span {
    pub(crate) source: SourceText,
    pub(crate) bytes: Range<usize>,
}

impl Span {
    /// The 1-based line and column (in characters) of its start.
    pub(crate) fn line_column(&self) -> (usize, usize) {
        let before = &self.source.text[..self.bytes.start];
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let line = before.bytes().filter(|&byte| byte == b'\n').count() + 1;
        (line, before[line_start..].chars().count() + 1)
    }

    pub(crate) fn text(&self) -> &str {
        &self.source.text[self.bytes.clone()]
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Severity {
    Warning,
    Error,
}

/// One problem: a sentence, the place it is about and what to do.
#[derive(Clone, Debug)]
pub(crate) struct Diagnostic {
    pub(crate) severity: Severity,
    pub(crate) message: String,
    pub(crate) span: Option<Span>,
    /// Actions the reader can take.
    pub(crate) hints: Vec<String>,
}

impl Diagnostic {
    pub(crate) fn error(message: impl Into<String>) -> Self {
        Self { severity: Severity::Error, message: message.into(), span: None, hints: Vec::new() }
    }

    pub(crate) fn warning(message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(message) }
    }

    #[must_use]
    pub(crate) fn at(mut self, span: Span) -> Self {
        self.span = Some(span);
        self
    }

    #[must_use]
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// Adds `did you mean …?` where one of `known` is close to `written`.
    #[must_use]
    pub(crate) fn did_you_mean<'a>(
        self,
        written: &str,
        known: impl IntoIterator<Item = &'a str>,
    ) -> Self {
        match super::suggest::closest(written, known) {
            Some(close) => self.hint(format!("did you mean `{close}`?")),
            None => self,
        }
    }

    /// The problem as a person reads it, without colour.
    pub(crate) fn render(&self) -> String {
        self.render_with(&Renderer::plain())
    }

    /// The problem with terminal colours.
    pub(crate) fn render_styled(&self) -> String {
        self.render_with(&Renderer::styled())
    }

    fn render_with(&self, renderer: &Renderer) -> String {
        let level = match self.severity {
            Severity::Warning => Level::WARNING,
            Severity::Error => Level::ERROR,
        };
        let title = level.primary_title(self.message.as_str());
        let hints = self.hints.iter().map(|hint| Level::HELP.message(hint.as_str()));
        let group = match &self.span {
            None => Group::with_title(title).elements(hints),
            Some(span) => {
                let annotation = AnnotationKind::Primary.span(span.bytes.clone());
                let path = span.source.path.to_string_lossy().into_owned();
                let snippet = Snippet::source(&*span.source.text).path(path).annotation(annotation);
                title.element(snippet).elements(hints)
            }
        };
        renderer.render(&[group]).to_string()
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render())
    }
}

/// Everything that was found wrong in one go; never empty as an error.
#[derive(Clone, Debug, Default)]
pub(crate) struct Diagnostics(pub(crate) Vec<Diagnostic>);

impl Diagnostics {
    pub(crate) fn push(&mut self, diagnostic: Diagnostic) {
        self.0.push(diagnostic);
    }

    pub(crate) fn has_errors(&self) -> bool {
        self.0.iter().any(|diagnostic| diagnostic.severity == Severity::Error)
    }
}

impl From<Diagnostic> for Diagnostics {
    fn from(diagnostic: Diagnostic) -> Self {
        Self(vec![diagnostic])
    }
}

impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, diagnostic) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("\n\n")?;
            }
            write!(f, "{diagnostic}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Diagnostics {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_shown_with_a_caret_and_a_hint() {
        let source = SourceText::new("models/daily.sql", "select 1\nfrom {{ ref('order') }}\n");
        let span = source.span_at(2, 14, 5);
        assert_eq!((span.text(), span.line_column()), ("order", (2, 14)));
        let shown = Diagnostic::error("model `daily` refers to unknown model `order`")
            .at(span)
            .did_you_mean("order", ["orders", "customers"])
            .render();
        insta::assert_snapshot!(shown, @r"
        error: model `daily` refers to unknown model `order`
         --> models/daily.sql:2:14
          |
        2 | from {{ ref('order') }}
          |              ^^^^^
          |
          = help: did you mean `orders`?
        ");
    }

    #[test]
    fn places_beyond_the_text_are_moved_inside() {
        let source = SourceText::new("a", "ö");
        assert_eq!(source.span(1..9).bytes, 0..2);
        assert_eq!(source.span_at(7, 7, 7).bytes, 2..2);
    }
}
