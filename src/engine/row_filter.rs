//! Which rows of a table a statement may see: a condition right above the scan, whatever the statement does with it.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field};
use datafusion::common::{Column, TableReference};
use datafusion::functions_nested::array_has::array_has;
use datafusion::logical_expr::Expr;
use datafusion::logical_expr::expr::Placeholder;

use super::SqlError;
use super::catalog::FILTERED;
use super::session::SessionParts;
use super::types::outward;
use crate::base::TableName;

/// Only the rows of a table whose column has one of the values of a parameter, which is a list of the column's type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RowFilter {
    pub(crate) table: TableName,
    pub(crate) column: String,
    /// The name that values are bound by. One that is not bound, or null, lets no row through.
    pub(crate) parameter: String,
}

/// Filters as a plan has them.
#[derive(Default)]
pub(super) struct Bound {
    pub(super) conditions: Vec<(TableName, Expr)>,
    /// In the order of the filters, behind those of the statement.
    pub(super) parameters: Vec<(String, DataType)>,
}

/// The filters' conditions, their parameters being numbered from `before` + 1 on.
///
/// # Errors
/// If a table has no such column; one that is no table of the session is not read either.
pub(super) fn bound(
    session: &SessionParts,
    filters: &[RowFilter],
    before: usize,
) -> Result<Bound, SqlError> {
    let mut bound = Bound::default();
    for (index, filter) in filters.iter().enumerate() {
        let Some(relation) = session.tables.relations.get(&filter.table) else { continue };
        let schema = relation.schema();
        let names = || schema.fields().iter().map(|field| field.name().clone());
        let same = |name: &String| name.to_lowercase() == filter.column.to_lowercase();
        let Some(position) = names().position(|name| same(&name)) else {
            let message = format!("table `{}` has no column `{}`", filter.table, filter.column);
            let known: Vec<String> = names().collect();
            return Err(SqlError::new(message).suggest(&filter.column, &known, "there are"));
        };
        let field = schema.field(position);
        let items = Field::new_list_field(outward(field.data_type()), true);
        let list = DataType::List(Arc::new(items));
        let id = format!("${}", before + index + 1);
        let typed = Field::new(&filter.parameter, list.clone(), true);
        let values = Expr::Placeholder(Placeholder::new_with_field(id, Some(Arc::new(typed))));
        let name = field.name().to_lowercase();
        let column = Column::new(Some(TableReference::bare(FILTERED)), name);
        bound.conditions.push((filter.table.clone(), array_has(values, Expr::Column(column))));
        bound.parameters.push((filter.parameter.clone(), list));
    }
    Ok(bound)
}

/// Holds that every filter's table is read: a filter that filters nothing is a mistake.
pub(super) fn all_apply(filters: &[RowFilter], read: &BTreeSet<TableName>) -> Result<(), SqlError> {
    match filters.iter().find(|filter| !read.contains(&filter.table)) {
        None => Ok(()),
        Some(filter) => {
            let message = format!("`{}` is filtered by row but not read", filter.table);
            let read: Vec<String> = read.iter().map(ToString::to_string).collect();
            Err(SqlError::new(message).suggest(&filter.table.to_string(), &read, "it reads"))
        }
    }
}
