//! Answers many checks with as few scans as there are tables: measures of one table share one, queries run alone.

use std::collections::BTreeMap;
use std::time::Instant;

use arrow::array::{ArrayRef, RecordBatch};
use arrow::compute::concat_batches;
use futures::stream::{self, StreamExt};

use super::form::{Answers, Ask};
use crate::base::TableName;
use crate::engine::{EngineError, Session, SqlError};

/// Answers each of `asks`, in their order. One that cannot be answered keeps no other from its answer.
pub(super) async fn answer(
    session: &Session,
    asks: &[&Ask],
    parallel: usize,
) -> Vec<Result<Answers, SqlError>> {
    let mut by_table: BTreeMap<&TableName, Vec<usize>> = BTreeMap::new();
    for (index, ask) in asks.iter().enumerate() {
        if let Some(subject) = ask.subject.as_ref().filter(|_| !ask.measures.is_empty()) {
            by_table.entry(&subject.table).or_default().push(index);
        }
    }
    let groups = by_table.into_iter().map(|(table, members)| scan(session, table, asks, members));
    let told: Vec<(usize, Told)> =
        stream::iter(groups).buffer_unordered(parallel.max(1)).concat().await;
    let mut answers: Vec<Result<Answers, SqlError>> =
        asks.iter().map(|_| Ok(Answers::default())).collect();
    for (index, told) in told {
        answers[index] =
            told.map(|(measures, seconds)| Answers { measures, queries: Vec::new(), seconds });
    }
    let queries = asks.iter().enumerate().flat_map(|(index, ask)| {
        let numbered = ask.queries.iter().enumerate();
        numbered.map(move |(position, query)| (index, position, query.sql.as_str()))
    });
    let mut rows: Vec<_> = stream::iter(queries)
        .map(|(index, position, sql)| async move {
            let started = Instant::now();
            let rows = all_rows(session, sql).await;
            (index, position, rows, started.elapsed().as_secs_f64())
        })
        .buffer_unordered(parallel.max(1))
        .collect()
        .await;
    rows.sort_by_key(|(index, position, _, _)| (*index, *position));
    for (index, _, rows, seconds) in rows {
        match (&mut answers[index], rows) {
            (Ok(answers), Ok(rows)) => {
                answers.queries.push(rows);
                answers.seconds += seconds;
            }
            (Ok(_), Err(error)) => answers[index] = Err(error),
            (Err(_), _) => {}
        }
    }
    answers
}

type Told = Result<(Vec<ArrayRef>, f64), SqlError>;

/// The measures of all `members`, which are about one table. Where the shared scan cannot be planned or fails, each is
/// asked alone, so that only the bad one suffers.
async fn scan(
    session: &Session,
    table: &TableName,
    asks: &[&Ask],
    members: Vec<usize>,
) -> Vec<(usize, Told)> {
    if let Ok(told) = scan_shared(session, table, asks, &members).await {
        return members.into_iter().zip(told.into_iter().map(Ok)).collect();
    }
    let mut alone = Vec::new();
    for member in members {
        let told = scan_shared(session, table, asks, &[member]).await;
        alone.push((member, told.map(|mut told| told.pop().unwrap_or_default())));
    }
    alone
}

async fn scan_shared(
    session: &Session,
    table: &TableName,
    asks: &[&Ask],
    members: &[usize],
) -> Result<Vec<(Vec<ArrayRef>, f64)>, SqlError> {
    let started = Instant::now();
    // The same measure of several checks is computed once.
    let mut columns: Vec<String> = Vec::new();
    let mut places: BTreeMap<String, usize> = BTreeMap::new();
    let asked: Vec<Vec<usize>> = members
        .iter()
        .map(|&member| {
            let filter =
                asks[member].subject.as_ref().and_then(|subject| subject.filter.as_deref());
            let measures = asks[member].measures.iter().map(|measure| measure.sql(filter));
            measures
                .map(|sql| {
                    *places.entry(sql.clone()).or_insert_with(|| {
                        columns.push(format!("{sql} as m{}", columns.len()));
                        columns.len() - 1
                    })
                })
                .collect()
        })
        .collect();
    let sql = format!("select {} from {}", columns.join(", "), table.quoted());
    let row = all_rows(session, &sql).await?;
    if row.num_rows() != 1 {
        return Err(SqlError::new("no answer"));
    }
    let seconds = started.elapsed().as_secs_f64();
    let told = asked.into_iter().map(|places| {
        (places.into_iter().map(|place| ArrayRef::clone(row.column(place))).collect(), seconds)
    });
    Ok(told.collect())
}

/// All rows of a query as one batch. What does not fit into memory is tried again with a plan that spills.
pub(super) async fn all_rows(session: &Session, sql: &str) -> Result<RecordBatch, SqlError> {
    let query = session.plan(sql).await?;
    let failed = |error: &dyn std::fmt::Display| SqlError::new(error.to_string());
    let batches = match query.collect().await {
        Err(EngineError::Memory(_)) => query.in_little_memory().collect().await,
        told => told,
    };
    let batches = batches.map_err(|error| failed(&error))?;
    concat_batches(&query.schema(), &batches).map_err(|error| failed(&error))
}
