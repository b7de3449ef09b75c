//! Two columns of one row.

use arrow::datatypes::Field;
use serde_json::Value as Json;

use super::super::Problem;
use super::super::arguments::{Arguments, quoted};
use super::super::kind::{Compiled, Kind};
use super::super::literal::{self, Class};
use super::super::map::{Definition, Rows, Shape};

pub(super) const KINDS: &[Kind] = &[
    Kind {
        name: "expect_column_pair_values_to_be_equal",
        help: "`column_A` equals `column_B`",
        arguments: &["column_A", "column_B", "mostly", "ignore_row_if"],
        compile: equal,
    },
    Kind {
        name: "expect_column_pair_values_a_to_be_greater_than_b",
        help: "`column_A` is greater than (`or_equal`: or equals) `column_B`",
        arguments: &["column_A", "column_B", "mostly", "ignore_row_if", "or_equal"],
        compile: greater,
    },
    Kind {
        name: "expect_column_pair_values_to_be_in_set",
        help: "the values of `column_A` and `column_B` are one of `value_pairs_set`",
        arguments: &["column_A", "column_B", "mostly", "ignore_row_if", "value_pairs_set"],
        compile: in_set,
    },
];

fn equal(arguments: &Arguments<'_>) -> Result<Compiled, Problem> {
    let (a, b) = both(arguments)?;
    let unexpected = match sides(a, b) {
        Some((a, b)) => format!("not coalesce({a} = {b}, false)"),
        None => "true".to_owned(),
    };
    pair(arguments, (a, b), unexpected)
}

fn greater(arguments: &Arguments<'_>) -> Result<Compiled, Problem> {
    let (a, b) = both(arguments)?;
    let Some((left, right)) = sides(a, b) else {
        let (a, b) = (a.name(), b.name());
        return Err(Problem::new(format!("`{a}` and `{b}` are of types that have no order")));
    };
    let equal = if arguments.boolean("or_equal")? { "=" } else { "" };
    let unexpected = format!("not coalesce({left} >{equal} {right}, false)");
    pair(arguments, (a, b), unexpected)
}

fn in_set(arguments: &Arguments<'_>) -> Result<Compiled, Problem> {
    let (a, b) = both(arguments)?;
    let unexpected = match arguments.named_list("value_pairs_set")? {
        None => "false".to_owned(),
        Some(pairs) => {
            let mut known = Vec::new();
            for written in pairs {
                let Some([one, other]) = written.as_array().map(Vec::as_slice) else {
                    let message = "`value_pairs_set` is a list of pairs, and has";
                    return Err(Problem::new(format!("{message} {written}")));
                };
                if let (Some(one), Some(other)) = (is(a, one)?, is(b, other)?) {
                    known.push(format!("({one} and {other})"));
                }
            }
            match known.is_empty() {
                true => "true".to_owned(),
                false => format!("not ({})", known.join(" or ")),
            }
        }
    };
    pair(arguments, (a, b), unexpected)
}

/// The condition that a column has the value; `None` where it never has.
fn is(field: &Field, value: &Json) -> Result<Option<String>, Problem> {
    let column = quoted(field.name());
    if value.is_null() {
        return Ok(Some(literal::missing(field)));
    }
    // Python takes no text for the time that it spells.
    let is_time = matches!(literal::class(field), Class::Date | Class::Timestamp);
    let value = if is_time { None } else { literal::equal(field, value)? };
    Ok(value.map(|value| format!("coalesce({column} = {value}, false)")))
}

fn both<'a>(arguments: &Arguments<'a>) -> Result<(&'a Field, &'a Field), Problem> {
    Ok((arguments.column("column_A")?, arguments.column("column_B")?))
}

/// Whether Python compares values of the one with those of the other.
pub(in super::super) fn comparable(one: &Field, other: &Field) -> bool {
    let (one, other) = (literal::class(one), literal::class(other));
    let is_time = |class| matches!(class, Class::Date | Class::Timestamp);
    one == other || (is_time(one) && is_time(other))
}

/// Two columns as SQL that compares them as Python does: truths are the numbers 0 and 1. `None` where no value of the one
/// equals one of the other.
pub(super) fn sides(one: &Field, other: &Field) -> Option<(String, String)> {
    let has_truths = |field: &Field| literal::class(field) == Class::Boolean;
    let is_counted = |field: &Field| has_truths(field) || literal::class(field) == Class::Number;
    let side = |field: &Field, against: &Field| {
        let column = quoted(field.name());
        match has_truths(field) {
            true if !has_truths(against) => format!("cast({column} as bigint)"),
            // A decimal does not hold every float.
            _ if field.data_type().is_decimal() && against.data_type().is_floating() => {
                format!("cast({column} as double)")
            }
            _ => column,
        }
    };
    let is_comparable = comparable(one, other) || (is_counted(one) && is_counted(other));
    is_comparable.then(|| (side(one, other), side(other, one)))
}

fn pair(
    arguments: &Arguments<'_>,
    (a, b): (&Field, &Field),
    unexpected: String,
) -> Result<Compiled, Problem> {
    let (first, second) = (literal::present(a), literal::present(b));
    let considered = match arguments.text("ignore_row_if")? {
        None | Some("both_values_are_missing") => Some(format!("{first} or {second}")),
        Some("either_value_is_missing") => Some(format!("{first} and {second}")),
        Some("neither") => None,
        Some(other) => {
            return Err(Problem::new(format!(
                "Unrecognized value of ignore_row_if (\"{other}\")."
            )));
        }
    };
    let columns = vec![a.name().clone(), b.name().clone()];
    let definition = Definition {
        shape: Shape::Pair,
        columns,
        rows: Rows::Single,
        considered,
        unexpected,
        refusal: None,
    };
    Compiled::map(arguments, definition)
}
