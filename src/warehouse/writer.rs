//! Batches in, immutable Parquet files out: row groups are encoded on several threads and appended in order.

use std::collections::VecDeque;
use std::io::{self, Write};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::{BinaryViewType, DataType, Schema, StringViewType};
use parquet::errors::ParquetError;
use parquet::file::writer::SerializedFileWriter;
use tokio::task::{JoinHandle, spawn_blocking};

use super::error::WarehouseError;
use super::folder::Folder;
use super::manifest::{DataFile, TableColumn};
use super::row_group::{RowGroup, Shape};
use super::statistics;
use super::sync_ahead::SyncAhead;
use crate::base::{TableName, hash};

/// A row group ends at this many rows …
const GROUP_ROWS: usize = 256 * 1024;
/// … or after this many bytes in memory, whichever comes first.
const GROUP_BYTES: usize = 64 << 20;
/// A file that has grown to this size gets no further row group.
const FILE_BYTES: usize = 512 << 20;

/// So many bytes are worth a sync of their own before the file is complete.
const SYNC_BYTES: usize = 16 << 20;

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
    parallel: usize,
    pending: Pending,
    /// In the order of their rows.
    encoding: VecDeque<JoinHandle<Result<RowGroup, WarehouseError>>>,
    output: OutputSlot,
    /// After an error there is no going on: rows may be lost.
    broken: bool,
}

/// The rows of the next row group.
#[derive(Default)]
struct Pending {
    batches: Vec<RecordBatch>,
    rows: usize,
    bytes: usize,
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
        let shape = Arc::new(Shape::new(table, schema, options)?);
        let shape_of_output = Arc::clone(&shape);
        let output =
            Output { folder, sync_ahead, shape: shape_of_output, open: None, files: Vec::new() };
        Ok(Self {
            shape,
            parallel: options.parallel.max(1),
            pending: Pending::default(),
            encoding: VecDeque::new(),
            output: OutputSlot::Here(output),
            broken: false,
        })
    }

    /// The columns of the table that it writes, as a manifest has them.
    pub(crate) fn columns(&self) -> Vec<TableColumn> {
        TableColumn::of(&self.shape.schema)
    }

    /// Waits while too much is under way. The batch has the columns of the writer's schema in their order; types that
    /// are stored the same way may stand for each other.
    ///
    /// # Errors
    /// If the disk refuses or the rows do not fit; an error may be of a batch before. No file is left then.
    pub(crate) async fn write(&mut self, batch: RecordBatch) -> Result<(), WarehouseError> {
        self.check()?;
        let mut rest = batch;
        while self.pending.rows + rest.num_rows() >= GROUP_ROWS {
            let room = GROUP_ROWS - self.pending.rows;
            self.pending.push(rest.slice(0, room));
            rest = rest.slice(room, rest.num_rows() - room);
            self.start_group().await?;
        }
        if rest.num_rows() > 0 {
            self.pending.push(rest);
        }
        if self.pending.bytes >= GROUP_BYTES { self.start_group().await } else { Ok(()) }
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

impl Pending {
    fn push(&mut self, batch: RecordBatch) {
        let batch = compacted(batch);
        self.rows += batch.num_rows();
        self.bytes += batch.columns().iter().map(|column| bytes_in_use(column)).sum::<usize>();
        self.batches.push(batch);
    }
}

/// The bytes of the array's own rows, whatever buffers it shares.
fn bytes_in_use(array: &ArrayRef) -> usize {
    match view_bytes(array) {
        Some((used, _)) => used + 16 * array.len(),
        None => array.to_data().get_slice_memory_size().unwrap_or(0),
    }
}

/// Of an array of views: bytes that its rows use of its buffers, and bytes that these have.
fn view_bytes(array: &ArrayRef) -> Option<(usize, usize)> {
    let (used, buffers) = match array.data_type() {
        DataType::Utf8View => {
            let array = array.as_byte_view::<StringViewType>();
            (array.total_buffer_bytes_used(), array.data_buffers())
        }
        DataType::BinaryView => {
            let array = array.as_byte_view::<BinaryViewType>();
            (array.total_buffer_bytes_used(), array.data_buffers())
        }
        _ => return None,
    };
    Some((used, buffers.iter().map(arrow::buffer::Buffer::capacity).sum()))
}

/// The batch without the buffers of which its views use little: a few rows of a filtered page would hold all of it.
fn compacted(batch: RecordBatch) -> RecordBatch {
    let wasteful = |array: &ArrayRef| {
        view_bytes(array).is_some_and(|(used, held)| held > 2 * used + (64 << 10))
    };
    if !batch.columns().iter().any(wasteful) {
        return batch;
    }
    let columns = batch.columns().iter().map(|column| match column.data_type() {
        DataType::Utf8View if wasteful(column) => {
            Arc::new(column.as_byte_view::<StringViewType>().gc()) as ArrayRef
        }
        DataType::BinaryView if wasteful(column) => {
            Arc::new(column.as_byte_view::<BinaryViewType>().gc()) as ArrayRef
        }
        _ => Arc::clone(column),
    });
    // The same types and lengths as before, so this does not fail.
    RecordBatch::try_new(batch.schema(), columns.collect()).unwrap_or(batch)
}

/// The files of one writer. Dropped before `finish` gave them out, it removes them: a disk that is full gets its space
/// back.
struct Output {
    folder: Folder,
    sync_ahead: SyncAhead,
    shape: Arc<Shape>,
    open: Option<OpenFile>,
    files: Vec<DataFile>,
}

/// The file that row groups are appended to.
struct OpenFile {
    /// Relative to the warehouse.
    path: String,
    writer: SerializedFileWriter<HashingWriter>,
    rows: u64,
    rows_hash: u128,
    /// Bytes for which a sync was begun.
    bytes_synced: usize,
}

impl Output {
    fn append(mut self, group: RowGroup) -> Result<Self, WarehouseError> {
        let mut file = match self.open.take() {
            Some(file) => file,
            None => self.create()?,
        };
        let path = file.path.clone();
        let appended = file.append(group);
        let bytes = file.writer.bytes_written();
        let full = bytes >= FILE_BYTES;
        if bytes - file.bytes_synced >= SYNC_BYTES {
            file.bytes_synced = bytes;
            self.sync_ahead.begin(&self.folder, &path);
        }
        self.open = Some(file);
        appended.map_err(|error| self.failed(&path, error))?;
        if full {
            self.close()?;
        }
        Ok(self)
    }

    fn finish(mut self) -> Result<Vec<DataFile>, WarehouseError> {
        self.close()?;
        Ok(std::mem::take(&mut self.files))
    }

    fn create(&self) -> Result<OpenFile, WarehouseError> {
        let name = uuid::Uuid::now_v7();
        let path = format!("{}/{name}.parquet", table_folder(&self.shape.table));
        let file = HashingWriter::new(self.folder.create(&path)?);
        let (root, properties) = (self.shape.root.clone(), self.shape.properties.clone());
        let writer = SerializedFileWriter::new(file, root, properties);
        let writer = writer.map_err(|error| self.failed(&path, error))?;
        Ok(OpenFile { path, writer, rows: 0, rows_hash: 0, bytes_synced: 0 })
    }

    /// Ends the open file, if there is one.
    fn close(&mut self) -> Result<(), WarehouseError> {
        let Some(file) = &mut self.open else { return Ok(()) };
        let path = file.path.clone();
        let closed = file.close(&self.shape.schema);
        let closed = closed.map_err(|error| self.failed(&path, error))?;
        if closed.bytes >= SYNC_BYTES as u64 {
            self.sync_ahead.begin(&self.folder, &path);
        }
        self.files.push(closed);
        self.open = None;
        Ok(())
    }

    /// An error of the disk by its own name, of the format as such.
    fn failed(&self, path: &str, error: ParquetError) -> WarehouseError {
        match error {
            ParquetError::External(source) => match source.downcast::<io::Error>() {
                Ok(source) => WarehouseError::io("write", &self.folder.path(path), *source),
                Err(source) => self.shape.failed(ParquetError::External(source)),
            },
            error => self.shape.failed(error),
        }
    }
}

impl Drop for Output {
    fn drop(&mut self) {
        let open = self.open.iter().map(|file| &file.path);
        for path in open.chain(self.files.iter().map(|file| &file.path)) {
            self.folder.discard(path);
        }
    }
}

impl OpenFile {
    fn append(&mut self, group: RowGroup) -> Result<(), ParquetError> {
        let mut writer = self.writer.next_row_group()?;
        for chunk in group.chunks {
            chunk.append_to_row_group(&mut writer)?;
        }
        writer.close()?;
        self.rows += group.rows;
        self.rows_hash = self.rows_hash.wrapping_add(group.rows_hash);
        Ok(())
    }

    fn close(&mut self, schema: &Schema) -> Result<DataFile, ParquetError> {
        let metadata = self.writer.finish()?;
        let file = self.writer.inner();
        Ok(DataFile {
            path: self.path.clone(),
            rows: self.rows,
            bytes: file.bytes,
            checksum: file.hasher.finalize().to_hex().to_string(),
            rows_hash: format!("{:032x}", self.rows_hash),
            columns: statistics::of_file(schema, &metadata)?,
        })
    }
}

/// Hashes what goes through it.
struct HashingWriter {
    file: Box<dyn Write + Send>,
    hasher: blake3::Hasher,
    bytes: u64,
}

impl HashingWriter {
    fn new(file: Box<dyn Write + Send>) -> Self {
        Self { file, hasher: blake3::Hasher::new(), bytes: 0 }
    }
}

impl Write for HashingWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.hasher.update(&bytes[..written]);
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// `tables/<schema>/<table>`, in lower case, so that names that are equal have one folder.
fn table_folder(table: &TableName) -> String {
    let part = |name: &str| {
        let folded = name.to_lowercase();
        if folded.len() <= 100 {
            return folded;
        }
        // File systems have limits: a long name is cut and made distinct again.
        let start: String = folded.chars().take(20).collect();
        format!("{start}-{}", &hash::of(folded.as_bytes())[..32])
    };
    format!("tables/{}/{}", part(table.schema()), part(table.name()))
}

#[cfg(test)]
mod tests;
