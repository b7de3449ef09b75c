//! The start of a file: byte order mark, skipped lines, header. After it only records follow.

use std::path::PathBuf;
use std::sync::Arc;

use super::blocks::{Block, Blocks};
use super::bytes::StoredFile;
use super::decode::{Coding, Decoded, decode};
use super::dialect::{Dialect, Found, count_line_breaks, line_break_at};
use super::error::ReadError;
use super::records::{Records, Why};
use super::scan::{Stop, scan};
use super::{FileInput, ReadSizes};
use crate::base::clock::Clock;
use crate::rules::ReadOptions;

/// Where to find a file and how to read it.
#[derive(Clone)]
pub(super) struct Place {
    pub(super) path: PathBuf,
    pub(super) name: String,
    pub(super) options: Arc<ReadOptions>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) sizes: ReadSizes,
}

/// A file that is open behind its header.
pub(super) struct Opened {
    pub(super) dialect: Arc<Dialect>,
    pub(super) coding: Coding,
    /// The names in the first record; without a header, of as many cells as the first record has, all empty. `None`
    /// where there is none.
    pub(super) header: Option<Vec<String>>,
    /// What follows the header.
    pub(super) first: Block,
    pub(super) blocks: Blocks,
    /// Line breaks before `first`.
    pub(super) lines: u64,
}

impl From<&FileInput> for Place {
    fn from(input: &FileInput) -> Self {
        Self {
            path: input.path.clone(),
            name: input.name.clone(),
            options: Arc::clone(&input.options),
            clock: Arc::clone(&input.clock),
            sizes: input.sizes,
        }
    }
}

/// Opens a file and reads on to the end of its header.
pub(super) fn open(place: &Place) -> Result<Opened, ReadError> {
    let Place { path, name, options, clock, sizes } = place;
    let dialect = Dialect::new(options, sizes.record_bytes_max)
        .map_err(|source| ReadError::Dialect { file: name.clone(), source })?;
    let dialect = Arc::new(dialect);
    let file = StoredFile::open(path, name, clock.as_ref())?;
    let mut blocks = Blocks::new(file, Arc::clone(&dialect), options.encoding, sizes.block_bytes);
    let mut front = Front::default();
    loop {
        let Some(block) = blocks.next()? else {
            return Err(ReadError::Stopped { file: name.clone() });
        };
        front.stored_bytes += block.stored_bytes;
        front.last = block.last;
        front.bytes.extend_from_slice(&block.bytes);
        if let Some(start) = front.read(place, &dialect)? {
            return Ok(front.opened(start, dialect, blocks));
        }
    }
}

/// The bytes read before the end of the header is known.
#[derive(Default)]
struct Front {
    bytes: Vec<u8>,
    stored_bytes: u64,
    last: bool,
}

/// What the front of a file tells.
struct Start {
    coding: Coding,
    header: Option<Vec<String>>,
    /// Where records begin.
    at: usize,
    lines: u64,
}

impl Front {
    /// `None`: more bytes are needed.
    fn read(&self, place: &Place, dialect: &Dialect) -> Result<Option<Start>, ReadError> {
        // Enough for any byte order mark.
        if self.bytes.len() < 4 && !self.last {
            return Ok(None);
        }
        let declared = place.options.encoding;
        let (coding, mark) = Coding::of(declared, &self.bytes).map_err(|wrong| {
            ReadError::WrongMark { file: place.name.clone(), found: wrong.found, declared }
        })?;
        let decoded = decode(coding, &self.bytes[mark..], self.last);
        let Some(skipped) = skip_lines(&decoded.text, place.options.skip, self.last) else {
            return Ok(None);
        };
        let mut records = Records::default();
        let stop = scan(dialect, &decoded.text, skipped, self.last, 1, &mut records);
        let records_at = match stop {
            Stop::Full(next) if place.options.header => next,
            Stop::Rest(rest) if place.options.header && self.last => rest,
            Stop::Full(_) => skipped,
            Stop::Rest(_) if self.last => skipped,
            Stop::Rest(_) => return Ok(None),
            Stop::TooLong(at) => {
                let line = 1 + u64::from(count_line_breaks(&decoded.text[..at]));
                let limit_bytes = dialect.record_bytes_max;
                return Err(ReadError::RecordTooLong {
                    file: place.name.clone(),
                    line,
                    limit_bytes,
                });
            }
        };
        let header = match place.options.header {
            true => names(place, dialect, &decoded, &records, mark)?,
            false => records.width.map(|width| vec![String::new(); width]),
        };
        let at = mark + decoded.offsets().source(records_at);
        let lines = u64::from(count_line_breaks(&decoded.text[..records_at]));
        Ok(Some(Start { coding, header, at, lines }))
    }

    fn opened(self, start: Start, dialect: Arc<Dialect>, mut blocks: Blocks) -> Opened {
        let Start { coding, header, at, lines } = start;
        if let Some(header) = &header {
            blocks.set_width(header.len());
        }
        let first = Block {
            bytes: Arc::from(&self.bytes[at..]),
            start: at as u64,
            stored_bytes: self.stored_bytes,
            last: self.last,
        };
        Opened { dialect, coding, header, first, blocks, lines }
    }
}

/// Where the line behind the first `lines` begins; `None` if what follows may tell otherwise.
fn skip_lines(text: &[u8], lines: u64, at_end: bool) -> Option<usize> {
    let mut at = 0;
    for _ in 0..lines {
        let found = memchr::memchr2(b'\n', b'\r', &text[at..]).map(|offset| at + offset);
        match found.map(|found| line_break_at(text, found, at_end)) {
            Some(Found::Until(next)) => at = next,
            _ if at_end => return Some(text.len()),
            _ => return None,
        }
    }
    Some(at)
}

/// The names that the first record holds.
fn names(
    place: &Place,
    dialect: &Dialect,
    decoded: &Decoded<'_>,
    records: &Records,
    mark: usize,
) -> Result<Option<Vec<String>>, ReadError> {
    let file = || place.name.clone();
    let Some(span) = records.rows.first() else {
        return match records.odd.first().map(|odd| &odd.why) {
            Some(Why::Unclosed) => Err(ReadError::HeaderUnclosed { file: file() }),
            _ => Ok(None),
        };
    };
    if let Some(at) = decoded.undecodable_in(span.start, span.end) {
        return Err(ReadError::HeaderEncoding {
            file: file(),
            encoding: place.options.encoding,
            offset: (mark + decoded.offsets().source(at)) as u64,
        });
    }
    let name = |cell: &super::records::Cell| {
        let raw = cell.raw(&decoded.text);
        let mut bytes = Vec::new();
        match cell.is_escaped() {
            true => dialect.unescape(raw, cell.is_quoted(), &mut bytes),
            false => bytes.extend_from_slice(raw),
        }
        String::from_utf8_lossy(&bytes).into_owned()
    };
    Ok(Some(records.cells.iter().map(name).collect()))
}
