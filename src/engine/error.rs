//! Errors of planning and running, in our words: short, with a place and a hint where there is one.

use std::any::Any;
use std::fmt::Write;

use arrow::datatypes::DataType;
use arrow::error::ArrowError;
use datafusion::common::diagnostic::Diagnostic;
use datafusion::common::{DataFusionError, SchemaError};
use datafusion::sql::sqlparser::parser::ParserError;

use super::{EngineError, SqlError, functions, sql_name};
use crate::base::suggest::closest;

/// How many names a hint lists at most.
const NAMES_LISTED: usize = 12;

impl SqlError {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), position: None, length: 0, hints: Vec::new() }
    }

    /// Places the error at a 1-based line and column; `length` characters are underlined.
    #[must_use]
    pub(crate) fn at(mut self, line: usize, column: usize, length: usize) -> Self {
        self.position = Some((line, column));
        self.length = length;
        self
    }

    #[must_use]
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// Suggests the closest of `known`, else lists them where they are few.
    #[must_use]
    pub(super) fn suggest(self, written: &str, known: &[String], what: &str) -> Self {
        match closest(written, known.iter().map(String::as_str)) {
            Some(name) => self.hint(format!("did you mean `{name}`?")),
            None if known.is_empty() || known.len() > NAMES_LISTED => self,
            None => self.hint(format!("{what}: `{}`", known.join("`, `"))),
        }
    }
}

/// Carries a [`SqlError`] through DataFusion's planner.
pub(super) fn carried(error: SqlError) -> DataFusionError {
    DataFusionError::External(Box::new(error))
}

/// What the parser said, with the position taken out of its text.
pub(super) fn from_parser(error: &ParserError) -> SqlError {
    let text = match error {
        ParserError::TokenizerError(text) | ParserError::ParserError(text) => text.as_str(),
        ParserError::RecursionLimitExceeded => "the statement is nested too deeply",
    };
    let (message, position) = match text.rsplit_once(" at Line: ") {
        Some((message, place)) => (message, parse_place(place)),
        None => (text, None),
    };
    let message =
        message.replacen("sql parser error: ", "", 1).replacen("Expected: ", "expected ", 1);
    let message = message.replace(", found: EOF", ", found the end").replace(", found:", ", found");
    // The parser shows its own tree of what it read so far.
    let message = message.split(" Substring {").next().unwrap_or_default();
    let error = SqlError::new(lowered(message));
    match position {
        Some((line, column)) if line > 0 => error.at(line, column, 1),
        _ => error,
    }
}

/// Reads `3, Column: 17`.
fn parse_place(place: &str) -> Option<(usize, usize)> {
    let (line, column) = place.split_once(", Column: ")?;
    Some((line.trim().parse().ok()?, column.trim().parse().ok()?))
}

/// What planning said.
pub(super) fn from_planning(error: &DataFusionError) -> SqlError {
    let place = error.diagnostic().and_then(place);
    let mut found = planning_message(error);
    if let (None, Some((line, column, length))) = (found.position, place) {
        found = found.at(line, column, length);
    }
    found
}

fn place(diagnostic: &Diagnostic) -> Option<(usize, usize, usize)> {
    let span = diagnostic.span?;
    let (start, end) = (span.start, span.end);
    let length = if start.line == end.line { end.column.saturating_sub(start.column) } else { 1 };
    (start.line > 0).then_some((start.line as usize, start.column as usize, length.max(1) as usize))
}

fn planning_message(error: &DataFusionError) -> SqlError {
    if let Some(own) = own_error(error) {
        return own;
    }
    match error.find_root() {
        DataFusionError::SchemaError(schema, _) => from_schema(schema),
        DataFusionError::SQL(parser, _) => from_parser(parser),
        DataFusionError::NotImplemented(text) => {
            SqlError::new(format!("not supported: {}", plain(text)))
        }
        DataFusionError::Internal(_) => SqlError::new(format!(
            "this query cannot be planned: {}",
            plain(&error.find_root().message())
        )),
        root => from_text(&plain(&root.message())),
    }
}

/// The error of ours somewhere in the chain.
fn own_error(error: &DataFusionError) -> Option<SqlError> {
    let mut next: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = next {
        if let Some(own) = error.downcast_ref::<SqlError>() {
            return Some(own.clone());
        }
        next = match error.downcast_ref::<DataFusionError>() {
            Some(DataFusionError::External(inner)) => Some(&**inner),
            Some(DataFusionError::Diagnostic(_, inner) | DataFusionError::Context(_, inner)) => {
                Some(&**inner)
            }
            _ => error.source(),
        };
    }
    None
}

fn from_schema(error: &SchemaError) -> SqlError {
    match error {
        SchemaError::FieldNotFound { field, valid_fields } => {
            let of =
                field.relation.as_ref().map_or(String::new(), |table| format!(" in `{table}`"));
            let same_table = |column: &&datafusion::common::Column| {
                field.relation.is_none() || column.relation == field.relation
            };
            let mut known: Vec<String> =
                valid_fields.iter().filter(same_table).map(|column| column.name.clone()).collect();
            known.sort_unstable();
            known.dedup();
            SqlError::new(format!("unknown column `{}`{of}", field.name)).suggest(
                &field.name,
                &known,
                "there are",
            )
        }
        SchemaError::AmbiguousReference { field } => SqlError::new(format!(
            "column `{}` is ambiguous: more than one table has it",
            field.name
        ))
        .hint("put the table's name before it"),
        SchemaError::DuplicateUnqualifiedField { name }
        | SchemaError::DuplicateQualifiedField { name, .. } => {
            SqlError::new(format!("column `{name}` comes up twice; give one an alias"))
        }
    }
}

/// Texts of the planner that are better told otherwise.
fn from_text(text: &str) -> SqlError {
    if let Some(rest) = text.strip_prefix("Invalid function '") {
        let name = rest.split('\'').next().unwrap_or_default();
        if let Some(usage) = functions::usage(name) {
            return SqlError::new(format!("`{name}` does not take these arguments"))
                .hint(format!("it is {usage}"));
        }
        let error = SqlError::new(format!("unknown function `{name}`"));
        let suggested =
            rest.split("Did you mean '").nth(1).and_then(|rest| rest.split('\'').next());
        return match suggested {
            Some(other) if closest(name, [other]).is_some() => {
                error.hint(format!("did you mean `{other}`?"))
            }
            _ => error,
        };
    }
    if let Some(name) = text.strip_prefix("Unknown placeholder: ") {
        return SqlError::new(format!("unknown parameter `{name}`"));
    }
    if let Some(column) = between(text, "column \"", "\" must appear in the GROUP BY") {
        let message = format!("column `{column}` must stand in `group by` or in an aggregate");
        return SqlError::new(message);
    }
    let operation = between(text, "Cannot coerce arithmetic expression ", " to valid types");
    if let Some(operation) = operation {
        return SqlError::new(format!("there is no `{}`", with_sql_types(operation)));
    }
    if let Some(rest) = text.strip_prefix("Cannot create filter with non-boolean predicate ") {
        let (condition, found) =
            rest.rsplit_once(" returning ").unwrap_or((rest, "something else"));
        let condition = condition.trim_matches('\'');
        let message = format!("`{condition}` is no condition, but {}", with_sql_types(found));
        return SqlError::new(message);
    }
    let text = text.split(" No function matches").next().unwrap_or(text);
    let text = text.rsplit("Error during planning: ").next().unwrap_or(text);
    SqlError::new(lowered(&with_sql_types(text.trim_end_matches('.'))))
}

/// With Arrow's names of types replaced by SQL's.
fn with_sql_types(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find(|letter: char| letter.is_ascii_uppercase()) {
        let (before, from) = rest.split_at(start);
        out.push_str(before);
        let inside_word = before.chars().next_back().is_some_and(char::is_alphanumeric);
        let word = from.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(from.len());
        let call = match from[word..].starts_with('(') {
            true => from.find(')').map_or(word, |end| end + 1),
            false => word,
        };
        let found = [call, word]
            .into_iter()
            .find_map(|end| Some((end, from[..end].parse::<DataType>().ok()?)));
        match found {
            Some((end, data_type)) if !inside_word => {
                out.push_str(&sql_name(&data_type));
                rest = &from[end..];
            }
            _ => {
                out.push_str(&from[..word]);
                rest = &from[word..];
            }
        }
    }
    out.push_str(rest);
    out
}

/// Texts of execution that are better told otherwise.
fn running_message(text: &str) -> String {
    let cast = text.strip_prefix("Cannot cast string '").and_then(|rest| {
        let (value, rest) = rest.rsplit_once("' to value of ")?;
        let data_type: DataType = rest.strip_suffix(" type")?.parse().ok()?;
        Some(format!("cannot cast '{value}' to {}", sql_name(&data_type)))
    });
    if let Some(rest) = text.strip_prefix("Failed to fetch metadata for file ") {
        return damaged_file(rest);
    }
    match text {
        "Divide by zero error" => "division by zero".to_owned(),
        _ if text.starts_with("Physical plan does not support logical expression") => {
            "a subquery of this form cannot stand here; join what it reads instead".to_owned()
        }
        _ if text.starts_with("Overflow happened on: ") => {
            text.replacen("Overflow happened on", "integer overflow", 1)
        }
        _ if text.contains("was not provided a value") => {
            let name = between(text, "'", "'").unwrap_or_default();
            format!("parameter `{name}` has no value")
        }
        _ => cast.unwrap_or_else(|| lowered(text)),
    }
}

/// A data file that is not there, or is no Parquet file. The text begins with its path, without the first `/`.
fn damaged_file(text: &str) -> String {
    let (path, cause) = text.split_once(": ").unwrap_or((text, ""));
    let damage = match cause.contains("not found") {
        true => "is missing",
        false => "is damaged: it cannot be read as Parquet",
    };
    format!("`/{path}` {damage}; `clearwell build` makes the table again")
}

/// Without prefixes of nested errors, backtraces and the advice to file a report.
fn plain(text: &str) -> String {
    let text = text.split(DataFusionError::BACK_TRACE_SEP).next().unwrap_or_default();
    let text = text.split("\nThis issue was likely caused").next().unwrap_or_default();
    let mut text = text.trim();
    const PREFIXES: &[&str] = &[
        "Error during planning: ",
        "This feature is not implemented: ",
        "Execution error: ",
        "Internal error: ",
        "Arrow error: ",
        "Parquet error: ",
        "External error: ",
        "Optimizer rule ",
        "Schema error: ",
        "Cast error: ",
        "Compute error: ",
        "Parser error: ",
        "Arithmetic overflow: ",
        "type_coercion\ncaused by\n",
    ];
    while let Some(rest) = PREFIXES.iter().find_map(|prefix| text.strip_prefix(prefix)) {
        text = rest;
    }
    text.trim_end_matches('.').to_owned()
}

/// With a lower-case first letter, unless the first word is an acronym or a name.
fn lowered(text: &str) -> String {
    let mut letters = text.chars();
    match (letters.next(), letters.clone().next()) {
        (Some(first), Some(second)) if !second.is_uppercase() && first.is_uppercase() => {
            first.to_lowercase().chain(letters).collect()
        }
        _ => text.to_owned(),
    }
}

impl EngineError {
    pub(super) fn from_datafusion(error: &DataFusionError) -> Self {
        match error.find_root() {
            DataFusionError::ResourcesExhausted(text) => memory_error(text),
            root => match own_error(error) {
                Some(own) => Self::Statement(own.message),
                None => {
                    let message = running_message(&plain(&root.message()));
                    match is_of_statement(error) {
                        true => Self::Statement(message),
                        false => Self::Other(message),
                    }
                }
            },
        }
    }

    /// A panic inside the engine, told as an error.
    pub(super) fn from_panic(panic: &(dyn Any + Send)) -> Self {
        let text = panic.downcast_ref::<&str>().copied();
        let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
        Self::Other(format!("the query engine failed: {}", text.unwrap_or("unknown reason")))
    }
}

impl From<SqlError> for EngineError {
    fn from(error: SqlError) -> Self {
        Self::Other(error.message)
    }
}

/// Whether another statement over the same data might succeed: it is about values, not about files or the engine.
fn is_of_statement(error: &DataFusionError) -> bool {
    let root = error.find_root();
    if matches!(
        root,
        DataFusionError::Execution(_)
            | DataFusionError::Plan(_)
            | DataFusionError::NotImplemented(_)
            | DataFusionError::SchemaError(_, _)
    ) {
        return true;
    }
    let mut next: Option<&(dyn std::error::Error + 'static)> = Some(root);
    while let Some(error) = next {
        let arrow = match error.downcast_ref::<DataFusionError>() {
            Some(DataFusionError::ArrowError(arrow, _)) => Some(&**arrow),
            _ => error.downcast_ref::<ArrowError>(),
        };
        if let Some(arrow) = arrow {
            return is_about_values(arrow);
        }
        next = error.source();
    }
    false
}

fn is_about_values(error: &ArrowError) -> bool {
    matches!(
        error,
        ArrowError::DivideByZero
            | ArrowError::ArithmeticOverflow(_)
            | ArrowError::CastError(_)
            | ArrowError::ParseError(_)
            | ArrowError::ComputeError(_)
            | ArrowError::InvalidArgumentError(_)
            | ArrowError::OffsetOverflowError(_)
    )
}

/// Names who asked for more and who holds the most, and what can be done.
fn memory_error(text: &str) -> EngineError {
    if text.contains("temp") && text.contains("disk")
        || text.contains("spill") && !text.contains("(can spill")
    {
        return EngineError::Other(format!("no room to spill: {}", plain(text)));
    }
    let asked = between(text, "Failed to allocate additional ", " for ");
    let who = between(text, "llocation failed for ", " with top")
        .or_else(|| between(text, " for ", " with "));
    let mut message = match (asked, who) {
        (Some(asked), Some(who)) => format!("{} needs {asked} more", consumer(who)),
        _ => plain(text),
    };
    let holders: Vec<String> = text
        .lines()
        .filter_map(|line| line.trim().split_once("#"))
        .filter_map(|(name, rest)| Some((name, between(rest, "consumed ", ",")?)))
        .filter(|(_, held)| *held != "0.0 B")
        .map(|(name, held)| format!("{} {held}", consumer(name)))
        .take(3)
        .collect();
    if !holders.is_empty() {
        let _ = write!(message, "; most is held by {}", holders.join(", "));
    }
    message.push_str("; a higher --memory-limit may help");
    EngineError::Memory(message)
}

/// `HashJoinInput[1]` is `HashJoinInput` to a reader.
fn consumer(name: &str) -> &str {
    name.trim().split(['[', '#']).next().unwrap_or(name)
}

fn between<'a>(text: &'a str, start: &str, end: &str) -> Option<&'a str> {
    let rest = &text[text.find(start)? + start.len()..];
    rest.find(end).map(|at| &rest[..at])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn running_out_of_memory_names_who_holds_most() {
        let text = "Additional allocation failed for GroupedHashAggregateStream[0] with top memory \
                    consumers (across reservations) as:\n  HashJoinInput#12(can spill: false) consumed \
                    50.0 MB, peak 70.0 MB,\n  load shop.orders#3(can spill: false) consumed 20.0 MB, \
                    peak 25.0 MB.\nError: Failed to allocate additional 1.5 MB for \
                    GroupedHashAggregateStream[0] with 0.0 B already allocated for this reservation - \
                    5.0 B remain available for the total memory pool: fair(pool_size: 100)";
        insta::assert_snapshot!(memory_error(text), @"out of memory: GroupedHashAggregateStream needs 1.5 MB more; most is held by HashJoinInput 50.0 MB, load shop.orders 20.0 MB; a higher --memory-limit may help");
    }
}
