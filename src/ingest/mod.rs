//! CSV bytes -> records with positions -> typed rows | rejects.
//!
//! `reading` turns one file into an ordered stream of [`Chunk`]s; `loading` takes the files of a source, judges keys and
//! references over the whole set, and writes accepted rows and rejects into the draft. `frame` makes a table of a file that
//! nobody has described, `survey` a contract that all of its rows hold to.

pub(crate) mod frame;
pub(crate) mod loading;
pub(crate) mod reading;
pub(crate) mod survey;

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use arrow::array::RecordBatch;

/// Consecutive records of one file.
#[derive(Clone, Debug)]
pub(crate) struct Chunk {
    /// The contract's columns, in its order, one row for each record of the right shape; a cell that is
    /// null or did not parse is null. All nullable.
    pub(crate) batch: RecordBatch,
    /// Where row `i` of the batch stands.
    pub(crate) positions: Vec<Position>,
    /// What the row rules found, ordered by position. Records without a row (ragged, undecodable) are here only.
    pub(crate) rejects: Vec<RowReject>,
    /// The decompressed source bytes that `Position::bytes` point into, less `bytes_start`.
    pub(crate) bytes: Arc<[u8]>,
    /// Offset of `bytes[0]` in the decompressed file.
    pub(crate) bytes_start: u64,
    /// Records in this chunk, with or without a row.
    pub(crate) records: u64,
    /// Bytes of the file as stored that were consumed for this chunk (for progress).
    pub(crate) stored_bytes: u64,
}

/// Where a record stands in its file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Position {
    /// Of the record's first line, 1-based.
    pub(crate) line: u64,
    /// Offsets in the decompressed source bytes, without the record terminator.
    pub(crate) bytes: Range<u64>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RowReject {
    /// The row of the batch, where the record has one.
    pub(crate) row: Option<usize>,
    pub(crate) position: Position,
    pub(crate) reasons: Vec<Reason>,
}

/// One rule that a record broke.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reason {
    pub(crate) rule: Rule,
    /// For people: what stood there and what was expected.
    pub(crate) message: String,
}

/// The rules a record can break. `Display` is the stable code that the quarantine table holds.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Rule {
    /// `ragged`: more or fewer cells than the header.
    Ragged,
    /// `encoding`: bytes that are not text in the source's encoding.
    Encoding,
    /// `type:<column>`
    Type { column: String },
    /// `not_null:<column>`
    NotNull { column: String },
    /// `check:<name>`
    Check { name: String },
    /// `primary_key:<columns>`: a row before it has the same key.
    PrimaryKey { columns: Vec<String> },
    /// `unique:<columns>`
    Unique { columns: Vec<String> },
    /// `foreign_key:<columns>`: refers to no accepted row.
    ForeignKey { columns: Vec<String> },
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ragged => f.write_str("ragged"),
            Self::Encoding => f.write_str("encoding"),
            Self::Type { column } => write!(f, "type:{column}"),
            Self::NotNull { column } => write!(f, "not_null:{column}"),
            Self::Check { name } => write!(f, "check:{name}"),
            Self::PrimaryKey { columns } => write!(f, "primary_key:{}", columns.join(",")),
            Self::Unique { columns } => write!(f, "unique:{}", columns.join(",")),
            Self::ForeignKey { columns } => write!(f, "foreign_key:{}", columns.join(",")),
        }
    }
}
