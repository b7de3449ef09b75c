//! Answers as text and files: one encoding of values for the whole program.

mod cells;
mod csv;
mod json;
mod table;

use std::io::{self, Write};
use std::str::FromStr;

use arrow::datatypes::SchemaRef;
use arrow::ipc::writer::StreamWriter;
use futures::TryStreamExt;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;

use super::plan::from_arrow;
use super::{BatchStream, EngineError};
pub(crate) use json::JsonRows;

/// How an answer is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// Boxes for people.
    Table,
    Csv,
    /// One array of objects.
    Json,
    /// One object a line.
    Ndjson,
    /// Arrow's IPC stream.
    Arrow,
    Parquet,
}

impl Format {
    /// Every format by the name it is asked for with.
    pub(crate) const ALL: &[(&str, Self)] = &[
        ("table", Self::Table),
        ("csv", Self::Csv),
        ("json", Self::Json),
        ("ndjson", Self::Ndjson),
        ("arrow", Self::Arrow),
        ("parquet", Self::Parquet),
    ];
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{written}` is no format; there are table, csv, json, ndjson, arrow and parquet")]
pub(crate) struct UnknownFormat {
    written: String,
}

impl FromStr for Format {
    type Err = UnknownFormat;

    fn from_str(written: &str) -> Result<Self, UnknownFormat> {
        let found = Self::ALL.iter().find(|(name, _)| name.eq_ignore_ascii_case(written));
        found
            .map(|(_, format)| *format)
            .ok_or_else(|| UnknownFormat { written: written.to_owned() })
    }
}

/// Why an answer was not written to its end.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OutputError {
    #[error(transparent)]
    Engine(#[from] EngineError),
    #[error("cannot write the answer: {0}")]
    Io(#[from] io::Error),
    #[error("cannot write the answer as Parquet: {0}")]
    Parquet(#[from] parquet::errors::ParquetError),
}

/// Writes all rows of `stream`, whose columns are those of `schema`, and returns how many there were.
///
/// # Errors
/// If the query fails under way or `out` does not take the bytes: what was written is then incomplete.
pub(crate) async fn write(
    mut stream: BatchStream,
    schema: &SchemaRef,
    format: Format,
    out: &mut (dyn Write + Send),
) -> Result<u64, OutputError> {
    match format {
        Format::Table => return table::write(stream, schema, out).await,
        Format::Arrow => return write_arrow(stream, schema, out).await,
        Format::Parquet => return write_parquet(stream, schema, out).await,
        Format::Csv | Format::Json | Format::Ndjson => {}
    }
    let mut json = match format {
        Format::Ndjson => JsonRows::lines(schema),
        _ => JsonRows::new(schema),
    };
    let mut buffer = Vec::new();
    match format {
        Format::Csv => csv::header(schema, &mut buffer),
        Format::Json => buffer.push(b'['),
        _ => {}
    }
    let mut rows = 0;
    while let Some(batch) = stream.try_next().await? {
        rows += batch.num_rows() as u64;
        match format {
            Format::Csv => csv::append(&batch, &mut buffer)?,
            _ => json.append(&batch, &mut buffer)?,
        }
        out.write_all(&buffer)?;
        buffer.clear();
    }
    if format == Format::Json {
        buffer.extend_from_slice(b"]\n");
    }
    out.write_all(&buffer)?;
    out.flush()?;
    Ok(rows)
}

async fn write_arrow(
    mut stream: BatchStream,
    schema: &SchemaRef,
    out: &mut (dyn Write + Send),
) -> Result<u64, OutputError> {
    let mut writer = StreamWriter::try_new(out, schema).map_err(from_arrow)?;
    let mut rows = 0;
    while let Some(batch) = stream.try_next().await? {
        rows += batch.num_rows() as u64;
        writer.write(&batch).map_err(from_arrow)?;
    }
    writer.finish().map_err(from_arrow)?;
    writer.get_mut().flush()?;
    Ok(rows)
}

async fn write_parquet(
    mut stream: BatchStream,
    schema: &SchemaRef,
    out: &mut (dyn Write + Send),
) -> Result<u64, OutputError> {
    let codec = Compression::ZSTD(ZstdLevel::default());
    let properties = WriterProperties::builder().set_compression(codec).build();
    let mut writer = ArrowWriter::try_new(out, SchemaRef::clone(schema), Some(properties))?;
    let mut rows = 0;
    while let Some(batch) = stream.try_next().await? {
        rows += batch.num_rows() as u64;
        writer.write(&batch)?;
    }
    writer.close()?;
    Ok(rows)
}
