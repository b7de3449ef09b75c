//! One page of an endpoint's rows, from the cache or made.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::RecordBatch;
use axum::http::HeaderMap;
use axum::response::Response;
use futures::stream;

use super::negotiate::{self, Coding};
use super::repeats::Repeatable;
use super::{Answered, Cached, Facts, Kept, Origin, Rows, Tag, Written, coding_of};
use crate::api::problem::Problem;
use crate::api::respond::{self, Meta, PageView};
use crate::api::versions::{Served, ServedEndpoint, Versions};
use crate::endpoints::{PlannedEndpoint, Request};
use crate::engine::output::RowFormat;
use crate::engine::{Resident, SqlError, int_at};

/// Answers the page that `request` asks for. `path` is where links to other pages point.
///
/// # Errors
/// What is wrong with the form that is asked for, and what keeps the query from running.
pub(in crate::api) async fn page(
    versions: &Versions,
    served: &Arc<Served>,
    endpoint: &Arc<ServedEndpoint>,
    path: &str,
    request: &Request,
    headers: &HeaderMap,
) -> Result<Response, Problem> {
    let format = negotiate::format(request.format.as_deref(), headers)?;
    let coding = coding_of(format, headers);
    let tag =
        (!endpoint.planned.volatile()).then(|| tag(served, endpoint, request, format, coding));
    let facts =
        |links| Facts { served, as_of: &endpoint.as_of, tag: tag.as_ref(), format, coding, links };
    let told = |mut response: Response, rows, from| {
        let (endpoint, version) = (Arc::clone(&endpoint.name), served.version);
        let answered = Answered { endpoint, version, rows, format, from };
        response.extensions_mut().insert(answered);
        response
    };
    if tag.as_ref().is_some_and(|tag| tag.is_known(headers)) {
        return Ok(told(facts(&[]).not_modified(), None, Origin::Client));
    }
    let page = Page { served, endpoint, path, request, format, coding };
    // A long answer cannot be shared: it goes to the one who made it.
    let begun = Mutex::new(None);
    let ran = AtomicBool::new(false);
    let make = async {
        let Made { written, links, rows } = page.make(versions).await?;
        ran.store(true, Ordering::Relaxed);
        match written {
            Written::Whole(body) => Ok(Cached::Whole(Arc::new(Kept { body, links, rows }))),
            Written::Begun(rest) => {
                let mut begun = begun.lock().unwrap_or_else(PoisonError::into_inner);
                *begun = Some((rest, links, rows));
                Ok(Cached::TooLong)
            }
        }
    };
    let answer = match &tag {
        Some(tag) => versions.answers.get(tag, make).await?,
        None => make.await?,
    };
    if let Cached::Whole(kept) = answer {
        let from = if ran.into_inner() { Origin::Query } else { Origin::Cache };
        let mut response = told(facts(&kept.links).with(kept.body.clone()), Some(kept.rows), from);
        if let (Some(tag), Origin::Cache) = (tag, from) {
            response.extensions_mut().insert(Repeatable { version: served.version, tag });
        }
        return Ok(response);
    }
    let begun = begun.into_inner().unwrap_or_else(PoisonError::into_inner);
    let (rest, links, rows) = match begun {
        Some(begun) => begun,
        None => {
            let Made { written, links, rows } = page.make(versions).await?;
            match written {
                Written::Whole(body) => {
                    return Ok(told(facts(&links).with(body), Some(rows), Origin::Query));
                }
                Written::Begun(rest) => (rest, links, rows),
            }
        }
    };
    let response = facts(&links).with(rest.body(versions.queries(endpoint)));
    Ok(told(response, Some(rows), Origin::Query))
}

/// Names all that the answer is made of.
fn tag(
    served: &Served,
    endpoint: &ServedEndpoint,
    request: &Request,
    format: RowFormat,
    coding: Coding,
) -> Tag {
    Tag::of([
        endpoint.depends_on.as_str(),
        &endpoint.data_version.to_string(),
        &request.key(),
        &format!("{format:?} {coding:?} {} {}", served.tested, served.warned),
    ])
}

/// One page to be made.
struct Page<'a> {
    served: &'a Arc<Served>,
    endpoint: &'a Arc<ServedEndpoint>,
    path: &'a str,
    request: &'a Request,
    format: RowFormat,
    coding: Coding,
}

struct Made {
    written: Written,
    links: Vec<(&'static str, String)>,
    rows: u64,
}

impl Page<'_> {
    /// Runs the page's query on the threads for queries and writes what comes.
    async fn make(&self, versions: &Versions) -> Result<Made, Problem> {
        let (served, endpoint) = (Arc::clone(self.served), Arc::clone(self.endpoint));
        let (path, request) = (self.path.to_owned(), self.request.clone());
        let (format, coding) = (self.format, self.coding);
        let queries = versions.queries(self.endpoint);
        let resident = versions.residents.get(&endpoint, queries);
        let making = async move {
            let found = find(&endpoint.planned, &request, resident.as_deref()).await?;
            write(found, &served, &endpoint, &path, &request, format, coding).await
        };
        queries.run(making).await?
    }
}

/// The rows of a page and one more, if there is one; the number of all rows, if it is asked for.
struct Found {
    batches: Vec<RecordBatch>,
    total: Option<u64>,
}

async fn find(
    planned: &PlannedEndpoint,
    request: &Request,
    resident: Option<&Resident>,
) -> Result<Found, Problem> {
    let unbound = |error: SqlError| match &request.page.cursor {
        Some(_) => Problem::parameter("cursor", "it is no cursor of this endpoint".to_owned()),
        None => Problem::of_statement(error.message),
    };
    if let Some(resident) = resident {
        let batches = planned.select(resident, request).map_err(unbound)?.rows()?;
        let all = request.count.then(|| PlannedEndpoint::select_all(resident, request));
        let all = all.transpose().map_err(unbound)?;
        let total = all.map(|all| all.count()).transpose()?;
        return Ok(Found { batches, total });
    }
    let batches = planned.bind(request).map_err(unbound)?.collect().await?;
    let total = match request.count {
        true => Some(count(planned, request).await?),
        false => None,
    };
    Ok(Found { batches, total })
}

async fn write(
    found: Found,
    served: &Served,
    endpoint: &ServedEndpoint,
    path: &str,
    request: &Request,
    format: RowFormat,
    coding: Coding,
) -> Result<Made, Problem> {
    let planned = &endpoint.planned;
    let Found { mut batches, total } = found;
    let limit = request.page.limit;
    let found: u64 = batches.iter().map(|batch| batch.num_rows() as u64).sum();
    let mut left = usize::try_from(limit).unwrap_or(usize::MAX);
    for batch in &mut batches {
        *batch = batch.slice(0, batch.num_rows().min(left));
        left -= batch.num_rows();
    }
    let rows = found.min(limit);
    let url = |query: &str| format!("{path}?{query}");
    let next = match found > limit {
        true if request.linked() => {
            let mut cursor = planned.cursor(served.version, request, &batches)?;
            cursor.depends_on = endpoint.mark().to_owned();
            Some(url(&request.next_query(&cursor)))
        }
        _ => None,
    };
    let offset = request.page.rows_before();
    // Where no link says so.
    let more = (!request.linked()).then_some(found > limit);
    let view = PageView { limit, offset, next: next.clone(), total, more };
    let meta = Meta::of(served, endpoint, rows);
    let tail = respond::tail(&view, &meta);
    let rows_of = Rows {
        schema: planned.schema(),
        batches: Box::pin(stream::iter(batches.into_iter().map(Ok))),
        tail,
    };
    let written = rows_of.write(format, coding).await?;
    let mut links = Vec::new();
    links.extend(next.map(|next| ("next", next)));
    if request.linked() {
        links.push(("first", url(&request.first_query())));
    }
    Ok(Made { written, links, rows })
}

async fn count(planned: &PlannedEndpoint, request: &Request) -> Result<u64, Problem> {
    let query = planned.count(request).map_err(|error| Problem::of_statement(error.message))?;
    let batches = query.collect().await?;
    let counted = batches.iter().find(|batch| batch.num_rows() == 1);
    let count = counted.and_then(|batch| int_at(batch.column(0).as_ref(), 0));
    count
        .and_then(|count| u64::try_from(count).ok())
        .ok_or_else(|| Problem::internal("a count without a row"))
}
