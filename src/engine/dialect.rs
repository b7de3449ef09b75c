//! What DuckDB means by a statement, where DataFusion would mean something else: the part that can be told from the
//! syntax tree alone. What needs types is in `meaning`.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    BinaryOperator, CastKind, DataType as SqlType, Expr, FunctionArg, FunctionArgExpr,
    FunctionArguments, Ident, ObjectName, OrderByKind, Query, Select, SelectItem, SetExpr,
    TableAlias, TableFactor, UnaryOperator, Value, ValueWithSpan, VisitMut, VisitorMut,
};

use super::exists;
use super::functions::macros;
use super::names::{distinct, parts};

/// Finds the table that a written name means.
pub(super) trait Resolver {
    /// `schema` and `name` (lower case) of the table that the 1 to 3 `parts` mean; `None` if there is no such table.
    fn resolve(&self, parts: &[String]) -> Option<(String, String)>;
}

/// Rewrites the query in place: expressions without an alias get DuckDB's name for them, table names are made full,
/// macros are expanded.
pub(super) fn rewrite(query: &mut Query, resolver: &dyn Resolver) {
    let mut found = Found::default();
    let _ = VisitMut::visit(query, &mut found);
    let full_names = FullNames { resolver, found };
    let _ = VisitMut::visit(query, &mut Rewriter { full_names });
}

/// Rewrites a lone expression.
pub(super) fn rewrite_expression(expr: &mut Expr) {
    struct NoTables;
    impl Resolver for NoTables {
        fn resolve(&self, _parts: &[String]) -> Option<(String, String)> {
            None
        }
    }
    let full_names = FullNames { resolver: &NoTables, found: Found::default() };
    let _ = VisitMut::visit(expr, &mut Rewriter { full_names });
}

/// All names of a statement that tables and common table expressions go by.
#[derive(Default)]
struct Found {
    ctes: Vec<String>,
    tables: Vec<Vec<String>>,
}

impl VisitorMut for Found {
    type Break = ();

    fn pre_visit_query(&mut self, query: &mut Query) -> ControlFlow<()> {
        let ctes = query.with.iter().flat_map(|with| &with.cte_tables);
        self.ctes.extend(ctes.map(|cte| cte.alias.name.value.clone()));
        ControlFlow::Continue(())
    }

    fn pre_visit_relation(&mut self, name: &mut ObjectName) -> ControlFlow<()> {
        self.tables.push(parts(name));
        ControlFlow::Continue(())
    }
}

/// Makes `orders` and `db.shop.orders` into `shop.orders as orders`, so that a plan does not depend on how much of the
/// name was written.
struct FullNames<'a> {
    resolver: &'a dyn Resolver,
    found: Found,
}

impl FullNames<'_> {
    /// The table's full name, unless it may be a common table expression, or two tables of the statement would then go
    /// by the same short name.
    fn full(&self, written: &[String]) -> Option<(String, String)> {
        if matches!(written, [name] if self.found.ctes.contains(name)) {
            return None;
        }
        let full = self.resolver.resolve(written)?;
        let clashes = self.found.tables.iter().any(|other| {
            other.last() == Some(&full.1) && self.resolver.resolve(other).as_ref() != Some(&full)
        });
        (!clashes && !self.found.ctes.contains(&full.1)).then_some(full)
    }

    fn table(&self, name: &mut ObjectName, alias: &mut Option<TableAlias>) {
        let Some((schema, table)) = self.full(&parts(name)) else {
            if name.0.len() > 2 {
                // A database's name says nothing here: there is one warehouse.
                name.0.drain(..name.0.len() - 2);
            }
            return;
        };
        let span = name.0.last().and_then(|part| part.as_ident()).map(|ident| ident.span);
        let start = name.0.first().and_then(|part| part.as_ident()).map(|ident| ident.span);
        let ident = |value: &str, span: Option<_>| match span {
            Some(span) => Ident::with_quote_and_span('"', span, value),
            None => Ident::with_quote('"', value),
        };
        *name = ObjectName::from(vec![ident(&schema, start), ident(&table, span)]);
        if alias.is_none() {
            let name = ident(&table, span);
            *alias = Some(TableAlias { explicit: true, name, columns: Vec::new(), at: None });
        }
    }

    /// `shop.orders.total` is `orders.total`.
    fn column(&self, idents: &mut Vec<Ident>) {
        if idents.len() < 3 {
            return;
        }
        let qualifier: Vec<String> =
            idents[..idents.len() - 1].iter().map(|ident| ident.value.clone()).collect();
        if self.full(&qualifier).is_some() {
            idents.drain(..idents.len() - 2);
        }
    }
}

struct Rewriter<'a> {
    full_names: FullNames<'a>,
}

impl VisitorMut for Rewriter<'_> {
    type Break = ();

    fn pre_visit_query(&mut self, query: &mut Query) -> ControlFlow<()> {
        order_by_aliases(query);
        ControlFlow::Continue(())
    }

    fn pre_visit_select(&mut self, select: &mut Select) -> ControlFlow<()> {
        name_columns(&mut select.projection);
        exists::rewrite(&mut select.projection);
        ControlFlow::Continue(())
    }

    fn pre_visit_table_factor(&mut self, factor: &mut TableFactor) -> ControlFlow<()> {
        if let TableFactor::Table { name, alias, args: None, .. } = factor {
            self.full_names.table(name, alias);
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        if let Expr::CompoundIdentifier(idents) = expr {
            self.full_names.column(idents);
        }
        ControlFlow::Continue(())
    }

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        match expr {
            Expr::Function(function) => {
                if let Some(expanded) = macros::expand(function) {
                    *expr = expanded;
                }
            }
            Expr::Extract { .. } | Expr::Interval(_) => {
                if let Some(expanded) = macros::expand_syntax(expr) {
                    *expr = expanded;
                }
            }
            Expr::Value(value) if is_scientific(value) => {
                // As a text: the planner would make a decimal of the number first, and not of every one.
                if let Value::Number(digits, _) = &value.value {
                    value.value = Value::SingleQuotedString(digits.clone());
                }
                *expr = cast(Box::new(expr.clone()), SqlType::DoublePrecision);
            }
            _ => {}
        }
        ControlFlow::Continue(())
    }
}

/// `1e3` is a double to DuckDB, `1000.0` a decimal.
fn is_scientific(value: &ValueWithSpan) -> bool {
    matches!(&value.value, Value::Number(digits, _) if digits.contains(['e', 'E']))
}

pub(super) fn cast(expr: Box<Expr>, data_type: SqlType) -> Expr {
    Expr::Cast { kind: CastKind::Cast, expr, data_type, array: false, format: None }
}

/// In `select distinct x + 1 … order by x + 1` the two are one column, which gets an alias: orders by that.
fn order_by_aliases(query: &mut Query) {
    let (SetExpr::Select(select), Some(order_by)) = (&mut *query.body, &mut query.order_by) else {
        return;
    };
    let OrderByKind::Expressions(keys) = &mut order_by.kind else { return };
    if select.distinct.is_none() {
        return;
    }
    name_columns(&mut select.projection);
    for key in keys {
        let same = select.projection.iter().find_map(|item| match item {
            SelectItem::ExprWithAlias { expr, alias } if *expr == key.expr => Some(alias),
            _ => None,
        });
        if let Some(alias) = same {
            key.expr = Expr::Identifier(alias.clone());
        }
    }
}

/// Gives expressions without an alias DuckDB's name, and the second of two columns of one name another.
fn name_columns(items: &mut [SelectItem]) {
    let wanted: Vec<Option<String>> = items.iter().map(wanted_name).collect();
    let mut unique = distinct(wanted.iter().flatten().cloned()).into_iter();
    for (item, wanted) in items.iter_mut().zip(&wanted) {
        let Some(wanted) = wanted else { continue };
        let Some(name) = unique.next() else { continue };
        let plain = matches!(item, SelectItem::UnnamedExpr(expr) if is_column(expr));
        if name == *wanted && plain {
            continue;
        }
        match item {
            SelectItem::UnnamedExpr(expr) => {
                let alias = Ident::with_quote('"', name);
                *item = SelectItem::ExprWithAlias { expr: expr.clone(), alias };
            }
            SelectItem::ExprWithAlias { alias, .. } if name != *wanted => {
                *alias = Ident::with_quote('"', name);
            }
            _ => {}
        }
    }
}

fn is_column(expr: &Expr) -> bool {
    matches!(expr, Expr::Identifier(_) | Expr::CompoundIdentifier(_))
}

fn wanted_name(item: &SelectItem) -> Option<String> {
    match item {
        SelectItem::UnnamedExpr(expr) => Some(default_name(expr)),
        SelectItem::ExprWithAlias { alias, .. } => Some(alias.value.clone()),
        _ => None,
    }
}

/// What DuckDB calls the column of an expression without an alias.
pub(super) fn default_name(expr: &Expr) -> String {
    match expr {
        Expr::Identifier(ident) => ident.value.clone(),
        Expr::CompoundIdentifier(idents) => {
            idents.last().map_or_else(String::new, |ident| ident.value.clone())
        }
        Expr::Nested(inner) => default_name(inner),
        Expr::BinaryOp { left, op, right } => {
            let op = match op {
                BinaryOperator::NotEq => "!=".to_owned(),
                other => other.to_string(),
            };
            format!("({} {op} {})", default_name(left), default_name(right))
        }
        Expr::UnaryOp { op: UnaryOperator::Not, expr } => format!("(NOT {})", default_name(expr)),
        Expr::UnaryOp { op, expr } => format!("{op}{}", default_name(expr)),
        Expr::IsNull(inner) => format!("({} IS NULL)", default_name(inner)),
        Expr::IsNotNull(inner) => format!("({} IS NOT NULL)", default_name(inner)),
        Expr::Cast { kind, expr, data_type, .. } => {
            let verb = if *kind == CastKind::TryCast { "TRY_CAST" } else { "CAST" };
            format!("{verb}({} AS {data_type})", default_name(expr))
        }
        Expr::Function(_) => function_name(expr),
        other => other.to_string(),
    }
}

fn function_name(expr: &Expr) -> String {
    let Expr::Function(function) = expr else { return expr.to_string() };
    let FunctionArguments::List(list) = &function.args else { return expr.to_string() };
    let name = parts(&function.name).join(".");
    let plain = |arg: &FunctionArg| match arg {
        FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => default_name(expr),
        other => other.to_string(),
    };
    let arguments: Vec<String> = list.args.iter().map(plain).collect();
    let mut text = match (name.as_str(), &arguments[..]) {
        ("count", [star]) if star == "*" => "count_star()".to_owned(),
        ("count", []) => "count_star()".to_owned(),
        _ => {
            let distinct = if list.duplicate_treatment.is_some() { "DISTINCT " } else { "" };
            format!("{name}({distinct}{})", arguments.join(", "))
        }
    };
    if let Some(filter) = &function.filter {
        text.push_str(&format!(" FILTER (WHERE {})", default_name(filter)));
    }
    if let Some(over) = &function.over {
        text.push_str(&format!(" OVER {over}"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::parse;

    #[test]
    fn expressions_are_called_as_duckdb_calls_them() {
        for (sql, name) in [
            ("count(*)", "count_star()"),
            ("Sum(x)", "sum(x)"),
            ("sum(x+1)", "sum((x + 1))"),
            ("count(distinct x)", "count(DISTINCT x)"),
            ("a.B * 2", "(b * 2)"),
            ("x is null", "(x IS NULL)"),
            ("'x'", "'x'"),
            ("coalesce(a, 1)", "coalesce(a, 1)"),
            ("sum(a) over ()", "sum(a) OVER ()"),
        ] {
            assert_eq!(default_name(&parse::expression(sql).unwrap()), name, "{sql}");
        }
    }
}
