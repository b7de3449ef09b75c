//! A contract that all rows of a file hold to, found by reading all of them.
//!
//! Two passes: the first finds types and spellings of null; the second reads the rows under the contract, as loading will,
//! and keeps them, so that keys and ranges can be asked of them. A column of which a value does not fit after all (a quoted
//! word for null) is text.

mod column;
mod sniff;

use std::path::Path;
use std::sync::Arc;

use arrow::array::StringArray;
use futures::TryStreamExt;

use self::column::{Candidates, ColumnSurvey};
pub(crate) use self::sniff::sniff;
use super::Rule;
use super::frame::{BadRecords, FileWriter, FrameError, Kinds, Nulls, TextFile, not_empty};
use super::reading::{FileInput, ReadError, ReadSizes, read, schema};
use crate::engine::TableFiles;
use crate::rules::{ColumnRule, ColumnType, Contract, Encoding, ReadOptions};

/// What was found out about a file.
#[derive(Clone, Debug)]
pub(crate) struct Survey {
    /// How it is to be read.
    pub(crate) options: ReadOptions,
    pub(crate) columns: Vec<SurveyedColumn>,
    /// Its rows, typed by the columns' rules.
    pub(crate) table: TableFiles,
}

#[derive(Clone, Debug)]
pub(crate) struct SurveyedColumn {
    pub(crate) rule: ColumnRule,
    /// As pandas takes it.
    pub(crate) pandas: Kinds,
    /// How Python's strptime reads its days or times, where one format fits all.
    pub(crate) strptime: Option<String>,
    /// Formats of dates that all fit: which one is meant, the values do not tell.
    pub(crate) ambiguous: Vec<&'static str>,
}

/// Reads `file` whole, twice; its typed rows are kept in `folder`. `nulls` are spellings of null, instead of the usual ones.
///
/// # Errors
/// If it cannot be read, or has a record that is ragged or no text in any encoding that comes into question.
pub(crate) async fn survey(
    file: &TextFile,
    nulls: &[String],
    folder: &Path,
) -> Result<Survey, FrameError> {
    let candidates =
        Candidates::new(if nulls.is_empty() { Nulls::default() } else { Nulls::new(nulls) }, nulls);
    match survey_as_is(file, &candidates, folder).await {
        Err(error) if is_undecodable(&error) && file.options.encoding == Encoding::Utf8 => {
            let options =
                ReadOptions { encoding: Encoding::Latin1, ..file.options.as_ref().clone() };
            let file = TextFile { options: Arc::new(options), ..file.clone() };
            survey_as_is(&file, &candidates, folder).await
        }
        other => other,
    }
}

/// Whether nothing is wrong with the file but that it is no UTF-8. One that mostly is has broken bytes, not another encoding.
fn is_undecodable(error: &FrameError) -> bool {
    match error {
        FrameError::Records(bad) => {
            bad.undecodable == bad.total && bad.undecodable > bad.beyond_ascii
        }
        FrameError::Read(error) => matches!(error, ReadError::HeaderEncoding { .. }),
        _ => false,
    }
}

async fn survey_as_is(
    file: &TextFile,
    candidates: &Candidates,
    folder: &Path,
) -> Result<Survey, FrameError> {
    let names = file.header().await?.names;
    not_empty(file, &names)?;
    let surveys = surveys(file, &names, candidates).await?;
    let mut columns: Vec<SurveyedColumn> = std::iter::zip(&names, &surveys)
        .map(|(name, survey)| {
            let (rule, strptime) = survey.rule(name, candidates);
            let (pandas, ambiguous) = (survey.pandas, survey.ambiguous());
            SurveyedColumn { rule, pandas, strptime, ambiguous }
        })
        .collect();
    loop {
        let (table, misfits) = typed(file, &columns, folder).await?;
        if misfits.is_empty() {
            return Ok(Survey { options: file.options.as_ref().clone(), columns, table });
        }
        // Text takes every value, so that this ends.
        for column in columns.iter_mut().filter(|column| misfits.contains(&column.rule.name)) {
            column.rule.data_type = ColumnType::Text;
            column.rule.format = None;
            column.strptime = None;
        }
    }
}

async fn surveys(
    file: &TextFile,
    names: &[String],
    candidates: &Candidates,
) -> Result<Vec<ColumnSurvey>, FrameError> {
    let mut all = vec![ColumnSurvey::default(); names.len()];
    let each = {
        let candidates = candidates.clone();
        move |texts: &[&StringArray]| {
            let surveys = texts.iter().map(|texts| ColumnSurvey::of(texts, &candidates));
            (surveys.collect::<Vec<_>>(), beyond_ascii(texts))
        }
    };
    let mut beyond = 0;
    let mut bad: BadRecords = file
        .read(names, each, async |(found, more): (Vec<ColumnSurvey>, u64)| {
            beyond += more;
            for (all, found) in std::iter::zip(&mut all, &found) {
                *all = all.and(found);
            }
            Ok::<(), FrameError>(())
        })
        .await?;
    bad.beyond_ascii = beyond;
    if bad.total > 0 { Err(FrameError::Records(bad)) } else { Ok(all) }
}

fn beyond_ascii(texts: &[&StringArray]) -> u64 {
    let cells = texts.iter().flat_map(|texts| texts.iter().flatten());
    cells.filter(|text| !text.is_ascii()).count() as u64
}

/// The rows under the contract, and the columns that have values which do not fit.
async fn typed(
    file: &TextFile,
    columns: &[SurveyedColumn],
    folder: &Path,
) -> Result<(TableFiles, Vec<String>), FrameError> {
    let contract = Contract {
        columns: columns.iter().map(|column| column.rule.clone()).collect(),
        ..Contract::default()
    };
    let schema = schema(&contract);
    let keep = |error: &dyn std::fmt::Display| FrameError::Keep {
        file: file.name.clone(),
        folder: folder.display().to_string(),
        reason: error.to_string(),
    };
    let mut writer = FileWriter::start(folder, &schema).map_err(|error| keep(&error))?;
    let mut chunks = read(FileInput {
        path: file.path.clone(),
        name: file.name.clone(),
        options: Arc::clone(&file.options),
        contract: Arc::new(contract),
        predicates: Vec::new(),
        parallel: file.parallel,
        clock: Arc::clone(&file.clock),
        sizes: ReadSizes::default(),
    })
    .await?;
    let mut misfits = Vec::new();
    while let Some(chunk) = chunks.try_next().await? {
        for reason in chunk.rejects.into_iter().flat_map(|reject| reject.reasons) {
            if let Rule::Type { column } = reason.rule {
                misfits.push(column);
            }
        }
        misfits.sort();
        misfits.dedup();
        writer.write(chunk.batch).await;
    }
    let written = writer.finish().await.map_err(|error| keep(&error))?;
    Ok((TableFiles { schema, files: vec![written] }, misfits))
}
