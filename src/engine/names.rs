//! The names of an answer's columns: with the case in which they were written or defined.
//!
//! Planning happens in lower case. What an output column is called is read off the statement: an alias as written there,
//! a plain column as its table defines it, everything else as DuckDB would call it (`dialect` aliases those).

use std::collections::BTreeMap;

use datafusion::sql::sqlparser::ast::{
    Expr, Ident, ObjectName, Query, Select, SelectItem, SelectItemQualifiedWildcardKind, SetExpr,
    TableAlias, TableFactor, TableWithJoins, With,
};

use super::parse::Written;

/// Lower-case name -> name with its case, for those where it differs or matters.
pub(super) type Names = BTreeMap<String, String>;

/// Where names of tables' columns come from.
pub(super) trait Definitions {
    /// Columns of the table that `name` (1 to 3 parts) means, with their case; empty if there is none.
    fn columns(&self, name: &[String]) -> Vec<String>;
}

/// The names of the query's output columns.
pub(super) fn of_query(query: &Query, written: &Written, definitions: &dyn Definitions) -> Names {
    Namer { written, definitions }.query(query, &BTreeMap::new())
}

type Ctes = BTreeMap<String, Names>;

struct Namer<'a> {
    written: &'a Written,
    definitions: &'a dyn Definitions,
}

/// The names that one relation of a `from` brings, and what it is called there.
struct Relation {
    name: String,
    names: Names,
}

impl Namer<'_> {
    fn query(&self, query: &Query, outer: &Ctes) -> Names {
        match &query.with {
            None => self.body(&query.body, outer),
            Some(with) => self.body(&query.body, &self.ctes(with, outer)),
        }
    }

    fn ctes(&self, with: &With, outer: &Ctes) -> Ctes {
        let mut ctes = outer.clone();
        for cte in &with.cte_tables {
            let names = self.query(&cte.query, &ctes);
            let name = cte.alias.name.value.clone();
            ctes.insert(name, self.renamed(names, Some(&cte.alias)));
        }
        ctes
    }

    fn body(&self, body: &SetExpr, ctes: &Ctes) -> Names {
        match body {
            SetExpr::Select(select) => self.select(select, ctes),
            SetExpr::Query(query) => self.query(query, ctes),
            SetExpr::SetOperation { left, .. } => self.body(left, ctes),
            _ => Names::new(),
        }
    }

    fn select(&self, select: &Select, ctes: &Ctes) -> Names {
        let relations: Vec<Relation> =
            select.from.iter().flat_map(|from| self.joined(from, ctes)).collect();
        let mut names = Names::new();
        if select.projection.is_empty() {
            add_all(&mut names, &relations);
        }
        for item in &select.projection {
            self.item(item, &relations, &mut names);
        }
        names
    }

    fn item(&self, item: &SelectItem, relations: &[Relation], names: &mut Names) {
        match item {
            SelectItem::UnnamedExpr(expr) => {
                if let Some((folded, name)) = self.column(expr, relations) {
                    names.insert(folded, name);
                }
            }
            SelectItem::ExprWithAlias { alias, .. } => {
                names.insert(alias.value.clone(), self.written.of(alias));
            }
            SelectItem::Wildcard(_) => add_all(names, relations),
            SelectItem::QualifiedWildcard(kind, _) => {
                let SelectItemQualifiedWildcardKind::ObjectName(of) = kind else { return };
                let of = parts(of).pop();
                let same = relations.iter().filter(|relation| Some(&relation.name) == of.as_ref());
                same.for_each(|relation| add(names, &relation.names));
            }
            SelectItem::ExprWithAliases { .. } => {}
        }
    }

    /// A plain column's folded name, and the name it has where it is defined.
    fn column(&self, expr: &Expr, relations: &[Relation]) -> Option<(String, String)> {
        let (qualifier, ident) = match expr {
            Expr::Identifier(ident) => (None, ident),
            Expr::CompoundIdentifier(idents) => match &idents[..] {
                [.., table, ident] => (Some(&table.value), ident),
                _ => return None,
            },
            Expr::Nested(inner) => return self.column(inner, relations),
            _ => return None,
        };
        let defined = relations
            .iter()
            .filter(|relation| qualifier.is_none_or(|name| *name == relation.name))
            .find_map(|relation| relation.names.get(&ident.value));
        let name = defined.cloned().unwrap_or_else(|| self.written.of(ident));
        Some((ident.value.clone(), name))
    }

    fn joined(&self, from: &TableWithJoins, ctes: &Ctes) -> Vec<Relation> {
        let mut relations = self.factor(&from.relation, ctes);
        for join in &from.joins {
            relations.extend(self.factor(&join.relation, ctes));
        }
        relations
    }

    fn factor(&self, factor: &TableFactor, ctes: &Ctes) -> Vec<Relation> {
        let (name, names, alias) = match factor {
            TableFactor::Table { name, alias, .. } => {
                let parts = parts(name);
                let names = self.table(&parts, ctes);
                (parts.last().cloned().unwrap_or_default(), names, alias.as_ref())
            }
            TableFactor::Derived { subquery, alias, .. } => {
                (String::new(), self.query(subquery, ctes), alias.as_ref())
            }
            TableFactor::NestedJoin { table_with_joins, alias: None } => {
                return self.joined(table_with_joins, ctes);
            }
            _ => return Vec::new(),
        };
        let names = self.renamed(names, alias);
        let name = alias.map_or(name, |alias| alias.name.value.clone());
        vec![Relation { name, names }]
    }

    fn table(&self, parts: &[String], ctes: &Ctes) -> Names {
        if let [name] = parts
            && let Some(names) = ctes.get(name)
        {
            return names.clone();
        }
        let columns = self.definitions.columns(parts).into_iter();
        columns.map(|column| (column.to_lowercase(), column)).collect()
    }

    /// With the names that `as t(a, b)` gives.
    fn renamed(&self, mut names: Names, alias: Option<&TableAlias>) -> Names {
        for column in alias.map_or(&[][..], |alias| &alias.columns) {
            names.insert(column.name.value.clone(), self.written.of(&column.name));
        }
        names
    }
}

fn add_all(names: &mut Names, relations: &[Relation]) {
    relations.iter().for_each(|relation| add(names, &relation.names));
}

/// Adds what is not there yet: of two columns of one name the first is the one that keeps it.
fn add(names: &mut Names, more: &Names) {
    for (folded, name) in more {
        names.entry(folded.clone()).or_insert_with(|| name.clone());
    }
}

/// The parts of a name, as they stand in a folded statement.
pub(super) fn parts(name: &ObjectName) -> Vec<String> {
    let idents = name.0.iter().filter_map(|part| part.as_ident());
    idents.map(|ident: &Ident| ident.value.clone()).collect()
}

/// Makes names differ, as DuckDB does for `create table`: the second `a` is `a_1`.
pub(super) fn distinct(names: impl IntoIterator<Item = String>) -> Vec<String> {
    let mut taken = std::collections::BTreeSet::new();
    let mut out = Vec::new();
    for name in names {
        let mut unique = name.clone();
        let mut number = 0;
        while !taken.insert(unique.to_lowercase()) {
            number += 1;
            unique = format!("{name}_{number}");
        }
        out.push(unique);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::parse;

    struct Fixed;

    impl Definitions for Fixed {
        fn columns(&self, name: &[String]) -> Vec<String> {
            match name.last().map(String::as_str) {
                Some("orders") => vec!["OrderID".to_owned(), "Total".to_owned()],
                _ => Vec::new(),
            }
        }
    }

    fn names(sql: &str) -> Vec<String> {
        let parsed = parse::query(sql).unwrap();
        of_query(&parsed.query, &parsed.written, &Fixed).into_values().collect()
    }

    #[test]
    fn columns_keep_the_case_of_their_definition_and_aliases_their_own() {
        assert_eq!(names("select orderid, TOTAL as NetTotal from ORDERS"), ["NetTotal", "OrderID"]);
        assert_eq!(names("select * from orders"), ["OrderID", "Total"]);
        assert_eq!(names("select o.* from shop.orders o"), ["OrderID", "Total"]);
    }

    #[test]
    fn names_pass_through_subqueries_and_ctes() {
        let sql = "with A as (select orderid as Id, total from orders), b(X) as (select 1) \
                   select ID, (total), x from (select * from a) q, b";
        assert_eq!(names(sql), ["Id", "Total", "X"]);
        assert_eq!(names("select Total from orders union all select 1 as other"), ["Total"]);
    }

    #[test]
    fn names_that_come_twice_are_told_apart() {
        let names = ["a", "A", "b", "a"].map(str::to_owned);
        assert_eq!(distinct(names), ["a", "A_1", "b", "a_2"]);
    }
}
