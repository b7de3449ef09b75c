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
