//! What one file leaves in the draft: its accepted rows and its rejects.

use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, BooleanBufferBuilder, Int64Array, RecordBatch};
use arrow::error::ArrowError;

use super::error::LoadError;
use super::input::{Input, Layout, Rejects};
use super::judge::Broken;
use super::quarantine::{self, Reject};
use super::stored;
use crate::base::TableName;
use crate::ingest::Chunk;
use crate::record::LoadedFile;
use crate::rules::Contract;
use crate::warehouse::{DataFile, Draft, TableWriter, WriteOptions};

/// The writers of one file. Dropped without [`FileOutput::finish`], it leaves nothing that anybody names.
pub(super) struct FileOutput {
    file: String,
    table: TableName,
    accepted: Option<TableWriter>,
    rejected: Option<TableWriter>,
    counts: LoadedFile,
}

/// A file that is written.
#[derive(Debug)]
pub(super) struct Written {
    /// Without identity and hash.
    pub(super) loaded: LoadedFile,
    pub(super) accepted: Vec<DataFile>,
    pub(super) rejected: Vec<DataFile>,
}

impl FileOutput {
    pub(super) fn new(file: &str, table: &TableName) -> Self {
        Self {
            file: file.to_owned(),
            table: table.clone(),
            accepted: None,
            rejected: None,
            counts: LoadedFile::default(),
        }
    }

    /// Writes a chunk, of which `broken` rows break key or reference rules besides what the chunk itself tells.
    ///
    /// # Errors
    /// If the draft cannot be written, or a reject is refused.
    pub(super) async fn write(
        &mut self,
        draft: &Draft,
        input: &Input<'_>,
        layout: &Layout,
        chunk: &Chunk,
        broken: &[Broken],
        parallel: usize,
    ) -> Result<(), LoadError> {
        let rejects = quarantine::rejects(chunk, broken);
        self.counts.rows_read += chunk.records;
        self.counts.rows_rejected += rejects.len() as u64;
        let rows = accepted_rows(layout, chunk, &rejects).map_err(LoadError::keys(&self.table))?;
        let rejected = match &input.rejects {
            _ if rejects.is_empty() => None,
            Rejects::Quarantine { table, .. } => {
                Some((table, self.rejected_rows(layout, chunk, &rejects)?))
            }
            Rejects::Refused => return Err(self.refused(&rejects[0])),
        };
        drop(rejects);
        if rows.num_rows() > 0 {
            self.counts.rows_accepted += rows.num_rows() as u64;
            if self.accepted.is_none() {
                let schema = Arc::clone(&layout.accepted);
                let options = accepted_options(&layout.contract, parallel);
                self.accepted = Some(draft.writer(&self.table, schema, options)?);
            }
            if let Some(writer) = &mut self.accepted {
                writer.write(rows).await?;
            }
        }
        if let Some((table, rows)) = rejected {
            if self.rejected.is_none() {
                let schema = Arc::clone(&layout.rejected);
                self.rejected = Some(draft.writer(table, schema, rejected_options())?);
            }
            if let Some(writer) = &mut self.rejected {
                writer.write(rows).await?;
            }
        }
        Ok(())
    }

    /// Completes the files, and proves that no record was lost.
    ///
    /// # Errors
    /// If the files cannot be completed.
    pub(super) async fn finish(self) -> Result<Written, LoadError> {
        let Self { file, accepted, rejected, counts: mut loaded, .. } = self;
        let (read, kept) = (loaded.rows_read, loaded.rows_accepted);
        if read != kept + loaded.rows_rejected {
            let rejected = loaded.rows_rejected;
            return Err(LoadError::RowsLost { file, read, accepted: kept, rejected });
        }
        let accepted = finished(accepted).await?;
        let rejected = finished(rejected).await?;
        let names = |files: &[DataFile]| files.iter().map(|file| file.path.clone()).collect();
        loaded.accepted = names(&accepted);
        loaded.rejected = names(&rejected);
        Ok(Written { loaded, accepted, rejected })
    }

    fn rejected_rows(
        &mut self,
        layout: &Layout,
        chunk: &Chunk,
        rejects: &[Reject<'_>],
    ) -> Result<RecordBatch, LoadError> {
        let counts = &mut self.counts.reasons;
        quarantine::rows(&layout.rejected, &layout.rules, &self.file, chunk, rejects, counts)
            .map_err(LoadError::keys(&self.table))
    }

    fn refused(&self, reject: &Reject<'_>) -> LoadError {
        LoadError::SeedRow {
            file: self.file.clone(),
            line: reject.position.line,
            reason: reject.own_messages(),
        }
    }
}

async fn finished(writer: Option<TableWriter>) -> Result<Vec<DataFile>, LoadError> {
    match writer {
        Some(writer) => Ok(writer.finish().await?),
        None => Ok(Vec::new()),
    }
}

/// The rows of a chunk against which nothing was found, with their offsets.
fn accepted_rows(
    layout: &Layout,
    chunk: &Chunk,
    rejects: &[Reject<'_>],
) -> Result<RecordBatch, ArrowError> {
    let offsets = chunk.positions.iter().map(|position| position.bytes.start as i64);
    let offsets: ArrayRef = Arc::new(offsets.collect::<Int64Array>());
    let rejected: Vec<usize> = rejects.iter().filter_map(|reject| reject.row).collect();
    let mut columns = chunk.batch.columns().to_vec();
    columns.push(offsets);
    if !rejected.is_empty() {
        let mut keep = BooleanBufferBuilder::new(chunk.positions.len());
        keep.append_n(chunk.positions.len(), true);
        rejected.iter().for_each(|row| keep.set_bit(*row, false));
        let keep = BooleanArray::new(keep.finish(), None);
        let filter = arrow::compute::FilterBuilder::new(&keep).optimize().build();
        columns = columns.iter().map(|column| filter.filter(column)).collect::<Result<_, _>>()?;
    }
    RecordBatch::try_new(Arc::clone(&layout.accepted), columns)
}

fn accepted_options(contract: &Contract, parallel: usize) -> WriteOptions {
    let keys = match &contract.primary_key[..] {
        [only] => contract.columns.iter().filter(|c| c.name.eq_ignore_ascii_case(only)).collect(),
        _ => Vec::new(),
    };
    let mut distinct: Vec<String> = keys.into_iter().map(|column| column.name.clone()).collect();
    distinct.push(stored::OFFSET.to_owned());
    WriteOptions { distinct, parallel }
}

fn rejected_options() -> WriteOptions {
    let distinct = ["line", stored::REJECT_OFFSET, "raw"].map(str::to_owned).to_vec();
    WriteOptions { distinct, parallel: 1 }
}
