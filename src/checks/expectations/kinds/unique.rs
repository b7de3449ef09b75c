//! Values that differ from row to row.

use super::super::Problem;
use super::super::arguments::Arguments;
use super::super::kind::{Compiled, Kind};
use super::super::map::{Definition, Rows, Shape};
use super::columns;

pub(super) const KINDS: &[Kind] = &[
    Kind {
        name: "expect_column_values_to_be_unique",
        help: "no value comes twice; every one that does is unexpected",
        arguments: &["column", "mostly"],
        compile: one,
    },
    Kind {
        name: "expect_compound_columns_to_be_unique",
        help: "no values of the columns come twice together",
        arguments: &["column_list", "mostly", "ignore_row_if"],
        compile: together,
    },
];

fn one(arguments: &Arguments<'_>) -> Result<Compiled, Problem> {
    let field = arguments.column("column")?;
    let definition = match arguments.is_unique(field) {
        true => Definition::of_column(field, "false".to_owned()),
        false => Definition { rows: Rows::Repeated, ..Definition::of_column(field, String::new()) },
    };
    Compiled::map(arguments, definition)
}

fn together(arguments: &Arguments<'_>) -> Result<Compiled, Problem> {
    let fields = columns::listed(arguments)?;
    let definition = Definition {
        shape: Shape::Several,
        columns: fields.iter().map(|field| field.name().clone()).collect(),
        rows: Rows::Repeated,
        considered: columns::considered(arguments, &fields)?,
        unexpected: String::new(),
        refusal: None,
    };
    Compiled::map(arguments, definition)
}
