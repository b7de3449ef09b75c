//! Values compared with those before them, and with all.

use super::super::Problem;
use super::super::arguments::{Arguments, quoted};
use super::super::kind::{Compiled, Kind};
use super::super::literal::{self, Class};
use super::super::map::{Definition, Rows};

pub(super) const KINDS: &[Kind] = &[
    Kind {
        name: "expect_column_values_to_be_increasing",
        help: "no value is less than the one before (`strictly`: every one is greater)",
        arguments: &["column", "mostly", "strictly"],
        compile: |arguments| ordered(arguments, "<"),
    },
    Kind {
        name: "expect_column_values_to_be_decreasing",
        help: "no value is greater than the one before (`strictly`: every one is less)",
        arguments: &["column", "mostly", "strictly"],
        compile: |arguments| ordered(arguments, ">"),
    },
    Kind {
        name: "expect_column_value_z_scores_to_be_less_than",
        help: "every value is less than `threshold` sample standard deviations above the mean (`double_sided`: away from it)",
        arguments: &["column", "mostly", "threshold", "double_sided"],
        compile: scores,
    },
];

fn ordered(arguments: &Arguments<'_>, wrong: &str) -> Result<Compiled, Problem> {
    let field = arguments.column("column")?;
    if !matches!(literal::class(field), Class::Number | Class::Date | Class::Timestamp) {
        let message = "only numbers, dates and times have differences, and so an order here";
        let refusal = Problem::new(format!("`{}`: {message}", field.name()));
        return Compiled::map(arguments, Definition::refused(field, refusal));
    }
    let equal = if arguments.boolean("strictly")? { "=" } else { "" };
    let column = quoted(field.name());
    let unexpected = format!("t.{column} {wrong}{equal} t.__previous");
    let definition = Definition { rows: Rows::Ordered, ..Definition::of_column(field, unexpected) };
    Compiled::map(arguments, definition)
}

fn scores(arguments: &Arguments<'_>) -> Result<Compiled, Problem> {
    let field = arguments.column("column")?;
    if literal::class(field) != Class::Number {
        let message = "Cannot complete Z-score calculations on a non-numerical column.";
        return Compiled::map(arguments, Definition::refused(field, Problem::new(message)));
    }
    arguments.required("threshold")?;
    let threshold = arguments.number("threshold")?.unwrap_or_default();
    let column = quoted(field.name());
    let score = format!("(cast(t.{column} as double) - t.__mean) / nullif(t.__deviation, 0)");
    let unexpected = match arguments.boolean("double_sided")? {
        true => format!("abs({score}) >= cast('{}' as double)", threshold.abs()),
        false => format!("{score} >= cast('{threshold}' as double)"),
    };
    let definition = Definition { rows: Rows::Scored, ..Definition::of_column(field, unexpected) };
    Compiled::map(arguments, definition)
}
