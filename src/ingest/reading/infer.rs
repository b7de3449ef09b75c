//! The types of columns that nobody declared, from every value there is, never from a sample.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use arrow::array::{Array, RecordBatch, StringArray};
use futures::{StreamExt, TryStreamExt};
use tokio::task::spawn_blocking;

use super::cells::spelled;
use super::error::ReadError;
use super::header::names;
use super::open::{Place, open};
use super::{FileInput, ReadSizes, read, same_name};
use crate::base::clock::Clock;
use crate::base::suggest;
use crate::rules::{ColumnRule, ColumnType, Contract, ReadOptions};

/// One file of a table whose columns are to be found out.
#[derive(Clone, Debug)]
pub(crate) struct InferredFile {
    pub(crate) path: PathBuf,
    /// How users know the file.
    pub(crate) name: String,
}

/// The columns of a table that stands in `files`: names from the first file's header, types from all values of all files.
///
/// A column is a boolean (`true`, `false`), bigint, double, date or timestamp if all its values are; else text. A number
/// with a leading zero (`007`) or beyond a bigint is text, since a number would not give it back. A column without any
/// value is text. `declared` says the types of some columns, by name without regard to case.
///
/// # Errors
/// If a file cannot be read, its header names a column twice or lacks one of the first file's, or `declared` names a
/// column that is not there.
pub(crate) async fn infer(
    files: &[InferredFile],
    options: &Arc<ReadOptions>,
    declared: &BTreeMap<String, ColumnType>,
    parallel: usize,
    clock: &Arc<dyn Clock>,
) -> Result<Vec<ColumnRule>, ReadError> {
    let mut columns = Vec::new();
    let mut kinds = Vec::new();
    for file in files {
        let input = FileInput {
            path: file.path.clone(),
            name: file.name.clone(),
            options: Arc::clone(options),
            contract: Arc::default(),
            predicates: Vec::new(),
            parallel,
            clock: Arc::clone(clock),
            sizes: ReadSizes::default(),
        };
        if columns.is_empty() {
            columns = header(&input).await?.names;
            kinds = vec![Kinds::default(); columns.len()];
        }
        add(&mut kinds, input, &columns).await?;
    }
    let file = files.first().map_or("", |file| file.name.as_str());
    declared_columns(file, &columns, declared)?;
    let declared = |name: &str| {
        let same = |(declared, _): &(&String, _)| same_name(declared, name);
        declared.iter().find(same).map(|(_, data_type)| *data_type)
    };
    let typed = std::iter::zip(columns, kinds);
    Ok(typed.map(|(name, kinds)| rule(declared(&name).unwrap_or(kinds.best()), name)).collect())
}

fn rule(data_type: ColumnType, name: String) -> ColumnRule {
    ColumnRule { name, data_type, not_null: false, format: None, null_values: Vec::new() }
}

fn declared_columns(
    file: &str,
    columns: &[String],
    declared: &BTreeMap<String, ColumnType>,
) -> Result<(), ReadError> {
    let known = |name: &String| columns.iter().any(|column| same_name(column, name));
    match declared.keys().find(|name| !known(name)) {
        None => Ok(()),
        Some(column) => Err(ReadError::UnknownColumn {
            file: file.to_owned(),
            column: column.clone(),
            suggestion: suggest::closest(column, columns.iter().map(String::as_str))
                .map(str::to_owned),
        }),
    }
}

/// The columns of a file that nobody declared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    /// As the first record has them; empty texts where it is no header.
    pub(crate) written: Vec<String>,
    /// What they are called: without blanks around, `column0` and so on where nothing is written.
    pub(crate) names: Vec<String>,
}

/// Reads no more than the first record.
///
/// # Errors
/// If the file cannot be read, or two names differ in nothing but case.
pub(crate) async fn header(input: &FileInput) -> Result<Header, ReadError> {
    let place = Place::from(input);
    let file = input.name.clone();
    spawn_blocking(move || {
        let written = open(&place)?.header.unwrap_or_default();
        let names = names(&place.name, &written)?;
        Ok(Header { written, names })
    })
    .await
    .map_err(|_| ReadError::Stopped { file })?
}

/// Narrows `kinds` by the values of one file.
async fn add(kinds: &mut [Kinds], input: FileInput, columns: &[String]) -> Result<(), ReadError> {
    let file = input.name.clone();
    let text = |name: &String| rule(ColumnType::Text, name.clone());
    let contract = Contract {
        columns: columns.iter().map(text).collect(),
        // Which file is first says nothing of the others: all have the same columns.
        ignore_extra_columns: false,
        ..Contract::default()
    };
    let parallel = input.parallel.max(1);
    let chunks = read(FileInput { contract: Arc::new(contract), ..input }).await?;
    let mut found = chunks
        .map(|chunk| {
            let file = file.clone();
            async move {
                let batch = chunk?.batch;
                let kinds = spawn_blocking(move || of_batch(&batch)).await;
                kinds.map_err(|_| ReadError::Stopped { file })
            }
        })
        .buffered(parallel);
    while let Some(found) = found.try_next().await? {
        for (kinds, found) in std::iter::zip(&mut *kinds, found) {
            *kinds = kinds.and(found);
        }
    }
    Ok(())
}

fn of_batch(batch: &RecordBatch) -> Vec<Kinds> {
    let texts = batch.columns().iter().map(|column| column.as_any().downcast_ref::<StringArray>());
    texts
        .map(|texts| {
            let values = texts.into_iter().flat_map(|texts| texts.iter().flatten());
            values.fold(Kinds::default(), |kinds, value| kinds.and(Kinds::of(value)))
        })
        .collect()
}

/// The types that all values seen so far have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Kinds {
    boolean: bool,
    bigint: bool,
    double: bool,
    date: bool,
    timestamp: bool,
    /// Something was seen that counts: a value other than `nan` or `inf`, which are words as well.
    seen: bool,
}

impl Default for Kinds {
    /// Before any value is seen.
    fn default() -> Self {
        Self { boolean: true, bigint: true, double: true, date: true, timestamp: true, seen: false }
    }
}

impl Kinds {
    fn of(value: &str) -> Self {
        let bytes = value.as_bytes();
        let bigint = spelled(ColumnType::BigInt, bytes);
        let number = spelled(ColumnType::Double, bytes);
        // A double would lose digits of a whole number beyond a bigint.
        let whole =
            value.trim().trim_start_matches(['+', '-']).bytes().all(|byte| byte.is_ascii_digit());
        let digits = value.bytes().any(|byte| byte.is_ascii_digit());
        let exact = !leading_zero(value);
        let words = ["true", "false"];
        Self {
            boolean: words.iter().any(|word| value.trim().eq_ignore_ascii_case(word)),
            bigint: bigint && exact,
            double: number && exact && (bigint || !whole || !digits),
            date: spelled(ColumnType::Date, bytes),
            timestamp: spelled(ColumnType::Timestamp, bytes),
            seen: digits || !number,
        }
    }

    fn and(self, other: Self) -> Self {
        Self {
            boolean: self.boolean && other.boolean,
            bigint: self.bigint && other.bigint,
            double: self.double && other.double,
            date: self.date && other.date,
            timestamp: self.timestamp && other.timestamp,
            seen: self.seen || other.seen,
        }
    }

    fn best(self) -> ColumnType {
        match self {
            Self { seen: false, .. } => ColumnType::Text,
            Self { boolean: true, .. } => ColumnType::Boolean,
            Self { bigint: true, .. } => ColumnType::BigInt,
            Self { double: true, .. } => ColumnType::Double,
            Self { date: true, .. } => ColumnType::Date,
            Self { timestamp: true, .. } => ColumnType::Timestamp,
            _ => ColumnType::Text,
        }
    }
}

/// `007`, `-01.5`: the zero would be lost.
fn leading_zero(value: &str) -> bool {
    let mut digits = value.trim().trim_start_matches(['+', '-']).bytes();
    digits.next() == Some(b'0') && digits.next().is_some_and(|byte| byte.is_ascii_digit())
}
