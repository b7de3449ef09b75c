//! Two columns of one row.

use arrow::datatypes::Field;
use serde_json::Value as Json;

use super::super::Problem;
use super::super::arguments::{Arguments, quoted};
use super::super::kind::{Compiled, Kind};
use super::super::literal;
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
    let unexpected = match comparable(a, b) {
        true => format!("not coalesce({} = {}, false)", quoted(a.name()), quoted(b.name())),
        false => "true".to_owned(),
    };
    pair(arguments, (a, b), unexpected)
}

fn greater(arguments: &Arguments<'_>) -> Result<Compiled, Problem> {
    let (a, b) = both(arguments)?;
    if !comparable(a, b) {
        let (a, b) = (a.name(), b.name());
        return Err(Problem::new(format!("`{a}` and `{b}` are of types that have no order")));
    }
    let equal = if arguments.boolean("or_equal")? { "=" } else { "" };
    let unexpected =
        format!("not coalesce({} >{equal} {}, false)", quoted(a.name()), quoted(b.name()));
    pair(arguments, (a, b), unexpected)
}

fn in_set(arguments: &Arguments<'_>) -> Result<Compiled, Problem> {
    let (a, b) = both(arguments)?;
    let unexpected = match arguments.list("value_pairs_set")? {
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
    let value = literal::equal(field, value)?;
    Ok(value.map(|value| format!("coalesce({column} = {value}, false)")))
}

fn both<'a>(arguments: &Arguments<'a>) -> Result<(&'a Field, &'a Field), Problem> {
    Ok((arguments.column("column_A")?, arguments.column("column_B")?))
}

/// Whether Python compares values of the one with those of the other.
pub(in super::super) fn comparable(one: &Field, other: &Field) -> bool {
    let (one, other) = (literal::class(one), literal::class(other));
    let is_time = |class| matches!(class, literal::Class::Date | literal::Class::Timestamp);
    one == other || (is_time(one) && is_time(other))
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
