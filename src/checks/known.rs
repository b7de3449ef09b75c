//! Checks that passed over the same rows before, so that they need not look again.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::dbt::Test;
use crate::base::{NodeId, TableName, hash};
use crate::project::CheckKind;
use crate::record::Finding;
use crate::warehouse::{State, Warehouse};

/// One entry for all checks of a warehouse, so that it does not grow.
const KEY: &str = "checks that passed";

/// For each check that passed, what it looked at and found.
#[derive(Default)]
pub(super) struct Known(BTreeMap<NodeId, Passed>);

#[derive(Serialize, Deserialize)]
struct Passed {
    /// See [`fingerprint`].
    fingerprint: String,
    rows: Option<u64>,
    /// Of an expectation.
    result: Option<serde_json::Value>,
}

impl Known {
    pub(super) fn recall(warehouse: &Warehouse) -> Self {
        let text = warehouse.recall(KEY).unwrap_or_default();
        Self(serde_json::from_str(&text).unwrap_or_default())
    }

    pub(super) fn remember(&self, warehouse: &Warehouse) {
        if let Ok(text) = serde_json::to_string(&self.0) {
            warehouse.remember(KEY, &text);
        }
    }

    /// Completes the finding of a check that passed over what it would look at now; `false` if it did not.
    pub(super) fn passes(&self, finding: &mut Finding, fingerprint: &str) -> bool {
        let known = self.0.get(&finding.check).filter(|known| known.fingerprint == fingerprint);
        if let Some(known) = known {
            finding.rows = known.rows;
            finding.result.clone_from(&known.result);
        }
        known.is_some()
    }

    pub(super) fn add(&mut self, finding: &Finding, fingerprint: String) {
        let (rows, result) = (finding.rows, finding.result.clone());
        self.0.insert(finding.check.clone(), Passed { fingerprint, rows, result });
    }

    pub(super) fn remove(&mut self, check: &NodeId) {
        self.0.remove(check);
    }
}

/// Hash of the check's SQL and settings with the content of every table it can read. `None` where the answer may change
/// although these do not: SQL of the user's own, or a view's, can ask for the time.
pub(super) fn fingerprint(
    test: &Test<'_>,
    reads: &BTreeSet<TableName>,
    state: &State,
) -> Option<String> {
    let sql = match &test.check.kind {
        CheckKind::Expectation { expectation, parameters, .. } => {
            format!("{} {:?} {parameters:?}", expectation.kind, expectation.kwargs)
        }
        _ => test.failing_rows(),
    };
    let is_users = matches!(
        test.check.kind,
        CheckKind::Singular { .. } | CheckKind::Generic { .. } | CheckKind::Expectation { .. }
    );
    if is_users || test.check.config.filter.is_some() {
        let sql = sql.to_lowercase();
        const CLOCKS: [&str; 6] = ["now", "current_", "today", "random", "uuid", "getdate"];
        if CLOCKS.iter().any(|clock| sql.contains(clock)) {
            return None;
        }
    }
    let settings = format!("{:?}", test.check.config);
    let mut parts = vec![sql, settings, env!("CARGO_PKG_VERSION").to_owned()];
    for table in reads {
        parts.push(state.content(table)?);
    }
    Some(hash::of_parts(parts.iter().map(String::as_bytes)))
}
