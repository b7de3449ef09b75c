//! Texts that are dates.

use super::super::Problem;
use super::super::arguments::{Arguments, quoted};
use super::super::kind::{Compiled, Kind};
use super::super::literal::{self, Class, quoted_text};
use super::super::map::Definition;
use crate::engine;

pub(super) const KINDS: &[Kind] = &[
    Kind {
        name: "expect_column_values_to_match_strftime_format",
        help: "every value is a date written as `strftime_format` says",
        arguments: &["column", "mostly", "strftime_format"],
        compile: strftime,
    },
    Kind {
        name: "expect_column_values_to_be_dateutil_parseable",
        help: "every value is a date in one of the forms that Python's dateutil reads",
        arguments: &["column", "mostly"],
        compile: dateutil,
    },
];

fn strftime(arguments: &Arguments<'_>) -> Result<Compiled, Problem> {
    let format = arguments.required_text("strftime_format")?;
    engine::check_strptime_format(format).map_err(|error| {
        Problem::new(format!("Unable to use provided strftime_format. {error}"))
    })?;
    of_texts(arguments, |column| format!("not python_strptime({column}, {})", quoted_text(format)))
}

fn dateutil(arguments: &Arguments<'_>) -> Result<Compiled, Problem> {
    of_texts(arguments, |column| format!("not dateutil_parses({column})"))
}

fn of_texts(
    arguments: &Arguments<'_>,
    unexpected: impl Fn(&str) -> String,
) -> Result<Compiled, Problem> {
    let field = arguments.column("column")?;
    if literal::class(field) != Class::Text {
        let kind = arguments.kind();
        let message = format!("Values passed to {kind} must be of type string");
        let hint = "If you want to validate a column of dates or timestamps, please call the expectation before converting from string format.";
        let refusal = Problem::new(format!("{message}.\n{hint}"));
        return Compiled::map(arguments, Definition::refused(field, refusal));
    }
    Compiled::map(arguments, Definition::of_column(field, unexpected(&quoted(field.name()))))
}
