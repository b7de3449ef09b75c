//! Rows to bytes, batch by batch: what is written so far can be taken away at any time.

use std::io::{self, Write};
use std::mem;
use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use arrow::ipc::writer::StreamWriter;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;

use super::{JsonRows, OutputError, csv};
use crate::engine::plan::from_arrow;

/// The formats that need not know all rows before the first is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum RowFormat {
    Csv,
    /// One array of objects.
    Json,
    /// One object a line.
    Ndjson,
    /// Arrow's IPC stream.
    Arrow,
    Parquet,
}

/// An answer under way in one of [`RowFormat`]s.
pub(crate) struct Encoder {
    rows: Rows,
    /// What was written and not taken yet.
    out: Buffer,
}

enum Rows {
    Csv,
    Json(JsonRows),
    Lines(JsonRows),
    Arrow(Box<StreamWriter<Buffer>>),
    Parquet(Box<ArrowWriter<Buffer>>),
}

impl Encoder {
    /// Begins an answer whose rows have the columns of `schema`.
    ///
    /// # Errors
    /// If the format has no such columns.
    pub(crate) fn new(format: RowFormat, schema: &SchemaRef) -> Result<Self, OutputError> {
        let out = Buffer::default();
        let rows = match format {
            RowFormat::Csv => {
                csv::header(schema, &mut out.lock());
                Rows::Csv
            }
            RowFormat::Json => {
                out.lock().push(b'[');
                Rows::Json(JsonRows::new(schema))
            }
            RowFormat::Ndjson => Rows::Lines(JsonRows::lines(schema)),
            RowFormat::Arrow => {
                let writer = StreamWriter::try_new(out.clone(), schema).map_err(from_arrow)?;
                Rows::Arrow(Box::new(writer))
            }
            RowFormat::Parquet => {
                let codec = Compression::ZSTD(ZstdLevel::default());
                let properties = WriterProperties::builder().set_compression(codec).build();
                let schema = SchemaRef::clone(schema);
                let writer = ArrowWriter::try_new(out.clone(), schema, Some(properties))?;
                Rows::Parquet(Box::new(writer))
            }
        };
        Ok(Self { rows, out })
    }

    /// Appends rows.
    ///
    /// # Errors
    /// If values of a column's type cannot be written.
    pub(crate) fn append(&mut self, batch: &RecordBatch) -> Result<(), OutputError> {
        match &mut self.rows {
            Rows::Csv => csv::append(batch, &mut self.out.lock())?,
            Rows::Json(rows) | Rows::Lines(rows) => rows.append(batch, &mut self.out.lock())?,
            Rows::Arrow(writer) => writer.write(batch).map_err(from_arrow)?,
            Rows::Parquet(writer) => writer.write(batch)?,
        }
        Ok(())
    }

    /// Ends the answer and gives the last of its bytes.
    ///
    /// # Errors
    /// If what the format keeps to its end cannot be written.
    pub(crate) fn finish(self) -> Result<Vec<u8>, OutputError> {
        match self.rows {
            Rows::Csv | Rows::Lines(_) => {}
            Rows::Json(_) => self.out.lock().extend_from_slice(b"]\n"),
            Rows::Arrow(mut writer) => writer.finish().map_err(from_arrow)?,
            Rows::Parquet(writer) => drop(writer.close()?),
        }
        Ok(self.out.take())
    }

    /// The bytes since the last call.
    pub(crate) fn take(&mut self) -> Vec<u8> {
        self.out.take()
    }
}

/// Bytes that a format's writer writes and the encoder takes: the writers own where they write to.
#[derive(Clone, Default)]
struct Buffer(Arc<Mutex<Vec<u8>>>);

impl Buffer {
    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<u8>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self) -> Vec<u8> {
        mem::take(&mut *self.lock())
    }
}

impl Write for Buffer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.lock().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
