//! Values that are there, and values that are not.

use super::super::Problem;
use super::super::arguments::{Arguments, quoted};
use super::super::kind::{Compiled, Kind};
use super::super::map::{Definition, Rows, Shape};

pub(super) const KINDS: &[Kind] = &[
    Kind {
        name: "expect_column_values_to_not_be_null",
        help: "no value is null",
        arguments: &["column", "mostly"],
        compile: |arguments| nulls(arguments, "is null"),
    },
    Kind {
        name: "expect_column_values_to_be_null",
        help: "every value is null",
        arguments: &["column", "mostly"],
        compile: |arguments| nulls(arguments, "is not null"),
    },
];

fn nulls(arguments: &Arguments<'_>, unexpected: &str) -> Result<Compiled, Problem> {
    let field = arguments.column("column")?;
    let definition = Definition {
        shape: Shape::Nullable,
        columns: vec![field.name().clone()],
        rows: Rows::Single,
        considered: None,
        unexpected: format!("{} {unexpected}", quoted(field.name())),
    };
    Compiled::map(arguments, definition)
}
