//! How the checks of a version went: what stands with the version, so that a check which came, went, was changed or fares
//! otherwise makes a new one.

use super::run::reads;
use crate::base::{TableName, hash};
use crate::engine;
use crate::project::{Check, CheckKind, Node, Project};
use crate::record::{Finding, Verdict, Verdicts};
use crate::warehouse::{FORMAT, State};

/// Those of `before` (a verdicts file about the tables of `then`) that still are of the project and of what there is `now`,
/// and the new ones.
pub(crate) fn verdicts(
    before: Option<&[u8]>,
    (then, now): (&State, &State),
    project: &Project,
    findings: &[Finding],
) -> Verdicts {
    let before = before.and_then(Verdicts::read);
    let mut checks = before.map(|file| file.checks).unwrap_or_default();
    checks.retain(|id, verdict| match project.nodes.get(id) {
        Some(Node::Check(check)) => {
            let stands = |table: &TableName| {
                let content = now.content(table);
                content.is_some() && content == then.content(table)
            };
            verdict.definition == definition(check) && reads(project, now, check).iter().all(stands)
        }
        _ => false,
    });
    for finding in findings {
        if let Some(Node::Check(check)) = project.nodes.get(&finding.check) {
            let target = check.target.as_ref().and_then(|target| project.nodes.get(target));
            let verdict = Verdict {
                definition: definition(check),
                status: finding.status,
                failures: finding.failures,
                table: target.and_then(Node::table).cloned(),
            };
            checks.insert(finding.check.clone(), verdict);
        }
    }
    Verdicts { format: FORMAT, checks }
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
