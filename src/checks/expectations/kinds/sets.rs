//! Values within a set or a range.

use arrow::datatypes::Field;
use serde_json::Value as Json;

use super::super::arguments::{Arguments, quoted};
use super::super::kind::{Compiled, Kind};
use super::super::literal::{self, Class};
use super::super::map::Definition;
use super::super::{Problem, coerced};
use crate::engine;

pub(super) const KINDS: &[Kind] = &[
    Kind {
        name: "expect_column_values_to_be_between",
        help: "every value is from `min_value` to `max_value`, without them where `strict_min`, `strict_max` say so",
        arguments: &["column", "mostly", "min_value", "max_value", "strict_min", "strict_max"],
        compile: between,
    },
    Kind {
        name: "expect_column_values_to_be_in_set",
        help: "every value is one of `value_set`",
        arguments: &["column", "mostly", "value_set"],
        compile: |arguments| in_set(arguments, false),
    },
    Kind {
        name: "expect_column_values_to_not_be_in_set",
        help: "no value is one of `value_set`",
        arguments: &["column", "mostly", "value_set"],
        compile: |arguments| in_set(arguments, true),
    },
    Kind {
        name: "expect_column_value_lengths_to_be_between",
        help: "every value, as a text, has from `min_value` to `max_value` characters",
        arguments: &["column", "mostly", "min_value", "max_value", "strict_min", "strict_max"],
        compile: lengths_between,
    },
    Kind {
        name: "expect_column_value_lengths_to_equal",
        help: "every value, as a text, has `value` characters",
        arguments: &["column", "mostly", "value"],
        compile: lengths_equal,
    },
];

fn between(arguments: &Arguments<'_>) -> Result<Compiled, Problem> {
    let field = arguments.column("column")?;
    let bound =
        |key: &str| arguments.get(key).map(|value| literal::bound(field, value)).transpose();
    if let (Some(low), Some(high)) = (arguments.get("min_value"), arguments.get("max_value"))
        && literal::class(field) != Class::Text
        && coerced::number(low).is_some() != coerced::number(high).is_some()
    {
        return Err(Problem::new(format!("{low} and {high} cannot be compared")));
    }
    let (low, high) = match (bound("min_value"), bound("max_value")) {
        (Ok(low), Ok(high)) => (low, high),
        (Err(refusal), _) | (_, Err(refusal)) => {
            return Compiled::map(arguments, Definition::refused(field, refusal));
        }
    };
    let column = quoted(field.name());
    let value = match literal::class(field) {
        Class::Boolean => format!("cast({column} as bigint)"),
        _ => column,
    };
    let unexpected = outside(arguments, &value, low, high)?;
    if let (Some(low), Some(high)) = (arguments.get("min_value"), arguments.get("max_value"))
        && is_greater(low, high)
    {
        return Err(Problem::new("min_value cannot be greater than max_value"));
    }
    Compiled::map(arguments, Definition::of_column(field, unexpected))
}

/// Whether one bound is greater than the other, as numbers or as the times that they spell.
fn is_greater(low: &Json, high: &Json) -> bool {
    if let (Some(low), Some(high)) = (coerced::number(low), coerced::number(high)) {
        return low > high;
    }
    let time = |bound: &Json| bound.as_str().and_then(|text| engine::dateutil_time(text).ok());
    time(low).zip(time(high)).is_some_and(|(low, high)| low > high)
}

/// The condition of a value outside of the bounds.
fn outside(
    arguments: &Arguments<'_>,
    value: &str,
    low: Option<String>,
    high: Option<String>,
) -> Result<String, Problem> {
    let strict = |key: &str| Ok::<_, Problem>(if arguments.boolean(key)? { "=" } else { "" });
    let below =
        low.map(|low| Ok::<_, Problem>(format!("{value} <{} {low}", strict("strict_min")?)));
    let above =
        high.map(|high| Ok::<_, Problem>(format!("{value} >{} {high}", strict("strict_max")?)));
    let conditions: Vec<String> = below.into_iter().chain(above).collect::<Result<_, _>>()?;
    match conditions.is_empty() {
        true => Err(Problem::new("min_value and max_value cannot both be None")),
        false => Ok(conditions.join(" or ")),
    }
}

fn in_set(arguments: &Arguments<'_>, refused: bool) -> Result<Compiled, Problem> {
    let field = arguments.column("column")?;
    let unexpected = match arguments.named_list("value_set")? {
        None => "false".to_owned(),
        Some(set) => member(field, set, refused)?,
    };
    Compiled::map(arguments, Definition::of_column(field, unexpected))
}

/// Whether a column's value is in the set, or (not `inside`) is not.
fn member(field: &Field, set: &[Json], inside: bool) -> Result<String, Problem> {
    // A text is no date to Python, whatever it spells; GX reads it as a time only where the set is refused.
    let is_time = match literal::class(field) {
        Class::Timestamp => !inside,
        class => class == Class::Date,
    };
    let comparable = set.iter().filter(|value| !is_time || !value.is_string());
    let known: Vec<Option<String>> =
        comparable.map(|value| literal::equal(field, value)).collect::<Result<_, _>>()?;
    let known: Vec<String> = known.into_iter().flatten().collect();
    let column = quoted(field.name());
    Ok(match (known.is_empty(), inside) {
        (true, true) => "false".to_owned(),
        (true, false) => "true".to_owned(),
        (false, true) => format!("{column} in ({})", known.join(", ")),
        (false, false) => format!("{column} not in ({})", known.join(", ")),
    })
}

fn lengths_between(arguments: &Arguments<'_>) -> Result<Compiled, Problem> {
    let field = arguments.column("column")?;
    let bound =
        |key: &str| Ok::<_, Problem>(arguments.whole(key)?.map(|length| length.to_string()));
    let length = format!("length({})", literal::text(field));
    let unexpected = outside(arguments, &length, bound("min_value")?, bound("max_value")?)?;
    Compiled::map(arguments, Definition::of_column(field, unexpected))
}

fn lengths_equal(arguments: &Arguments<'_>) -> Result<Compiled, Problem> {
    let field = arguments.column("column")?;
    arguments.required("value")?;
    let value = arguments.number("value")?.unwrap_or_default();
    let unexpected = format!("length({}) <> {value}", literal::text(field));
    Compiled::map(arguments, Definition::of_column(field, unexpected))
}
