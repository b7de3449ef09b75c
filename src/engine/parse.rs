//! SQL text -> one folded, read-only statement.
//!
//! Names ignore case: every word is put into lower case before parsing, quoted ones too, and what was written is kept
//! beside, by position, for the names of the answer's columns.

use std::any::TypeId;
use std::collections::HashMap;

use datafusion::sql::sqlparser::ast::{Expr, Ident, Query, SetExpr, Statement};
use datafusion::sql::sqlparser::dialect::{Dialect, DuckDbDialect};
use datafusion::sql::sqlparser::parser::{Parser, ParserError};
use datafusion::sql::sqlparser::tokenizer::{Location, Token, TokenWithSpan, Tokenizer};

use super::SqlError;
use super::error::from_parser;

/// How deep expressions and subqueries may nest.
const NESTING_LIMIT: usize = 256;

/// DuckDB's dialect, but `f(a = b)` compares: DuckDB reads a named argument there only where the function has one.
#[derive(Debug)]
struct OurDialect;

/// Answers as DuckDB's dialect does.
macro_rules! as_duckdb {
    ($($feature:ident)*) => {
        $(fn $feature(&self) -> bool {
            DuckDbDialect {}.$feature()
        })*
    };
}

impl Dialect for OurDialect {
    /// The parser asks which dialect it is in some places.
    fn dialect(&self) -> TypeId {
        TypeId::of::<DuckDbDialect>()
    }

    fn is_identifier_start(&self, letter: char) -> bool {
        DuckDbDialect {}.is_identifier_start(letter)
    }

    fn is_identifier_part(&self, letter: char) -> bool {
        DuckDbDialect {}.is_identifier_part(letter)
    }

    as_duckdb! {
        supports_trailing_commas
        supports_filter_during_aggregation
        supports_group_by_expr
        supports_bitwise_shift_operators
        supports_named_fn_args_with_assignment_operator
        supports_dictionary_syntax
        support_map_literal_syntax
        supports_lambda_functions
        allow_extract_single_quotes
        supports_array_typedef_with_brackets
        supports_from_first_select
        supports_order_by_all
        supports_select_wildcard_exclude
        supports_notnull_operator
        supports_select_wildcard_replace
        supports_comma_separated_trim
    }
}

/// Names that were not written in lower case, by where they stand (line and column, from 1).
#[derive(Debug, Default)]
pub(super) struct Written(HashMap<(u64, u64), String>);

impl Written {
    /// The identifier as the user spelled it.
    pub(super) fn of(&self, ident: &Ident) -> String {
        let at = ident.span.start;
        self.0.get(&(at.line, at.column)).unwrap_or(&ident.value).clone()
    }
}

/// One parsed `select`, its names in lower case.
#[derive(Debug)]
pub(super) struct Parsed {
    pub(super) query: Box<Query>,
    pub(super) written: Written,
}

/// Parses exactly one `select`, `with`, `values` or `from` statement.
///
/// # Errors
/// If it is not SQL, or more or something else than one query.
pub(super) fn query(sql: &str) -> Result<Parsed, SqlError> {
    let (tokens, written) = tokens(sql)?;
    let first = tokens.iter().find(|token| !is_blank(token)).map(|token| token.span.start);
    let second = second_statement(&tokens);
    let end = end_of(&tokens);
    let statements = parser(tokens).parse_statements().map_err(|error| syntax(&error, end))?;
    let mut statements = statements.into_iter();
    match (statements.next(), statements.next()) {
        (Some(Statement::Query(query)), None) => {
            read_only(&query.body).map_err(|error| match first {
                Some(at) if error.position.is_none() => placed(error, at),
                _ => error,
            })?;
            Ok(Parsed { query, written })
        }
        (None, _) => Err(SqlError::new("there is no statement").at(1, 1, 1)),
        (Some(_), Some(_)) => {
            let error = SqlError::new("only one statement may stand here");
            Err(second.map_or(error.clone(), |at| placed(error, at)))
        }
        (Some(other), None) => {
            let error = not_a_query(&other);
            Err(first.map_or(error.clone(), |at| placed(error, at)))
        }
    }
}

/// Parses one expression.
///
/// # Errors
/// If it is not one, or something follows it.
pub(super) fn expression(sql: &str) -> Result<Expr, SqlError> {
    let (tokens, _) = tokens(sql)?;
    let end = end_of(&tokens);
    let mut parser = parser(tokens);
    let parsed = parser.parse_expr().map_err(|error| syntax(&error, end))?;
    match parser.peek_token() {
        TokenWithSpan { token: Token::EOF, .. } => Ok(parsed),
        other => {
            let error = SqlError::new(format!("expected one condition, found: {}", other.token));
            Err(placed(error, other.span.start))
        }
    }
}

fn parser(tokens: Vec<TokenWithSpan>) -> Parser<'static> {
    Parser::new(&OurDialect).with_recursion_limit(NESTING_LIMIT).with_tokens_with_locations(tokens)
}

fn tokens(sql: &str) -> Result<(Vec<TokenWithSpan>, Written), SqlError> {
    let mut tokens = Tokenizer::new(&OurDialect, sql)
        .tokenize_with_location()
        .map_err(|error| placed(SqlError::new(error.message.to_lowercase()), error.location))?;
    let mut written = Written::default();
    for token in &mut tokens {
        let Token::Word(word) = &mut token.token else { continue };
        let folded = word.value.to_lowercase();
        if folded != word.value {
            let at = token.span.start;
            let as_written = std::mem::replace(&mut word.value, folded);
            written.0.insert((at.line, at.column), as_written);
        }
    }
    Ok((tokens, written))
}

/// Where the text ends.
fn end_of(tokens: &[TokenWithSpan]) -> Option<Location> {
    tokens.iter().rfind(|token| !is_blank(token)).map(|token| token.span.end)
}

/// The parser's error; one without a place is one at the end.
fn syntax(error: &ParserError, end: Option<Location>) -> SqlError {
    let error = from_parser(error);
    match (error.position, end) {
        (None, Some(end)) => placed(error, end),
        _ => error,
    }
}

fn placed(error: SqlError, at: Location) -> SqlError {
    error.at(at.line as usize, at.column as usize, 1)
}

/// Where the second of two statements begins.
fn second_statement(tokens: &[TokenWithSpan]) -> Option<Location> {
    let first = tokens.iter().position(|token| !is_blank(token))?;
    let end = first + tokens[first..].iter().position(|t| t.token == Token::SemiColon)?;
    tokens[end..].iter().find(|token| !is_blank(token)).map(|token| token.span.start)
}

fn is_blank(token: &TokenWithSpan) -> bool {
    matches!(token.token, Token::Whitespace(_) | Token::SemiColon | Token::EOF)
}

fn not_a_query(statement: &Statement) -> SqlError {
    let text = statement.to_string();
    let verb = text.split_whitespace().next().unwrap_or_default().to_lowercase();
    SqlError::new(format!("only a `select` may stand here, not `{verb}`"))
}

/// Refuses statements that write from inside a query: `with x as (…) insert into …`.
fn read_only(body: &SetExpr) -> Result<(), SqlError> {
    match body {
        SetExpr::Select(select) if select.into.is_some() => {
            Err(SqlError::new("only a `select` without `into` may stand here"))
        }
        SetExpr::Select(_) | SetExpr::Values(_) | SetExpr::Table(_) => Ok(()),
        SetExpr::Query(query) => read_only(&query.body),
        SetExpr::SetOperation { left, right, .. } => {
            read_only(left)?;
            read_only(right)
        }
        SetExpr::Insert(statement)
        | SetExpr::Update(statement)
        | SetExpr::Delete(statement)
        | SetExpr::Merge(statement) => Err(not_a_query(statement)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(sql: &str) -> String {
        let error = query(sql).unwrap_err();
        format!("{:?} {error}", error.position)
    }

    #[test]
    fn only_one_query_is_let_in() {
        assert!(query("with a as (select 1) select * from a;").is_ok());
        assert!(query("values (1), (2)").is_ok());
        insta::assert_snapshot!(refused("insert into t values (1)"), @"Some((1, 1)) only a `select` may stand here, not `insert`");
        insta::assert_snapshot!(refused("select 1;\n drop table t"), @"Some((2, 2)) only one statement may stand here");
        insta::assert_snapshot!(refused("copy t to 'x'"), @"Some((1, 1)) only a `select` may stand here, not `copy`");
        insta::assert_snapshot!(refused("explain select 1"), @"Some((1, 1)) only a `select` may stand here, not `explain`");
        insta::assert_snapshot!(refused("set x = 1"), @"Some((1, 1)) only a `select` may stand here, not `set`");
        insta::assert_snapshot!(refused("-- nothing"), @"Some((1, 1)) there is no statement");
    }

    #[test]
    fn syntax_errors_have_a_place() {
        insta::assert_snapshot!(refused("select 1\nfrom (select 1"), @"Some((2, 14)) expected joined table, found 1");
        insta::assert_snapshot!(refused("select 'abc"), @"Some((1, 8)) unterminated string literal");
        insta::assert_snapshot!(refused("select (1"), @"Some((1, 10)) expected ), found the end");
    }
}
