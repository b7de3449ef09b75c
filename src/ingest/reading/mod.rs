//! One file's bytes -> an ordered stream of [`Chunk`](super::Chunk)s: streaming, in parallel over the bytes, in bounded memory.
//!
//! In reading order: `bytes` (stored file, decompressed, hashed), `blocks` (cut where records likely end), `decode`
//! (to UTF-8 and back), `dialect`, `scan` and `swift` (cells), `open` and `header` (which cell is which column),
//! `cells` (types), `chunk` (a block's rows and rejects), `stream` (all blocks, in order), `infer` (types by a scan).

mod blocks;
mod bytes;
mod cells;
mod chunk;
mod decode;
mod dialect;
mod error;
mod header;
mod infer;
mod open;
mod records;
mod scan;
mod stream;
mod swift;
#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::sync::Arc;

use arrow::datatypes::{Field, Schema, SchemaRef};
use tokio::task::spawn_blocking;

use self::cells::ColumnPlan;
use self::chunk::Reader;
use self::header::Layout;
use self::open::{Opened, Place};
use crate::base::clock::Clock;
use crate::engine::RowPredicate;
use crate::rules::{Contract, ReadOptions};

pub(crate) use self::bytes::{hash_file, identity};
pub(crate) use self::cells::{Spelling, arrow_type};
pub(crate) use self::error::ReadError;
pub(crate) use self::infer::{Header, InferredFile, header, infer};
pub(crate) use self::stream::{FileStream, FileSummary};

/// One file to read, and what its records must hold to.
#[derive(Clone)]
pub(crate) struct FileInput {
    pub(crate) path: PathBuf,
    /// How users know the file: what messages call it.
    pub(crate) name: String,
    pub(crate) options: Arc<ReadOptions>,
    pub(crate) contract: Arc<Contract>,
    /// One for each of the contract's checks, planned over [`schema`].
    pub(crate) predicates: Vec<RowPredicate>,
    /// Blocks of the file that are read at the same time.
    pub(crate) parallel: usize,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) sizes: ReadSizes,
}

/// Sizes that bound the memory of reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ReadSizes {
    /// Decompressed bytes of one block, which becomes one chunk.
    pub(crate) block_bytes: usize,
    /// Longest record, in bytes of UTF-8. A longer one whose quoted cell spans lines is rejected with its first line alone;
    /// a longer line ends reading with an error.
    pub(crate) record_bytes_max: usize,
}

impl Default for ReadSizes {
    fn default() -> Self {
        Self { block_bytes: 2 << 20, record_bytes_max: 64 << 20 }
    }
}

/// The Arrow schema of a chunk's batch: the contract's columns in its order, all nullable.
pub(crate) fn schema(contract: &Contract) -> SchemaRef {
    let field = |column: &crate::rules::ColumnRule| {
        Field::new(&column.name, arrow_type(column.data_type), true)
    };
    Arc::new(Schema::new(contract.columns.iter().map(field).collect::<Vec<_>>()))
}

/// Reads one file. The answer is a stream of its chunks, in order, and their summary once it has ended.
///
/// # Errors
/// If the file cannot be opened, or its header does not fit the contract; everything later comes through the stream.
pub(crate) async fn read(input: FileInput) -> Result<FileStream, ReadError> {
    let place = Place::from(&input);
    let opened = spawn_blocking(move || open::open(&place))
        .await
        .map_err(|_| ReadError::Stopped { file: input.name.clone() })??;
    let Opened { dialect, coding, header, first, mut blocks, lines } = opened;
    let FileInput { name: file, options, contract, predicates, parallel, .. } = input;
    let layout = match &header {
        Some(names) if options.header => Layout::of_header(&file, names, &contract)?,
        _ => Layout::of_contract(&contract),
    };
    blocks.set_width(layout.width);
    let mut warnings = layout.warnings;
    if options.header && header.is_none() {
        warnings.push(format!("{file}: is empty: there is no header, so there are no rows"));
    }
    let reader = Reader {
        dialect,
        coding,
        width: layout.width,
        columns: plans(&contract, &layout.cells, &options)?,
        checks: contract.checks.clone(),
        predicates,
        schema: schema(&contract),
    };
    let reader = Arc::new(reader);
    Ok(stream::start(stream::Work { file, reader, first, blocks, lines, parallel, warnings }))
}

/// Names of columns compare without regard to case.
fn same_name(one: &str, other: &str) -> bool {
    one == other || one.to_lowercase() == other.to_lowercase()
}

fn plans(
    contract: &Contract,
    cells: &[usize],
    options: &ReadOptions,
) -> Result<Vec<ColumnPlan>, ReadError> {
    let is_key = |name: &str| contract.primary_key.iter().any(|key| same_name(key, name));
    std::iter::zip(&contract.columns, cells)
        .map(|(rule, cell)| {
            ColumnPlan::new(rule, *cell, rule.not_null || is_key(&rule.name), options)
        })
        .collect()
}
