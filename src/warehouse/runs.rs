//! `runs/<id>.json`: the record of each run, with the tables that it left if it failed.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Warehouse;
use super::draft::Draft;
use super::error::WarehouseError;
use super::folder::Durability;
use super::json;
use super::state::State;
use crate::base::{RunId, TableName};
use crate::record::{RunOutcome, RunRecord};

/// The record, and beside its fields the draft.
#[derive(Serialize, Deserialize)]
struct RunFile {
    #[serde(flatten)]
    record: RunRecord,
    /// Hash of each table's manifest, as a version's; absent where the run left no draft.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tables: Option<BTreeMap<TableName, String>>,
}

impl Warehouse {
    /// Writes `runs/<id>.json` durably; with a draft, so that the state it left can be read at `run:ID`.
    ///
    /// The record of a run that changed nothing is not synced: it acknowledges nothing.
    pub(crate) fn write_run(
        &self,
        record: &RunRecord,
        draft: Option<&Draft>,
    ) -> Result<(), WarehouseError> {
        let failed = matches!(record.outcome, RunOutcome::Failed { .. });
        let tables = match draft.filter(|_| failed) {
            Some(draft) => Some(draft.save()?),
            None => None,
        };
        let name = file_name(&record.id);
        let file = RunFile { record: record.clone(), tables };
        let durability = match record.outcome {
            RunOutcome::Unchanged { .. } => Durability::Unsynced,
            RunOutcome::Published { .. } | RunOutcome::Failed { .. } => Durability::Synced,
        };
        let bytes = json::pretty(&self.folder.path(&name), &file)?;
        self.folder.replace(&name, &bytes, durability)
    }

    /// The record of a run.
    ///
    /// # Errors
    /// If there is none, or it cannot be read.
    pub(crate) fn run(&self, id: &RunId) -> Result<RunRecord, WarehouseError> {
        self.run_file(id).map(|file| file.record)
    }

    /// The records of the last `count` runs that began no later than `run`, itself included, newest first. Such as
    /// cannot be read are left out: they are told of where they are asked for.
    ///
    /// # Errors
    /// If the folder cannot be listed.
    pub(crate) fn runs_until(
        &self,
        run: &RunRecord,
        count: usize,
    ) -> Result<Vec<RunRecord>, WarehouseError> {
        let names = self.folder.list("runs")?;
        let ids = names.iter().filter_map(|name| name.strip_suffix(".json")?.parse().ok());
        // An id begins with the second in which its run began; within it the records tell.
        let second = |id: &RunId| id.as_str().split('-').next().unwrap_or_default().to_owned();
        let last = second(&run.id);
        let mut ids: Vec<RunId> = ids.filter(|id| second(id) <= last).collect();
        ids.sort_unstable_by(|one, other| other.cmp(one));
        let records = ids.iter().filter_map(|id| self.run(id).ok());
        let mut records: Vec<RunRecord> =
            records.filter(|record| record.started <= run.started).take(count).collect();
        records.sort_by_key(|record| std::cmp::Reverse(record.started));
        Ok(records)
    }

    /// The state that a run left.
    pub(super) fn at_run(&self, id: &RunId) -> Result<State, WarehouseError> {
        let file = self.run_file(id)?;
        match (file.record.outcome, file.tables) {
            (RunOutcome::Published { version } | RunOutcome::Unchanged { version }, _) => {
                self.at_version(version)
            }
            (RunOutcome::Failed { .. }, Some(tables)) => {
                Ok(State { version: None, tables: self.load_tables(&tables)? })
            }
            (RunOutcome::Failed { .. }, None) => Err(WarehouseError::NoDraft { id: id.clone() }),
        }
    }

    fn run_file(&self, id: &RunId) -> Result<RunFile, WarehouseError> {
        let name = file_name(id);
        let bytes = self.folder.read(&name)?;
        let bytes = bytes.ok_or_else(|| WarehouseError::NoRun { id: id.clone() })?;
        json::parse(&self.folder.path(&name), &bytes)
    }
}

fn file_name(id: &RunId) -> String {
    format!("runs/{id}.json")
}
