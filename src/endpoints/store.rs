//! Definitions of endpoints as they are stored with a version: compiled, complete, without the project.
//!
//! Fields are only added. A reader ignores those it does not know; a file of a newer format is refused.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::plan::PlannedEndpoint;
use super::value::{kind_name, kind_named};
use crate::base::{NodeId, SourceText, TableName};
use crate::project::{
    CompiledSql, Endpoint, NodeInfo, OrderKey, PageSize, Parameter, ParameterKind, Piece, RowFilter,
};

/// The newest format that this program reads.
const FORMAT: u32 = 2;
/// The format of files whose endpoints have neither row filters nor lists: a reader that ignored those would answer with
/// rows that are not meant for everyone.
const FORMAT_PLAIN: u32 = 1;

/// Why stored endpoints could not be written or read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StoreError {
    #[error("the stored endpoints are not what this program writes: {0}")]
    Malformed(#[from] serde_json::Error),
    #[error(
        "the stored endpoints have format {found}, this program reads up to {FORMAT}; use a newer one"
    )]
    Newer { found: u32 },
}

#[derive(Deserialize)]
struct Header {
    format: u32,
}

#[derive(Clone, PartialEq, Serialize, Deserialize)]
struct File {
    format: u32,
    /// Sorted by name.
    endpoints: Vec<Stored>,
}

#[derive(Clone, PartialEq, Serialize, Deserialize)]
struct Stored {
    id: NodeId,
    name: String,
    /// The file of the project that defines it.
    path: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    description: String,
    /// Compiled, with `$name` where parameters stand.
    sql: String,
    /// Hash of what the SQL means, whatever its layout and comments.
    #[serde(default)]
    plan: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    parameters: Vec<StoredParameter>,
    order_by: Vec<StoredOrderKey>,
    page: StoredPage,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    scope: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    row_filters: Vec<StoredRowFilter>,
}

#[derive(Clone, PartialEq, Serialize, Deserialize)]
struct StoredRowFilter {
    table: TableName,
    column: String,
    claim: String,
}

#[derive(Clone, PartialEq, Serialize, Deserialize)]
struct StoredParameter {
    name: String,
    #[serde(rename = "type")]
    kind: StoredKind,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    list: bool,
    required: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    default: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    minimum: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    maximum: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    min_length: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    max_length: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pattern: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    values: Vec<String>,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    description: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    example: Option<String>,
}

/// A kind by its name.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
struct StoredKind(ParameterKind);

impl From<StoredKind> for String {
    fn from(kind: StoredKind) -> Self {
        kind_name(kind.0).to_owned()
    }
}

impl TryFrom<String> for StoredKind {
    type Error = String;

    fn try_from(name: String) -> Result<Self, String> {
        kind_named(&name).map(Self).ok_or_else(|| format!("unknown parameter type `{name}`"))
    }
}

#[derive(Clone, PartialEq, Serialize, Deserialize)]
struct StoredOrderKey {
    column: String,
    descending: bool,
}

#[derive(Clone, PartialEq, Serialize, Deserialize)]
struct StoredPage {
    default: u64,
    max: u64,
}

/// The file that is to be stored with a version: the same bytes for the same endpoints, in whatever order they come.
///
/// `before` is the file of the version before. It stays as it is where only layout and comments of SQL differ, so that
/// these alone make no new version.
///
/// # Errors
/// None that a definition can cause.
pub(crate) fn write<'a>(
    endpoints: impl IntoIterator<Item = &'a PlannedEndpoint>,
    before: Option<&[u8]>,
) -> Result<Vec<u8>, StoreError> {
    let stored = endpoints.into_iter().map(|one| stored(one.definition(), one.fingerprint()));
    write_stored(stored.collect(), before)
}

/// A file of endpoints that nobody planned, as no build stores it.
#[cfg(test)]
pub(crate) fn write_unplanned(endpoints: &[Endpoint]) -> Vec<u8> {
    let stored = endpoints.iter().map(|one| stored(one, String::new()));
    write_stored(stored.collect(), None).unwrap()
}

fn write_stored(mut endpoints: Vec<Stored>, before: Option<&[u8]>) -> Result<Vec<u8>, StoreError> {
    endpoints.sort_by(|left, right| left.name.cmp(&right.name));
    let plain = |one: &Stored| {
        one.row_filters.is_empty() && one.parameters.iter().all(|parameter| !parameter.list)
    };
    let format = if endpoints.iter().all(plain) { FORMAT_PLAIN } else { FORMAT };
    let file = File { format, endpoints };
    // One that cannot be read differs.
    let parsed =
        before.and_then(|bytes| Some((bytes, serde_json::from_slice::<File>(bytes).ok()?)));
    match parsed {
        Some((bytes, parsed)) if means_the_same(&parsed, &file) => Ok(bytes.to_owned()),
        _ => Ok(serde_json::to_vec(&file)?),
    }
}

fn means_the_same(before: &File, now: &File) -> bool {
    let same = |(before, now): (&Stored, &Stored)| {
        // The plan stands for the SQL.
        let before = Stored { sql: now.sql.clone(), ..before.clone() };
        !now.plan.is_empty() && before == *now
    };
    before.format == now.format
        && before.endpoints.len() == now.endpoints.len()
        && before.endpoints.iter().zip(&now.endpoints).all(same)
}

/// The endpoints of a stored file. Places in messages about them are those of the compiled SQL.
///
/// # Errors
/// If the file is damaged or of a newer format.
pub(crate) fn read(bytes: &[u8]) -> Result<Vec<Endpoint>, StoreError> {
    let Header { format } = serde_json::from_slice(bytes)?;
    if format > FORMAT {
        return Err(StoreError::Newer { found: format });
    }
    let file: File = serde_json::from_slice(bytes)?;
    Ok(file.endpoints.into_iter().map(endpoint).collect())
}

fn stored(endpoint: &Endpoint, plan: String) -> Stored {
    let order =
        |key: &OrderKey| StoredOrderKey { column: key.column.clone(), descending: key.descending };
    Stored {
        id: endpoint.info.id.clone(),
        name: endpoint.info.name.clone(),
        path: endpoint.info.path.clone(),
        description: endpoint.info.description.clone(),
        sql: endpoint.sql.text.clone(),
        plan,
        parameters: endpoint.parameters.iter().map(stored_parameter).collect(),
        order_by: endpoint.order_by.iter().map(order).collect(),
        page: StoredPage { default: endpoint.page.default, max: endpoint.page.max },
        scope: endpoint.scope.clone(),
        row_filters: endpoint.row_filters.iter().map(stored_row_filter).collect(),
    }
}

fn stored_row_filter(filter: &RowFilter) -> StoredRowFilter {
    let RowFilter { table, column, claim } = filter.clone();
    StoredRowFilter { table, column, claim }
}

fn row_filter(stored: StoredRowFilter) -> RowFilter {
    let StoredRowFilter { table, column, claim } = stored;
    RowFilter { table, column, claim }
}

fn stored_parameter(parameter: &Parameter) -> StoredParameter {
    StoredParameter {
        name: parameter.name.clone(),
        kind: StoredKind(parameter.kind),
        list: parameter.list,
        required: parameter.required,
        default: parameter.default.clone(),
        minimum: parameter.minimum.clone(),
        maximum: parameter.maximum.clone(),
        min_length: parameter.min_length,
        max_length: parameter.max_length,
        pattern: parameter.pattern.clone(),
        values: parameter.values.clone(),
        description: parameter.description.clone(),
        example: parameter.example.clone(),
    }
}

fn endpoint(stored: Stored) -> Endpoint {
    let order = |key: StoredOrderKey| OrderKey {
        column: key.column,
        descending: key.descending,
        span: None,
    };
    let whole = 0..stored.sql.len();
    let sql = CompiledSql {
        template: SourceText::new(stored.path.as_str(), stored.sql.as_str()),
        map: vec![Piece { compiled: whole.clone(), template: whole, verbatim: true }],
        text: stored.sql,
    };
    Endpoint {
        info: NodeInfo {
            id: stored.id,
            fqn: vec![stored.name.clone()],
            name: stored.name,
            path: stored.path,
            description: stored.description,
            tags: Vec::new(),
            config: serde_json::Map::new(),
            depends_on: BTreeSet::new(),
            span: None,
        },
        sql,
        parameters: stored.parameters.into_iter().map(parameter).collect(),
        order_by: stored.order_by.into_iter().map(order).collect(),
        page: PageSize { default: stored.page.default, max: stored.page.max },
        scope: stored.scope,
        row_filters: stored.row_filters.into_iter().map(row_filter).collect(),
    }
}

fn parameter(stored: StoredParameter) -> Parameter {
    Parameter {
        name: stored.name,
        kind: stored.kind.0,
        list: stored.list,
        required: stored.required,
        default: stored.default,
        minimum: stored.minimum,
        maximum: stored.maximum,
        min_length: stored.min_length,
        max_length: stored.max_length,
        pattern: stored.pattern,
        values: stored.values,
        description: stored.description,
        example: stored.example,
        span: None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{PAGE, endpoint_of};
    use super::*;

    fn written(endpoints: &[(&Endpoint, &str)], before: Option<&[u8]>) -> Vec<u8> {
        let stored = endpoints.iter().map(|(one, plan)| stored(one, (*plan).to_owned()));
        write_stored(stored.collect(), before).unwrap()
    }

    fn endpoint(name: &str) -> Endpoint {
        endpoint_of(name, "select 1 as a")
    }

    #[test]
    fn stored_endpoints_come_back_whole() {
        let (a, b) = (endpoint("a"), endpoint("b"));
        let file = written(&[(&b, "B"), (&a, "A")], None);
        assert_eq!(file, written(&[(&a, "A"), (&b, "B")], None));
        let found = read(&file).unwrap();
        assert_eq!(written(&[(&found[0], "A"), (&found[1], "B")], None), file);
        let back = &found[0];
        assert_eq!(format!("{:?}", back.parameters), format!("{:?}", a.parameters));
        assert_eq!(format!("{:?}", back.order_by), format!("{:?}", a.order_by));
        assert_eq!((back.page, &back.scope), (PAGE, &a.scope));
        assert_eq!((back.info.name.as_str(), back.sql.locate(1, 8, 1).text()), ("a", "1"));
    }

    #[test]
    fn what_a_reader_may_not_ignore_has_a_format_of_its_own() {
        let plain = written(&[(&endpoint("a"), "A")], None);
        let table = TableName::new("main", "t").unwrap();
        let row_filters = vec![RowFilter { table, column: "c".into(), claim: "team".into() }];
        let filtered = Endpoint { row_filters: row_filters.clone(), ..endpoint("a") };
        let filtered = written(&[(&filtered, "A")], None);
        let format = |file: &[u8]| serde_json::from_slice::<Header>(file).unwrap().format;
        assert_eq!((format(&plain), format(&filtered)), (1, 2));
        assert_eq!(read(&filtered).unwrap()[0].row_filters, row_filters);
    }

    #[test]
    fn layout_alone_changes_nothing() {
        let before = written(&[(&endpoint("a"), "A")], None);
        let laid_out = endpoint_of("a", "select 1 -- one\n as a");
        assert_eq!(written(&[(&laid_out, "A")], Some(&before)), before);
        assert_ne!(written(&[(&laid_out, "other")], Some(&before)), before);
        let described = Endpoint { scope: None, ..endpoint("a") };
        assert_ne!(written(&[(&described, "A")], Some(&before)), before);
        assert_ne!(written(&[], Some(&before)), before);
        assert_eq!(written(&[(&endpoint("a"), "A")], Some(b"damaged")), before);
    }

    #[test]
    fn stored_endpoints_of_a_newer_program_are_refused() {
        let newer = read(br#"{"format": 3, "endpoints": {"other": "shape"}}"#);
        insta::assert_snapshot!(newer.unwrap_err(), @"the stored endpoints have format 3, this program reads up to 2; use a newer one");
        let more = br#"{"format": 1, "endpoints": [], "added": true}"#;
        assert!(read(more).unwrap().is_empty());
    }
}
