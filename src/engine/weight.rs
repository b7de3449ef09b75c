//! How much planning a statement asks for: common table expressions are put in wherever they are named, so that a few
//! short ones, each naming the one before twice, make a plan of millions of tables; and long chains of operators make
//! trees as deep as nested ones.

use std::collections::HashMap;
use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    BinaryOperator, Expr, ObjectName, Query, Visit as _, Visitor,
};

use super::SqlError;
use super::names::parts;

/// The most tables that a statement may read, those of its common table expressions counted wherever they are named.
const RELATIONS_MAX: u64 = 1000;
/// How long a chain of operators may be; `and` and `or`, which are planned as lists, apart.
const CHAIN_MAX: usize = 256;

/// How many tables the statement reads.
///
/// # Errors
/// If it asks for more planning than any statement may.
pub(super) fn relations(query: &Query) -> Result<u64, SqlError> {
    let mut weights = Weights { open: vec![0], ..Weights::default() };
    if query.visit(&mut weights).is_break() {
        let message = format!("more than {CHAIN_MAX} operators stand in one chain");
        return Err(SqlError::new(message));
    }
    let relations = weights.open.first().copied().unwrap_or(0);
    match relations > RELATIONS_MAX {
        true => Err(too_many(relations, RELATIONS_MAX)),
        false => Ok(relations),
    }
}

/// The error for a statement that reads more tables than it may.
pub(super) fn too_many(relations: u64, max: u64) -> SqlError {
    let message = format!(
        "the statement reads {relations} tables, those of a `with` counted wherever it is named; at most {max}"
    );
    SqlError::new(message)
}

#[derive(Default)]
struct Weights {
    /// For each query that is being looked at the tables that it read so far, outermost first.
    open: Vec<u64>,
    /// What is read by a common table expression of the name; of two with one name, by the one that stands last before.
    named: HashMap<String, u64>,
    /// The names of the common table expressions ahead, by where their queries are in memory.
    ahead: HashMap<*const Query, String>,
    chain: usize,
}

impl Weights {
    fn add(&mut self, relations: u64) {
        if let Some(open) = self.open.last_mut() {
            *open = open.saturating_add(relations);
        }
    }
}

impl Visitor for Weights {
    type Break = ();

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
        for cte in query.with.iter().flat_map(|with| &with.cte_tables) {
            self.ahead.insert(&raw const *cte.query, cte.alias.name.value.clone());
        }
        self.open.push(0);
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
        // A query without a table is planned as one of a single row.
        let relations = self.open.pop().unwrap_or(0).max(1);
        match self.ahead.remove(&(&raw const *query)) {
            Some(name) => drop(self.named.insert(name, relations)),
            None => self.add(relations),
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_relation(&mut self, name: &ObjectName) -> ControlFlow<()> {
        let relations = match &parts(name)[..] {
            [name] => self.named.get(name).copied().unwrap_or(1),
            _ => 1,
        };
        self.add(relations);
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
        self.chain += usize::from(is_link(expr));
        match self.chain > CHAIN_MAX {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        }
    }

    fn post_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
        self.chain -= usize::from(is_link(expr));
        ControlFlow::Continue(())
    }
}

fn is_link(expr: &Expr) -> bool {
    matches!(expr, Expr::BinaryOp { op, .. } if !matches!(op, BinaryOperator::And | BinaryOperator::Or))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::parse;

    fn weight(sql: &str) -> Result<u64, String> {
        let parsed = parse::query(sql).map_err(|error| error.message)?;
        relations(&parsed.query).map_err(|error| error.message)
    }

    fn doubling(times: usize) -> String {
        let more = |n: usize| format!(", a{n} as (select x.n from a{0} as x, a{0} as y)", n - 1);
        let more: String = (1..=times).map(more).collect();
        format!("with a0 as (select n from t){more} select * from a{times}")
    }

    #[test]
    fn a_with_counts_wherever_it_is_named() {
        assert_eq!(weight("select 1"), Ok(1));
        assert_eq!(
            weight("select * from s.a join b on a.x = b.x where a.y in (select y from c)"),
            Ok(3)
        );
        assert_eq!(weight("with a as (select * from t, u) select * from a, a as b"), Ok(4));
        assert_eq!(
            weight(
                "with a as (with b as (select * from t) select * from b, b as c) select * from a"
            ),
            Ok(2)
        );
        assert_eq!(
            weight(
                "with recursive r as (select 1 as n union all select n + 1 from r) select * from r"
            ),
            Ok(1)
        );
        assert_eq!(weight(&doubling(9)), Ok(512));
        assert!(weight(&doubling(10)).unwrap_err().contains("reads 1024 tables"));
        assert!(weight(&doubling(90)).is_err());
    }

    #[test]
    fn chains_have_an_end() {
        let chain = |op: &str, links: usize| format!("select {}", vec!["1"; links + 1].join(op));
        assert!(weight(&chain("+", CHAIN_MAX)).is_ok());
        assert!(weight(&chain("+", CHAIN_MAX + 1)).is_err());
        assert!(weight(&chain(" and ", 500)).is_ok());
    }
}
