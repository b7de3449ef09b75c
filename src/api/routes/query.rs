//! `POST /api/v1/query`: one `select` of the client's own, where the server allows that.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{Extension, RawQuery, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Response;
use serde::Deserialize;

use super::{API, endpoint};
use crate::api::answer;
use crate::api::principal::Principal;
use crate::api::problem::{Kind, Problem};
use crate::api::versions::{Served, ServedEndpoint, Versions};
use crate::endpoints;
use crate::engine::{self, SqlError};
use crate::project::PageSize;

/// What it requires.
const SCOPE: &str = "query";
const PAGE: PageSize = PageSize { default: 1000, max: 100_000 };

/// The most words and signs of a statement: planning goes as deep as a statement nests, and some of it takes more steps than
/// there are words.
const TOKENS_MAX: usize = 2000;

/// The most tables that a statement may read: planning takes steps with their square.
const TABLES_MAX: u64 = 64;

/// Whether the server allows it.
#[derive(Clone, Copy)]
pub(super) struct Allowed(pub(super) bool);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    sql: String,
    /// Rows at most.
    limit: Option<u64>,
    /// Rows to skip.
    offset: Option<u64>,
}

pub(super) async fn answer(
    State(versions): State<Arc<Versions>>,
    Extension(principal): Extension<Arc<Principal>>,
    Extension(Allowed(allowed)): Extension<Allowed>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Problem> {
    if !allowed {
        let detail = "this server takes no queries; the setting `server.query` allows them";
        return Err(Problem::new(Kind::NotAllowedHere, detail));
    }
    principal.require(SCOPE, "a query of one's own")?;
    let query = query.unwrap_or_default();
    endpoints::only(&query, &["at", "format"]).map_err(Problem::parameters)?;
    let asked = read(&headers, &body.map_err(|error| unread(&error))?)?;
    let served = endpoint::version(&versions, &query).await?;
    if tokens(&asked.sql) > TOKENS_MAX {
        let detail = format!("the statement has more than {TOKENS_MAX} words and signs");
        return Err(Problem::new(Kind::BadQuery, detail));
    }
    let planned = plan(&versions, &served, asked.sql).await?;
    let limit = asked.limit.unwrap_or(PAGE.default);
    let window = format!("limit={limit}&offset={}&{query}", asked.offset.unwrap_or(0));
    let mut request = planned.planned.read(&window).map_err(Problem::parameters)?;
    request.repeats(None);
    answer::page(&versions, &served, &Arc::new(planned), &format!("{API}query"), &request, &headers)
        .await
        .map_err(Problem::for_author)
}

/// Plans the statement on a thread that is made for it.
async fn plan(
    versions: &Versions,
    served: &Arc<Served>,
    sql: String,
) -> Result<ServedEndpoint, Problem> {
    let served = Arc::clone(served);
    let planning = async move {
        engine::at_most_tables(&sql, TABLES_MAX).map_err(|error| bad_query(&error))?;
        served.check_sql(&sql).map_err(|error| bad_query(&error))?;
        let planned = served.plan(&endpoints::of_sql(&sql, PAGE));
        planned.map_err(|problems| Problem::new(Kind::BadQuery, problems.to_string()))
    };
    versions.threads.passing.run(planning).await?
}

/// How many words and signs there are.
fn tokens(sql: &str) -> usize {
    let mut in_word = false;
    let mut count = 0;
    for character in sql.chars() {
        let is_word = character.is_alphanumeric() || character == '_';
        if !(character.is_whitespace() || is_word && in_word) {
            count += 1;
        }
        in_word = is_word;
    }
    count
}

/// The query: JSON, or plain SQL.
fn read(headers: &HeaderMap, body: &[u8]) -> Result<Asked, Problem> {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let kind = kind.and_then(|kind| kind.split(';').next()).unwrap_or_default().trim();
    match kind.to_ascii_lowercase().as_str() {
        "application/json" => serde_json::from_slice(body).map_err(|error| {
            Problem::new(Kind::BadQuery, format!("the body is not `{{\"sql\": …}}`: {error}"))
        }),
        "text/plain" | "application/sql" => match String::from_utf8(body.to_vec()) {
            Ok(sql) => Ok(Asked { sql, limit: None, offset: None }),
            Err(_) => Err(Problem::new(Kind::BadQuery, "the body is not UTF-8")),
        },
        _ => {
            let detail = "send `application/json` with `sql`, or `application/sql`";
            Err(Problem::new(Kind::UnsupportedMediaType, detail))
        }
    }
}

fn bad_query(error: &SqlError) -> Problem {
    let place = error.position.map(|(line, column)| format!("line {line}, column {column}: "));
    let hints: Vec<String> = error.hints.iter().map(|hint| format!("; {hint}")).collect();
    let place = place.unwrap_or_default();
    let detail = format!("{place}{}{}", error.message, hints.concat());
    Problem::new(Kind::BadQuery, detail)
}

fn unread(error: &BytesRejection) -> Problem {
    match error.status() {
        StatusCode::PAYLOAD_TOO_LARGE => {
            Problem::new(Kind::BodyTooLarge, "the body is larger than `limits.body_bytes`")
        }
        _ => Problem::new(Kind::BadQuery, "the body cannot be read"),
    }
}
