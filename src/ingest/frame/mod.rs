//! One CSV file as a table without a contract, as users of data frames have it: typed as `pandas.read_csv` types it.
//!
//! Two passes, both over all of the file: the first finds the types, the second keeps the rows as Parquet, in their order.

mod pandas;
mod text;
mod write;

use std::path::Path;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{Field, Schema, SchemaRef};
use arrow::error::ArrowError;

pub(crate) use self::pandas::{Kinds, Nulls};
pub(crate) use self::text::{BadRecords, TextFile};
pub(super) use self::write::FileWriter;
use super::reading::{ReadError, arrow_type};
use crate::engine::TableFiles;
use crate::rules::ColumnType;

/// Why a file is no table.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FrameError {
    #[error("{0}")]
    Read(#[from] ReadError),
    #[error("{0}")]
    Records(BadRecords),
    #[error("{file}: the file is empty")]
    Empty { file: String },
    #[error("{file}: rows cannot be kept in `{folder}`: {reason}")]
    Keep { file: String, folder: String, reason: String },
    #[error("{file}: rows do not fit their types: {source}")]
    Types { file: String, source: ArrowError },
}

impl FrameError {
    /// What the user can do about it.
    pub(crate) fn hint(&self) -> Option<String> {
        match self {
            Self::Read(ReadError::DuplicateColumns { .. }) => Some(
                "names must differ; is the first record one of data (--no-header), or the delimiter \
                 another (--delimiter)?"
                    .to_owned(),
            ),
            Self::Read(error) => error.hint(),
            Self::Records(_) => Some(
                "mend the file, or say how it is written: --delimiter, --quote, --encoding"
                    .to_owned(),
            ),
            Self::Keep { .. } => Some("TMPDIR names a folder with room".to_owned()),
            Self::Empty { .. } | Self::Types { .. } => None,
        }
    }
}

/// Reads `file` whole and keeps its rows below `folder`.
///
/// Columns are called as pandas calls them: as the header has them, `Unnamed: 0` where it has nothing. Without a header
/// they are `column0`, `column1` … Blanks around a name are left out, as contracts do, but where `is_written` says that
/// somebody writes the name with them, as pandas does.
///
/// # Errors
/// If the file cannot be read, has a record that is ragged or no text, or `folder` cannot take it.
pub(crate) async fn load(
    file: &TextFile,
    nulls: &Nulls,
    folder: &Path,
    is_written: impl Fn(&str) -> bool,
) -> Result<TableFiles, FrameError> {
    let header = file.header().await?;
    not_empty(file, &header.names)?;
    let kinds = kinds(file, &header.names, nulls).await?;
    let types: Vec<ColumnType> = kinds.iter().map(|kinds| kinds.column_type()).collect();
    let names = shown_names(&header.written, &header.names, file.options.header, is_written);
    let fields = std::iter::zip(&names, &types)
        .map(|(name, column_type)| Field::new(name, arrow_type(*column_type), true));
    let schema: SchemaRef = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
    let mut writer =
        FileWriter::start(folder, &schema).map_err(|error| keep(file, folder, &error))?;
    let each = {
        let (schema, nulls) = (Arc::clone(&schema), nulls.clone());
        move |texts: &[&arrow::array::StringArray]| {
            let columns = std::iter::zip(texts, &types)
                .map(|(texts, column_type)| pandas::typed(texts, *column_type, &nulls));
            RecordBatch::try_new(Arc::clone(&schema), columns.collect::<Result<_, _>>()?)
        }
    };
    file.read(&header.names, each, async |batch| {
        let source = |source| FrameError::Types { file: file.name.clone(), source };
        writer.write(batch.map_err(source)?).await;
        Ok::<(), FrameError>(())
    })
    .await?;
    let written = writer.finish().await.map_err(|error| keep(file, folder, &error))?;
    Ok(TableFiles { schema, files: vec![written] })
}

/// # Errors
/// If there is no column, because there is nothing in the file.
pub(super) fn not_empty(file: &TextFile, names: &[String]) -> Result<(), FrameError> {
    match names.is_empty() {
        true => Err(FrameError::Empty { file: file.name.clone() }),
        false => Ok(()),
    }
}

fn keep(file: &TextFile, folder: &Path, error: &dyn std::fmt::Display) -> FrameError {
    let (file, folder) = (file.name.clone(), folder.display().to_string());
    FrameError::Keep { file, folder, reason: error.to_string() }
}

/// What the values of each column have in common.
async fn kinds(file: &TextFile, names: &[String], nulls: &Nulls) -> Result<Vec<Kinds>, FrameError> {
    let mut all = vec![Kinds::default(); names.len()];
    let each = {
        let nulls = nulls.clone();
        move |texts: &[&arrow::array::StringArray]| {
            texts.iter().map(|texts| Kinds::of(texts, &nulls)).collect::<Vec<_>>()
        }
    };
    let bad = file
        .read(names, each, async |found: Vec<Kinds>| {
            for (all, found) in std::iter::zip(&mut all, found) {
                *all = all.and(found);
            }
            Ok::<(), FrameError>(())
        })
        .await?;
    if bad.total > 0 { Err(FrameError::Records(bad)) } else { Ok(all) }
}

/// As pandas calls the columns.
fn shown_names(
    written: &[String],
    names: &[String],
    has_header: bool,
    is_written: impl Fn(&str) -> bool,
) -> Vec<String> {
    let shown = std::iter::zip(written, names).enumerate();
    shown
        .map(|(index, (written, name))| match written.as_str() {
            "" if has_header => format!("Unnamed: {index}"),
            written if has_header && !written.trim().is_empty() && is_written(written) => {
                written.to_owned()
            }
            _ => name.clone(),
        })
        .collect()
}

#[cfg(test)]
mod tests;
