//! `GET /api/v1/versions`, `/api/v1/tables`, `/api/v1/tables/{name}` and its rows: what there is to explore.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::rejection::PathRejection;
use axum::extract::{Extension, Path, RawQuery, State};
use axum::http::HeaderMap;
use axum::response::Response;
use chrono::SecondsFormat;
use serde::Serialize;

use super::{API, endpoint};
use crate::api::answer;
use crate::api::principal::Principal;
use crate::api::problem::{Kind, Problem};
use crate::api::respond::{self, Meta};
use crate::api::versions::{Served, ServedEndpoint, Versions};
use crate::base::{NodeId, TableName, suggest};
use crate::endpoints::{self, ParameterProblem, Request, TableQuestion};
use crate::engine::sql_name;
use crate::project::Endpoint;
use crate::record::{CheckStatus, Verdict};
use crate::warehouse::{Manifest, TableColumn, TableContent, VersionFile};

/// What all of this requires.
pub(in crate::api) const SCOPE: &str = "tables";
/// How many versions are listed without being asked for more.
const VERSIONS: u64 = 100;

#[derive(Serialize)]
struct VersionView {
    version: u64,
    /// RFC 3339, UTC.
    published: String,
    tested: bool,
    warned: u64,
    rows: u64,
    bytes: u64,
    /// Tables that it changed.
    changed: Vec<TableName>,
}

#[derive(Serialize)]
struct TableView<'a> {
    name: &'a TableName,
    kind: &'static str,
    description: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    rows: Option<u64>,
    columns: usize,
    /// The version that last changed it, and when that was published.
    since: u64,
    as_of: String,
    checks: CheckCounts,
    href: String,
}

/// How its checks went, as the version has it.
#[derive(Serialize, Default)]
struct CheckCounts {
    passed: u64,
    warned: u64,
    failed: u64,
}

#[derive(Serialize)]
struct TableDetail<'a> {
    #[serde(flatten)]
    table: TableView<'a>,
    schema: Vec<ColumnView<'a>>,
    outcomes: Vec<CheckView<'a>>,
    meta: Meta<'a>,
}

#[derive(Serialize)]
struct ColumnView<'a> {
    name: &'a str,
    #[serde(rename = "type")]
    data_type: String,
    nullable: bool,
    description: &'a str,
}

#[derive(Serialize)]
struct CheckView<'a> {
    check: &'a NodeId,
    status: CheckStatus,
    failures: u64,
}

/// `GET /api/v1/versions`: the newest first.
pub(super) async fn versions(
    State(versions): State<Arc<Versions>>,
    Extension(principal): Extension<Arc<Principal>>,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    principal.require(SCOPE, "the list of versions")?;
    let query = query.unwrap_or_default();
    endpoints::only(&query, &["limit"]).map_err(Problem::parameters)?;
    let limit = match endpoints::single(&query, "limit") {
        None => VERSIONS,
        Some(text) => {
            text.parse().ok().filter(|limit| (1..=10_000).contains(limit)).ok_or_else(|| {
                Problem::parameter("limit", "it is not a whole number from 1 to 10000".to_owned())
            })?
        }
    };
    let listing = Arc::clone(&versions);
    let listed = tokio::task::spawn_blocking(move || listing.all());
    let listed = listed.await.map_err(|error| Problem::internal(error.to_string()))?;
    let listed = listed.map_err(|error| Problem::internal(error.to_string()))?;
    let total = listed.len();
    let view = |file: &VersionFile| VersionView {
        version: file.version.0,
        published: file.published.to_rfc3339_opts(SecondsFormat::AutoSi, true),
        tested: file.tested,
        warned: file.warned,
        rows: file.rows,
        bytes: file.bytes,
        changed: file
            .tables
            .keys()
            .filter(|table| file.since(table).version == file.version)
            .cloned()
            .collect(),
    };
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let views: Vec<VersionView> = listed.iter().take(limit).map(view).collect();
    body(&serde_json::json!({ "versions": views, "total": total }))
}

/// `GET /api/v1/tables`: those of the current version, or of the one that `at` names.
pub(super) async fn list(
    State(versions): State<Arc<Versions>>,
    Extension(principal): Extension<Arc<Principal>>,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    principal.require(SCOPE, "the list of tables")?;
    let query = query.unwrap_or_default();
    endpoints::only(&query, &["at"]).map_err(Problem::parameters)?;
    let served = endpoint::version(&versions, &query).await?;
    let tables = served.tables().values().map(|table| view(&served, table, served.verdicts()));
    let tables: Vec<TableView<'_>> = tables.collect();
    let meta = Meta::new(&served, tables.len() as u64);
    body(&serde_json::json!({ "tables": tables, "meta": meta }))
}

/// `GET /api/v1/tables/{name}`: its columns, and how its checks went.
pub(super) async fn detail(
    State(versions): State<Arc<Versions>>,
    Extension(principal): Extension<Arc<Principal>>,
    name: Result<Path<String>, PathRejection>,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    principal.require(SCOPE, "a table")?;
    let query = query.unwrap_or_default();
    endpoints::only(&query, &["at"]).map_err(Problem::parameters)?;
    let served = endpoint::version(&versions, &query).await?;
    body(&told(&served, find(&served, &named(name)?)?))
}

/// All that there is to say of a table but its rows.
pub(in crate::api) fn told<'a>(served: &'a Served, table: &'a Manifest) -> impl Serialize + 'a {
    let verdicts = served.verdicts();
    let about = verdicts.iter().filter(|(_, verdict)| verdict.table.as_ref() == Some(&table.table));
    let outcomes = about.map(|(check, verdict)| CheckView {
        check,
        status: verdict.status,
        failures: verdict.failures,
    });
    TableDetail {
        table: view(served, table, verdicts),
        schema: table.columns.iter().map(column).collect(),
        outcomes: outcomes.collect(),
        meta: Meta::new(served, table.rows.unwrap_or_default()),
    }
}

/// `GET /api/v1/tables/{name}/rows`: in PostgREST's grammar, in every form that endpoints answer in.
pub(super) async fn rows(
    State(versions): State<Arc<Versions>>,
    Extension(principal): Extension<Arc<Principal>>,
    name: Result<Path<String>, PathRejection>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    principal.require(SCOPE, "the rows of a table")?;
    let query = query.unwrap_or_default();
    let served = endpoint::version(&versions, &query).await?;
    let table = find(&served, &named(name)?)?;
    let (endpoint, request) = question(&versions, &served, table, &query).await?;
    let path = format!("{API}tables/{}/rows", respond::encoded(&table.table.to_string()));
    answer::page(&versions, &served, &endpoint, &path, &request, &headers).await
}

/// What `query` asks of a table's rows, planned.
///
/// # Errors
/// What is wrong with it.
pub(in crate::api) async fn question(
    versions: &Versions,
    served: &Arc<Served>,
    table: &Manifest,
    query: &str,
) -> Result<(Arc<ServedEndpoint>, Request), Problem> {
    let name = &table.table;
    let schema = served.schema(name).ok_or_else(|| Problem::internal("a table without columns"))?;
    let asked = endpoints::ask(name, &schema, query).map_err(Problem::parameters)?;
    let TableQuestion { endpoint, query, given } = asked;
    let (planning, definition) = (Arc::clone(served), endpoint.clone());
    let planned = versions.threads.passing.run(async move { planning.plan(&definition) }).await?;
    // Names and types are the table's own: nothing of the request can be wrong with the plan.
    let planned = planned.map_err(|error| Problem::internal(error.to_string()))?;
    let mut request =
        planned.planned.read(&query).map_err(|problems| by_column(problems, &endpoint))?;
    request.repeats(Some(given));
    Ok((Arc::new(planned), request))
}

/// Problems with values name the column that they are compared with.
fn by_column(problems: Vec<ParameterProblem>, asked: &Endpoint) -> Problem {
    let column = |parameter: &str| {
        let (before, _) = asked.sql.text.split_once(&format!("${parameter}"))?;
        let opened = before.rfind('(')?;
        let quoted = before[opened + 1..].split('"').nth(1);
        let before_in = before[..opened].rsplit('"').nth(1);
        quoted.or(before_in).map(str::to_owned)
    };
    let problems = problems.into_iter().map(|problem| ParameterProblem {
        parameter: column(&problem.parameter).unwrap_or(problem.parameter),
        ..problem
    });
    Problem::parameters(problems.collect())
}

fn column(column: &TableColumn) -> ColumnView<'_> {
    let TableColumn { name, data_type, nullable, description } = column;
    ColumnView { name, data_type: sql_name(data_type), nullable: *nullable, description }
}

fn view<'a>(
    served: &Served,
    table: &'a Manifest,
    verdicts: &BTreeMap<NodeId, Verdict>,
) -> TableView<'a> {
    let mut checks = CheckCounts::default();
    for verdict in verdicts.values().filter(|verdict| verdict.table.as_ref() == Some(&table.table))
    {
        match verdict.status {
            CheckStatus::Pass => checks.passed += 1,
            CheckStatus::Warn => checks.warned += 1,
            CheckStatus::Fail | CheckStatus::Error => checks.failed += 1,
            CheckStatus::Skipped => {}
        }
    }
    let (since, as_of) = served.since(&table.table);
    TableView {
        name: &table.table,
        kind: match table.content {
            TableContent::Files { .. } => "table",
            TableContent::View { .. } => "view",
        },
        description: &table.description,
        rows: table.rows,
        columns: table.columns.len(),
        since: since.0,
        as_of,
        checks,
        href: format!("{API}tables/{}", respond::encoded(&table.table.to_string())),
    }
}

fn named(name: Result<Path<String>, PathRejection>) -> Result<String, Problem> {
    let not_text = |_| Problem::new(Kind::NoSuchTable, "the name is not UTF-8");
    name.map(|Path(name)| name).map_err(not_text)
}

/// The table of this name, with or without its schema; case is ignored.
///
/// # Errors
/// 404 if there is none, or several.
pub(in crate::api) fn find<'a>(served: &'a Served, name: &str) -> Result<&'a Manifest, Problem> {
    let none = |detail: String| Problem::new(Kind::NoSuchTable, detail);
    let wanted = name.to_lowercase();
    let full = |table: &&Arc<Manifest>| table.table.to_string().to_lowercase() == wanted;
    let bare = |table: &&Arc<Manifest>| table.table.name().to_lowercase() == wanted;
    if let Some(found) = served.tables().values().find(full) {
        return Ok(found);
    }
    let shown: String = name.chars().take(respond::NAME_CHARACTERS_MAX).collect();
    let found: Vec<&Arc<Manifest>> = served.tables().values().filter(bare).collect();
    match found.as_slice() {
        [only] => Ok(only),
        [] => {
            let names: Vec<String> = served.tables().keys().map(ToString::to_string).collect();
            let bare = served.tables().keys().map(TableName::name);
            let close = suggest::closest(name, names.iter().map(String::as_str).chain(bare));
            Err(none(match close {
                Some(close) => format!("there is no table `{shown}`; did you mean `{close}`?"),
                None => format!("there is no table `{shown}`; they are listed at `{API}tables`"),
            }))
        }
        several => {
            let names: Vec<String> = several.iter().map(|table| table.table.to_string()).collect();
            Err(none(format!("`{shown}` could be `{}`", names.join("` or `"))))
        }
    }
}

fn body(view: &impl Serialize) -> Result<Response, Problem> {
    let body = serde_json::to_vec(view).map_err(|error| Problem::internal(error.to_string()))?;
    Ok(respond::json(body))
}
