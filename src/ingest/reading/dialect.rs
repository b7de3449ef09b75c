//! A dialect of delimited text, ready for scanning: everything in UTF-8 bytes, checked to be unambiguous.
//!
//! How cells are told apart, for every dialect:
//!
//! - A quote opens a quoted cell only as the very first character of the cell; anywhere else it is text (`1" headset`).
//! - Inside quotes a doubled quote is one quote; text between the closing quote and the delimiter is kept as it stands,
//!   quotes included (`"a"b"c` is `ab"c`).
//! - The escape character takes the meaning of the character (or `\r\n`) behind it, inside quotes and outside.
//! - A record that begins with the comment character runs to the terminator and is no record.
//! - A record without any byte is no record where the table has several columns, and one empty cell where it has one.

use memchr::memmem;

use crate::rules::{Quote, ReadOptions, RecordTerminator};

/// See the module's description.
///
/// Invariant: delimiter and terminator are not empty; delimiter, quote, escape, comment and line breaks differ.
#[derive(Clone, Debug)]
pub(super) struct Dialect {
    pub(super) delimiter: Vec<u8>,
    pub(super) terminator: Terminator,
    pub(super) quote: Option<Vec<u8>>,
    pub(super) escape: Option<Vec<u8>>,
    pub(super) comment: Option<Vec<u8>>,
    /// Bytes that may begin a delimiter, a terminator or an escape; everything else is text.
    pub(super) special: Box<[bool; 256]>,
    /// Longest record, in bytes of UTF-8.
    pub(super) record_bytes_max: usize,
}

#[derive(Clone, Debug)]
pub(super) enum Terminator {
    /// `\n`, `\r\n` or a lone `\r`.
    Newline,
    /// This text, with a line break right behind it.
    Text(Vec<u8>),
}

/// Reading options that contradict each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum DialectError {
    #[error("the delimiter is empty")]
    EmptyDelimiter,
    #[error("the record terminator is empty")]
    EmptyTerminator,
    #[error("the {first} and the {second} are the same character")]
    Same { first: &'static str, second: &'static str },
    #[error("the {0} is or has a line break, which ends records")]
    LineBreak(&'static str),
}

/// Whether something stands at a place of text that may go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    No,
    /// Up to here.
    Until(usize),
    /// Only what comes next can tell.
    Unknown,
}

impl Dialect {
    pub(super) fn new(options: &ReadOptions, bytes_max: usize) -> Result<Self, DialectError> {
        let quote = match options.quote {
            Quote::None => None,
            Quote::Char(quote) => Some(quote),
        };
        // An escape that is the quote itself says no more than doubling does.
        let escape = options.escape.filter(|escape| Some(*escape) != quote);
        check(options, quote, escape)?;
        let bytes = |character: char| character.to_string().into_bytes();
        let terminator = match &options.terminator {
            RecordTerminator::Newline => Terminator::Newline,
            RecordTerminator::Text(text) => Terminator::Text(text.clone().into_bytes()),
        };
        let mut dialect = Self {
            delimiter: options.delimiter.clone().into_bytes(),
            terminator,
            quote: quote.map(bytes),
            escape: escape.map(bytes),
            comment: options.comment.map(bytes),
            special: Box::new([false; 256]),
            record_bytes_max: bytes_max,
        };
        dialect.mark_special();
        Ok(dialect)
    }

    fn mark_special(&mut self) {
        let firsts = match &self.terminator {
            Terminator::Newline => vec![b'\n', b'\r'],
            Terminator::Text(text) => vec![text[0]],
        };
        let escape = self.escape.as_ref().map(|escape| escape[0]);
        for byte in firsts.into_iter().chain([self.delimiter[0]]).chain(escape) {
            self.special[usize::from(byte)] = true;
        }
    }

    /// Whether a record ends at `at`, and where the next begins. `at_end`: the text is all there is.
    pub(super) fn terminator_at(&self, text: &[u8], at: usize, at_end: bool) -> Found {
        match &self.terminator {
            Terminator::Newline => line_break_at(text, at, at_end),
            Terminator::Text(terminator) if !text[at..].starts_with(terminator) => Found::No,
            Terminator::Text(terminator) => {
                let behind = at + terminator.len();
                match line_break_at(text, behind, at_end) {
                    Found::No if behind == text.len() && !at_end => Found::Unknown,
                    Found::No => Found::Until(behind),
                    found => found,
                }
            }
        }
    }

    /// The longest terminator, with the line break behind it.
    pub(super) fn terminator_bytes_max(&self) -> usize {
        match &self.terminator {
            Terminator::Newline => 2,
            Terminator::Text(text) => text.len() + 2,
        }
    }

    /// The first place at or behind `from` where a terminator stands, whatever quotes and escapes say.
    pub(super) fn first_terminator(&self, text: &[u8], from: usize) -> Option<usize> {
        let found = match &self.terminator {
            Terminator::Newline => memchr::memchr2(b'\n', b'\r', &text[from..]),
            Terminator::Text(terminator) => memmem::find(&text[from..], terminator),
        };
        found.map(|offset| from + offset)
    }

    /// Whether the delimiter is to be looked for before the terminator: the longer one wins (`|` and `|\n`).
    pub(super) fn delimiter_first(&self) -> bool {
        match &self.terminator {
            Terminator::Newline => true,
            Terminator::Text(terminator) => self.delimiter.len() >= terminator.len(),
        }
    }

    /// Appends to `out` what the cell `raw` says. A quoted cell's `raw` begins with its opening quote.
    pub(super) fn unescape(&self, raw: &[u8], quoted: bool, out: &mut Vec<u8>) {
        let quote = self.quote.as_deref().filter(|_| quoted);
        let mut inside = quoted;
        let mut at = quote.map_or(0, <[u8]>::len);
        while at < raw.len() {
            let rest = &raw[at..];
            if let Some(length) = self.escaped(rest) {
                let skipped = self.escape.as_ref().map_or(0, Vec::len);
                out.extend_from_slice(&rest[skipped..length]);
                at += length;
            } else if let Some(quote) = quote.filter(|quote| inside && rest.starts_with(quote)) {
                at += quote.len();
                if raw[at..].starts_with(quote) {
                    out.extend_from_slice(quote);
                    at += quote.len();
                } else {
                    inside = false;
                }
            } else {
                out.push(rest[0]);
                at += 1;
            }
        }
    }

    /// The length of an escape and what it escapes, where `rest` begins with both. The tail of a longer
    /// character is text whether or not it is taken along.
    pub(super) fn escaped(&self, rest: &[u8]) -> Option<usize> {
        let escape = self.escape.as_deref()?;
        let behind = rest.strip_prefix(escape)?;
        let taken = if behind.starts_with(b"\r\n") { 2 } else { 1 };
        (!behind.is_empty()).then_some(escape.len() + taken)
    }
}

fn check(
    options: &ReadOptions,
    quote: Option<char>,
    escape: Option<char>,
) -> Result<(), DialectError> {
    if options.delimiter.is_empty() {
        return Err(DialectError::EmptyDelimiter);
    }
    if options.terminator == RecordTerminator::Text(String::new()) {
        return Err(DialectError::EmptyTerminator);
    }
    let delimiter = options.delimiter.chars().next();
    let named = [
        ("delimiter", delimiter),
        ("quote", quote),
        ("escape", escape),
        ("comment", options.comment),
    ];
    for (index, (first, character)) in named.iter().enumerate() {
        let same = |other: &&(&str, Option<char>)| character.is_some() && other.1 == *character;
        if let Some((second, _)) = named[index + 1..].iter().find(same) {
            return Err(DialectError::Same { first, second });
        }
        let breaks = |character: char| matches!(character, '\n' | '\r');
        if character.is_some_and(breaks) || (index == 0 && options.delimiter.contains(breaks)) {
            return Err(DialectError::LineBreak(first));
        }
    }
    Ok(())
}

/// Whether a line break stands at `at`, and where it ends.
pub(super) fn line_break_at(text: &[u8], at: usize, at_end: bool) -> Found {
    match (text.get(at), text.get(at + 1)) {
        (Some(b'\n'), _) => Found::Until(at + 1),
        (Some(b'\r'), Some(b'\n')) => Found::Until(at + 2),
        (Some(b'\r'), None) if !at_end => Found::Unknown,
        (Some(b'\r'), _) => Found::Until(at + 1),
        _ => Found::No,
    }
}

/// How many line breaks stand in `text`: `\n`, `\r\n` and a lone `\r` each count once.
pub(super) fn count_line_breaks(text: &[u8]) -> u32 {
    let breaks = memchr::memchr2_iter(b'\n', b'\r', text)
        .filter(|&at| text[at] == b'\r' || at == 0 || text[at - 1] != b'\r');
    u32::try_from(breaks.count()).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_breaks_count_once_each() {
        for (text, breaks) in [("", 0), ("\n\n", 2), ("a\r\nb\rc\nd\n\r", 5), ("\r\r\n", 2)] {
            assert_eq!(count_line_breaks(text.as_bytes()), breaks, "{text:?}");
        }
    }

    #[test]
    fn contradicting_options_are_named() {
        let error = |options: ReadOptions| Dialect::new(&options, 64).unwrap_err().to_string();
        let plain = ReadOptions::default;
        insta::assert_snapshot!(error(ReadOptions { delimiter: String::new(), ..plain() }), @"the delimiter is empty");
        insta::assert_snapshot!(error(ReadOptions { delimiter: "\"".into(), ..plain() }), @"the delimiter and the quote are the same character");
        insta::assert_snapshot!(error(ReadOptions { delimiter: "a\n".into(), ..plain() }), @"the delimiter is or has a line break, which ends records");
        insta::assert_snapshot!(error(ReadOptions { comment: Some('\r'), ..plain() }), @"the comment is or has a line break, which ends records");
        insta::assert_snapshot!(error(ReadOptions { terminator: RecordTerminator::Text(String::new()), ..plain() }), @"the record terminator is empty");
    }
}
