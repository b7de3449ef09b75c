//! What there is to say of an endpoint, for the index and for the OpenAPI document alike.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::datatypes::Field;

use crate::api::answer::FORMATS;
use crate::api::respond;
use crate::api::routes::API;
use crate::base::TableName;
use crate::endpoints::{OFFSET_MAX, PlannedEndpoint};
use crate::engine::Origin;
use crate::project::{OrderKey, PageSize, Parameter, ParameterKind, RowFilter};
use crate::warehouse::Manifest;

/// An endpoint of one version.
pub(in crate::api) struct Described<'a> {
    pub(in crate::api) name: &'a str,
    pub(in crate::api) path: String,
    pub(in crate::api) description: &'a str,
    pub(in crate::api) scope: Option<&'a str>,
    /// Its own, then those that every endpoint has.
    pub(in crate::api) parameters: Vec<Parameter>,
    /// Of its answer, each with its description (empty where nobody wrote one).
    pub(in crate::api) columns: Vec<(Arc<Field>, String)>,
    /// `column`, or `column desc`.
    pub(in crate::api) order_by: Vec<String>,
    /// Which rows each reader sees, where not all see the same: what is read of a table, as a part of a sentence.
    pub(in crate::api) own_rows: Vec<String>,
}

/// Describes `endpoint`, whose tables are among `tables`.
pub(in crate::api) fn describe<'a>(
    endpoint: &'a PlannedEndpoint,
    tables: &BTreeMap<TableName, Arc<Manifest>>,
) -> Described<'a> {
    let definition = endpoint.definition();
    let fields = endpoint.schema().fields().iter().cloned().collect::<Vec<_>>();
    let texts = endpoint.origins().into_iter().map(|origins| text(&origins, tables));
    let order = |key: &OrderKey| match key.descending {
        true => format!("{} desc", key.column),
        false => key.column.clone(),
    };
    Described {
        name: endpoint.name(),
        path: format!("{API}{}", respond::encoded(endpoint.name())),
        description: definition.info.description.trim(),
        scope: definition.scope.as_deref(),
        parameters: definition
            .parameters
            .iter()
            .cloned()
            .chain(everywhere(definition.page))
            .collect(),
        columns: fields.into_iter().zip(texts).collect(),
        order_by: definition.order_by.iter().map(order).collect(),
        own_rows: definition.row_filters.iter().map(own_rows).collect(),
    }
}

fn own_rows(filter: &RowFilter) -> String {
    let RowFilter { table, column, claim } = filter;
    format!("of `{table}` the rows whose `{column}` is the claim `{claim}`, or one of its values")
}

/// What the nearest of these columns that has a description is described as.
fn text(origins: &[Origin], tables: &BTreeMap<TableName, Arc<Manifest>>) -> String {
    let described = origins.iter().filter_map(|origin| {
        let columns = &tables.get(&origin.table)?.columns;
        let same = |name: &str| name.to_lowercase() == origin.column.to_lowercase();
        let column = columns.iter().find(|column| same(&column.name))?;
        Some(column.description.trim()).filter(|text| !text.is_empty())
    });
    described.map(str::to_owned).next().unwrap_or_default()
}

/// The parameters that every endpoint has, in the order in which they are told.
pub(super) fn everywhere(page: PageSize) -> Vec<Parameter> {
    let integer = |name, description, least: u64, most: u64, default: u64| Parameter {
        minimum: Some(least.to_string()),
        maximum: Some(most.to_string()),
        default: Some(default.to_string()),
        ..parameter(name, ParameterKind::Integer, description)
    };
    vec![
        integer("limit", "Rows in one answer.", 1, page.max, page.default),
        integer("offset", "Rows to skip. Not together with `cursor`.", 0, OFFSET_MAX, 0),
        parameter(
            "cursor",
            ParameterKind::String,
            "Where the page before ended: taken as it is from `page.next` or the `Link` header. It keeps to the version \
             in which the walk began.",
        ),
        Parameter {
            default: Some("false".to_owned()),
            ..parameter(
                "count",
                ParameterKind::Boolean,
                "Whether to count the rows of all pages, as `page.total`.",
            )
        },
        Parameter {
            values: FORMATS.iter().map(|(_, name, ..)| (*name).to_owned()).collect(),
            ..parameter(
                "format",
                ParameterKind::Enum,
                "The form of the answer; goes before the header `Accept`.",
            )
        },
        at(),
    ]
}

pub(super) fn at() -> Parameter {
    parameter(
        "at",
        ParameterKind::String,
        "The state to answer from: a version, a time (the version that was current then; without a zone UTC) or a tag. \
         Without it the current version.",
    )
}

fn parameter(name: &str, kind: ParameterKind, description: &str) -> Parameter {
    Parameter { description: description.to_owned(), ..Parameter::new(name, kind) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::project::EVERYWHERE;

    #[test]
    fn what_every_endpoint_understands_is_described() {
        let described = everywhere(PageSize { default: 10, max: 100 });
        let names: Vec<&str> = described.iter().map(|parameter| parameter.name.as_str()).collect();
        assert_eq!(names, EVERYWHERE);
    }
}
