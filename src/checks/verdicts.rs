//! How the checks of a version went: what stands with the version, so that a check which came, went, was changed or fares
//! otherwise makes a new one.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::base::{NodeId, hash};
use crate::engine;
use crate::project::{Check, CheckKind, Node, Project};
use crate::record::{CheckStatus, Finding};
use crate::warehouse::FORMAT;

/// `verdicts/<hash>.json`.
#[derive(Serialize, Deserialize)]
pub(crate) struct Verdicts {
    format: u32,
    checks: BTreeMap<NodeId, Verdict>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Verdict {
    /// Hash of what is checked and how it is judged.
    definition: String,
    status: CheckStatus,
    failures: u64,
}

impl Verdicts {
    /// Those of `before` (a verdicts file) that still are of the project, and the new ones.
    pub(crate) fn after(before: Option<&[u8]>, project: &Project, findings: &[Finding]) -> Self {
        // A file that a later program wrote in another form tells this one nothing.
        let before: Option<Self> = before.and_then(|bytes| serde_json::from_slice(bytes).ok());
        let mut checks = before.map(|file| file.checks).unwrap_or_default();
        checks.retain(|id, _| matches!(project.nodes.get(id), Some(Node::Check(_))));
        for finding in findings {
            if let Some(Node::Check(check)) = project.nodes.get(&finding.check) {
                let (status, failures) = (finding.status, finding.failures);
                let verdict = Verdict { definition: definition(check), status, failures };
                checks.insert(finding.check.clone(), verdict);
            }
        }
        Self { format: FORMAT, checks }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.checks.is_empty()
    }

    pub(crate) fn warned(&self) -> u64 {
        let warned = |verdict: &&Verdict| verdict.status == CheckStatus::Warn;
        self.checks.values().filter(warned).count() as u64
    }

    pub(crate) fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }
}

/// Layout and comments of SQL are no part of it.
fn definition(check: &Check) -> String {
    let what = match &check.kind {
        CheckKind::Generic { sql, .. } | CheckKind::Singular { sql } => {
            engine::normalised(&sql.text)
        }
        kind => format!("{kind:?}"),
    };
    let how = format!("{:?}", check.config);
    hash::of_parts([check.kind.name().as_bytes(), what.as_bytes(), how.as_bytes()])
}
