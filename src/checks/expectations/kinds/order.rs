//! Values compared with those before them, and with all.

use arrow::datatypes::Field;

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
    Kind {
        name: "expect_column_values_to_not_be_outliers",
        help: "no value is further than `multiplier` (1.5) spreads away: quartile ranges from the quartiles (`method: iqr`) or sample standard deviations from the mean (`std`)",
        arguments: &["column", "mostly", "method", "multiplier"],
        compile: outliers,
    },
];

fn ordered(arguments: &Arguments<'_>, wrong: &str) -> Result<Compiled, Problem> {
    let field = arguments.column("column")?;
    if matches!(literal::class(field), Class::Text | Class::Other) {
        let message = "texts have no differences, and so no order here";
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
    if !matches!(literal::class(field), Class::Number | Class::Boolean) {
        let message = "Cannot complete Z-score calculations on a non-numerical column.";
        return Compiled::map(arguments, Definition::refused(field, Problem::new(message)));
    }
    arguments.required("threshold")?;
    let threshold = arguments.number("threshold")?.unwrap_or_default();
    let (of_row, of_all) = numbers(field);
    let score = format!("({of_row} - t.__mean) / nullif(t.__deviation, 0)");
    let unexpected = match arguments.boolean("double_sided")? {
        true => format!("abs({score}) >= cast('{}' as double)", threshold.abs()),
        false => format!("{score} >= cast('{threshold}' as double)"),
    };
    let rows = Rows::Scaled(mean_and_deviation(&of_all));
    Compiled::map(arguments, Definition { rows, ..Definition::of_column(field, unexpected) })
}

/// A row's value as a number, and those of all rows.
fn numbers(field: &Field) -> (String, String) {
    let number = |column: String| match literal::class(field) {
        Class::Boolean => format!("cast(cast({column} as bigint) as double)"),
        _ => format!("cast({column} as double)"),
    };
    let column = quoted(field.name());
    (number(format!("t.{column}")), number(column))
}

fn mean_and_deviation(number: &str) -> Vec<String> {
    vec![format!("avg({number}) as __mean"), format!("stddev_samp({number}) as __deviation")]
}

/// Values out of the window around the quartiles (`iqr`: its ends belong to it) or around the mean (`std`: they do not).
/// Where quartiles, mean or deviation are not there or not finite nothing is an outlier.
///
/// Source: GX's metrics `column.outlier_statistics` and `column_values.not_outliers` on pandas.
fn outliers(arguments: &Arguments<'_>) -> Result<Compiled, Problem> {
    let field = arguments.column("column")?;
    let method = arguments.text("method")?.unwrap_or("iqr");
    let multiplier = arguments.number("multiplier")?.unwrap_or(1.5);
    if !matches!(method, "iqr" | "std") {
        return Err(Problem::new(format!("`method` is iqr or std, not {method}")));
    }
    if multiplier < 0.0 {
        return Err(Problem::new(format!("`multiplier` is no less than 0, and is {multiplier}")));
    }
    let message = "Cannot detect outliers in a non-numerical column";
    let refusal = Problem::new(format!("{message}: `{}`", field.name()));
    match (literal::class(field), method) {
        // A column of texts is asked for its quantiles even where it is empty.
        (Class::Text, _) => return Err(refusal),
        // Python's decimals do not mix with floats, nor does numpy subtract truths.
        (Class::Number, _) if field.data_type().is_decimal() => {
            return Compiled::map(arguments, Definition::refused(field, refusal));
        }
        (Class::Number, _) | (Class::Boolean, "std") => {}
        _ => return Compiled::map(arguments, Definition::refused(field, refusal)),
    }
    let (of_row, of_all) = numbers(field);
    let finite = |name: &str| format!("abs(t.{name}) < cast('Infinity' as double)");
    let reach = |spread: &str| format!("cast('{multiplier}' as double) * {spread}");
    let (aggregates, needed, outside) = match method {
        "std" => {
            let reach = reach("t.__deviation");
            let outside = format!(
                "case when {reach} <= 0 then {of_row} <> t.__mean else abs({of_row} - t.__mean) >= {reach} end"
            );
            (mean_and_deviation(&of_all), ["__mean", "__deviation"], outside)
        }
        _ => {
            let quartile = |share: &str, name: &str| {
                format!("percentile_cont({share}) within group (order by {of_all}) as {name}")
            };
            let reach = reach("(t.__third - t.__first)");
            let outside =
                format!("{of_row} < t.__first - {reach} or {of_row} > t.__third + {reach}");
            let aggregates = vec![quartile("0.25", "__first"), quartile("0.75", "__third")];
            (aggregates, ["__first", "__third"], outside)
        }
    };
    let [one, other] = needed.map(finite);
    let unexpected = format!("case when {one} and {other} then {outside} else false end");
    let rows = Rows::Scaled(aggregates);
    Compiled::map(arguments, Definition { rows, ..Definition::of_column(field, unexpected) })
}
