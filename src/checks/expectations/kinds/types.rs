//! The types of columns, by the names that pandas and Python have for them.

use arrow::datatypes::{DataType, Field};
use serde_json::Value as Json;

use super::super::Problem;
use super::super::arguments::{Arguments, quoted};
use super::super::kind::{Compiled, Judged, Kind};
use super::super::literal::{self, Class};
use crate::checks::form::{Ask, Measure};

pub(super) const KINDS: &[Kind] = &[
    Kind {
        name: "expect_column_values_to_be_of_type",
        help: "the column is of the type `type_`: pandas' name (`int64`), Python's (`str`) or SQL's (`bigint`)",
        arguments: &["column", "mostly", "type_"],
        compile: of_type,
    },
    Kind {
        name: "expect_column_type_to_be",
        help: "the column is of the type `type_`",
        arguments: &["column", "type_"],
        compile: of_type,
    },
    Kind {
        name: "expect_column_values_to_be_in_type_list",
        help: "the column is of one of the types of `type_list`",
        arguments: &["column", "mostly", "type_list"],
        compile: in_list,
    },
];

fn of_type(arguments: &Arguments<'_>) -> Result<Compiled, Problem> {
    arguments.required("type_")?;
    let expected = arguments.text("type_")?.map(|expected| vec![expected.to_owned()]);
    typed(arguments, expected)
}

fn in_list(arguments: &Arguments<'_>) -> Result<Compiled, Problem> {
    let name = |name: &Json| {
        let wrong = || Problem::new(format!("`type_list` is a list of types, and has {name}"));
        name.as_str().map(str::to_owned).ok_or_else(wrong)
    };
    let list = arguments.list("type_list")?;
    typed(arguments, list.map(|list| list.iter().map(name).collect()).transpose()?)
}

/// A column of whole numbers with nulls is one of floats to pandas, so that nulls must be counted.
fn typed(arguments: &Arguments<'_>, expected: Option<Vec<String>>) -> Result<Compiled, Problem> {
    let field = arguments.column("column")?.clone();
    let nulls = Measure::Count(format!("{} is null", quoted(field.name())));
    let ask = Ask::measures(arguments.subject(), vec![nulls]);
    Ok(Compiled::aggregate(ask, move |answers| {
        let observed = pandas_type(&field, answers.count(0) > 0);
        let fits = |name: &String| names(&field, observed).any(|known| known == name);
        let success = expected.as_ref().is_none_or(|expected| expected.iter().any(fits));
        Ok(Judged::observed(success, observed.into()))
    }))
}

/// The name of the type that a frame has for the column.
fn pandas_type(field: &Field, has_nulls: bool) -> &'static str {
    match (field.data_type(), has_nulls) {
        (DataType::Int8, false) => "int8",
        (DataType::Int16, false) => "int16",
        (DataType::Int32, false) => "int32",
        (DataType::Int64, false) => "int64",
        (DataType::UInt8, false) => "uint8",
        (DataType::UInt16, false) => "uint16",
        (DataType::UInt32, false) => "uint32",
        (DataType::UInt64, false) => "uint64",
        (DataType::Float32, _) => "float32",
        (DataType::Boolean, false) => "bool",
        (data_type, _) if data_type.is_integer() || data_type.is_floating() => "float64",
        (DataType::Timestamp(_, None), _) => "datetime64",
        (DataType::Timestamp(_, Some(_)), _) => "Timestamp",
        _ if literal::class(field) == Class::Text => "str",
        _ => "object_",
    }
}

/// All names by which the type may be asked for.
fn names<'a>(field: &Field, observed: &'a str) -> impl Iterator<Item = &'a str> {
    let python: &[&str] = match observed {
        "int64" => &["int", "BIGINT", "bigint", "integer"],
        "int32" => &["INTEGER", "integer"],
        "int16" => &["SMALLINT", "smallint"],
        "float64" => &["float", "double", "DOUBLE", "float_"],
        "float32" => &["REAL", "real"],
        "bool" => &["bool_", "boolean", "BOOLEAN", "BOOL"],
        "datetime64" => {
            &["datetime64[ns]", "datetime64[us]", "datetime64[ms]", "timestamp", "TIMESTAMP"]
        }
        "Timestamp" => &["DatetimeTZDtype", "timestamptz", "TIMESTAMPTZ"],
        "str" => &["string", "text", "TEXT", "VARCHAR", "varchar", "StringDtype"],
        _ => &["object"],
    };
    let of_values: &[&str] = match field.data_type() {
        DataType::Date32 | DataType::Date64 => &["date", "DATE"],
        DataType::Decimal128(..) | DataType::Decimal256(..) => {
            &["Decimal", "decimal", "DECIMAL", "NUMERIC"]
        }
        DataType::Boolean if observed != "bool" => &["bool", "boolean"],
        _ => &[],
    };
    std::iter::once(observed).chain(python.iter().copied()).chain(of_values.iter().copied())
}
