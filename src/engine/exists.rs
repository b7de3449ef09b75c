//! `exists (…)` in a list of columns, which the engine plans in conditions only: there it becomes
//! `(select count(*) …) > 0`.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    Expr, GroupByExpr, Query, Select, SelectItem, SetExpr, TableFactor, VisitMut, VisitorMut,
};

use super::parse;

/// Rewrites every `exists` among the columns of a `select`, those of its subqueries left to them.
pub(super) fn rewrite(columns: &mut [SelectItem]) {
    for column in columns {
        let _ = VisitMut::visit(column, &mut Rewriter { depth: 0 });
    }
}

struct Rewriter {
    /// How many subqueries deep the visit is.
    depth: usize,
}

impl VisitorMut for Rewriter {
    type Break = ();

    fn pre_visit_query(&mut self, _: &mut Query) -> ControlFlow<()> {
        self.depth += 1;
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _: &mut Query) -> ControlFlow<()> {
        self.depth -= 1;
        ControlFlow::Continue(())
    }

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        if self.depth == 0
            && let Expr::Exists { subquery, negated } = expr
            && let Some(counted) = counted(subquery, *negated)
        {
            *expr = counted;
        }
        ControlFlow::Continue(())
    }
}

/// `(select count(*) …) > 0`, or `= 0`.
fn counted(subquery: &Query, negated: bool) -> Option<Expr> {
    let template = match negated {
        true => "((select count(*) from (select 1) as exists_rows) = 0)",
        false => "((select count(*) from (select 1) as exists_rows) > 0)",
    };
    let mut made = parse::expression(template).ok()?;
    let counting = counting_query(&mut made)?;
    let SetExpr::Select(counting_select) = &mut *counting.body else { return None };
    match plain(subquery) {
        // What it counts is one level nearer, where the engine finds what the subquery takes from around it.
        Some(select) => {
            let mut select = select.clone();
            select.projection = std::mem::take(&mut counting_select.projection);
            *counting =
                Query { body: Box::new(SetExpr::Select(Box::new(select))), ..subquery.clone() };
        }
        None => match &mut counting_select.from.first_mut()?.relation {
            TableFactor::Derived { subquery: rows, .. } => **rows = subquery.clone(),
            _ => return None,
        },
    }
    Some(made)
}

/// The query of the template that counts.
fn counting_query(template: &mut Expr) -> Option<&mut Query> {
    match template {
        Expr::Nested(inner) => counting_query(inner),
        Expr::BinaryOp { left, .. } => counting_query(left),
        Expr::Subquery(query) => Some(query),
        _ => None,
    }
}

/// The query's `select`, if it has a row for each row that it finds.
fn plain(query: &Query) -> Option<&Select> {
    let SetExpr::Select(select) = &*query.body else { return None };
    let groups = !matches!(&select.group_by, GroupByExpr::Expressions(keys, _) if keys.is_empty());
    let literal = |item: &SelectItem| match item {
        SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. } => {
            matches!(expr, Expr::Value(_) | Expr::Identifier(_) | Expr::CompoundIdentifier(_))
        }
        SelectItem::Wildcard(_) => true,
        _ => false,
    };
    let plain = query.limit_clause.is_none()
        && query.fetch.is_none()
        && query.order_by.is_none()
        && select.distinct.is_none()
        && select.having.is_none()
        && select.qualify.is_none()
        && !select.from.is_empty()
        && !groups
        // An aggregate has a row whatever it finds.
        && select.projection.iter().all(literal);
    plain.then_some(&**select)
}
