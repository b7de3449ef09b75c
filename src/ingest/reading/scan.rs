//! Text -> records, for any dialect: the general automaton, and the loop that gives the common dialect to `swift`.
//!
//! A record's start is the one state that every dialect shares, so scanning may begin and stop there. What the text
//! leaves open (a record, or a terminator that the next byte may prolong) is scanned again together with what follows.

use super::dialect::{Dialect, Found, count_line_breaks};
use super::records::{Cell, Records};
use super::swift::Swift;

/// Why scanning stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stop {
    /// As many rows as were asked for; the next record starts here.
    Full(usize),
    /// The text is over, or leaves open the record that starts here.
    Rest(usize),
    /// The record or comment that starts here is longer than a record may be, and has no line to go on with.
    TooLong(usize),
}

/// What stands where a record may start.
enum Step {
    Record { end: usize, next: usize },
    Skipped { end: usize, next: usize },
    Open,
    Unclosed,
}

/// Scans records from `at` until there are `rows_max` records. `at_end`: nothing follows the text.
pub(super) fn scan(
    dialect: &Dialect,
    text: &[u8],
    mut at: usize,
    at_end: bool,
    rows_max: usize,
    records: &mut Records,
) -> Stop {
    // A text within the limit has no record beyond it.
    let swift = Swift::of(dialect).filter(|_| text.len() <= dialect.record_bytes_max);
    while at < text.len() {
        if let Some(swift) = &swift {
            at = swift.scan(text, at, rows_max, records);
        }
        if records.count() >= rows_max {
            return Stop::Full(at);
        }
        if at == text.len() {
            break;
        }
        match advance(dialect, text, at, at_end, records) {
            Ok(next) => at = next,
            Err(stop) => return stop,
        }
    }
    Stop::Rest(at)
}

/// Passes what starts at `start`, and tells where it ends.
fn advance(
    dialect: &Dialect,
    text: &[u8],
    start: usize,
    at_end: bool,
    records: &mut Records,
) -> Result<usize, Stop> {
    let too_long = |end: usize| end > start + dialect.record_bytes_max;
    // What is open may already hold a terminator that is not told yet.
    let open_too_long = || too_long(text.len().saturating_sub(dialect.terminator_bytes_max()));
    match step(dialect, text, start, at_end, records) {
        Step::Record { end, next } if !too_long(end) => {
            records.end_record(start, end, count_line_breaks(&text[start..next]));
            Ok(next)
        }
        // Even a comment is held in memory until its end is found.
        Step::Skipped { end, .. } if too_long(end) => Err(Stop::TooLong(start)),
        Step::Skipped { next, .. } => {
            records.skip(count_line_breaks(&text[start..next]));
            Ok(next)
        }
        Step::Open | Step::Unclosed if !at_end && !open_too_long() => {
            records.abandon();
            Err(Stop::Rest(start))
        }
        _ => first_line_only(dialect, text, start, at_end, records),
    }
}

/// Gives up on the record at `start`, which is too long or not closed: its first line is the record.
fn first_line_only(
    dialect: &Dialect,
    text: &[u8],
    start: usize,
    at_end: bool,
    records: &mut Records,
) -> Result<usize, Stop> {
    records.abandon();
    let (end, next) = match dialect.first_terminator(text, start) {
        Some(end) => match dialect.terminator_at(text, end, at_end) {
            Found::Until(next) => (end, next),
            _ => return Err(Stop::Rest(start)),
        },
        None if at_end => (text.len(), text.len()),
        None => return Err(Stop::TooLong(start)),
    };
    if end - start > dialect.record_bytes_max {
        return Err(Stop::TooLong(start));
    }
    records.end_unclosed(start, end, count_line_breaks(&text[start..next]));
    Ok(next)
}

/// Tells the record at `start` into cells.
fn step(dialect: &Dialect, text: &[u8], start: usize, at_end: bool, records: &mut Records) -> Step {
    if dialect.comment.as_ref().is_some_and(|comment| text[start..].starts_with(comment)) {
        return comment(dialect, text, start, at_end);
    }
    match dialect.terminator_at(text, start, at_end) {
        Found::Until(next) if records.width == Some(1) => {
            records.push_cell(Cell::plain(start, start));
            return Step::Record { end: start, next };
        }
        Found::Until(next) => return Step::Skipped { end: start, next },
        Found::Unknown => return Step::Open,
        Found::No => {}
    }
    let mut at = start;
    loop {
        match cell(dialect, text, at, at_end) {
            CellEnd::Delimiter { cell, next } => {
                records.push_cell(cell);
                at = next;
            }
            CellEnd::Record { cell, end, next } => {
                records.push_cell(cell);
                return Step::Record { end, next };
            }
            CellEnd::Open => return Step::Open,
            CellEnd::Unclosed => return Step::Unclosed,
        }
    }
}

fn comment(dialect: &Dialect, text: &[u8], start: usize, at_end: bool) -> Step {
    match dialect.first_terminator(text, start) {
        Some(end) => match dialect.terminator_at(text, end, at_end) {
            Found::Until(next) => Step::Skipped { end, next },
            _ => Step::Open,
        },
        None if at_end => Step::Skipped { end: text.len(), next: text.len() },
        None => Step::Open,
    }
}

enum CellEnd {
    Delimiter { cell: Cell, next: usize },
    Record { cell: Cell, end: usize, next: usize },
    Open,
    Unclosed,
}

/// Reads the cell that starts at `start`.
fn cell(dialect: &Dialect, text: &[u8], start: usize, at_end: bool) -> CellEnd {
    let opening = dialect.quote.as_deref().filter(|quote| text[start..].starts_with(quote));
    let Some(quote) = opening else {
        return plain(dialect, text, start, start, at_end, |end, escaped| match escaped {
            true => Cell::escaped(start, end, false),
            false => Cell::plain(start, end),
        });
    };
    let Some((closing, mut escaped)) = closing_quote(dialect, quote, text, start + quote.len())
    else {
        return CellEnd::Unclosed;
    };
    let behind = closing + quote.len();
    // At the end of a text that goes on, the quote may turn out to be doubled: the record is open either way.
    plain(dialect, text, start, behind, at_end, |end, tail_escaped| {
        escaped |= tail_escaped || end > behind;
        match escaped {
            true => Cell::escaped(start, end, true),
            false => Cell::quoted(start + quote.len(), closing),
        }
    })
}

/// Finds the quote that closes a cell, and whether the cell has doubled quotes or escapes before it.
fn closing_quote(
    dialect: &Dialect,
    quote: &[u8],
    text: &[u8],
    from: usize,
) -> Option<(usize, bool)> {
    let (mut at, mut escaped) = (from, false);
    loop {
        let rest = &text[at..];
        at += match &dialect.escape {
            None => memchr::memchr(quote[0], rest)?,
            Some(escape) => memchr::memchr2(quote[0], escape[0], rest)?,
        };
        let rest = &text[at..];
        if let Some(length) = dialect.escaped(rest) {
            at += length;
            escaped = true;
        } else if rest.starts_with(quote) {
            if !rest[quote.len()..].starts_with(quote) {
                return Some((at, escaped));
            }
            at += 2 * quote.len();
            escaped = true;
        } else {
            at += 1;
        }
        if at >= text.len() {
            return None;
        }
    }
}

/// Reads unquoted text of the cell from `at` to what ends it. `make` gets the cell's end and whether an escape stood in it.
fn plain(
    dialect: &Dialect,
    text: &[u8],
    start: usize,
    mut at: usize,
    at_end: bool,
    mut make: impl FnMut(usize, bool) -> Cell,
) -> CellEnd {
    debug_assert!(start <= at);
    let delimiter_first = dialect.delimiter_first();
    let mut escaped = false;
    while at < text.len() {
        if !dialect.special[usize::from(text[at])] {
            at += 1;
            continue;
        }
        if let Some(length) = dialect.escaped(&text[at..]) {
            escaped = true;
            at += length;
            continue;
        }
        let delimited = text[at..].starts_with(&dialect.delimiter);
        if !(delimited && delimiter_first) {
            match dialect.terminator_at(text, at, at_end) {
                Found::Until(next) => {
                    return CellEnd::Record { cell: make(at, escaped), end: at, next };
                }
                Found::Unknown => return CellEnd::Open,
                Found::No => {}
            }
        }
        if delimited {
            let next = at + dialect.delimiter.len();
            return CellEnd::Delimiter { cell: make(at, escaped), next };
        }
        at += 1;
    }
    // An escape may reach beyond the text's end only in a text that goes on.
    let end = text.len();
    match at_end {
        true => CellEnd::Record { cell: make(end, escaped), end, next: end },
        false => CellEnd::Open,
    }
}
