//! A file's decompressed bytes in blocks that most likely end where a record ends.
//!
//! Likely, not surely: a line break may stand in a quoted cell. Whoever scans the block finds out, so a wrong guess costs
//! time and nothing else.

use std::sync::Arc;

use super::bytes::{StoredFile, StoredWhole};
use super::dialect::{Dialect, Terminator};
use super::error::ReadError;
use super::records::Records;
use super::scan::{Stop, scan};
use crate::rules::Encoding;

/// Line breaks that are tried as the end of a block before the last one is taken untried.
const GUESSES_MAX: usize = 32;

/// Consecutive bytes of a file.
#[derive(Clone, Debug)]
pub(super) struct Block {
    pub(super) bytes: Arc<[u8]>,
    /// Offset of the first byte in the decompressed file.
    pub(super) start: u64,
    /// Stored bytes that were read for it.
    pub(super) stored_bytes: u64,
    /// Nothing follows.
    pub(super) last: bool,
}

/// Reads blocks one after another.
pub(super) struct Blocks {
    file: StoredFile,
    dialect: Arc<Dialect>,
    /// Bytes of one character of the encoding.
    unit: Unit,
    /// Cells of a record, once they are known.
    width: Option<usize>,
    buffer: Vec<u8>,
    /// How much of the buffer holds bytes that no block has.
    filled: usize,
    start: u64,
    stored_bytes: u64,
    done: bool,
}

/// How a line break is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unit {
    One,
    TwoLittle,
    TwoBig,
}

impl Blocks {
    pub(super) fn new(
        file: StoredFile,
        dialect: Arc<Dialect>,
        encoding: Encoding,
        bytes_max: usize,
    ) -> Self {
        let unit = match encoding {
            Encoding::Utf8 | Encoding::Latin1 => Unit::One,
            Encoding::Utf16 | Encoding::Utf16Le => Unit::TwoLittle,
            Encoding::Utf16Be => Unit::TwoBig,
        };
        let buffer = vec![0; bytes_max.max(1)];
        let (filled, start, stored_bytes, done) = (0, 0, 0, false);
        Self { file, dialect, unit, width: None, buffer, filled, start, stored_bytes, done }
    }

    /// Tells how many cells a record has, which makes for better guesses.
    pub(super) fn set_width(&mut self, width: usize) {
        self.width = Some(width);
    }

    /// The next block; `None` behind the last. Only the last may be empty.
    pub(super) fn next(&mut self) -> Result<Option<Block>, ReadError> {
        if self.done {
            return Ok(None);
        }
        let wanted = self.buffer.len() - self.filled;
        let count = self.file.fill(&mut self.buffer[self.filled..])?;
        self.filled += count;
        self.done = count < wanted;
        let filled = &self.buffer[..self.filled];
        if self.start == 0 {
            self.file.refuse_hidden_compression(filled)?;
        }
        let end = if self.done { filled.len() } else { self.guess(filled).unwrap_or(filled.len()) };
        let stored_bytes = self.file.stored_bytes();
        let block = Block {
            bytes: Arc::from(&filled[..end]),
            start: self.start,
            stored_bytes: stored_bytes - self.stored_bytes,
            last: self.done,
        };
        self.buffer.copy_within(end..self.filled, 0);
        self.filled -= end;
        self.start += end as u64;
        self.stored_bytes = stored_bytes;
        Ok(Some(block))
    }

    /// Ends reading, behind the last block.
    pub(super) fn finish(self) -> Result<StoredWhole, ReadError> {
        self.file.finish()
    }

    /// Where a record most likely ends in `bytes`, as near to their end as can be told.
    fn guess(&self, bytes: &[u8]) -> Option<usize> {
        let last = self.line_end_before(bytes, bytes.len())?;
        if self.unit != Unit::One || self.dialect.quote.is_none() || self.width.is_none() {
            return Some(last);
        }
        let mut start = last;
        for _ in 0..GUESSES_MAX {
            start = match self.line_end_before(bytes, start - 1) {
                Some(start) => start,
                None => break,
            };
            if let Some(end) = self.whole_record_end(&bytes[start..]) {
                return Some(start + end);
            }
        }
        Some(last)
    }

    /// Where the record ends that starts with `bytes`, if it has as many cells as it should.
    fn whole_record_end(&self, bytes: &[u8]) -> Option<usize> {
        let mut records = Records::of_width(self.width);
        match scan(&self.dialect, bytes, 0, false, 1, &mut records) {
            Stop::Full(end) if records.odd.is_empty() => Some(end),
            _ => None,
        }
    }

    /// The end of the last line of `bytes` that ends at or before `end`.
    fn line_end_before(&self, bytes: &[u8], end: usize) -> Option<usize> {
        let bytes = &bytes[..end];
        match (&self.dialect.terminator, self.unit) {
            (Terminator::Newline, Unit::One) => {
                let last = memchr::memrchr(b'\n', bytes);
                // Old Macs end lines with `\r`; the very last may be half of a `\r\n`.
                let last = last.or_else(|| memchr::memrchr(b'\r', bytes.split_last()?.1));
                last.map(|at| at + 1)
            }
            (Terminator::Newline, unit) => {
                let wanted = if unit == Unit::TwoLittle { *b"\n\0" } else { *b"\0\n" };
                let (pairs, _) = bytes.as_chunks::<2>();
                pairs.iter().rposition(|pair| *pair == wanted).map(|at| 2 * at + 2)
            }
            (Terminator::Text(text), Unit::One) => {
                // Leaves room for the line break that belongs to the terminator.
                let room = bytes.len().checked_sub(2)?;
                let at = memchr::memmem::rfind(&bytes[..room], text)? + text.len();
                let breaks = bytes[at..]
                    .iter()
                    .take(2)
                    .take_while(|byte| **byte == b'\n' || **byte == b'\r');
                Some(at + breaks.count().min(if bytes[at..].starts_with(b"\r\n") { 2 } else { 1 }))
            }
            (Terminator::Text(_), _) => None,
        }
    }
}
