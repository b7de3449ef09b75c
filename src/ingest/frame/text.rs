//! A file's cells as text, every one of them: nothing is null and nothing is typed. Records that have no row are an error.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use arrow::array::{Array, RecordBatch, StringArray};
use futures::{StreamExt, TryStreamExt};
use tokio::task::spawn_blocking;

use crate::base::clock::Clock;
use crate::base::size::counted;
use crate::ingest::reading::{FileInput, Header, ReadError, ReadSizes, header, read};
use crate::ingest::{RowReject, Rule};
use crate::rules::{ColumnRule, ColumnType, Contract, ReadOptions};

/// How many records without a row an error tells of, the first ones.
const BAD_RECORDS_SHOWN: usize = 5;

/// One file to read without a contract.
#[derive(Clone)]
pub(crate) struct TextFile {
    pub(crate) path: PathBuf,
    /// How users know the file.
    pub(crate) name: String,
    pub(crate) options: Arc<ReadOptions>,
    pub(crate) parallel: usize,
    pub(crate) clock: Arc<dyn Clock>,
}

/// Records that are ragged or no text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct BadRecords {
    pub(crate) file: String,
    pub(crate) total: u64,
    /// Those of them that are no text in the encoding of the file.
    pub(crate) undecodable: u64,
    /// Cells of other records that are text and more than ASCII, where they were counted.
    pub(crate) beyond_ascii: u64,
    /// Line and what is wrong, of the first ones.
    pub(crate) first: Vec<(u64, String)>,
}

impl fmt::Display for BadRecords {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} cannot be read", counted(self.total, "record"))?;
        for (line, message) in &self.first {
            write!(f, "\n  {}:{line}: {message}", self.file)?;
        }
        if self.total > self.first.len() as u64 {
            f.write_str("\n  …")?;
        }
        Ok(())
    }
}

impl TextFile {
    fn input(&self, contract: Contract) -> FileInput {
        FileInput {
            path: self.path.clone(),
            name: self.name.clone(),
            options: Arc::new(ReadOptions {
                null_values: Vec::new(),
                empty_is_null: false,
                ..self.options.as_ref().clone()
            }),
            contract: Arc::new(contract),
            predicates: Vec::new(),
            parallel: self.parallel,
            clock: Arc::clone(&self.clock),
            sizes: ReadSizes::default(),
        }
    }

    /// The columns' names.
    ///
    /// # Errors
    /// If the file cannot be read, or two names differ in nothing but case.
    pub(crate) async fn header(&self) -> Result<Header, ReadError> {
        header(&self.input(Contract::default())).await
    }

    /// Gives `each` the columns of the rows, piece by piece, on several threads; its answers go to `take` in the rows'
    /// order. `columns` are all that the header has. The answer tells of records that have no row.
    ///
    /// # Errors
    /// If the file cannot be read, or `take` fails.
    pub(crate) async fn read<T, E>(
        &self,
        columns: &[String],
        each: impl Fn(&[&StringArray]) -> T + Clone + Send + 'static,
        mut take: impl AsyncFnMut(T) -> Result<(), E>,
    ) -> Result<BadRecords, E>
    where
        T: Send + 'static,
        E: From<ReadError>,
    {
        let columns = columns.iter().map(|name| ColumnRule {
            name: name.clone(),
            data_type: ColumnType::Text,
            not_null: false,
            format: None,
            null_values: Vec::new(),
        });
        let contract = Contract {
            columns: columns.collect(),
            ignore_extra_columns: true,
            ..Contract::default()
        };
        let mut bad = BadRecords {
            file: self.name.clone(),
            total: 0,
            undecodable: 0,
            beyond_ascii: 0,
            first: Vec::new(),
        };
        let chunks = read(self.input(contract)).await?;
        let mut found = chunks
            .map(|chunk| {
                let (file, each) = (self.name.clone(), each.clone());
                async move {
                    let chunk = chunk?;
                    let rejects = chunk.rejects;
                    let answer = spawn_blocking(move || each(&texts(&chunk.batch))).await;
                    Ok((answer.map_err(|_| ReadError::Stopped { file })?, rejects))
                }
            })
            .buffered(self.parallel.max(1));
        while let Some((answer, rejects)) = found.try_next().await.map_err(|e: ReadError| e)? {
            bad.total += rejects.len() as u64;
            let undecodable = rejects.iter().filter(|reject| is_undecodable(reject));
            bad.undecodable += undecodable.count() as u64;
            for reject in rejects.iter().take(BAD_RECORDS_SHOWN - bad.first.len()) {
                let messages = reject.reasons.iter().map(|reason| reason.message.as_str());
                let message = messages.collect::<Vec<_>>().join(", ");
                bad.first.push((reject.position.line, message));
            }
            take(answer).await?;
        }
        Ok(bad)
    }
}

fn is_undecodable(reject: &RowReject) -> bool {
    reject.reasons.iter().any(|reason| reason.rule == Rule::Encoding)
}

fn texts(batch: &RecordBatch) -> Vec<&StringArray> {
    let columns = batch.columns().iter();
    columns.filter_map(|column| column.as_any().downcast_ref::<StringArray>()).collect()
}
