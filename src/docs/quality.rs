//! The quality report as plain data: what each writer is given, and what stands in the JSON.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::profile::ColumnProfile;

/// The format number of the report's JSON; fields are only added within one.
pub(super) const FORMAT: u32 = 1;

/// All that is known of the quality of one version, or of what a failed run left.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct QualityReport {
    pub(super) format: u32,
    /// The program's version that wrote it.
    pub(super) program: String,
    pub(super) verdict: Verdict,
    pub(super) run: RunPart,
    pub(super) totals: Totals,
    /// What every reader should see besides: a column that nobody declared, a table made again.
    pub(super) warnings: Vec<String>,
    /// What could not be built, or was skipped for it.
    pub(super) broken: Vec<BrokenPart>,
    /// By folded table name.
    pub(super) tables: Vec<TablePart>,
    /// All checks, by table and column.
    pub(super) checks: Vec<CheckPart>,
    /// Runs up to this one, oldest first.
    pub(super) history: Vec<PastRun>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Standing {
    Passed,
    Warned,
    Failed,
}

#[derive(Clone, Debug, Serialize)]
pub(super) struct Verdict {
    pub(super) standing: Standing,
    /// `Version 42 published`
    pub(super) headline: String,
    /// `61 rejects, 35 checks passed, 1 warned`
    pub(super) summary: String,
    /// Why nothing was published.
    pub(super) reason: Option<String>,
    /// The version that readers see after the run.
    pub(super) version: Option<u64>,
}

#[derive(Clone, Debug, Serialize)]
pub(super) struct RunPart {
    pub(super) id: String,
    pub(super) command: String,
    /// RFC 3339, in UTC, to the second.
    pub(super) started: String,
    pub(super) finished: String,
    pub(super) seconds: f64,
    pub(super) parent: Option<u64>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct Totals {
    pub(super) files: u64,
    pub(super) rows_read: u64,
    pub(super) rows_accepted: u64,
    pub(super) rows_rejected: u64,
    pub(super) tables: u64,
    /// Of all tables that are no views.
    pub(super) rows: u64,
    pub(super) checks: u64,
    pub(super) passed: u64,
    pub(super) warned: u64,
    pub(super) failed: u64,
    /// Checks that could not be run.
    pub(super) errors: u64,
    pub(super) skipped: u64,
}

#[derive(Clone, Debug, Serialize)]
pub(super) struct BrokenPart {
    pub(super) node: String,
    /// `failed` or `skipped`.
    pub(super) status: &'static str,
    pub(super) message: String,
}

#[derive(Clone, Debug, Serialize)]
pub(super) struct TablePart {
    pub(super) name: String,
    /// `source`, `table` or `view`.
    pub(super) kind: &'static str,
    pub(super) rows: Option<u64>,
    pub(super) bytes: u64,
    /// What was done about it in this run: `built`, `unchanged`, `skipped`, `failed`; `None` where it was not asked for.
    pub(super) status: Option<&'static str>,
    pub(super) input: Option<InputPart>,
    pub(super) profile: ProfilePart,
    pub(super) columns: Vec<ColumnPart>,
}

/// What came in for a source.
#[derive(Clone, Debug, Serialize)]
pub(super) struct InputPart {
    pub(super) quarantine: String,
    pub(super) files: u64,
    pub(super) rows_read: u64,
    pub(super) rows_accepted: u64,
    pub(super) rows_rejected: u64,
    /// The most frequent first.
    pub(super) reasons: Vec<ReasonPart>,
}

#[derive(Clone, Debug, Serialize)]
pub(super) struct ReasonPart {
    /// `check:quantity`
    pub(super) reason: String,
    pub(super) rows: u64,
    pub(super) samples: Vec<RejectPart>,
}

/// One rejected record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct RejectPart {
    pub(super) file: String,
    pub(super) line: u64,
    pub(super) message: String,
    /// What stands in the file, as far as it is text; cut where it is long.
    pub(super) raw: String,
}

/// How many rows a table's profile was made of.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct ProfilePart {
    pub(super) rows_read: u64,
    /// Whether figures are estimates from a part of the rows.
    pub(super) estimated: bool,
    /// Why there is none.
    pub(super) missing: Option<String>,
}

#[derive(Clone, Debug, Serialize)]
pub(super) struct ColumnPart {
    pub(super) name: String,
    /// As SQL spells it.
    pub(super) data_type: String,
    pub(super) description: String,
    pub(super) profile: Option<ColumnProfile>,
}

#[derive(Clone, Debug, Serialize)]
pub(super) struct CheckPart {
    pub(super) id: String,
    /// Without the hash that makes the id unique.
    pub(super) name: String,
    pub(super) kind: String,
    pub(super) description: String,
    pub(super) table: Option<String>,
    pub(super) column: Option<String>,
    /// `pass`, `warn`, `fail`, `error`, `skipped`.
    pub(super) status: &'static str,
    pub(super) failures: u64,
    pub(super) rows: Option<u64>,
    /// Failures over rows, where both are known and of the same kind.
    pub(super) rate: Option<f64>,
    pub(super) message: Option<String>,
    pub(super) seconds: f64,
    pub(super) apart: Option<String>,
    /// Why it can never fail.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) hollow: Option<String>,
    /// What was seen where a check compares one value: `min 3, expected at least 5`.
    pub(super) observed: Option<String>,
    pub(super) sample: Option<SamplePart>,
    /// The table that keeps all its failing rows.
    pub(super) stored: Option<String>,
    /// Its status in the runs up to this one, oldest first.
    pub(super) history: Vec<&'static str>,
}

/// Some failing rows; null is `None`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct SamplePart {
    pub(super) columns: Vec<String>,
    pub(super) rows: Vec<Vec<Option<String>>>,
}

/// One run as the trend shows it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct PastRun {
    pub(super) id: String,
    pub(super) started: String,
    pub(super) command: String,
    pub(super) version: Option<u64>,
    pub(super) standing: Standing,
    pub(super) seconds: f64,
    pub(super) rows_read: u64,
    pub(super) rows_rejected: u64,
    pub(super) passed: u64,
    pub(super) warned: u64,
    pub(super) failed: u64,
    /// Rows of the tables that it made: sources by `source.table`, others by their name, in lower case.
    pub(super) rows: BTreeMap<String, u64>,
}
