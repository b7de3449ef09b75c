//! Reading whole files: what each odd input gives, and that no size of blocks changes it.

mod agreement;
mod files;
mod odd_input;
mod reference;
mod spectrum;

use std::path::Path;
use std::sync::Arc;

use arrow::array::{Array, RecordBatch, StringArray};
use arrow::util::display::array_value_to_string;
use futures::TryStreamExt;

use super::{FileInput, FileSummary, ReadError, ReadSizes, read};
use crate::base::clock::SystemClock;
use crate::ingest::Chunk;
use crate::rules::{ColumnRule, Contract, ReadOptions};

pub(super) fn column(name: &str, data_type: &str) -> ColumnRule {
    ColumnRule {
        name: name.to_owned(),
        data_type: data_type.parse().unwrap(),
        not_null: false,
        format: None,
        null_values: Vec::new(),
    }
}

/// `"id bigint, name text"`, which ignores columns it does not name.
pub(super) fn contract(columns: &str) -> Contract {
    let columns = columns.split(", ").map(|written| {
        let (name, data_type) = written.split_once(' ').unwrap();
        column(name, data_type)
    });
    Contract { columns: columns.collect(), ignore_extra_columns: true, ..Contract::default() }
}

pub(super) fn input(path: &Path, contract: Contract, options: ReadOptions) -> FileInput {
    FileInput {
        path: path.to_owned(),
        name: path.file_name().unwrap().to_string_lossy().into_owned(),
        options: Arc::new(options),
        contract: Arc::new(contract),
        predicates: Vec::new(),
        parallel: 2,
        clock: Arc::new(SystemClock),
        sizes: ReadSizes::default(),
    }
}

/// All that reading a file gave.
#[derive(Debug)]
pub(super) struct Outcome {
    pub(super) chunks: Vec<Chunk>,
    pub(super) summary: FileSummary,
}

#[tokio::main(flavor = "current_thread")]
pub(super) async fn read_whole(input: FileInput) -> Result<Outcome, ReadError> {
    let mut stream = read(input).await?;
    let mut chunks = Vec::new();
    while let Some(chunk) = stream.try_next().await? {
        chunks.push(chunk);
    }
    let summary = stream.summary().expect("the stream has ended").clone();
    Ok(Outcome { chunks, summary })
}

/// Writes `bytes` to a file of that name and reads it.
pub(super) fn read_bytes(
    bytes: &[u8],
    contract: Contract,
    options: ReadOptions,
) -> Result<Outcome, ReadError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("input.csv");
    std::fs::write(&path, bytes).unwrap();
    read_whole(input(&path, contract, options))
}

/// One line for each record, in the file's order: its line number, its bytes, and its cells or reasons.
pub(super) fn told(outcome: &Outcome) -> String {
    let mut lines = Vec::new();
    for chunk in &outcome.chunks {
        assert_eq!(chunk.batch.num_rows(), chunk.positions.len());
        let without_row = chunk.rejects.iter().filter(|reject| reject.row.is_none()).count();
        assert_eq!(chunk.records, (chunk.positions.len() + without_row) as u64);
        for (row, position) in chunk.positions.iter().enumerate() {
            lines.push((position.clone(), cells(&chunk.batch, row).join(" | ")));
        }
        for reject in &chunk.rejects {
            let reasons = reject.reasons.iter().map(|reason| format!("! {}", reason.message));
            match reject.row {
                None => {
                    lines.push((reject.position.clone(), reasons.collect::<Vec<_>>().join(" ")))
                }
                Some(row) => {
                    let start = lines.len() - chunk.positions.len().min(lines.len());
                    let of_row = lines[start..]
                        .iter_mut()
                        .find(|(position, _)| *position == chunk.positions[row])
                        .expect("every row has its line");
                    of_row.1.extend(reasons.map(|reason| format!(" {reason}")));
                }
            }
        }
    }
    lines.sort_by_key(|(position, _)| position.bytes.start);
    let line = |(position, said)| {
        let super::super::Position { line, bytes } = position;
        format!("{line} {}..{} {said}", bytes.start, bytes.end)
    };
    lines.into_iter().map(line).collect::<Vec<String>>().join("\n")
}

/// Text between quotes, null as a dash.
fn cells(batch: &RecordBatch, row: usize) -> Vec<String> {
    let cell = |column: &Arc<dyn Array>| match column.as_any().downcast_ref::<StringArray>() {
        _ if column.is_null(row) => "-".to_owned(),
        Some(text) => format!("{:?}", text.value(row)),
        None => array_value_to_string(column, row).unwrap(),
    };
    batch.columns().iter().map(cell).collect()
}
