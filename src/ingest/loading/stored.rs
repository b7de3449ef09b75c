//! Keys as a load left them in Parquet, so that rows are judged again without their CSV.
//!
//! Every row of a source file is stored once: among the accepted rows, with its offset beside the contract's columns, or
//! in quarantine, with its typed keys and what it broke. Both are in the order of the file.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{
    ArrayRef, AsArray, BooleanArray, Int64Array, NullArray, RecordBatch, RecordBatchOptions,
    UInt32Array,
};
use arrow::compute::{cast, concat_batches, sort_to_indices, take_record_batch};
use arrow::datatypes::{DataType, Field, Int64Type, Schema, SchemaRef};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};
use tokio::sync::mpsc;

use super::error::LoadError;
use super::judge::{RuleBits, same_name};
use crate::record::LoadedFile;

/// Offset of the record in its file, of accepted rows.
pub(super) const OFFSET: &str = "__clearwell_offset";
/// Offset of the record, of rejected rows: what the quarantine table shows.
pub(super) const REJECT_OFFSET: &str = "byte_offset";
/// Whether a rejected row broke no row rule.
pub(super) const PASSED: &str = "__clearwell_passed";
/// The key and reference rules that a rejected row broke, as bits.
pub(super) const BROKEN: &str = "__clearwell_broken";

const BATCH_ROWS: usize = 64 << 10;
/// Batches that wait to be judged.
const BATCHES_AHEAD: usize = 2;

/// Where a rejected row's typed cell of key column `name` stands.
pub(super) fn key_column(name: &str) -> String {
    format!("__clearwell_key_{name}")
}

/// The key columns to read of each file.
#[derive(Clone, Debug)]
pub(super) struct StoredColumns {
    /// Contract names and types of the key columns.
    pub(super) fields: Vec<(String, DataType)>,
    /// Those that are wanted; the others are left empty.
    pub(super) wanted: Vec<bool>,
}

/// Consecutive rows of a file, accepted and rejected ones, in its order.
#[derive(Clone, Debug)]
pub(super) struct StoredRows {
    /// The key columns, then offset, whether row rules passed, and broken key rules.
    batch: RecordBatch,
}

impl StoredRows {
    pub(super) fn len(&self) -> usize {
        self.batch.num_rows()
    }

    pub(super) fn key_columns(&self) -> &[ArrayRef] {
        &self.batch.columns()[..self.batch.num_columns() - 3]
    }

    pub(super) fn offsets(&self) -> &[i64] {
        self.column_from_end(3).as_primitive::<Int64Type>().values()
    }

    pub(super) fn passed(&self, row: usize) -> bool {
        self.column_from_end(2).as_boolean().value(row)
    }

    /// Rule bits, one for each row.
    pub(super) fn broken(&self) -> &[i64] {
        self.column_from_end(1).as_primitive::<Int64Type>().values()
    }

    fn column_from_end(&self, index: usize) -> &ArrayRef {
        self.batch.column(self.batch.num_columns() - index)
    }
}

/// Reads the rows of one loaded file, in the background.
pub(super) fn read(
    root: &Path,
    file: &LoadedFile,
    columns: &StoredColumns,
) -> mpsc::Receiver<Result<StoredRows, LoadError>> {
    let (sender, receiver) = mpsc::channel(BATCHES_AHEAD);
    let paths = |names: &[String]| names.iter().map(|name| root.join(name)).collect();
    let accepted = Cursor::new(paths(&file.accepted), Origin::Accepted, columns.clone());
    let rejected = Cursor::new(paths(&file.rejected), Origin::Rejected, columns.clone());
    tokio::task::spawn_blocking(move || {
        // A receiver that is gone has no more use for rows or errors.
        let send = |rows| sender.blocking_send(rows).is_ok();
        if let Err(error) = merge(accepted, rejected, |rows| send(Ok(rows))) {
            send(Err(error));
        }
    });
    receiver
}

/// Opens the named columns of a Parquet file, in the order of `names`.
///
/// # Errors
/// If the file cannot be read or lacks a column.
pub(super) fn open(
    path: &Path,
    names: &[String],
) -> Result<(ParquetRecordBatchReader, Vec<usize>), LoadError> {
    let file = File::open(path).map_err(LoadError::io("open", path))?;
    let builder =
        ParquetRecordBatchReaderBuilder::try_new(file).map_err(LoadError::stored(path))?;
    let fields = builder.schema().fields();
    let roots = names.iter().map(|name| {
        let exact = fields.iter().position(|field| field.name() == name);
        let found = exact.or_else(|| fields.iter().position(|f| same_name(f.name(), name)));
        found.ok_or_else(|| LoadError::StoredColumn { path: path.into(), column: name.clone() })
    });
    let roots = roots.collect::<Result<Vec<usize>, _>>()?;
    // A projection comes in the file's order.
    let mut distinct = roots.clone();
    distinct.sort_unstable();
    distinct.dedup();
    let places = roots.iter().map(|root| distinct.partition_point(|at| at < root)).collect();
    let mask = ProjectionMask::roots(builder.parquet_schema(), distinct);
    let reader = builder.with_projection(mask).with_batch_size(BATCH_ROWS).build();
    Ok((reader.map_err(LoadError::stored(path))?, places))
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Origin {
    Accepted,
    Rejected,
}

/// Goes through the rows of some Parquet files.
struct Cursor {
    paths: std::vec::IntoIter<PathBuf>,
    origin: Origin,
    columns: StoredColumns,
    schema: SchemaRef,
    reader: Option<(PathBuf, ParquetRecordBatchReader, Vec<usize>)>,
    head: Option<StoredRows>,
}

impl Cursor {
    fn new(paths: Vec<PathBuf>, origin: Origin, columns: StoredColumns) -> Self {
        let schema = stored_schema(&columns);
        Self { paths: paths.into_iter(), origin, columns, schema, reader: None, head: None }
    }

    /// Puts the next rows into `head`, if it is empty and there are any.
    fn fill(&mut self) -> Result<(), LoadError> {
        while self.head.is_none() {
            let Some((path, reader, places)) = &mut self.reader else {
                let Some(path) = self.paths.next() else { return Ok(()) };
                let (reader, places) = open(&path, &self.names())?;
                self.reader = Some((path, reader, places));
                continue;
            };
            let stored = LoadError::stored(path);
            match reader.next() {
                None => self.reader = None,
                Some(batch) => {
                    let batch = batch.map_err(|error| stored(error.into()))?;
                    let columns: Vec<ArrayRef> =
                        places.iter().map(|place| Arc::clone(batch.column(*place))).collect();
                    let rows = self.rows(&columns, batch.num_rows());
                    self.head = Some(rows.map_err(|error| stored(error.into()))?);
                }
            }
        }
        Ok(())
    }

    /// The names of the stored columns: the wanted key columns, then the offset, then what rejects have besides.
    fn names(&self) -> Vec<String> {
        let wanted = self.columns.fields.iter().zip(&self.columns.wanted);
        let wanted = wanted.filter(|(_, wanted)| **wanted).map(|((name, _), _)| name);
        match self.origin {
            Origin::Accepted => wanted.cloned().chain([OFFSET.to_owned()]).collect(),
            Origin::Rejected => wanted
                .map(|name| key_column(name))
                .chain([REJECT_OFFSET, PASSED, BROKEN].map(str::to_owned))
                .collect(),
        }
    }

    fn rows(
        &self,
        columns: &[ArrayRef],
        count: usize,
    ) -> Result<StoredRows, arrow::error::ArrowError> {
        let mut stored = columns.iter();
        let mut next = || stored.next().cloned().unwrap_or_else(|| Arc::new(NullArray::new(count)));
        let fields = self.columns.fields.iter().zip(&self.columns.wanted);
        let mut all: Vec<ArrayRef> = fields
            .map(|((_, data_type), wanted)| match wanted {
                true => cast(&next(), data_type),
                false => Ok(Arc::new(NullArray::new(count)) as ArrayRef),
            })
            .collect::<Result<_, _>>()?;
        all.push(next());
        match self.origin {
            Origin::Accepted => {
                all.push(Arc::new(BooleanArray::from(vec![true; count])));
                all.push(Arc::new(Int64Array::from(vec![0; count])));
            }
            Origin::Rejected => all.extend([next(), next()]),
        }
        let options = RecordBatchOptions::new().with_row_count(Some(count));
        let batch = RecordBatch::try_new_with_options(Arc::clone(&self.schema), all, &options)?;
        Ok(StoredRows { batch })
    }

    /// The head's rows up to `offset`; the others stay.
    fn take_through(&mut self, offset: i64) -> Option<StoredRows> {
        let head = self.head.take()?;
        let count = head.offsets().partition_point(|at| *at <= offset);
        if count < head.len() {
            let rest = head.batch.slice(count, head.len() - count);
            self.head = Some(StoredRows { batch: rest });
        }
        (count > 0).then(|| StoredRows { batch: head.batch.slice(0, count) })
    }

    fn last_offset(&self) -> Option<i64> {
        self.head.as_ref().and_then(|head| head.offsets().last().copied())
    }
}

fn stored_schema(columns: &StoredColumns) -> SchemaRef {
    let keys = columns.fields.iter().zip(&columns.wanted).map(|((name, data_type), wanted)| {
        Field::new(name, if *wanted { data_type.clone() } else { DataType::Null }, true)
    });
    let rest = [
        Field::new(OFFSET, DataType::Int64, true),
        Field::new(PASSED, DataType::Boolean, true),
        Field::new(BROKEN, DataType::Int64, true),
    ];
    Arc::new(Schema::new(keys.chain(rest).collect::<Vec<_>>()))
}

/// Gives the rows of both in the order of their offsets, until `emit` has enough.
fn merge(
    mut accepted: Cursor,
    mut rejected: Cursor,
    emit: impl Fn(StoredRows) -> bool,
) -> Result<(), LoadError> {
    loop {
        accepted.fill()?;
        rejected.fill()?;
        let last = match (accepted.last_offset(), rejected.last_offset()) {
            (None, None) => return Ok(()),
            (Some(last), None) | (None, Some(last)) => last,
            (Some(left), Some(right)) => left.min(right),
        };
        let rows = match (accepted.take_through(last), rejected.take_through(last)) {
            (Some(rows), None) | (None, Some(rows)) => rows,
            (Some(left), Some(right)) => in_order(&left, &right).map_err(|source| {
                let path = PathBuf::from("rows of one file");
                LoadError::Stored { path, source: source.into() }
            })?,
            (None, None) => continue,
        };
        if !emit(rows) {
            return Ok(());
        }
    }
}

fn in_order(left: &StoredRows, right: &StoredRows) -> Result<StoredRows, arrow::error::ArrowError> {
    let all =
        StoredRows { batch: concat_batches(&left.batch.schema(), [&left.batch, &right.batch])? };
    let order: UInt32Array = sort_to_indices(all.column_from_end(3), None, None)?;
    Ok(StoredRows { batch: take_record_batch(&all.batch, &order)? })
}

/// Names of rule bits as they are stored.
pub(super) fn as_stored(rules: RuleBits) -> i64 {
    rules.cast_signed()
}

/// The rule bits that were stored.
pub(super) fn as_rules(stored: i64) -> RuleBits {
    stored.cast_unsigned()
}
