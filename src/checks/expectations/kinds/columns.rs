//! Several columns of one row.

use arrow::datatypes::Field;

use super::super::Problem;
use super::super::arguments::{Arguments, quoted};
use super::super::kind::{Compiled, Kind};
use super::super::literal::{self, Class};
use super::super::map::{Definition, Rows, Shape};
use super::pairs::sides;

pub(super) const KINDS: &[Kind] = &[
    Kind {
        name: "expect_select_column_values_to_be_unique_within_record",
        help: "no two of `column_list` hold the same value in one row",
        arguments: &["column_list", "mostly", "ignore_row_if"],
        compile: distinct,
    },
    Kind {
        name: "expect_multicolumn_values_to_be_unique",
        help: "the older name of `expect_select_column_values_to_be_unique_within_record`",
        arguments: &["column_list", "mostly", "ignore_row_if"],
        compile: distinct,
    },
    Kind {
        name: "expect_multicolumn_values_to_be_equal",
        help: "all of `column_list` hold the same value in one row",
        arguments: &["column_list", "mostly", "ignore_row_if"],
        compile: equal,
    },
    Kind {
        name: "expect_multicolumn_sum_to_equal",
        help: "the values of `column_list` in one row add up to `sum_total`",
        arguments: &["column_list", "mostly", "ignore_row_if", "sum_total"],
        compile: sum,
    },
];

/// The columns of `column_list`.
pub(super) fn listed<'a>(arguments: &Arguments<'a>) -> Result<Vec<&'a Field>, Problem> {
    arguments.required("column_list")?;
    let names = arguments.list("column_list")?.unwrap_or_default();
    if names.len() < 2 {
        return Err(Problem::new("column_list must contain at least two columns."));
    }
    let field = |name: &serde_json::Value| {
        let wrong = || Problem::new(format!("`column_list` is a list of columns, and has {name}"));
        arguments.field(name.as_str().ok_or_else(wrong)?)
    };
    names.iter().map(field).collect()
}

/// Which rows are looked at, by `ignore_row_if`.
pub(super) fn considered(
    arguments: &Arguments<'_>,
    fields: &[&Field],
) -> Result<Option<String>, Problem> {
    let there = |word: &str| {
        let there = fields.iter().map(|field| literal::present(field));
        there.collect::<Vec<_>>().join(word)
    };
    match arguments.text("ignore_row_if")? {
        None | Some("all_values_are_missing") => Ok(Some(there(" or "))),
        Some("any_value_is_missing") => Ok(Some(there(" and "))),
        Some("never") => Ok(None),
        Some(other) => {
            Err(Problem::new(format!("Unrecognized value of ignore_row_if (\"{other}\").")))
        }
    }
}

fn several(
    arguments: &Arguments<'_>,
    fields: &[&Field],
    unexpected: String,
) -> Result<Compiled, Problem> {
    Compiled::map(arguments, definition(arguments, fields, unexpected)?)
}

fn definition(
    arguments: &Arguments<'_>,
    fields: &[&Field],
    unexpected: String,
) -> Result<Definition, Problem> {
    Ok(Definition {
        shape: Shape::Several,
        columns: fields.iter().map(|field| field.name().clone()).collect(),
        rows: Rows::Single,
        considered: considered(arguments, fields)?,
        unexpected,
        refusal: None,
    })
}

fn both_missing(one: &Field, other: &Field) -> String {
    format!("({} and {})", literal::missing(one), literal::missing(other))
}

fn same(one: &Field, other: &Field) -> String {
    let missing = both_missing(one, other);
    match sides(one, other) {
        Some((one, other)) => format!("(coalesce({one} = {other}, false) or {missing})"),
        None => missing,
    }
}

/// What stands for a missing value in a frame: NaN among numbers and texts, NaT among times, else None. They are not the same.
#[derive(PartialEq)]
enum Missing {
    Number,
    Time,
    Object,
}

fn missing_value(field: &Field) -> Missing {
    match literal::class(field) {
        Class::Number if field.data_type().is_decimal() => Missing::Object,
        Class::Number | Class::Text => Missing::Number,
        Class::Timestamp => Missing::Time,
        Class::Boolean | Class::Date | Class::Other => Missing::Object,
    }
}

/// [`same`], but values are counted by their hashes: a date is not the time at which it begins.
fn counted_as_one(one: &Field, other: &Field) -> String {
    let is_date = |field| literal::class(field) == Class::Date;
    let sides = sides(one, other).filter(|_| is_date(one) == is_date(other));
    let equal = sides.map(|(one, other)| format!("coalesce({one} = {other}, false)"));
    let missing = (missing_value(one) == missing_value(other)).then(|| both_missing(one, other));
    match (equal, missing) {
        (None, None) => "false".to_owned(),
        (equal, missing) => {
            let conditions: Vec<String> = equal.into_iter().chain(missing).collect();
            format!("({})", conditions.join(" or "))
        }
    }
}

fn distinct(arguments: &Arguments<'_>) -> Result<Compiled, Problem> {
    let fields = listed(arguments)?;
    let pairs = fields.iter().enumerate().flat_map(|(index, one)| {
        fields[index + 1..].iter().map(|other| counted_as_one(one, other))
    });
    let unexpected = pairs.collect::<Vec<_>>().join(" or ");
    several(arguments, &fields, unexpected)
}

fn equal(arguments: &Arguments<'_>) -> Result<Compiled, Problem> {
    let fields = listed(arguments)?;
    let same = fields[1..].iter().map(|other| same(fields[0], other));
    let unexpected = format!("not ({})", same.collect::<Vec<_>>().join(" and "));
    several(arguments, &fields, unexpected)
}

fn sum(arguments: &Arguments<'_>) -> Result<Compiled, Problem> {
    let fields = listed(arguments)?;
    arguments.required("sum_total")?;
    let total = arguments.number("sum_total")?.unwrap_or_default();
    let class = |field: &&Field| literal::class(field);
    if fields.iter().all(|field| class(field) == Class::Text) {
        // Texts one after another are no number.
        return several(arguments, &fields, "true".to_owned());
    }
    let is_counted = |field: &&&Field| matches!(class(field), Class::Number | Class::Boolean);
    if let Some(odd) = fields.iter().find(|field| !is_counted(field)) {
        let message = format!("`{}` holds no numbers, and cannot be added", odd.name());
        let refusal = Some(Problem::new(message));
        let definition = definition(arguments, &fields, "false".to_owned())?;
        return Compiled::map(arguments, Definition { refusal, ..definition });
    }
    let exact =
        fields.iter().all(|field| field.data_type().is_integer() || class(field) == Class::Boolean);
    let value = |field: &&Field| match exact {
        true => format!("cast({} as bigint)", quoted(field.name())),
        false if class(field) == Class::Boolean => {
            format!("cast(cast({} as bigint) as double)", quoted(field.name()))
        }
        false => format!("cast({} as double)", quoted(field.name())),
    };
    let sum = fields.iter().map(value).collect::<Vec<_>>().join(" + ");
    let unexpected = format!("not coalesce(({sum}) = cast('{total}' as double), false)");
    several(arguments, &fields, unexpected)
}
