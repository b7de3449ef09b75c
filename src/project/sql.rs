//! SQL after Jinja, and the way back from it to the template.

use std::ops::Range;

use crate::base::{SourceText, Span};

/// Compiled SQL that knows which bytes of it came from where.
#[derive(Clone, Debug)]
pub(crate) struct CompiledSql {
    pub(crate) text: String,
    pub(crate) template: SourceText,
    /// Sorted by `compiled.start`; what lies between two pieces came from the expression before it.
    pub(crate) map: Vec<Piece>,
}

/// A stretch of the compiled text and the stretch of the template that made it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Piece {
    pub(crate) compiled: Range<usize>,
    pub(crate) template: Range<usize>,
    /// Copied byte for byte, so that offsets inside carry over.
    pub(crate) verbatim: bool,
}

impl CompiledSql {
    /// The place in the template of a 1-based line and column (in characters) of the compiled text.
    pub(crate) fn locate(&self, line: usize, column: usize, length: usize) -> Span {
        let bytes = SourceText::new("", self.text.as_str()).span_at(line, column, length).bytes;
        self.place(&bytes)
    }

    /// The place in the template of a range of the compiled text's bytes.
    pub(crate) fn place(&self, compiled: &Range<usize>) -> Span {
        let after = self.map.partition_point(|piece| piece.compiled.start <= compiled.start);
        let Some(piece) = after.checked_sub(1).map(|index| &self.map[index]) else {
            return self.template.span(0..0);
        };
        if piece.verbatim {
            let moved = |at: usize| {
                (piece.template.start + (at - piece.compiled.start)).min(piece.template.end)
            };
            self.template.span(moved(compiled.start)..moved(compiled.end))
        } else {
            self.template.span(piece.template.clone())
        }
    }
}
