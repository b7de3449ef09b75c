//! Profiles of views, made by asking them: only where that does not cost as much as building a table.

use arrow::array::RecordBatch;
use futures::TryStreamExt;

use super::{BYTES_MAX, Profiler, ROWS_MAX, TableProfile, column, missing};
use crate::base::size::count;
use crate::engine::{EngineError, Query};
use crate::warehouse::Manifest;

/// A view that groups, joins or sorts reads all its tables before it gives a row: only if they have no more rows.
const ROWS_BEHIND_MAX: u64 = 1_000_000;

pub(super) async fn profile(profiler: &Profiler<'_>, manifest: &Manifest) -> TableProfile {
    let sql = format!("select * from {} limit {}", manifest.table.quoted(), ROWS_MAX + 1);
    let query = match profiler.session.plan(&sql).await {
        Ok(query) => query,
        Err(error) => return missing(error.to_string()),
    };
    let behind = query.rows_behind();
    if behind > ROWS_BEHIND_MAX && !query.is_row_by_row() {
        let behind = count(behind);
        return missing(format!("each look at the view goes through {behind} rows"));
    }
    let Ok(_reserved) = profiler.engine.reserve("a view's profile", BYTES_MAX) else {
        return missing("there is too little memory");
    };
    match first_rows(&query).await {
        Err(error) => missing(error.to_string()),
        Ok((batches, is_whole)) => {
            let rows = batches.iter().map(|batch| batch.num_rows() as u64).sum();
            let manifest = manifest.clone();
            let work = move || column::profile(&manifest, &batches, is_whole.then_some(rows));
            let made = tokio::task::spawn_blocking(work).await;
            made.unwrap_or_else(|_| missing("it could not be computed"))
        }
    }
}

/// The rows up to the limits, and whether these are all.
async fn first_rows(query: &Query) -> Result<(Vec<RecordBatch>, bool), EngineError> {
    let mut stream = query.stream().await?;
    let (mut batches, mut rows, mut bytes) = (Vec::new(), 0_u64, 0_usize);
    while let Some(batch) = stream.try_next().await? {
        rows += batch.num_rows() as u64;
        bytes += batch.get_array_memory_size();
        if rows > ROWS_MAX || bytes > BYTES_MAX {
            let excess = usize::try_from(rows.saturating_sub(ROWS_MAX)).unwrap_or(0);
            batches.push(batch.slice(0, batch.num_rows().saturating_sub(excess)));
            return Ok((batches, false));
        }
        batches.push(batch);
    }
    Ok((batches, true))
}
