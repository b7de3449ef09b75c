//! Parameters of endpoints, and where a query uses them.

use std::ops::Range;

use super::super::graph::{Parameter, ParameterKind};
use super::super::yaml::{self, Yaml};
use crate::base::{Diagnostic, Diagnostics};

const KINDS: [(&str, ParameterKind); 8] = [
    ("integer", ParameterKind::Integer),
    ("number", ParameterKind::Number),
    ("decimal", ParameterKind::Decimal),
    ("string", ParameterKind::String),
    ("boolean", ParameterKind::Boolean),
    ("date", ParameterKind::Date),
    ("timestamp", ParameterKind::Timestamp),
    ("enum", ParameterKind::Enum),
];

/// The type of a parameter that has several values.
const LIST: &str = "list";

const KNOWN: [&str; 15] = [
    "name",
    "type",
    "items",
    "required",
    "default",
    "minimum",
    "maximum",
    "min",
    "max",
    "min_length",
    "max_length",
    "pattern",
    "values",
    "description",
    "example",
];

pub(super) fn read(written: &Yaml, problems: &mut Diagnostics) -> Option<Parameter> {
    let (name, span) = yaml::name_of(written, "a parameter", problems)?;
    yaml::only_keys(written, "a parameter", &KNOWN, problems);
    let starts = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    if !starts || !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
        let message = format!("`{name}` cannot name a parameter: letters, digits and `_` can");
        problems.push(Diagnostic::error(message).at(span.clone()));
    }
    let (kind, list) = kind(written, &name, problems)?;
    let mut text = |keys: &[&str]| {
        let value = keys.iter().find_map(|key| written.get(key))?;
        yaml::text(value, &format!("`{}` of `{name}`", keys[0]), problems)
    };
    let (default, minimum, maximum) =
        (text(&["default"]), text(&["minimum", "min"]), text(&["maximum", "max"]));
    let (pattern, description, example) =
        (text(&["pattern"]), text(&["description"]), text(&["example"]));
    let mut number = |key: &str| yaml::number(written.get(key)?, &format!("`{key}`"), problems);
    let (min_length, max_length) = (number("min_length"), number("max_length"));
    let required = written.get("required");
    let required = required.and_then(|value| yaml::boolean(value, "`required`", problems));
    let values = written.get("values");
    let values = values.map(|values| yaml::text_list(values, "`values`", problems));
    let parameter = Parameter {
        name,
        kind,
        list,
        required: required.unwrap_or(false),
        default,
        minimum,
        maximum,
        min_length,
        max_length,
        pattern,
        values: values.unwrap_or_default(),
        description: description.unwrap_or_default(),
        example,
        span: Some(span),
    };
    check(&parameter, written, problems);
    Some(parameter)
}

/// Its type, and whether it has several values; those of a list are texts where `items` does not say otherwise.
fn kind(written: &Yaml, name: &str, problems: &mut Diagnostics) -> Option<(ParameterKind, bool)> {
    let Some(value) = written.get("type") else {
        let message = format!("the parameter `{name}` has no `type`");
        problems.push(Diagnostic::error(message).at(written.span.clone()));
        return None;
    };
    let is_list = value.as_text() == Some(LIST);
    match (is_list, written.get("items")) {
        (true, Some(items)) => Some((kind_named(items, "items", &[], problems)?, true)),
        (true, None) => Some((ParameterKind::String, true)),
        (false, Some(items)) => {
            let message = format!("the parameter `{name}` has `items` but is no list");
            let problem = Diagnostic::error(message).at(items.span.clone());
            problems.push(problem.hint("write `type: list`"));
            None
        }
        (false, None) => Some((kind_named(value, "type", &[LIST], problems)?, false)),
    }
}

fn kind_named(
    value: &Yaml,
    what: &str,
    besides: &[&'static str],
    problems: &mut Diagnostics,
) -> Option<ParameterKind> {
    let text = yaml::text(value, &format!("`{what}`"), problems)?;
    let found = KINDS.iter().find(|(word, _)| *word == text).map(|(_, kind)| *kind);
    if found.is_none() {
        let words = KINDS.iter().map(|(word, _)| *word).chain(besides.iter().copied());
        let words: Vec<&str> = words.collect();
        let problem = Diagnostic::error(format!("unknown type `{text}` of a parameter"))
            .at(value.span.clone())
            .did_you_mean(&text, words.iter().copied());
        problems.push(problem.hint(format!("there are {}", words.join(", "))));
    }
    found
}

/// What the parts of a parameter must be for one another.
fn check(parameter: &Parameter, written: &Yaml, problems: &mut Diagnostics) {
    let mut refuse = |key: &str, message: String| {
        let span =
            written.get(key).map_or_else(|| written.span.clone(), |value| value.span.clone());
        problems.push(Diagnostic::error(message).at(span));
    };
    let name = &parameter.name;
    if parameter.kind == ParameterKind::Enum && parameter.values.is_empty() {
        refuse("type", format!("the parameter `{name}` is an enum without `values`"));
    }
    if let Some(Err(error)) = parameter.pattern.as_deref().map(regex::Regex::new) {
        let reason = error.to_string();
        let reason = reason.lines().last().unwrap_or_default().trim_start_matches("error: ");
        refuse("pattern", format!("the pattern of `{name}` is no regular expression: {reason}"));
    }
    if parameter.list && parameter.default.is_some() {
        refuse("default", format!("the parameter `{name}` is a list, which has no default"));
    }
    if parameter.required && parameter.default.is_some() {
        refuse(
            "default",
            format!("the parameter `{name}` is required, so its default is never used"),
        );
    }
    for (key, bound) in [("default", &parameter.default), ("example", &parameter.example)] {
        let fits = bound.as_deref().is_none_or(|text| fits(parameter, text));
        if !fits {
            refuse(key, format!("the {key} of `{name}` is not what its type and pattern demand"));
        }
    }
    for (key, bound) in [("minimum", &parameter.minimum), ("maximum", &parameter.maximum)] {
        let fits = bound.as_deref().is_none_or(|text| is_of_kind(parameter, text));
        if !fits {
            refuse(key, format!("the {key} of `{name}` is not of its type"));
        }
    }
}

fn fits(parameter: &Parameter, text: &str) -> bool {
    let pattern = parameter.pattern.as_deref();
    let pattern = pattern.and_then(|pattern| regex::Regex::new(&format!("^(?:{pattern})$")).ok());
    is_of_kind(parameter, text) && pattern.is_none_or(|pattern| pattern.is_match(text))
}

fn is_of_kind(parameter: &Parameter, text: &str) -> bool {
    use chrono::{NaiveDate, NaiveDateTime};
    match parameter.kind {
        ParameterKind::Integer => text.parse::<i64>().is_ok(),
        ParameterKind::Number => text.parse::<f64>().is_ok_and(f64::is_finite),
        ParameterKind::Decimal => {
            let digits = text.strip_prefix(['-', '+']).unwrap_or(text).replacen('.', "", 1);
            !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
        }
        ParameterKind::Boolean => matches!(text, "true" | "false"),
        ParameterKind::Date => NaiveDate::parse_from_str(text, "%Y-%m-%d").is_ok(),
        ParameterKind::Timestamp => {
            let formats = ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f"];
            let zoned = chrono::DateTime::parse_from_rfc3339(text).is_ok();
            zoned
                || formats.iter().any(|format| NaiveDateTime::parse_from_str(text, format).is_ok())
        }
        ParameterKind::Enum => parameter.values.iter().any(|value| value == text),
        ParameterKind::String => true,
    }
}

/// Where `$name` stands in SQL, outside of strings, quoted names and comments.
pub(super) fn placeholders(sql: &str) -> Vec<Range<usize>> {
    let bytes = sql.as_bytes();
    let mut found = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        at = match bytes[at] {
            quote @ (b'\'' | b'"') => {
                after(sql, at + 1, char::from(quote).encode_utf8(&mut [0; 4]))
            }
            b'-' if bytes[at..].starts_with(b"--") => after(sql, at, "\n"),
            b'/' if bytes[at..].starts_with(b"/*") => after(sql, at + 2, "*/"),
            b'$' => match dollar(sql, at) {
                Dollar::Name(end) => {
                    found.push(at..end);
                    end
                }
                Dollar::Text(end) => end,
                Dollar::Alone => at + 1,
            },
            byte if is_word(byte) => {
                at + bytes[at..].iter().take_while(|&&byte| is_word(byte) || byte == b'$').count()
            }
            _ => at + 1,
        };
    }
    found
}

enum Dollar {
    /// `$name`, up to here.
    Name(usize),
    /// `$tag$ … $tag$`, up to here.
    Text(usize),
    Alone,
}

fn dollar(sql: &str, at: usize) -> Dollar {
    let name: usize = sql.as_bytes()[at + 1..].iter().take_while(|&&byte| is_word(byte)).count();
    let end = at + 1 + name;
    let digit = sql.as_bytes().get(at + 1).is_some_and(u8::is_ascii_digit);
    if sql.as_bytes().get(end) == Some(&b'$') && !digit {
        let tag = &sql[at..=end];
        return Dollar::Text(after(sql, end + 1, tag));
    }
    if name == 0 { Dollar::Alone } else { Dollar::Name(end) }
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80
}

/// Behind the next `end`; a doubled quote begins a new string right away, which comes to the same.
fn after(sql: &str, from: usize, end: &str) -> usize {
    sql[from..].find(end).map_or(sql.len(), |found| from + found + end.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_found_outside_of_texts_and_comments() {
        let sql = "select '$no', \"$no\", $$ $no $$, $t$ $no $t$ -- $no\n/* $no */ \
                   from t where a = $yes and b = 'it''s $no' and c$d = $from";
        let names: Vec<&str> = placeholders(sql).into_iter().map(|range| &sql[range]).collect();
        assert_eq!(names, ["$yes", "$from"]);
    }
}
