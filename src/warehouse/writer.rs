//! Batches in, immutable Parquet files out: row groups are encoded on several threads and appended in order.

use std::collections::VecDeque;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::Schema;
use tokio::task::{JoinHandle, spawn_blocking};

use super::error::WarehouseError;
use super::folder::Folder;
use super::manifest::DataFile;
use super::output::Output;
use super::pending::Pending;
use super::row_group::{RowGroup, Shape};
use super::sync_ahead::SyncAhead;
use crate::base::TableName;

/// When a row group, and when a file, is large enough.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// A row group ends at this many rows …
    pub(super) group_rows: usize,
    /// … or after this many bytes in memory, whichever comes first.
    pub(super) group_bytes: usize,
    /// A file that has grown to this size gets no further row group.
    pub(super) file_bytes: usize,
    /// So many bytes are worth a sync of their own before the file is complete.
    pub(super) sync_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            group_rows: 256 * 1024,
            group_bytes: 64 << 20,
            file_bytes: 512 << 20,
            sync_bytes: 16 << 20,
        }
    }
}

/// How a table's Parquet is written.
#[derive(Clone, Debug, Default)]
pub(crate) struct WriteOptions {
    /// Columns whose values hardly repeat (keys, offsets): no dictionary is tried.
    pub(crate) distinct: Vec<String>,
    /// Row groups encoded at once; 0 counts as 1.
    pub(crate) parallel: usize,
}

/// Writes batches into immutable Parquet files. Dropped without `finish`, it takes its files away again.
///
/// Holds at most `parallel` row groups that are being encoded and one that is being filled.
pub(crate) struct TableWriter {
    shape: Arc<Shape>,
    limits: Limits,
    parallel: usize,
    pending: Pending,
    /// In the order of their rows.
    encoding: VecDeque<JoinHandle<Result<RowGroup, WarehouseError>>>,
    output: OutputSlot,
    /// After an error there is no going on: rows may be lost.
    broken: bool,
}

/// Where the output is: here, or with the thread that appends to it.
enum OutputSlot {
    Here(Output),
    Appending(JoinHandle<Result<Output, WarehouseError>>),
    Lost,
}

impl TableWriter {
    pub(super) fn new(
        (folder, sync_ahead): (Folder, SyncAhead),
        table: &TableName,
        schema: &Schema,
        options: &WriteOptions,
    ) -> Result<Self, WarehouseError> {
        Self::with_limits((folder, sync_ahead), table, schema, options, Limits::default())
    }

    fn with_limits(
        (folder, sync_ahead): (Folder, SyncAhead),
        table: &TableName,
        schema: &Schema,
        options: &WriteOptions,
        limits: Limits,
    ) -> Result<Self, WarehouseError> {
        let shape = Arc::new(Shape::new(table, schema, options)?);
        let output = Output::new(folder, sync_ahead, Arc::clone(&shape), limits);
        Ok(Self {
            shape,
            limits,
            parallel: options.parallel.max(1),
            pending: Pending::default(),
            encoding: VecDeque::new(),
            output: OutputSlot::Here(output),
            broken: false,
        })
    }

    /// Waits while too much is under way. The batch has the columns of the writer's schema in their order; types that
    /// are stored the same way may stand for each other.
    ///
    /// # Errors
    /// If the disk refuses or the rows do not fit; an error may be of a batch before. No file is left then.
    pub(crate) async fn write(&mut self, batch: RecordBatch) -> Result<(), WarehouseError> {
        self.check()?;
        let mut rest = batch;
        while self.pending.rows + rest.num_rows() >= self.limits.group_rows {
            let room = self.limits.group_rows - self.pending.rows;
            self.pending.push(rest.slice(0, room));
            rest = rest.slice(room, rest.num_rows() - room);
            self.start_group().await?;
        }
        if rest.num_rows() > 0 {
            self.pending.push(rest);
        }
        if self.pending.bytes >= self.limits.group_bytes {
            self.start_group().await
        } else {
            Ok(())
        }
    }

    /// The files written; none where no row came.
    ///
    /// # Errors
    /// As of [`TableWriter::write`].
    pub(crate) async fn finish(mut self) -> Result<Vec<DataFile>, WarehouseError> {
        self.check()?;
        if self.pending.rows > 0 {
            self.start_group().await?;
        }
        while !self.encoding.is_empty() {
            self.append_first().await?;
        }
        let output = self.output().await?;
        self.joined(spawn_blocking(move || output.finish()).await)
    }

    fn check(&self) -> Result<(), WarehouseError> {
        if self.broken { Err(self.broken_off()) } else { Ok(()) }
    }

    fn broken_off(&self) -> WarehouseError {
        WarehouseError::BrokenOff { table: self.shape.table.clone() }
    }

    async fn start_group(&mut self) -> Result<(), WarehouseError> {
        while self.encoding.len() >= self.parallel {
            self.append_first().await?;
        }
        let Pending { batches, .. } = std::mem::take(&mut self.pending);
        let shape = Arc::clone(&self.shape);
        self.encoding.push_back(spawn_blocking(move || shape.encode(&batches)));
        Ok(())
    }

    /// Appends the row group whose turn it is, while others are being encoded.
    async fn append_first(&mut self) -> Result<(), WarehouseError> {
        let Some(group) = self.encoding.pop_front() else { return Ok(()) };
        let group = self.joined(group.await)?;
        let output = self.output().await?;
        self.output = OutputSlot::Appending(spawn_blocking(move || output.append(group)));
        Ok(())
    }

    async fn output(&mut self) -> Result<Output, WarehouseError> {
        match std::mem::replace(&mut self.output, OutputSlot::Lost) {
            OutputSlot::Here(output) => Ok(output),
            OutputSlot::Appending(appending) => self.joined(appending.await),
            OutputSlot::Lost => Err(self.broken_off()),
        }
    }

    /// What a thread came back with; one that died breaks the writer off like an error.
    fn joined<T>(
        &mut self,
        done: Result<Result<T, WarehouseError>, tokio::task::JoinError>,
    ) -> Result<T, WarehouseError> {
        let done = done.unwrap_or_else(|_| Err(self.broken_off()));
        self.broken |= done.is_err();
        done
    }
}

#[cfg(test)]
mod tests;
