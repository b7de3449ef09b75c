//! What a run leaves behind, as plain data: what was read, built and found. Written as JSON, so fields are only added.

mod load;
mod run;
mod verdicts;

pub(crate) use load::{FileIdentity, LoadedFile, SourceLoad};
pub(crate) use run::{
    CheckStatus, CodeFingerprint, Finding, InputCount, NodeResult, NodeStatus, RunOutcome,
    RunRecord, Sample,
};
pub(crate) use verdicts::{Verdict, Verdicts};
