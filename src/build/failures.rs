//! Failing rows that are kept: dbt's `store_failures`.

use super::Workspace;
use super::staging::{self, Shape, WriteError};
use crate::base::hash;
use crate::checks::CheckRun;
use crate::engine::SqlError;
use crate::project::Check;
use crate::record::{CheckStatus, CodeFingerprint, Finding};
use crate::warehouse::{Draft, TableColumn};

#[derive(Debug, thiserror::Error)]
enum KeepError {
    #[error(transparent)]
    Sql(#[from] SqlError),
    #[error(transparent)]
    Write(#[from] WriteError),
}

/// Stages the failing rows of each check that keeps them, as a table of the draft: empty where it passed. One whose table
/// cannot be made is a finding with status `Error`.
pub(super) async fn keep(
    workspace: &Workspace,
    draft: &Draft,
    run: &CheckRun<'_>,
    checks: &[&Check],
    findings: &mut [Finding],
) {
    for (check, finding) in checks.iter().zip(findings) {
        let Some(table) = check.stored.as_ref().filter(|_| finding.status != CheckStatus::Error)
        else {
            continue;
        };
        match keep_one(workspace, draft, run, check).await {
            Ok(()) => finding.stored = Some(table.to_string()),
            Err(error) => {
                finding.status = CheckStatus::Error;
                finding.message = Some(format!("its failures cannot be kept: {error}"));
            }
        }
    }
}

async fn keep_one(
    workspace: &Workspace,
    draft: &Draft,
    run: &CheckRun<'_>,
    check: &Check,
) -> Result<(), KeepError> {
    let Some(table) = &check.stored else { return Ok(()) };
    let sql = run.kept_rows(check);
    let text = hash::of_parts([sql.as_bytes(), env!("CARGO_PKG_VERSION").as_bytes()]);
    let standing = run.state.tables.get(table);
    if let Some(manifest) = standing
        && manifest.code.text == text
        && !manifest.code.volatile
        && staging::inputs_stand(manifest, run.state)
    {
        staging::note_reads(draft, manifest);
        return Ok(());
    }
    let query = run.session.plan(&sql).await?;
    let code = CodeFingerprint { text, plan: query.fingerprint(), volatile: query.volatile() };
    let shape = Shape {
        description: format!("What fails the check `{}`.", check.info.name),
        columns: TableColumn::of(&query.schema()),
        schema: query.schema(),
    };
    staging::rows(workspace, draft, run.state, table, shape, &query, code).await?;
    Ok(())
}
