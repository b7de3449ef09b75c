//! Declared parameters, ready to judge the values of a request.

use regex::Regex;

use super::value::{self, Value};
use crate::base::suggest;
use crate::project::{self, ParameterKind};

/// How much of a value a message repeats, in characters.
const SHOWN_CHARACTERS_MAX: usize = 40;

/// A parameter whose own declaration was checked: its default and bounds are values of its kind.
#[derive(Clone, Debug)]
pub(super) struct Parameter {
    pub(super) name: String,
    pub(super) kind: ParameterKind,
    pub(super) list: bool,
    pub(super) required: bool,
    pub(super) default: Option<Value>,
    minimum: Option<Bound>,
    maximum: Option<Bound>,
    length_min: Option<u64>,
    length_max: Option<u64>,
    pattern: Option<Pattern>,
    values: Vec<String>,
}

/// A bound with its spelling.
#[derive(Clone, Debug)]
struct Bound {
    value: Value,
    written: String,
}

#[derive(Clone, Debug)]
struct Pattern {
    whole: Regex,
    written: String,
}

impl Parameter {
    /// # Errors
    /// All that is wrong with the declaration, each a sentence about the parameter.
    pub(super) fn new(declared: &project::Parameter) -> Result<Self, Vec<String>> {
        let mut problems = Vec::new();
        let mut parameter = Self {
            name: declared.name.clone(),
            kind: declared.kind,
            list: declared.list,
            required: declared.required,
            default: None,
            minimum: bound("minimum", declared, declared.minimum.as_ref(), &mut problems),
            maximum: bound("maximum", declared, declared.maximum.as_ref(), &mut problems),
            length_min: declared.min_length,
            length_max: declared.max_length,
            pattern: pattern(declared, &mut problems),
            values: declared.values.clone(),
        };
        if declared.kind == ParameterKind::Enum && declared.values.is_empty() {
            problems.push(format!("enum `{}` has no `values`", declared.name));
        }
        if let (true, Some(default)) = (problems.is_empty(), &declared.default) {
            match parameter.judge(default) {
                Ok(value) => parameter.default = Some(value),
                Err(detail) => {
                    problems.push(format!("the default of `{}`: {detail}", declared.name));
                }
            }
        }
        if problems.is_empty() { Ok(parameter) } else { Err(problems) }
    }

    /// The typed value that `text` stands for.
    ///
    /// # Errors
    /// What is wrong with it: what was given, cut, and what is expected.
    pub(super) fn judge(&self, text: &str) -> Result<Value, String> {
        if text.is_empty() && self.kind != ParameterKind::String {
            let otherwise = if self.required { "" } else { ", or leave the parameter out" };
            return Err(format!("it is empty; give {}{otherwise}", self.expected()));
        }
        let refuse = |expected: String| format!("{} is not {expected}", shown(text));
        let value = value::parse(self.kind, text).ok_or_else(|| refuse(self.expected()))?;
        if self.kind == ParameterKind::Enum && !self.values.iter().any(|known| known == text) {
            let hint = suggest::closest(text, self.values.iter().map(String::as_str))
                .map_or_else(String::new, |close| format!("; did you mean `{close}`?"));
            return Err(refuse(self.expected()) + &hint);
        }
        match self.bounds_broken(&value).or_else(|| self.length_broken(text)) {
            Some(expected) => Err(refuse(expected)),
            None => Ok(value),
        }
    }

    fn expected(&self) -> String {
        match self.kind {
            ParameterKind::Enum => {
                let values: Vec<String> =
                    self.values.iter().map(|known| format!("`{known}`")).collect();
                format!("one of {}", values.join(", "))
            }
            kind => value::expected(kind).to_owned(),
        }
    }

    fn bounds_broken(&self, value: &Value) -> Option<String> {
        let low = self.minimum.as_ref().filter(|bound| *value < bound.value);
        let high = self.maximum.as_ref().filter(|bound| *value > bound.value);
        low.map(|bound| format!("at least {}", bound.written))
            .or_else(|| high.map(|bound| format!("at most {}", bound.written)))
    }

    fn length_broken(&self, text: &str) -> Option<String> {
        let length = text.chars().count() as u64;
        if let Some(least) = self.length_min.filter(|least| length < *least) {
            return Some(format!("at least {least} characters long"));
        }
        if let Some(most) = self.length_max.filter(|most| length > *most) {
            return Some(format!("at most {most} characters long"));
        }
        let pattern = self.pattern.as_ref()?;
        (!pattern.whole.is_match(text))
            .then(|| format!("a value that matches `{}`", pattern.written))
    }
}

fn bound(
    which: &str,
    declared: &project::Parameter,
    written: Option<&String>,
    problems: &mut Vec<String>,
) -> Option<Bound> {
    let written = written?.clone();
    let parsed = match declared.kind {
        ParameterKind::String | ParameterKind::Enum | ParameterKind::Boolean => {
            problems.push(format!("`{}` has a {which}, which its type has not", declared.name));
            return None;
        }
        kind => value::parse(kind, &written),
    };
    if parsed.is_none() {
        let (name, expected) = (&declared.name, value::expected(declared.kind));
        problems.push(format!("the {which} of `{name}`: {} is not {expected}", shown(&written)));
    }
    parsed.map(|value| Bound { value, written })
}

fn pattern(declared: &project::Parameter, problems: &mut Vec<String>) -> Option<Pattern> {
    let written = declared.pattern.clone()?;
    // Compiled alone first: `a)(b` is no pattern, though it would be one inside the group.
    let whole = Regex::new(&written).and_then(|_| Regex::new(&format!(r"\A(?:{written})\z")));
    match whole {
        Ok(whole) => Some(Pattern { whole, written }),
        Err(error) => {
            let reason = error.to_string();
            let reason = reason.lines().last().unwrap_or_default().trim_start_matches("error: ");
            problems.push(format!("the pattern of `{}`: {reason}", declared.name));
            None
        }
    }
}

/// A value as a message calls it.
fn shown(text: &str) -> String {
    if text.is_empty() { "the empty text".to_owned() } else { format!("`{}`", cut(text)) }
}

/// The beginning of a value, for a message.
pub(super) fn cut(text: &str) -> String {
    match text.char_indices().nth(SHOWN_CHARACTERS_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
