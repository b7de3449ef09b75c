//! The record of one run.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::base::{NodeId, RunId, Version};

/// One execution of `build`, `run`, `test` …
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct RunRecord {
    pub(crate) format: u32,
    pub(crate) id: RunId,
    /// The verb: `build`.
    pub(crate) command: String,
    pub(crate) program: String,
    pub(crate) started: DateTime<Utc>,
    pub(crate) finished: DateTime<Utc>,
    /// The version it started from.
    pub(crate) parent: Option<Version>,
    pub(crate) outcome: RunOutcome,
    pub(crate) inputs: Vec<InputCount>,
    pub(crate) nodes: Vec<NodeResult>,
    pub(crate) findings: Vec<Finding>,
    /// What every reader of the run should see besides.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) warnings: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "status")]
pub(crate) enum RunOutcome {
    Published {
        version: Version,
    },
    /// Nothing differs from `version`.
    Unchanged {
        version: Version,
    },
    /// Nothing was published; the draft can be read at `run:ID`.
    Failed {
        reason: String,
    },
}

/// What came in for one source table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct InputCount {
    pub(crate) table: String,
    /// Where its rejects are; empty where it can have none.
    #[serde(default)]
    pub(crate) quarantine: String,
    pub(crate) files: u64,
    pub(crate) bytes: u64,
    pub(crate) rows_read: u64,
    pub(crate) rows_accepted: u64,
    pub(crate) rows_rejected: u64,
    /// Rejects by reason code; a row with two reasons counts under both.
    pub(crate) reasons: BTreeMap<String, u64>,
    /// Whether files were parsed in this run, or stood as they were.
    pub(crate) loaded: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct NodeResult {
    pub(crate) node: NodeId,
    pub(crate) status: NodeStatus,
    /// Rows in the table, where there is one.
    pub(crate) rows: Option<u64>,
    pub(crate) seconds: f64,
    /// Why it was skipped or what went wrong.
    pub(crate) message: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum NodeStatus {
    Built,
    /// The same code over the same inputs: the table stands.
    Unchanged,
    /// Something it needs failed.
    Skipped,
    Failed,
}

/// What a check returned.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Finding {
    pub(crate) check: NodeId,
    /// What kind of check it is, in its dialect's spelling: `unique`, `dbt_utils.accepted_range`,
    /// `expect_column_values_to_be_between`; `singular` for a query of the user's own.
    #[serde(default)]
    pub(crate) kind: String,
    /// What the user says about it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) description: String,
    /// The table it is about, by folded name.
    pub(crate) table: Option<String>,
    pub(crate) column: Option<String>,
    pub(crate) status: CheckStatus,
    /// What dbt calls failures: the result of `fail_calc`, by default the rows returned.
    pub(crate) failures: u64,
    /// How many rows it looked at, where it counted them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) rows: Option<u64>,
    pub(crate) message: Option<String>,
    pub(crate) seconds: f64,
    /// Why it did not share the one scan of its table, where it did not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) apart: Option<String>,
    pub(crate) sample: Option<Sample>,
    /// The table that keeps all its failing rows, where the project asks for that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) stored: Option<String>,
    /// Why it can never fail, where the SQL of its model alone says so; told by the run that judges it anew.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) hollow: Option<String>,
    /// Great Expectations' own result of an expectation: an entry of `results`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) result: Option<serde_json::Value>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum CheckStatus {
    Pass,
    Warn,
    Fail,
    /// It could not be run.
    Error,
    Skipped,
}

impl CheckStatus {
    /// Whether it keeps the run from publishing.
    pub(crate) fn blocks(self) -> bool {
        matches!(self, Self::Fail | Self::Error)
    }
}

/// A few failing rows, as text; null is `None`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Sample {
    pub(crate) columns: Vec<String>,
    pub(crate) rows: Vec<Vec<Option<String>>>,
}

/// What a table was built from, at the two levels at which a rebuild is decided.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct CodeFingerprint {
    /// Hash of the compiled text and settings.
    pub(crate) text: String,
    /// Hash of the planned SQL, with our and the engine's version.
    pub(crate) plan: String,
    /// Not a function of its inputs (`now()`, `random()`): always built.
    pub(crate) volatile: bool,
}
