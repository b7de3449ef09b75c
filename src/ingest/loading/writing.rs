//! Files that are being completed while others are read.

use std::collections::{BTreeMap, VecDeque};

use tokio::task::JoinHandle;

use super::error::LoadError;
use super::output::{FileOutput, Written};
use super::walk::FileResult;
use crate::ingest::reading::FileSummary;

/// Completed files, and those that are on the way.
#[derive(Default)]
pub(super) struct Writing {
    running: VecDeque<Running>,
    pub(super) done: BTreeMap<String, FileResult>,
}

struct Running {
    name: String,
    end: FileSummary,
    task: JoinHandle<Result<Written, LoadError>>,
}

impl Writing {
    /// Completes a file in the background; waits where more than `running_max` are.
    pub(super) async fn add(
        &mut self,
        name: &str,
        end: FileSummary,
        output: FileOutput,
        running_max: usize,
    ) -> Result<(), LoadError> {
        let task = tokio::spawn(output.finish());
        self.running.push_back(Running { name: name.to_owned(), end, task });
        while self.running.len() > running_max {
            self.complete_one().await?;
        }
        Ok(())
    }

    pub(super) async fn finish(mut self) -> Result<BTreeMap<String, FileResult>, LoadError> {
        while !self.running.is_empty() {
            self.complete_one().await?;
        }
        Ok(self.done)
    }

    async fn complete_one(&mut self) -> Result<(), LoadError> {
        let Some(Running { name, end, task }) = self.running.pop_front() else { return Ok(()) };
        let Written { mut loaded, accepted, rejected } =
            task.await.map_err(|_| LoadError::Worker)??;
        loaded.identity = end.identity;
        loaded.hash = end.hash;
        loaded.warnings = end.warnings;
        self.done.insert(name, FileResult { loaded, accepted, rejected, parsed: true });
        Ok(())
    }
}
