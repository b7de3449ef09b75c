//! `row_condition` as SQL: GX's JSON objects, its older grammar `col("x") > 5`, pandas' query strings, and plain SQL.

use arrow::datatypes::{Field, SchemaRef};
use serde_json::Value as Json;

use super::Problem;
use super::arguments::quoted;
use super::literal::{self, quoted_text as text_literal};

/// Reads a condition. `parser` is `condition_parser`.
///
/// # Errors
/// If it is of no known form, or names a column that is not there.
pub(super) fn read(
    condition: &Json,
    parser: Option<&str>,
    schema: &SchemaRef,
) -> Result<String, Problem> {
    match condition {
        Json::String(text) => from_text(text, parser, schema),
        Json::Object(_) => from_object(condition, schema),
        _ => Err(Problem::new(format!("`row_condition` is a text or an object, not {condition}"))),
    }
}

fn from_object(condition: &Json, schema: &SchemaRef) -> Result<String, Problem> {
    let joined = |word: &str| {
        let parts = condition["conditions"].as_array().map(Vec::as_slice).unwrap_or_default();
        let parts: Vec<String> =
            parts.iter().map(|part| from_object(part, schema)).collect::<Result<_, _>>()?;
        match parts.is_empty() {
            true => Err(Problem::new("`row_condition` has a group without conditions")),
            false => Ok(format!("({})", parts.join(word))),
        }
    };
    match condition["type"].as_str() {
        Some("comparison") => comparison(condition, column(condition, schema)?),
        Some("nullity") => {
            let is_null = condition["is_null"].as_bool().unwrap_or(true);
            let missing = literal::missing(column(condition, schema)?);
            Ok(if is_null { missing } else { format!("(not {missing})") })
        }
        Some("and") => joined(" and "),
        Some("or") => joined(" or "),
        Some("pass_through") => match condition["pass_through_filter"].as_str() {
            Some(text) => from_text(text, Some("pandas"), schema),
            None => Err(Problem::new("`row_condition` needs `pass_through_filter`")),
        },
        _ => {
            Err(Problem::new(format!("Unable to determine Condition type from dict: {condition}")))
        }
    }
}

fn column<'a>(condition: &Json, schema: &'a SchemaRef) -> Result<&'a Field, Problem> {
    let column = &condition["column"];
    let name = column["name"].as_str().or(column.as_str());
    let name = name.ok_or_else(|| Problem::new("`row_condition` names no `column`"))?;
    schema
        .field_with_name(name)
        .map_err(|_| Problem::new(format!("`row_condition` names `{name}`, which is no column")))
}

/// As pandas compares: a missing value is different from every value and in no set.
fn comparison(condition: &Json, field: &Field) -> Result<String, Problem> {
    let column = quoted(field.name());
    let (operator, parameter) = (condition["operator"].as_str(), &condition["parameter"]);
    let set = || -> Result<String, Problem> {
        let values = parameter.as_array().map(Vec::as_slice).unwrap_or_default();
        let values = values.iter().filter_map(|value| literal::equal(field, value).transpose());
        let values: Vec<String> = values.collect::<Result<_, _>>()?;
        Ok(match values.is_empty() {
            true => "false".to_owned(),
            false => format!("coalesce({column} in ({}), false)", values.join(", ")),
        })
    };
    let literal = match parameter {
        Json::Array(_) => None,
        value => literal::equal(field, value)?,
    };
    match (operator, literal) {
        (Some("IN"), _) => set(),
        (Some("NOT_IN"), _) => Ok(format!("(not {})", set()?)),
        (Some("=="), Some(literal)) => Ok(format!("({column} = {literal})")),
        (Some("!="), Some(literal)) => Ok(format!("({column} is distinct from {literal})")),
        (Some("=="), None) => Ok("false".to_owned()),
        (Some("!="), None) => Ok("true".to_owned()),
        (Some(operator @ ("<" | "<=" | ">" | ">=")), Some(literal)) => {
            Ok(format!("({column} {operator} {literal})"))
        }
        (Some("<" | "<=" | ">" | ">="), None) => {
            let name = field.name();
            Err(Problem::new(format!("`row_condition` cannot compare `{name}` with {parameter}")))
        }
        _ => Err(Problem::new(format!("`row_condition` has no such operator: {condition}"))),
    }
}

/// A piece of a condition.
#[derive(Clone, Debug, PartialEq)]
enum Token {
    Word(String),
    /// Text in quotes, with the quote.
    Quoted(char, String),
    Sign(String),
}

fn from_text(text: &str, parser: Option<&str>, schema: &SchemaRef) -> Result<String, Problem> {
    let tokens = tokens(text)?;
    let is_python = parser.is_some() || text.contains("col(") || text.contains("==");
    let mut written: Vec<String> = Vec::new();
    let mut index = 0;
    while let Some(token) = tokens.get(index) {
        let rest = &tokens[index + 1..];
        let (sql, more) = match token {
            Token::Word(word) if word == "col" && is_call(rest) => match &rest[1] {
                Token::Quoted(_, name) => (existing(name, schema)?, 3),
                _ => return Err(bad(text)),
            },
            Token::Word(word) if word == "date" && is_call(rest) => match &rest[1] {
                Token::Quoted(_, date) => (format!("cast({} as timestamp)", text_literal(date)), 3),
                _ => return Err(bad(text)),
            },
            Token::Word(word) => (word_of(word, schema, is_python), 0),
            Token::Quoted('`', name) => (existing(name, schema)?, 0),
            Token::Quoted('"', name) if !is_python => (quoted(name), 0),
            Token::Quoted(_, literal) => (text_literal(literal), 0),
            Token::Sign(sign) if sign == "." && is_method(rest) => {
                let Some(Token::Word(method)) = rest.first() else { return Err(bad(text)) };
                let is = match method.to_lowercase().as_str() {
                    "isnull" | "isna" => "is null",
                    "notnull" | "notna" => "is not null",
                    _ => return Err(bad(text)),
                };
                (is.to_owned(), 3)
            }
            Token::Sign(sign) => (sign_of(sign, is_python), 0),
        };
        written.push(sql);
        index += 1 + more;
    }
    Ok(format!("({})", written.join(" ")))
}

fn bad(text: &str) -> Problem {
    Problem::new(format!("`row_condition` cannot be read: {text}"))
}

fn existing(name: &str, schema: &SchemaRef) -> Result<String, Problem> {
    let missing = || Problem::new(format!("`row_condition` names `{name}`, which is no column"));
    schema.field_with_name(name).map(|field| quoted(field.name())).map_err(|_| missing())
}

/// `("…")`
fn is_call(rest: &[Token]) -> bool {
    rest.first() == Some(&Token::Sign("(".to_owned()))
        && rest.get(2) == Some(&Token::Sign(")".to_owned()))
}

/// `isnull()`
fn is_method(rest: &[Token]) -> bool {
    rest.get(1) == Some(&Token::Sign("(".to_owned()))
        && rest.get(2) == Some(&Token::Sign(")".to_owned()))
}

fn word_of(word: &str, schema: &SchemaRef, is_python: bool) -> String {
    let is_column = schema.field_with_name(word).is_ok();
    match word {
        _ if is_column => quoted(word),
        "True" => "true".to_owned(),
        "False" => "false".to_owned(),
        "None" if is_python => "null".to_owned(),
        _ => word.to_owned(),
    }
}

fn sign_of(sign: &str, is_python: bool) -> String {
    match sign {
        "==" => "=",
        // To pandas a missing value is different from every value.
        "!=" if is_python => "is distinct from",
        "&" if is_python => "and",
        "|" if is_python => "or",
        "~" if is_python => "not",
        "[" if is_python => "(",
        "]" if is_python => ")",
        other => other,
    }
    .to_owned()
}

fn tokens(text: &str) -> Result<Vec<Token>, Problem> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let end = match first {
            '\'' | '"' | '`' => {
                let inside = &rest[1..];
                let end = inside.find(first).ok_or_else(|| bad(text))?;
                tokens.push(Token::Quoted(first, inside[..end].to_owned()));
                rest = inside[end + 1..].trim_start();
                continue;
            }
            _ if first.is_alphanumeric() || first == '_' => {
                let is_number = first.is_ascii_digit();
                let is_inside = |c: char| c.is_alphanumeric() || c == '_' || is_number && c == '.';
                rest.find(|c: char| !is_inside(c)).unwrap_or(rest.len())
            }
            _ => match rest.get(..2) {
                Some("==" | "!=" | "<=" | ">=" | "<>" | "||" | "::") => 2,
                _ => first.len_utf8(),
            },
        };
        let (token, behind) = rest.split_at(end);
        tokens.push(match first.is_alphanumeric() || first == '_' {
            true => Token::Word(token.to_owned()),
            false => Token::Sign(token.to_owned()),
        });
        rest = behind.trim_start();
    }
    Ok(tokens)
}
