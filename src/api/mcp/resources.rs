//! Tables as resources: `clearwell://tables/<schema>.<name>`.

use std::sync::Arc;

use percent_encoding::percent_decode_str;
use rmcp::ErrorData;
use rmcp::model::{CacheScope, ReadResourceResult, Resource, ResourceContents};
use serde_json::Value as Json;

use super::{FRESH_MILLISECONDS, page, refused};
use crate::api::principal::Principal;
use crate::api::problem::Problem;
use crate::api::respond;
use crate::api::routes::tables;
use crate::api::versions::{Served, Versions};
use crate::warehouse::Manifest;

const PREFIX: &str = "clearwell://tables/";
const JSON: &str = "application/json";
/// What is asked of a table's rows.
const FIRST_ROWS: &str = "limit=20";

/// All tables, for those who may look at them.
pub(super) fn list(served: &Served, principal: &Principal) -> Vec<Resource> {
    if !principal.may(tables::SCOPE) {
        return Vec::new();
    }
    let resource = |table: &Arc<Manifest>| {
        let name = table.table.to_string();
        let uri = format!("{PREFIX}{}", respond::encoded(&name));
        let resource = Resource::new(uri, name).with_mime_type(JSON);
        match table.description.is_empty() {
            true => resource,
            false => resource.with_description(table.description.clone()),
        }
    };
    served.tables().values().map(resource).collect()
}

/// What there is to say of the table that `uri` names, with its first rows as `data`.
///
/// # Errors
/// If it names none, or `principal` may not look at tables.
pub(super) async fn read(
    versions: &Arc<Versions>,
    principal: &Principal,
    uri: &str,
) -> Result<ReadResourceResult, ErrorData> {
    let Some(name) = uri.strip_prefix(PREFIX) else {
        let message = format!("there is no such resource; those of tables begin with `{PREFIX}`");
        return Err(ErrorData::resource_not_found(message, None));
    };
    let name = percent_decode_str(name).decode_utf8_lossy().into_owned();
    let table = table(versions, principal, &name).await.map_err(|problem| refused(&problem))?;
    let contents = ResourceContents::text(table.to_string(), uri).with_mime_type(JSON);
    let read = ReadResourceResult::new(vec![contents]);
    Ok(read.with_ttl_ms(FRESH_MILLISECONDS).with_cache_scope(CacheScope::Private))
}

async fn table(
    versions: &Arc<Versions>,
    principal: &Principal,
    name: &str,
) -> Result<Json, Problem> {
    principal.require(tables::SCOPE, "a table")?;
    let served = versions.current()?;
    let table = tables::find(&served, name)?;
    let view = serde_json::to_value(tables::told(&served, table));
    let mut view = view.map_err(|error| Problem::internal(error.to_string()))?;
    let (endpoint, question) = tables::question(versions, &served, table, FIRST_ROWS).await?;
    let mut rows = page(versions, &served, &endpoint, &question).await?;
    view["data"] = rows["data"].take();
    Ok(view)
}
