//! The files of one writer: row groups are appended to one after another, hashed on their way to the disk.

use std::io::{self, Write};
use std::sync::Arc;

use arrow::datatypes::Schema;
use parquet::errors::ParquetError;
use parquet::file::writer::SerializedFileWriter;

use super::error::WarehouseError;
use super::folder::Folder;
use super::manifest::DataFile;
use super::row_group::{RowGroup, Shape};
use super::statistics;
use super::sync_ahead::SyncAhead;
use super::writer::Limits;
use crate::base::{TableName, hash};

/// The files of one writer. Dropped before `finish` gave them out, it removes them: a disk that is full gets its space
/// back.
pub(super) struct Output {
    folder: Folder,
    sync_ahead: SyncAhead,
    shape: Arc<Shape>,
    limits: Limits,
    open: Option<Box<OpenFile>>,
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
    pub(super) fn new(
        folder: Folder,
        sync_ahead: SyncAhead,
        shape: Arc<Shape>,
        limits: Limits,
    ) -> Self {
        Self { folder, sync_ahead, shape, limits, open: None, files: Vec::new() }
    }

    pub(super) fn append(mut self, group: RowGroup) -> Result<Self, WarehouseError> {
        let mut file = match self.open.take() {
            Some(file) => file,
            None => self.create()?,
        };
        let path = file.path.clone();
        let appended = file.append(group);
        let bytes = file.writer.bytes_written();
        let full = bytes >= self.limits.file_bytes;
        if bytes - file.bytes_synced >= self.limits.sync_bytes {
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

    pub(super) fn finish(mut self) -> Result<Vec<DataFile>, WarehouseError> {
        self.close()?;
        Ok(std::mem::take(&mut self.files))
    }

    fn create(&self) -> Result<Box<OpenFile>, WarehouseError> {
        let name = uuid::Uuid::now_v7();
        let path = format!("{}/{name}.parquet", table_folder(&self.shape.table));
        let file = HashingWriter::new(self.folder.create(&path)?);
        let (root, properties) = (self.shape.root.clone(), self.shape.properties.clone());
        let writer = SerializedFileWriter::new(file, root, properties);
        let writer = writer.map_err(|error| self.failed(&path, error))?;
        Ok(Box::new(OpenFile { path, writer, rows: 0, rows_hash: 0, bytes_synced: 0 }))
    }

    /// Ends the open file, if there is one.
    fn close(&mut self) -> Result<(), WarehouseError> {
        let Some(file) = &mut self.open else { return Ok(()) };
        let path = file.path.clone();
        let closed = file.close(&self.shape.schema);
        let closed = closed.map_err(|error| self.failed(&path, error))?;
        if closed.bytes >= self.limits.sync_bytes as u64 {
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
mod tests {
    use super::*;

    #[test]
    fn tables_with_long_names_have_folders_of_their_own() {
        let folder = |name: &str| table_folder(&TableName::new("Main", name).unwrap());
        assert_eq!(folder("Orders"), "tables/main/orders");
        let (one, other) = ("ö".repeat(200) + "1", "ö".repeat(200) + "2");
        assert_ne!(folder(&one), folder(&other));
        assert!(folder(&one).len() < 200, "{}", folder(&one));
    }
}
