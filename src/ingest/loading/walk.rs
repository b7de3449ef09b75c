//! Goes through the files of a source in order: judges every row, writes what is new or judged differently.
//!
//! A file that is new is parsed, judged and written in one pass. A file that stands is judged by its stored keys, and
//! parsed again only if a row's verdict changed. Where a table refers to itself the verdicts are not known before the
//! last row: then all files are judged first, and written in a second pass.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use arrow::array::ArrayRef;
use tokio::task::JoinHandle;

use super::LoadContext;
use super::changes::{Changes, Previous};
use super::error::LoadError;
use super::family::Family;
use super::feed::{ParsedFile, ReadAhead};
use super::files::InputFile;
use super::input::{Input, Layout};
use super::judge::{Broken, Judge, RuleBits};
use super::output::{FileOutput, Written};
use super::stored::{self, StoredColumns};
use crate::base::progress::Task;
use crate::engine::Reservation;
use crate::ingest::Chunk;
use crate::ingest::reading::FileSummary;
use crate::record::LoadedFile;
use crate::warehouse::DataFile;

/// A file of the source as this load leaves it.
#[derive(Debug, Default)]
pub(super) struct FileResult {
    pub(super) loaded: LoadedFile,
    pub(super) accepted: Vec<DataFile>,
    pub(super) rejected: Vec<DataFile>,
    /// Whether it was parsed.
    pub(super) parsed: bool,
}

/// What a walk needs and never changes.
pub(super) struct Walk<'a> {
    pub(super) context: &'a LoadContext<'a>,
    pub(super) input: &'a Input<'a>,
    pub(super) layout: &'a Layout,
    pub(super) previous: Option<&'a Previous>,
    pub(super) changes: &'a Changes,
    /// References to tables that are as they were: what stored rows broke of them still holds.
    pub(super) spared: RuleBits,
    pub(super) task: &'a dyn Task,
}

/// What was found against the rows of one file.
#[derive(Default)]
struct Survey {
    /// Of a file that was parsed for it.
    end: Option<FileSummary>,
    /// Offsets and rules of the rows that break rules, in order.
    broken: Vec<(u64, RuleBits)>,
    /// Whether that differs from what is stored.
    changed: bool,
    /// All rows, where their verdicts wait for those of others.
    pending: Vec<Pending>,
}

struct Pending {
    offset: u64,
    broken: RuleBits,
    /// What is stored, if the row is.
    stored: Option<RuleBits>,
}

/// Rows to be judged.
struct Rows<'a> {
    columns: &'a [ArrayRef],
    offsets: Vec<u64>,
    /// Whether each breaks no row rule.
    passed: Vec<bool>,
    stored: Option<&'a [i64]>,
}

/// The state of judging.
struct Court {
    judge: Judge,
    family: Option<Family>,
    reservation: Reservation,
}

/// Judges and writes all files; the answer has each by name.
pub(super) async fn walk(walk: &Walk<'_>) -> Result<BTreeMap<String, FileResult>, LoadError> {
    let mut writing = Writing::default();
    let mut surveys = walk.first_pass(&mut writing).await?;
    surveys.retain(|name, survey| {
        let stands = survey.end.is_none() && !survey.changed;
        if stands && let Some(result) = walk.standing(name) {
            writing.done.insert(name.clone(), result);
        }
        !stands
    });
    let files = surveys.keys().filter_map(|name| walk.changes.files.get(name));
    let mut ahead = ReadAhead::new(files.map(|(file, _)| file));
    for (name, survey) in &surveys {
        let parsed = ahead.next(|file| walk.parse(file))?;
        walk.write_known(name, parsed, survey, &mut writing).await?;
    }
    writing.finish().await
}

impl Walk<'_> {
    /// Writes what can be written at once; what was found against the other files is the answer.
    async fn first_pass(
        &self,
        writing: &mut Writing,
    ) -> Result<BTreeMap<String, Survey>, LoadError> {
        let rules = &self.layout.rules;
        let reserve = self.context.engine.reserve(&format!("keys of {}", self.input.table), 0);
        let reservation = reserve.map_err(|source| self.out_of_memory(source))?;
        let mut court = Court { judge: Judge::new(rules), family: Family::new(rules), reservation };
        let mut surveys = BTreeMap::new();
        let parsed_files = self.changes.files.values().filter(|(_, loaded)| loaded.is_none());
        let mut ahead = ReadAhead::new(parsed_files.map(|(file, _)| file));
        for (name, (_, loaded)) in &self.changes.files {
            if let Some(loaded) = loaded {
                surveys.insert(name.clone(), self.survey_stored(loaded, &mut court).await?);
                continue;
            }
            let parsed = ahead.next(|file| self.parse(file))?;
            if court.family.is_some() {
                surveys.insert(name.clone(), self.survey_parsed(parsed, &mut court).await?);
            } else {
                self.write_judged(name, parsed, &mut court, writing).await?;
            }
        }
        if let Some(family) = court.family {
            let mut bits = family.settle().into_iter();
            surveys.values_mut().for_each(|survey| survey.settle(&mut bits));
        }
        Ok(surveys)
    }

    fn parse(&self, file: &InputFile) -> ParsedFile {
        ParsedFile::open(file, &self.input.reading, self.layout, self.context.threads)
    }

    /// Judges the rows of a file as it was stored.
    async fn survey_stored(
        &self,
        loaded: &LoadedFile,
        court: &mut Court,
    ) -> Result<Survey, LoadError> {
        let mut survey = Survey::default();
        let rules = &self.layout.rules;
        let nothing_to_judge =
            rules.keys.is_empty() && rules.references_to(|_| true) & !self.spared == 0;
        if nothing_to_judge {
            return Ok(survey);
        }
        let fields = rules.columns.iter().map(|column| {
            let field = self.layout.accepted.field(*column);
            (field.name().clone(), field.data_type().clone())
        });
        let columns =
            StoredColumns { fields: fields.collect(), wanted: rules.columns_needed(self.spared) };
        let mut batches = stored::read(self.context.warehouse.root(), loaded, &columns);
        while let Some(batch) = batches.recv().await {
            let batch = batch?;
            let rows = Rows {
                columns: batch.key_columns(),
                offsets: batch.offsets().iter().map(|offset| offset.cast_unsigned()).collect(),
                passed: (0..batch.len()).map(|row| batch.passed(row)).collect(),
                stored: Some(batch.broken()),
            };
            self.survey(&rows, &mut survey, court)?;
        }
        Ok(survey)
    }

    /// Judges the rows of a file as it is, without writing them.
    async fn survey_parsed(
        &self,
        mut parsed: ParsedFile,
        court: &mut Court,
    ) -> Result<Survey, LoadError> {
        let mut survey = Survey::default();
        while let Some(chunk) = parsed.next().await? {
            let mut passed = vec![true; chunk.positions.len()];
            chunk
                .rejects
                .iter()
                .filter_map(|reject| reject.row)
                .for_each(|row| passed[row] = false);
            let rows = Rows {
                columns: &self.layout.rules.key_columns(&chunk.batch),
                offsets: chunk.positions.iter().map(|position| position.bytes.start).collect(),
                passed,
                stored: None,
            };
            self.survey(&rows, &mut survey, court)?;
        }
        survey.end = Some(parsed.end()?);
        Ok(survey)
    }

    fn survey(
        &self,
        rows: &Rows<'_>,
        survey: &mut Survey,
        court: &mut Court,
    ) -> Result<(), LoadError> {
        let spared = if rows.stored.is_some() { self.spared } else { 0 };
        let mut broken = vec![0; rows.offsets.len()];
        for found in self.judged(rows.columns, spared, court)? {
            broken[found.row as usize] = found.rules;
        }
        let stored = |row: usize| rows.stored.map(|stored| stored::as_rules(stored[row]));
        for (row, broken) in broken.iter_mut().enumerate() {
            *broken |= stored(row).unwrap_or(0) & spared;
        }
        let Some(family) = &mut court.family else {
            for (row, (offset, broken)) in rows.offsets.iter().zip(broken).enumerate() {
                survey.add(Pending { offset: *offset, broken, stored: stored(row) });
            }
            return Ok(());
        };
        let standing =
            broken.iter().zip(&rows.passed).map(|(broken, passed)| *passed && *broken == 0);
        family
            .add(&self.layout.rules, rows.columns, &standing.collect::<Vec<_>>())
            .map_err(LoadError::keys(self.input.table))?;
        let pending = rows.offsets.iter().zip(broken).enumerate();
        survey.pending.extend(pending.map(|(row, (offset, broken))| Pending {
            offset: *offset,
            broken,
            stored: stored(row),
        }));
        Ok(())
    }

    /// Judges rows and takes the memory that remembering their keys needs.
    fn judged(
        &self,
        columns: &[ArrayRef],
        spared: RuleBits,
        court: &mut Court,
    ) -> Result<Vec<Broken>, LoadError> {
        let broken = court.judge.judge(columns, spared);
        let broken = broken.map_err(LoadError::keys(self.input.table))?;
        let family_bytes = court.family.as_ref().map_or(0, Family::bytes);
        let bytes = court.judge.bytes() + family_bytes;
        court.reservation.resize(bytes).map_err(|source| self.out_of_memory(source))?;
        Ok(broken)
    }

    /// Parses, judges and writes in one pass.
    async fn write_judged(
        &self,
        name: &str,
        mut parsed: ParsedFile,
        court: &mut Court,
        writing: &mut Writing,
    ) -> Result<(), LoadError> {
        let mut output = FileOutput::new(name, self.input.table);
        while let Some(chunk) = parsed.next().await? {
            let columns = self.layout.rules.key_columns(&chunk.batch);
            let broken = self.judged(&columns, 0, court)?;
            self.write_chunk(&mut output, &chunk, &broken).await?;
        }
        writing.add(name, parsed.end()?, output, self.context.threads).await
    }

    /// Parses and writes with verdicts that stand.
    async fn write_known(
        &self,
        name: &str,
        mut parsed: ParsedFile,
        survey: &Survey,
        writing: &mut Writing,
    ) -> Result<(), LoadError> {
        let mut output = FileOutput::new(name, self.input.table);
        let mut known = &survey.broken[..];
        while let Some(chunk) = parsed.next().await? {
            let broken = found_in(&chunk, &mut known);
            self.write_chunk(&mut output, &chunk, &broken).await?;
        }
        let end = parsed.end()?;
        let loaded = self.changes.files.get(name).and_then(|(_, loaded)| loaded.as_ref());
        let surveyed = survey.end.as_ref().map(|end| &end.hash);
        let hash = surveyed.or(loaded.map(|loaded| &loaded.hash));
        if hash.is_some_and(|hash| *hash != end.hash) || !known.is_empty() {
            return Err(LoadError::Changed { file: name.to_owned() });
        }
        writing.add(name, end, output, self.context.threads).await
    }

    async fn write_chunk(
        &self,
        output: &mut FileOutput,
        chunk: &Chunk,
        broken: &[Broken],
    ) -> Result<(), LoadError> {
        let threads = self.context.threads;
        output.write(self.context.draft, self.input, self.layout, chunk, broken, threads).await?;
        self.task.advance(chunk.records, chunk.stored_bytes);
        Ok(())
    }

    /// A file as the last load left it.
    fn standing(&self, name: &str) -> Option<FileResult> {
        let (_, loaded) = self.changes.files.get(name)?;
        let loaded = loaded.clone()?;
        let previous = self.previous?;
        Some(FileResult {
            accepted: previous.data_files(&loaded.accepted),
            rejected: previous.data_files(&loaded.rejected),
            loaded,
            parsed: false,
        })
    }

    fn out_of_memory(&self, source: crate::engine::EngineError) -> LoadError {
        LoadError::Memory { table: self.input.table.clone(), source }
    }
}

impl Survey {
    fn add(&mut self, row: Pending) {
        self.changed |= row.stored.is_some_and(|stored| stored != row.broken);
        if row.broken != 0 {
            self.broken.push((row.offset, row.broken));
        }
    }

    /// Takes what the rows broke besides, once that is known.
    fn settle(&mut self, bits: &mut impl Iterator<Item = RuleBits>) {
        for mut row in std::mem::take(&mut self.pending) {
            row.broken |= bits.next().unwrap_or(0);
            self.add(row);
        }
    }
}

/// The rows of a chunk among those that are known to break rules; they are taken from `known`.
fn found_in(chunk: &Chunk, known: &mut &[(u64, RuleBits)]) -> Vec<Broken> {
    let mut broken = Vec::new();
    let mut rows = (0_u32..).zip(&chunk.positions);
    while let Some((&(offset, rules), rest)) = known.split_first() {
        let Some((row, _)) = rows.find(|(_, position)| position.bytes.start == offset) else {
            break;
        };
        broken.push(Broken { row, rules });
        *known = rest;
    }
    broken
}

/// Files that are being completed while others are read.
#[derive(Default)]
struct Writing {
    running: VecDeque<(String, FileSummary, JoinHandle<Result<Written, LoadError>>)>,
    done: BTreeMap<String, FileResult>,
}

impl Writing {
    async fn add(
        &mut self,
        name: &str,
        end: FileSummary,
        output: FileOutput,
        running_max: usize,
    ) -> Result<(), LoadError> {
        self.running.push_back((name.to_owned(), end, tokio::spawn(output.finish())));
        while self.running.len() > running_max {
            self.complete_one().await?;
        }
        Ok(())
    }

    async fn finish(mut self) -> Result<BTreeMap<String, FileResult>, LoadError> {
        while !self.running.is_empty() {
            self.complete_one().await?;
        }
        Ok(self.done)
    }

    async fn complete_one(&mut self) -> Result<(), LoadError> {
        let Some((name, end, task)) = self.running.pop_front() else { return Ok(()) };
        let Written { mut loaded, accepted, rejected } =
            task.await.map_err(|_| LoadError::Worker)??;
        loaded.identity = end.identity;
        loaded.hash = end.hash;
        loaded.warnings = end.warnings;
        self.done.insert(name, FileResult { loaded, accepted, rejected, parsed: true });
        Ok(())
    }
}
