//! Goes through the files of a source in order: judges every row, writes what is new or judged differently.
//!
//! A file that is new is parsed, judged and written in one pass. A file that stands is judged by its stored keys, and
//! parsed again only if a row's verdict changed. Where a table refers to itself the verdicts are not known before the
//! last row: then all files are judged first, and written in a second pass.

use std::collections::BTreeMap;

use arrow::array::ArrayRef;

use super::LoadContext;
use super::changes::{Changes, Previous};
use super::error::LoadError;
use super::family::Family;
use super::feed::{ParsedFile, ReadAhead};
use super::files::InputFile;
use super::input::{Input, Layout};
use super::judge::{Broken, Judge, RuleBits};
use super::output::FileOutput;
use super::stored::{self, StoredColumns};
use super::survey::{Pending, Rows, Survey, found_in};
use super::writing::Writing;
use crate::base::progress::Task;
use crate::engine::Reservation;
use crate::ingest::Chunk;
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

/// The state of judging.
struct Court {
    judge: Judge,
    family: Option<Family>,
    /// What waits to be written down of surveys.
    surveys_bytes: usize,
    reservation: Reservation,
}

/// Judges and writes all files; the answer has each by name.
pub(super) async fn walk(walk: &Walk<'_>) -> Result<BTreeMap<String, FileResult>, LoadError> {
    let mut writing = Writing::default();
    let mut surveys = walk.first_pass(&mut writing).await?;
    let data = walk.previous.map(Previous::data_files).unwrap_or_default();
    surveys.retain(|name, survey| {
        let stands = survey.end.is_none() && !survey.changed;
        if stands && let Some(result) = walk.standing(name, &data) {
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
        let mut court = Court {
            judge: Judge::new(rules),
            family: Family::new(rules),
            surveys_bytes: 0,
            reservation,
        };
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
            let rejected = chunk.rejects.iter().filter_map(|reject| reject.row);
            rejected.for_each(|row| passed[row] = false);
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
        let mut pending = Vec::with_capacity(broken.len());
        for (row, (offset, broken)) in rows.offsets.iter().zip(broken).enumerate() {
            let stored = rows.stored.map(|stored| stored::as_rules(stored[row]));
            let broken = broken | stored.unwrap_or(0) & spared;
            pending.push(Pending { offset: *offset, broken, stored });
        }
        court.surveys_bytes += Survey::bytes_with(&pending, court.family.is_some());
        let Some(family) = &mut court.family else {
            pending.iter().for_each(|row| survey.add(row));
            return Ok(());
        };
        let standing =
            pending.iter().zip(&rows.passed).map(|(row, passed)| *passed && row.broken == 0);
        family
            .add(&self.layout.rules, rows.columns, &standing.collect::<Vec<_>>())
            .map_err(LoadError::keys(self.input.table))?;
        survey.pending.append(&mut pending);
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
        let bytes = court.judge.bytes() + family_bytes + court.surveys_bytes;
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
    fn standing(&self, name: &str, data: &BTreeMap<&str, &DataFile>) -> Option<FileResult> {
        let (_, loaded) = self.changes.files.get(name)?;
        let loaded = loaded.clone()?;
        let files = |names: &[String]| {
            names.iter().filter_map(|name| data.get(name.as_str()).copied().cloned()).collect()
        };
        let (accepted, rejected) = (files(&loaded.accepted), files(&loaded.rejected));
        Some(FileResult { loaded, accepted, rejected, parsed: false })
    }

    fn out_of_memory(&self, source: crate::engine::EngineError) -> LoadError {
        LoadError::Memory { table: self.input.table.clone().into(), source }
    }
}
