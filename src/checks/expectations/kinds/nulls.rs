//! Values that are there, and values that are not.

use arrow::datatypes::Field;

use super::super::Problem;
use super::super::arguments::Arguments;
use super::super::kind::{Compiled, Kind};
use super::super::literal;
use super::super::map::{Definition, Rows, Shape};

pub(super) const KINDS: &[Kind] = &[
    Kind {
        name: "expect_column_values_to_not_be_null",
        help: "no value is null",
        arguments: &["column", "mostly"],
        compile: |arguments| nulls(arguments, literal::missing),
    },
    Kind {
        name: "expect_column_values_to_be_null",
        help: "every value is null",
        arguments: &["column", "mostly"],
        compile: |arguments| nulls(arguments, literal::present),
    },
];

fn nulls(arguments: &Arguments<'_>, unexpected: fn(&Field) -> String) -> Result<Compiled, Problem> {
    let field = arguments.column("column")?;
    let definition = Definition {
        shape: Shape::Nullable,
        columns: vec![field.name().clone()],
        rows: Rows::Single,
        considered: None,
        unexpected: unexpected(field),
        refusal: None,
    };
    Compiled::map(arguments, definition)
}
