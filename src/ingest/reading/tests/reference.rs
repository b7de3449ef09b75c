//! A second reader of delimited text, written from the description of the dialect alone: one character after another,
//! one record after another, nothing clever. The real one must say the same.

use crate::rules::{Encoding, Quote, ReadOptions, RecordTerminator};

/// A record as the reference sees it. Offsets are in source bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Record {
    pub(super) line: u64,
    pub(super) start: u64,
    pub(super) end: u64,
    /// The cells' values, null as `None`; or none because of a quote that is not closed.
    pub(super) cells: Option<Vec<Option<String>>>,
}

/// A record without a line short enough to go on behind it, or a comment as long, by its line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TooLong(pub(super) u64);

struct Text<'o> {
    characters: Vec<char>,
    options: &'o ReadOptions,
    width: usize,
    bytes_max: usize,
}

/// What an attempt at a record gave: cells, and where it ends and the next begins.
struct Attempt {
    cells: Vec<Option<String>>,
    end: usize,
    next: usize,
}

pub(super) fn records(
    text: &str,
    options: &ReadOptions,
    width: usize,
    bytes_max: usize,
) -> Result<Vec<Record>, TooLong> {
    let text = Text { characters: text.chars().collect(), options, width, bytes_max };
    let mut at = 0;
    for _ in 0..options.skip {
        while at < text.characters.len() && text.line_break(at).is_none() {
            at += 1;
        }
        at = text.line_break(at).unwrap_or(at);
    }
    let mut found = Vec::new();
    while at < text.characters.len() {
        at = text.record(at, &mut found)?;
    }
    Ok(found)
}

impl Text<'_> {
    /// Reads what starts at `start`; returns where the next record starts.
    fn record(&self, start: usize, found: &mut Vec<Record>) -> Result<usize, TooLong> {
        if self.options.comment.is_some_and(|comment| self.characters[start] == comment) {
            let (end, next) = self.first_line(start);
            return if self.fits(start, end) { Ok(next) } else { Err(TooLong(self.line(start))) };
        }
        if let Some(next) = self.terminator(start) {
            if self.width == 1 {
                let empty = (!self.options.empty_is_null).then(String::new);
                found.push(self.found(start, start, Some(vec![empty])));
            }
            return Ok(next);
        }
        match self.attempt(start).filter(|attempt| self.fits(start, attempt.end)) {
            Some(Attempt { cells, end, next }) => {
                found.push(self.found(start, end, Some(cells)));
                Ok(next)
            }
            None => {
                let (end, next) = self.first_line(start);
                if !self.fits(start, end) {
                    return Err(TooLong(self.line(start)));
                }
                found.push(self.found(start, end, None));
                Ok(next)
            }
        }
    }

    /// `None` if a quoted cell is not closed.
    fn attempt(&self, start: usize) -> Option<Attempt> {
        let mut cells = Vec::new();
        let mut at = start;
        loop {
            let (cell, end) = self.cell(at)?;
            cells.push(cell);
            match self.delimiter(end) {
                Some(next) => at = next,
                None => {
                    let next = self.terminator(end).unwrap_or(end);
                    return Some(Attempt { cells, end, next });
                }
            }
        }
    }

    fn cell(&self, start: usize) -> Option<(Option<String>, usize)> {
        let quote = match self.options.quote {
            Quote::Char(quote) if self.characters.get(start) == Some(&quote) => Some(quote),
            _ => None,
        };
        let escape =
            self.options.escape.filter(|escape| Quote::Char(*escape) != self.options.quote);
        let mut value = String::new();
        let mut at = start;
        let mut inside = false;
        if quote.is_some() {
            inside = true;
            at += 1;
        }
        while inside {
            let character = *self.characters.get(at)?;
            let next = self.characters.get(at + 1).copied();
            if Some(character) == escape && next.is_some() {
                at = self.take_escaped(at, &mut value);
            } else if Some(character) == quote && next == quote {
                value.push(character);
                at += 2;
            } else if Some(character) == quote {
                inside = false;
                at += 1;
            } else {
                value.push(character);
                at += 1;
            }
        }
        while at < self.characters.len() {
            if Some(self.characters[at]) == escape && at + 1 < self.characters.len() {
                at = self.take_escaped(at, &mut value);
            } else if self.delimiter(at).is_some() || self.terminator(at).is_some() {
                break;
            } else {
                value.push(self.characters[at]);
                at += 1;
            }
        }
        let quotes = usize::from(quote.is_some());
        let raw: String = self.characters[start + quotes..at - quotes].iter().collect();
        let null = (quote.is_none() || self.options.quoted_nulls)
            && (raw.is_empty() && self.options.empty_is_null
                || self.options.null_values.contains(&raw));
        Some(((!null).then_some(value), at))
    }

    fn take_escaped(&self, at: usize, value: &mut String) -> usize {
        let taken = match self.characters[at + 1..] {
            ['\r', '\n', ..] => 2,
            _ => 1,
        };
        value.extend(&self.characters[at + 1..at + 1 + taken]);
        at + 1 + taken
    }

    /// The end of the delimiter at `at`, unless a longer terminator stands there.
    fn delimiter(&self, at: usize) -> Option<usize> {
        let end = self.text_at(at, &self.options.delimiter)?;
        match &self.options.terminator {
            RecordTerminator::Text(text) if text.len() > self.options.delimiter.len() => {
                self.text_at(at, text).is_none().then_some(end)
            }
            _ => Some(end),
        }
    }

    fn terminator(&self, at: usize) -> Option<usize> {
        match &self.options.terminator {
            RecordTerminator::Newline => self.line_break(at),
            RecordTerminator::Text(text) => {
                let end = self.text_at(at, text)?;
                Some(self.line_break(end).unwrap_or(end))
            }
        }
    }

    fn text_at(&self, at: usize, text: &str) -> Option<usize> {
        let wanted: Vec<char> = text.chars().collect();
        self.characters[at..].starts_with(&wanted).then_some(at + wanted.len())
    }

    fn line_break(&self, at: usize) -> Option<usize> {
        match self.characters.get(at..)? {
            ['\r', '\n', ..] => Some(at + 2),
            ['\r' | '\n', ..] => Some(at + 1),
            _ => None,
        }
    }

    /// The first line's end, whatever quotes say, and the start of the next.
    fn first_line(&self, start: usize) -> (usize, usize) {
        let mut end = start;
        while end < self.characters.len() {
            if let Some(next) = self.terminator(end) {
                return (end, next);
            }
            end += 1;
        }
        (end, end)
    }

    fn fits(&self, start: usize, end: usize) -> bool {
        let bytes: usize = self.characters[start..end].iter().map(|c| c.len_utf8()).sum();
        bytes <= self.bytes_max
    }

    fn line(&self, at: usize) -> u64 {
        let mut lines = 1;
        let mut place = 0;
        while place < at {
            match self.line_break(place) {
                Some(next) => {
                    lines += 1;
                    place = next;
                }
                None => place += 1,
            }
        }
        lines
    }

    fn found(&self, start: usize, end: usize, cells: Option<Vec<Option<String>>>) -> Record {
        let source = |at: usize| {
            let width = |character: &char| match self.options.encoding {
                Encoding::Utf8 => character.len_utf8(),
                Encoding::Latin1 => 1,
                _ => 2 * character.len_utf16(),
            };
            self.characters[..at].iter().map(width).sum::<usize>() as u64
        };
        Record { line: self.line(start), start: source(start), end: source(end), cells }
    }
}
