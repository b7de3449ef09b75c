//! Answers as text and files: one encoding of values for the whole program.

mod cells;
mod csv;
mod encoder;
mod json;
mod table;

use std::io::{self, Write};
use std::str::FromStr;

use arrow::datatypes::SchemaRef;
use futures::TryStreamExt;

use super::{BatchStream, EngineError};
pub(crate) use encoder::{Encoder, RowFormat};
pub(crate) use json::JsonRows;

/// How an answer is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// Boxes for people, as wide as the widest of all values.
    Table,
    Rows(RowFormat),
}

impl Format {
    /// Every format by the name it is asked for with.
    pub(crate) const ALL: &[(&str, Self)] = &[
        ("table", Self::Table),
        ("csv", Self::Rows(RowFormat::Csv)),
        ("json", Self::Rows(RowFormat::Json)),
        ("ndjson", Self::Rows(RowFormat::Ndjson)),
        ("arrow", Self::Rows(RowFormat::Arrow)),
        ("parquet", Self::Rows(RowFormat::Parquet)),
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
    let format = match format {
        Format::Table => return table::write(stream, schema, out).await,
        Format::Rows(format) => format,
    };
    let mut encoder = Encoder::new(format, schema)?;
    let mut rows = 0;
    while let Some(batch) = stream.try_next().await? {
        rows += batch.num_rows() as u64;
        encoder.append(&batch)?;
        out.write_all(&encoder.take())?;
    }
    out.write_all(&encoder.finish()?)?;
    out.flush()?;
    Ok(rows)
}
