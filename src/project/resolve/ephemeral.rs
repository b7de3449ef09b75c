//! Ephemeral models, put into the SQL that refers to them as common table expressions.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use super::super::graph::Materialization;
use super::super::jinja::cte_name;
use super::super::sql::{CompiledSql, Piece};
use super::compile::Compiled;
use super::declare::Purpose;
use super::references;
use crate::base::NodeId;

/// All ephemeral models as expressions.
#[derive(Default)]
pub(super) struct Expressions(BTreeMap<NodeId, Expression>);

/// An ephemeral model's SQL.
struct Expression {
    name: String,
    text: String,
    depends_on: BTreeSet<NodeId>,
}

/// Puts into each node the expressions that it needs, each before those that use it. Returns them all, for tests.
pub(super) fn inline(compiled: &mut [Compiled]) -> Expressions {
    let is_ephemeral = |compiled: &&Compiled| {
        compiled.node.purpose == Purpose::Model
            && compiled.node.materialization == Materialization::Ephemeral
    };
    let expressions: BTreeMap<NodeId, Expression> =
        compiled.iter().filter(is_ephemeral).map(expression).collect();
    let expressions = Expressions(expressions);
    if expressions.0.is_empty() {
        return expressions;
    }
    for compiled in compiled {
        let depends_on = compiled.depends_on.clone();
        let needed = expressions.needed(&depends_on);
        if let Some(last) = needed.last() {
            let source = &compiled.node.file.source;
            let site = references::site(source, "ref", &[last.short().to_owned()]);
            let template = site.and_then(|site| Some(site.arguments.first()?.1.clone()));
            put_in(&mut compiled.sql, &expressions.definitions(&needed), template.unwrap_or(0..0));
        }
    }
    expressions
}

impl Expressions {
    /// Puts the expressions that a test's query needs into it.
    pub(super) fn put_into(&self, sql: &mut CompiledSql, depends_on: &BTreeSet<NodeId>) {
        let needed = self.needed(depends_on);
        if !needed.is_empty() {
            put_in(sql, &self.definitions(&needed), 0..0);
        }
    }

    /// `with … as (…)` of the ephemeral models among `depends_on` and what they need; empty if there are none.
    pub(super) fn with_clause(&self, depends_on: &BTreeSet<NodeId>) -> String {
        let needed = self.needed(depends_on);
        match needed.is_empty() {
            true => String::new(),
            false => format!("with {}\n", self.definitions(&needed)),
        }
    }

    fn needed<'a>(&'a self, depends_on: &'a BTreeSet<NodeId>) -> Vec<&'a NodeId> {
        let mut needed = Vec::new();
        for id in depends_on {
            collect(id, &self.0, &mut needed);
        }
        needed
    }

    fn definitions(&self, needed: &[&NodeId]) -> String {
        let expressions = needed.iter().filter_map(|id| self.0.get(id));
        let definition = |expression: &Expression| {
            format!("{} as (\n{}\n)", cte_name(&expression.name), expression.text)
        };
        expressions.map(definition).collect::<Vec<_>>().join(",\n")
    }
}

fn expression(compiled: &Compiled) -> (NodeId, Expression) {
    let text = compiled.sql.text.trim().trim_end_matches(';').trim_end().to_owned();
    let name = compiled.node.name().to_owned();
    let depends_on = compiled.depends_on.clone();
    (compiled.node.id.clone(), Expression { name, text, depends_on })
}

/// Adds `id` and what it needs itself to `needed`, in the order of use. There are no circles.
fn collect<'a>(
    id: &'a NodeId,
    expressions: &'a BTreeMap<NodeId, Expression>,
    needed: &mut Vec<&'a NodeId>,
) {
    let Some(expression) = expressions.get(id).filter(|_| !needed.contains(&id)) else { return };
    for inner in &expression.depends_on {
        collect(inner, expressions, needed);
    }
    needed.push(id);
}

fn put_in(sql: &mut CompiledSql, definitions: &str, template: Range<usize>) {
    let (at, inserted) = match with_clause(&sql.text) {
        Some(behind_with) => (behind_with, format!(" {definitions},")),
        None => (0, format!("with {definitions}\n")),
    };
    insert(sql, at, &inserted, template);
}

/// Inserts `text` at byte `at`; errors inside of it are shown at `template`.
fn insert(sql: &mut CompiledSql, at: usize, text: &str, template: Range<usize>) {
    sql.text.insert_str(at, text);
    let moved = |range: &Range<usize>| range.start + text.len()..range.end + text.len();
    let mut map = Vec::with_capacity(sql.map.len() + 2);
    for piece in &sql.map {
        if piece.compiled.end <= at {
            map.push(piece.clone());
        } else if piece.compiled.start >= at {
            map.push(Piece { compiled: moved(&piece.compiled), ..piece.clone() });
        } else {
            let (first, second) = split(piece, at);
            map.push(first);
            map.push(Piece { compiled: moved(&second.compiled), ..second });
        }
    }
    let piece = Piece { compiled: at..at + text.len(), template, verbatim: false };
    let place = map.partition_point(|piece| piece.compiled.start < at);
    map.insert(place, piece);
    sql.map = map;
}

fn split(piece: &Piece, at: usize) -> (Piece, Piece) {
    let mut halves = (piece.clone(), piece.clone());
    halves.0.compiled.end = at;
    halves.1.compiled.start = at;
    if piece.verbatim {
        let cut = piece.template.start + (at - piece.compiled.start);
        halves.0.template.end = cut;
        halves.1.template.start = cut;
    }
    halves
}

/// Where a query's own `with` (or `with recursive`) ends, if it begins with one.
fn with_clause(sql: &str) -> Option<usize> {
    let start = after_blank(sql, 0);
    let with = word(sql, start).filter(|word| word.eq_ignore_ascii_case("with"))?;
    let end = start + with.len();
    let next = after_blank(sql, end);
    match word(sql, next) {
        Some(word) if word.eq_ignore_ascii_case("recursive") => Some(next + word.len()),
        _ => Some(end),
    }
}

fn word(sql: &str, at: usize) -> Option<&str> {
    let rest = &sql[at..];
    let length = rest.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(rest.len());
    (length > 0).then(|| &rest[..length])
}

/// The first byte at or behind `at` that is neither blank nor in a comment.
fn after_blank(sql: &str, mut at: usize) -> usize {
    loop {
        let rest = &sql[at..];
        let blank = rest.len() - rest.trim_start().len();
        let rest = &rest[blank..];
        at += blank;
        if rest.starts_with("--") {
            at += rest.find('\n').unwrap_or(rest.len());
        } else if rest.starts_with("/*") {
            at += rest.find("*/").map_or(rest.len(), |end| end + 2);
        } else {
            return at;
        }
    }
}
