//! Rows into one Parquet file, on a thread of its own while the next ones are read.

use std::fs::File;
use std::path::{Path, PathBuf};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;
use parquet::errors::ParquetError;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use tokio::sync::mpsc;
use tokio::task::{JoinHandle, spawn_blocking};

use crate::engine::TableFile;

/// Rows of a row group: several threads read a file by its row groups.
const GROUP_ROWS: usize = 128 << 10;
/// Encoded bytes at which a row group ends before it has all its rows.
const GROUP_BYTES: usize = 32 << 20;
/// Batches that wait to be written.
const WAITING_MAX: usize = 1;

/// A file that is being written.
pub(in crate::ingest) struct FileWriter {
    path: PathBuf,
    /// Gone once writing has failed, which [`FileWriter::finish`] tells.
    batches: mpsc::Sender<RecordBatch>,
    work: JoinHandle<Result<u64, ParquetError>>,
}

impl FileWriter {
    /// # Errors
    /// If the file cannot be made, or cannot hold such columns.
    pub(in crate::ingest) fn start(
        folder: &Path,
        schema: &SchemaRef,
    ) -> Result<Self, ParquetError> {
        let path = folder.join(format!("{}.parquet", uuid::Uuid::new_v4()));
        // It is read once, soon, by a scan that uses no statistics.
        let properties = WriterProperties::builder()
            .set_compression(Compression::SNAPPY)
            .set_statistics_enabled(EnabledStatistics::None)
            .set_max_row_group_row_count(Some(GROUP_ROWS))
            .build();
        let file = File::create(&path)?;
        let mut writer = ArrowWriter::try_new(file, schema.clone(), Some(properties))?;
        let (batches, mut waiting) = mpsc::channel::<RecordBatch>(WAITING_MAX);
        let work = spawn_blocking(move || {
            let mut rows = 0;
            while let Some(batch) = waiting.blocking_recv() {
                rows += batch.num_rows() as u64;
                writer.write(&batch)?;
                if writer.in_progress_size() > GROUP_BYTES {
                    writer.flush()?;
                }
            }
            writer.close()?;
            Ok(rows)
        });
        Ok(Self { path, batches, work })
    }

    pub(in crate::ingest) async fn write(&mut self, batch: RecordBatch) {
        // Nobody takes it only where writing has failed.
        drop(self.batches.send(batch).await);
    }

    /// # Errors
    /// If anything could not be written.
    pub(in crate::ingest) async fn finish(self) -> Result<TableFile, ParquetError> {
        let Self { path, batches, work } = self;
        drop(batches);
        let stopped = |error| ParquetError::General(format!("writing was stopped: {error}"));
        let rows = work.await.map_err(stopped)??;
        let bytes = std::fs::metadata(&path)?.len();
        Ok(TableFile { path, bytes, rows })
    }
}
