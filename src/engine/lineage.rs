//! Where the columns of an answer come from, as far as a plan tells: columns that are handed on as they are.

use std::collections::BTreeSet;

use datafusion::catalog::default_table_source::source_as_provider;
use datafusion::common::{Column, DFSchema, TableReference};
use datafusion::logical_expr::{Expr, LogicalPlan};

use super::table::FilesTable;
use crate::base::TableName;

/// A column of a table or view; names ignore case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Origin {
    pub(crate) table: TableName,
    pub(crate) column: String,
}

/// For each column of `plan` the columns whose values it has, the nearest to the answer first: that of a view, then
/// that of the table below. Empty for what is computed. `tables` are those that the plan reads.
pub(super) fn origins(plan: &LogicalPlan, tables: &BTreeSet<TableName>) -> Vec<Vec<Origin>> {
    match plan {
        LogicalPlan::TableScan(scan) => {
            let provider = source_as_provider(&scan.source).ok();
            let table = provider
                .as_ref()
                .and_then(|provider| provider.downcast_ref::<FilesTable>())
                .map(|table| table.name.clone());
            let columns = plan.schema().fields().iter().map(|field| {
                let origin = |table: &TableName| Origin {
                    table: table.clone(),
                    column: field.name().clone(),
                };
                table.iter().map(origin).collect()
            });
            columns.collect()
        }
        LogicalPlan::SubqueryAlias(alias) => {
            let mut found = origins(&alias.input, tables);
            if let Some(view) = named(&alias.alias, tables) {
                for (column, field) in found.iter_mut().zip(plan.schema().fields()) {
                    let view = Origin { table: view.clone(), column: field.name().clone() };
                    if column.iter().all(|origin| origin.table != view.table) {
                        column.insert(0, view);
                    }
                }
            }
            found
        }
        LogicalPlan::Projection(projection) => {
            let below = origins(&projection.input, tables);
            let schema = projection.input.schema();
            projection.expr.iter().map(|expr| of_expression(expr, schema, &below)).collect()
        }
        LogicalPlan::Aggregate(aggregate) => {
            let below = origins(&aggregate.input, tables);
            let schema = aggregate.input.schema();
            let exprs = aggregate.group_expr.iter().chain(&aggregate.aggr_expr);
            exprs.map(|expr| of_expression(expr, schema, &below)).collect()
        }
        LogicalPlan::Filter(_)
        | LogicalPlan::Sort(_)
        | LogicalPlan::Limit(_)
        | LogicalPlan::Distinct(_)
        | LogicalPlan::Window(_)
        | LogicalPlan::Join(_) => by_name(plan, tables),
        _ => vec![Vec::new(); plan.schema().fields().len()],
    }
}

/// The table of `tables` that `written` names.
fn named(written: &TableReference, tables: &BTreeSet<TableName>) -> Option<TableName> {
    let same = |a: &str, b: &str| a.to_lowercase() == b.to_lowercase();
    let mut found = tables.iter().filter(|table| {
        same(table.name(), written.table())
            && written.schema().is_none_or(|schema| same(table.schema(), schema))
    });
    match (found.next(), found.next()) {
        (Some(only), None) => Some(only.clone()),
        _ => None,
    }
}

fn of_expression(expr: &Expr, schema: &DFSchema, below: &[Vec<Origin>]) -> Vec<Origin> {
    match expr {
        Expr::Column(column) => of_column(column, schema, below),
        Expr::Alias(alias) => of_expression(&alias.expr, schema, below),
        // The same values in another type.
        Expr::Cast(cast) => of_expression(&cast.expr, schema, below),
        _ => Vec::new(),
    }
}

fn of_column(column: &Column, schema: &DFSchema, below: &[Vec<Origin>]) -> Vec<Origin> {
    let index = schema.maybe_index_of_column(column);
    index.and_then(|index| below.get(index)).cloned().unwrap_or_default()
}

/// Of a plan that hands on the columns of its inputs under their names.
fn by_name(plan: &LogicalPlan, tables: &BTreeSet<TableName>) -> Vec<Vec<Origin>> {
    let inputs: Vec<_> =
        plan.inputs().iter().map(|input| (input.schema(), origins(input, tables))).collect();
    let columns = plan.schema().columns().into_iter().map(|column| {
        let mut found = inputs.iter().filter(|(schema, _)| schema.has_column(&column));
        match (found.next(), found.next()) {
            (Some((schema, below)), None) => of_column(&column, schema, below),
            _ => Vec::new(),
        }
    });
    columns.collect()
}
