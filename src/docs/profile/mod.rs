//! Profiles of tables: what values each column holds, exact or from evenly spaced rows, kept until the table changes.
//!
//! Row counts, nulls, minimum and maximum come from the manifest where it tells them; the rest from at most
//! [`ROWS_MAX`] rows, so that a profile costs about the same for any table.

mod column;
mod view;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::base::{TableName, hash};
use crate::engine::{Engine, Session};
use crate::warehouse::{Manifest, SampleLimits, State, TableContent, Warehouse};

/// Changes with what a profile holds or how it is computed: those of before are then made again.
const FORMAT: &str = "2";

/// Rows that a profile looks at at most.
const ROWS_MAX: u64 = 100_000;
/// Memory that these rows may take; wide rows are fewer.
const BYTES_MAX: usize = 64 << 20;

/// What the rows of a table are like.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct TableProfile {
    /// Of a view only where all its rows were read.
    pub(super) rows: Option<u64>,
    /// How many rows were looked at.
    pub(super) rows_read: u64,
    /// Why there is no profile.
    #[serde(default)]
    pub(super) missing: Option<String>,
    /// By column name.
    pub(super) columns: BTreeMap<String, ColumnProfile>,
}

/// What the values of a column are like. Values stand as text.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct ColumnProfile {
    pub(super) nulls: Figure,
    /// Absent for nested values, which are not compared.
    pub(super) distinct: Option<Figure>,
    pub(super) min: Option<String>,
    pub(super) max: Option<String>,
    /// Whether minimum and maximum are of all rows.
    pub(super) range_exact: bool,
    pub(super) mean: Option<f64>,
    pub(super) deviation: Option<f64>,
    /// By percent: 5, 25, 50, 75, 95.
    pub(super) quantiles: BTreeMap<u8, String>,
    pub(super) histogram: Option<Histogram>,
    /// The most frequent values, where values repeat.
    pub(super) top: Vec<TopValue>,
    /// Of text, in characters.
    pub(super) lengths: Option<Lengths>,
}

/// A count of rows, or an estimate of one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Figure {
    pub(super) count: u64,
    pub(super) exact: bool,
}

/// How many values lie in each of equally wide parts of a range.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Histogram {
    pub(super) from: String,
    pub(super) to: String,
    pub(super) counts: Vec<u64>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct TopValue {
    pub(super) value: String,
    /// Among the rows that were looked at.
    pub(super) rows: u64,
    /// Of the rows that were looked at, 0 to 1.
    pub(super) share: f64,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Lengths {
    pub(super) min: u64,
    pub(super) mean: f64,
    pub(super) max: u64,
}

/// What profiles are made with.
pub(super) struct Profiler<'a> {
    pub(super) warehouse: &'a Warehouse,
    pub(super) engine: &'a Engine,
    pub(super) session: &'a Session,
    pub(super) state: &'a State,
}

impl Profiler<'_> {
    /// The profile of `table`, as it was kept or made now.
    pub(super) async fn profile(&self, table: &TableName) -> TableProfile {
        let Some(manifest) = self.state.tables.get(table) else {
            return missing("the table does not stand");
        };
        let content = self.content(manifest);
        let key = format!("profile of {}", table.folded());
        let kept = self.warehouse.recall(&key);
        let kept = kept.and_then(|text| serde_json::from_str::<Kept>(&text).ok());
        if let Some(kept) = kept.filter(|kept| kept.content == content) {
            return kept.profile;
        }
        let profile = match &manifest.content {
            TableContent::View { .. } => view::profile(self, manifest).await,
            TableContent::Files { .. } => self.profile_files(manifest).await,
        };
        let kept = Kept { content, profile };
        if let Ok(text) = serde_json::to_string(&kept) {
            self.warehouse.remember(&key, &text);
        }
        kept.profile
    }

    async fn profile_files(&self, manifest: &Manifest) -> TableProfile {
        let rows = manifest.files().iter().map(|file| file.rows).sum();
        let Ok(_reserved) = self.engine.reserve("a table's profile", BYTES_MAX) else {
            return missing("there is too little memory");
        };
        let limits = SampleLimits { rows: ROWS_MAX, bytes: BYTES_MAX };
        let (warehouse, manifest) = (self.warehouse.clone(), manifest.clone());
        let work = move || {
            let sample = warehouse.sample(&manifest, &limits);
            sample.map(|batches| column::profile(&manifest, &batches, Some(rows)))
        };
        match tokio::task::spawn_blocking(work).await {
            Ok(Ok(profile)) => profile,
            Ok(Err(error)) => missing(error.to_string()),
            Err(_) => missing("it could not be computed"),
        }
    }

    /// Hash of what the profile depends on: of a view also the content of what it reads.
    fn content(&self, manifest: &Manifest) -> String {
        let now = |folded: &String| {
            let name: Option<TableName> = folded.parse().ok();
            let read = name.and_then(|name| self.state.tables.get(&name));
            read.map(|read| read.content_hash.clone()).unwrap_or_default()
        };
        let inputs: Vec<String> = match &manifest.content {
            TableContent::View { .. } => manifest.inputs.keys().map(now).collect(),
            TableContent::Files { .. } => Vec::new(),
        };
        let types: Vec<String> = manifest
            .columns
            .iter()
            .map(|column| format!("{}\0{}", column.name, column.data_type))
            .collect();
        let parts = [FORMAT, env!("CARGO_PKG_VERSION"), &manifest.content_hash];
        let parts = parts.into_iter().chain(inputs.iter().chain(&types).map(String::as_str));
        hash::of_parts(parts.map(str::as_bytes))
    }
}

/// A profile with the hash of what it was made of.
#[derive(Serialize, Deserialize)]
struct Kept {
    content: String,
    profile: TableProfile,
}

fn missing(reason: impl Into<String>) -> TableProfile {
    TableProfile { missing: Some(reason.into()), ..TableProfile::default() }
}
