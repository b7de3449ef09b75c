//! Texts that match patterns: Python's regular expressions, SQL's `like`, JSON.

use arrow::datatypes::Field;
use serde_json::Value as Json;

use super::super::Problem;
use super::super::arguments::{Arguments, quoted};
use super::super::kind::{Compiled, Kind};
use super::super::literal::{self, Class, quoted_text};
use super::super::map::Definition;
use crate::engine;

pub(super) const KINDS: &[Kind] = &[
    Kind {
        name: "expect_column_values_to_match_regex",
        help: "`regex` (Python's syntax) is found in every value",
        arguments: &["column", "mostly", "regex"],
        compile: |arguments| regex(arguments, false),
    },
    Kind {
        name: "expect_column_values_to_not_match_regex",
        help: "`regex` is found in no value",
        arguments: &["column", "mostly", "regex"],
        compile: |arguments| regex(arguments, true),
    },
    Kind {
        name: "expect_column_values_to_match_regex_list",
        help: "any (`match_on: all`: every) one of `regex_list` is found in every value",
        arguments: &["column", "mostly", "regex_list", "match_on"],
        compile: regex_list,
    },
    Kind {
        name: "expect_column_values_to_not_match_regex_list",
        help: "none of `regex_list` is found in any value",
        arguments: &["column", "mostly", "regex_list"],
        compile: not_regex_list,
    },
    Kind {
        name: "expect_column_values_to_match_like_pattern",
        help: "every value is like the SQL pattern `like_pattern`",
        arguments: &["column", "mostly", "like_pattern", "escape"],
        compile: |arguments| like(arguments, false),
    },
    Kind {
        name: "expect_column_values_to_not_match_like_pattern",
        help: "no value is like the SQL pattern `like_pattern`",
        arguments: &["column", "mostly", "like_pattern", "escape"],
        compile: |arguments| like(arguments, true),
    },
    Kind {
        name: "expect_column_values_to_match_like_pattern_list",
        help: "every value is like any (`match_on: all`: every) one of `like_pattern_list`",
        arguments: &["column", "mostly", "like_pattern_list", "match_on", "escape"],
        compile: like_list,
    },
    Kind {
        name: "expect_column_values_to_not_match_like_pattern_list",
        help: "no value is like one of `like_pattern_list`",
        arguments: &["column", "mostly", "like_pattern_list", "escape"],
        compile: not_like_list,
    },
    Kind {
        name: "expect_column_values_to_be_json_parseable",
        help: "every value is JSON",
        arguments: &["column", "mostly"],
        compile: json_parseable,
    },
    Kind {
        name: "expect_column_values_to_match_json_schema",
        help: "the JSON in every value is as `json_schema` says",
        arguments: &["column", "mostly", "json_schema"],
        compile: json_schema,
    },
];

fn of(arguments: &Arguments<'_>, field: &Field, unexpected: String) -> Result<Compiled, Problem> {
    Compiled::map(arguments, Definition::of_column(field, unexpected))
}

/// Whether the pattern is found in the column's text.
fn found(field: &Field, pattern: &str) -> Result<String, Problem> {
    engine::check_python_regex(pattern).map_err(Problem::new)?;
    Ok(format!("python_search({}, {})", literal::text(field), quoted_text(pattern)))
}

fn regex(arguments: &Arguments<'_>, refused: bool) -> Result<Compiled, Problem> {
    let field = arguments.column("column")?;
    match found(field, arguments.required_text("regex")?) {
        Ok(found) => of(arguments, field, if refused { found } else { format!("not {found}") }),
        // A pattern is not read where there is no value to look at.
        Err(refusal) => Compiled::map(arguments, Definition::refused(field, refusal)),
    }
}

/// The conditions that each of a list of patterns makes.
fn each(
    arguments: &Arguments<'_>,
    key: &str,
    condition: impl Fn(&str) -> Result<String, Problem>,
) -> Result<Vec<String>, Problem> {
    arguments.required(key)?;
    let patterns = arguments.list(key)?.unwrap_or_default();
    let text = |pattern: &Json| {
        let text = pattern.as_str();
        let wrong = || Problem::new(format!("`{key}` is a list of texts, and has {pattern}"));
        condition(text.ok_or_else(wrong)?)
    };
    patterns.iter().map(text).collect()
}

/// `or`, or `and` where all must match. GX's default is any.
fn joined(arguments: &Arguments<'_>, conditions: &[String]) -> Result<String, Problem> {
    let word = match arguments.text("match_on")? {
        None | Some("any") => " or ",
        Some("all") => " and ",
        Some(other) => {
            return Err(Problem::new(format!(
                "match_on must be either 'any' or 'all', not '{other}'"
            )));
        }
    };
    match conditions.is_empty() {
        true => Err(Problem::new("at least one pattern must be given")),
        false => Ok(conditions.join(word)),
    }
}

fn regex_list(arguments: &Arguments<'_>) -> Result<Compiled, Problem> {
    let field = arguments.column("column")?;
    regexes(arguments, field, |conditions| format!("not ({conditions})"))
}

/// Patterns are not read where there is no value to look at.
fn regexes(
    arguments: &Arguments<'_>,
    field: &Field,
    unexpected: impl Fn(String) -> String,
) -> Result<Compiled, Problem> {
    arguments.required("regex_list")?;
    match each(arguments, "regex_list", |pattern| found(field, pattern)) {
        Ok(conditions) => of(arguments, field, unexpected(joined(arguments, &conditions)?)),
        Err(refusal) => Compiled::map(arguments, Definition::refused(field, refusal)),
    }
}

fn not_regex_list(arguments: &Arguments<'_>) -> Result<Compiled, Problem> {
    let field = arguments.column("column")?;
    regexes(arguments, field, |conditions| conditions)
}

fn is_like(arguments: &Arguments<'_>, field: &Field, pattern: &str) -> Result<String, Problem> {
    let escape = arguments.text("escape")?.map(|escape| format!(" escape {}", quoted_text(escape)));
    let (text, pattern) = (literal::text(field), quoted_text(pattern));
    Ok(format!("({text} like {pattern}{})", escape.unwrap_or_default()))
}

fn like(arguments: &Arguments<'_>, refused: bool) -> Result<Compiled, Problem> {
    let field = arguments.column("column")?;
    let condition = is_like(arguments, field, arguments.required_text("like_pattern")?)?;
    of(arguments, field, if refused { condition } else { format!("not ({condition})") })
}

fn like_list(arguments: &Arguments<'_>) -> Result<Compiled, Problem> {
    let field = arguments.column("column")?;
    let conditions =
        each(arguments, "like_pattern_list", |pattern| is_like(arguments, field, pattern))?;
    of(arguments, field, format!("not ({})", joined(arguments, &conditions)?))
}

fn not_like_list(arguments: &Arguments<'_>) -> Result<Compiled, Problem> {
    let field = arguments.column("column")?;
    let conditions =
        each(arguments, "like_pattern_list", |pattern| is_like(arguments, field, pattern))?;
    of(arguments, field, joined(arguments, &conditions)?)
}

fn json_parseable(arguments: &Arguments<'_>) -> Result<Compiled, Problem> {
    let field = arguments.column("column")?;
    // Python's parser takes texts only, and GX takes its refusal for "not parseable".
    let unexpected = match literal::class(field) {
        Class::Text => format!("not python_is_json({})", quoted(field.name())),
        _ => "true".to_owned(),
    };
    of(arguments, field, unexpected)
}

/// Python's parser takes texts only, and what it refuses is an error: GX lets it through, here as there only where a row is
/// looked at.
fn json_schema(arguments: &Arguments<'_>) -> Result<Compiled, Problem> {
    let field = arguments.column("column")?;
    let schema = arguments.required("json_schema")?;
    if !schema.is_object() {
        return Err(Problem::new(format!("`json_schema` must be an object, not {schema}")));
    }
    if literal::class(field) != Class::Text {
        let message = "the JSON object must be str, bytes or bytearray";
        let refusal = Problem::new(format!("{message}, and `{}` is none", field.name()));
        return Compiled::map(arguments, Definition::refused(field, refusal));
    }
    let schema = quoted_text(&schema.to_string());
    let matches = format!("python_matches_json_schema({}, {schema})", quoted(field.name()));
    // A row that the condition leaves out may hold anything.
    let unexpected = match &arguments.filter {
        Some(filter) => format!("case when {filter} then not {matches} end"),
        None => format!("not {matches}"),
    };
    of(arguments, field, unexpected)
}
