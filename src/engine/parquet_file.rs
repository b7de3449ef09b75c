//! A Parquet file that somebody else wrote, as a table read in place.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, TimeUnit};
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions};
use parquet::errors::ParquetError;

use super::{TableFile, TableFiles};

/// Why a Parquet file is no table. `file` is the name that the user knows it by.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ParquetFileError {
    #[error("{file}: cannot be read: {source}")]
    Io { file: String, source: std::io::Error },
    #[error("{file}: is no Parquet file, or damaged: {source}")]
    Damaged { file: String, source: ParquetError },
    #[error("{file}: has more than one column called `{column}`; names ignore case")]
    DuplicateColumns { file: String, column: String },
    #[error("{file}: the column `{column}` is of the type {data_type}, which is not supported")]
    Type { file: String, column: String, data_type: DataType },
}

/// Reads no more than the file's footer.
///
/// # Errors
/// If it is no Parquet file, or has columns that no query can tell apart or read.
pub(crate) fn parquet_file(path: &Path, name: &str) -> Result<TableFiles, ParquetFileError> {
    let io = |source| ParquetFileError::Io { file: name.to_owned(), source };
    let path = std::path::absolute(path).map_err(io)?;
    let file = File::open(&path).map_err(io)?;
    let bytes = file.metadata().map_err(io)?.len();
    let read = ArrowReaderMetadata::load(&file, ArrowReaderOptions::new())
        .map_err(|source| ParquetFileError::Damaged { file: name.to_owned(), source })?;
    let rows = read.metadata().file_metadata().num_rows();
    let mut fields: Vec<Field> = Vec::new();
    for field in read.schema().fields() {
        let same = |other: &Field| other.name().to_lowercase() == field.name().to_lowercase();
        if fields.iter().any(same) {
            let column = field.name().clone();
            return Err(ParquetFileError::DuplicateColumns { file: name.to_owned(), column });
        }
        let data_type = readable(field.data_type()).ok_or_else(|| ParquetFileError::Type {
            file: name.to_owned(),
            column: field.name().clone(),
            data_type: field.data_type().clone(),
        })?;
        fields.push(Field::new(field.name(), data_type, true));
    }
    let listed = TableFile { path, bytes, rows: u64::try_from(rows).unwrap_or(0) };
    Ok(TableFiles { schema: Arc::new(Schema::new(fields)), files: vec![listed] })
}

/// The type in which queries read a column: dictionaries as their values, times and timestamps in microseconds. `None`
/// where there is none.
fn readable(data_type: &DataType) -> Option<DataType> {
    use DataType as T;
    Some(match data_type {
        T::Dictionary(_, value) => readable(value)?,
        T::Utf8View | T::LargeUtf8 => T::Utf8,
        T::BinaryView | T::LargeBinary | T::FixedSizeBinary(_) => T::Binary,
        T::Timestamp(_, zone) => T::Timestamp(TimeUnit::Microsecond, zone.clone()),
        T::Time32(_) | T::Time64(_) => T::Time64(TimeUnit::Microsecond),
        T::Date64 => T::Date32,
        T::Float16 => T::Float32,
        T::Decimal32(precision, scale) | T::Decimal64(precision, scale) => {
            T::Decimal128(*precision, *scale)
        }
        T::Null => T::Float64,
        T::Duration(_) | T::Interval(_) | T::Union(..) | T::RunEndEncoded(..) | T::Map(..) => {
            return None;
        }
        other => other.clone(),
    })
}
