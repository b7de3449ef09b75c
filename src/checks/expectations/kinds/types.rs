//! The types of columns, by the names that pandas and Python have for them.
//!
//! Source: GX's `_validate_pandas` of the three expectations, and its metrics `column_values.of_type` and `.in_type_list`.

use arrow::datatypes::{DataType, Field, TimeUnit};
use serde_json::Value as Json;

use super::super::Problem;
use super::super::arguments::{Arguments, quoted};
use super::super::kind::{Compiled, Judged, Kind};
use super::super::literal::{self, Class};
use super::super::map::{Definition, Map};
use crate::checks::form::{Ask, Measure, Subject};

pub(super) const KINDS: &[Kind] = &[
    Kind {
        name: "expect_column_values_to_be_of_type",
        help: "the column is of the type `type_`: pandas' name (`int64`), Python's (`str`) or SQL's (`bigint`)",
        arguments: &["column", "mostly", "type_"],
        compile: of_type,
    },
    Kind {
        name: "expect_column_type_to_be",
        help: "the column is of the type `type_`, as its frame spells it: `datetime64[us]`, `object`",
        arguments: &["column", "type_"],
        compile: column_type,
    },
    Kind {
        name: "expect_column_values_to_be_in_type_list",
        help: "the column is of one of the types of `type_list`",
        arguments: &["column", "mostly", "type_list"],
        compile: in_list,
    },
];

/// Names that Python, numpy or pandas know, of whatever type. One of a column of objects is asked of each value.
const PYTHON: &[&str] = &[
    "BooleanDtype",
    "CategoricalDtype",
    "DatetimeTZDtype",
    "Decimal",
    "Int64Dtype",
    "O",
    "S",
    "Series",
    "StringDtype",
    "Timestamp",
    "U",
    "bool",
    "bool_",
    "bytes",
    "bytes_",
    "complex",
    "date",
    "datetime",
    "dict",
    "double",
    "float",
    "float16",
    "float32",
    "float64",
    "half",
    "int",
    "int16",
    "int32",
    "int64",
    "int8",
    "intc",
    "list",
    "long",
    "longdouble",
    "none",
    "object",
    "object_",
    "single",
    "str",
    "str_",
    "timedelta",
    "uint",
    "uint16",
    "uint32",
    "uint64",
    "uint8",
    "unicode",
];
/// Names of types that a column of a frame can have, besides numpy's.
const FRAME: &[&str] = &[
    "Float32",
    "Float64",
    "Int16",
    "Int32",
    "Int64",
    "Int8",
    "boolean",
    "category",
    "string",
    "string[python]",
];

fn of_type(arguments: &Arguments<'_>) -> Result<Compiled, Problem> {
    arguments.required("type_")?;
    let field = arguments.column("column")?;
    let expected = arguments.text("type_")?.map(|expected| vec![expected.to_owned()]);
    match expected.as_deref() {
        Some([name]) if matches!(name.as_str(), "object" | "object_" | "O") => {
            typed(arguments, field, expected.clone())
        }
        Some(names) => values_or_column(arguments, field, names, "Unrecognized numpy/python type:"),
        None => typed(arguments, field, None),
    }
}

fn in_list(arguments: &Arguments<'_>) -> Result<Compiled, Problem> {
    let field = arguments.column("column")?;
    let name = |name: &Json| {
        let wrong = || Problem::new(format!("`type_list` is a list of types, and has {name}"));
        name.as_str().map(str::to_owned).ok_or_else(wrong)
    };
    let list = arguments.list("type_list")?;
    let list: Option<Vec<String>> = list.map(|list| list.iter().map(name).collect()).transpose()?;
    match list {
        Some(names) => {
            values_or_column(arguments, field, &names, "No recognized numpy/python type in list:")
        }
        None => typed(arguments, field, None),
    }
}

/// A frame has objects for dates and decimals, and for truths where some are null: there each value is asked for its type.
fn values_or_column(
    arguments: &Arguments<'_>,
    field: &Field,
    names: &[String],
    unrecognized: &str,
) -> Result<Compiled, Problem> {
    let column = || typed(arguments, field, Some(names.to_vec()));
    let class = literal::class(field);
    if !matches!(class, Class::Date | Class::Other | Class::Boolean)
        && !field.data_type().is_decimal()
    {
        return column();
    }
    let of_values = of_values(field.data_type());
    let is_of_values = |name: &String| {
        of_values.contains(&name.as_str()) || class == Class::Boolean && is_whole(name)
    };
    let is_known = |name: &String| {
        is_of_values(name) || is_native(name) || is_numpy(name) || PYTHON.contains(&name.as_str())
    };
    let mut definition =
        Definition::of_column(field, (!names.iter().any(is_of_values)).to_string());
    if !names.iter().any(is_known) {
        let message = format!("{unrecognized} {}", names.join(", "));
        if class != Class::Boolean {
            return Err(Problem::new(message));
        }
        definition.refusal = Some(Problem::new(message));
    }
    let map = Map::new(arguments, definition)?;
    match class {
        Class::Boolean => {
            let success =
                names.iter().any(|name| self::names(field, "bool").any(|known| known == name));
            Ok(Compiled::Objects(map, Judged::observed(success, "bool".into())))
        }
        _ => Ok(Compiled::Map(map)),
    }
}

/// To Python a truth is a whole number.
fn is_whole(name: &str) -> bool {
    ["int", "long"].iter().any(|whole| name.eq_ignore_ascii_case(whole))
}

/// A name of Python's own, in any case of letters.
fn is_native(name: &str) -> bool {
    let native =
        ["bool", "bytes", "complex", "dict", "float", "int", "list", "long", "none", "str"];
    native.iter().any(|native| name.eq_ignore_ascii_case(native))
}

/// `i8`, `<f8`, `M8[us]`
fn is_numpy(name: &str) -> bool {
    let short = name.trim_start_matches(['<', '>', '=', '|']);
    let short_names = ["i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8", "b1"];
    short_names.contains(&short) || is_time(name)
}

/// `datetime64[ns]`, `M8`
fn is_time(name: &str) -> bool {
    let short = name.trim_start_matches(['<', '>', '=']);
    let unit = short.strip_prefix("datetime64").or_else(|| short.strip_prefix("M8"));
    unit.is_some_and(|unit| ["", "[s]", "[ms]", "[us]", "[ns]", "[D]"].contains(&unit))
}

fn measured(
    arguments: &Arguments<'_>,
    field: &Field,
    judge: impl Fn(&Field, bool) -> Result<Judged, Problem> + Send + Sync + 'static,
) -> Compiled {
    let nulls = Measure::Count(format!("{} is null", quoted(field.name())));
    // A part of a frame has the types of the whole.
    let whole = Subject { filter: None, ..arguments.subject() };
    let ask = Ask::measures(whole, vec![nulls]);
    let field = field.clone();
    Compiled::aggregate(ask, move |answers| judge(&field, answers.count(0) > 0))
}

/// A column of whole numbers with nulls is one of floats to pandas, so that nulls must be counted.
fn typed(
    arguments: &Arguments<'_>,
    field: &Field,
    expected: Option<Vec<String>>,
) -> Result<Compiled, Problem> {
    let is_list = arguments.get("type_list").is_some();
    Ok(measured(arguments, field, move |field, has_nulls| {
        let observed = pandas_type(field, has_nulls);
        let fits = |name: &String| match observed == "datetime64" && is_time(name) {
            // A list knows times by their unit.
            true => !is_list || is_of_unit(field, name),
            false => names(field, observed).any(|known| known == name),
        };
        let success = expected.as_ref().is_none_or(|expected| expected.iter().any(fits));
        Ok(Judged::observed(success, observed.into()))
    }))
}

/// As a frame spells its types.
fn column_type(arguments: &Arguments<'_>) -> Result<Compiled, Problem> {
    let expected = arguments.required_text("type_")?.to_owned();
    let field = arguments.column("column")?;
    Ok(measured(arguments, field, move |field, has_nulls| {
        let observed = pandas_type(field, has_nulls);
        let spelled = match observed {
            "object_" => "object".to_owned(),
            "datetime64" => format!("datetime64[{}]", unit(field)),
            other => other.to_owned(),
        };
        let is_frames = is_frames(&expected);
        let is_known = names(field, observed).any(|known| known == expected)
            && (!is_frames || !FRAME.contains(&expected.as_str()))
            && (observed != "object_"
                || !of_values(field.data_type()).contains(&expected.as_str()));
        let is_bare = matches!(expected.as_str(), "datetime64" | "M8") && observed == "datetime64";
        let success = is_known || is_bare || is_of_unit(field, &expected);
        if !success && !is_frames {
            return Err(Problem::new(format!("Unrecognized pandas type: {expected}")));
        }
        Ok(Judged::observed(success, spelled.into()))
    }))
}

/// Whether a frame could have a column of the type.
fn is_frames(name: &str) -> bool {
    let of_values = ["Decimal", "Series", "Timestamp", "date", "datetime", "dict", "list", "none"];
    let is_class = name.ends_with("Dtype") || of_values.contains(&name);
    is_numpy(name) || FRAME.contains(&name) || PYTHON.contains(&name) && !is_class
}

fn unit(field: &Field) -> &'static str {
    match field.data_type() {
        DataType::Timestamp(TimeUnit::Second, _) => "s",
        DataType::Timestamp(TimeUnit::Millisecond, _) => "ms",
        DataType::Timestamp(TimeUnit::Nanosecond, _) => "ns",
        _ => "us",
    }
}

/// `datetime64[us]`, `M8[us]` of a column of microseconds.
fn is_of_unit(field: &Field, name: &str) -> bool {
    let unit = unit(field);
    let is_time = matches!(field.data_type(), DataType::Timestamp(_, None));
    is_time && (name == format!("datetime64[{unit}]") || name == format!("M8[{unit}]"))
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

/// All names by which the type may be asked for: those of numpy and Python, then those of SQL, which suites made for
/// databases have.
fn names<'a>(field: &Field, observed: &'a str) -> impl Iterator<Item = &'a str> {
    let known: &[&str] = match observed {
        "int64" => &["int", "long", "INT", "i8", "<i8", "BIGINT", "bigint", "integer"],
        "int32" => &["i4", "<i4", "INTEGER", "integer"],
        "int16" => &["i2", "<i2", "SMALLINT", "smallint"],
        "float64" => &["float", "double", "FLOAT", "f8", "<f8", "DOUBLE", "float_"],
        "float32" => &["single", "f4", "<f4", "REAL", "real"],
        "bool" => &["bool_", "boolean", "BOOLEAN", "BOOL"],
        "datetime64" => &["timestamp", "TIMESTAMP"],
        "Timestamp" => &["DatetimeTZDtype", "timestamptz", "TIMESTAMPTZ"],
        "str" => &["string", "text", "TEXT", "VARCHAR", "varchar"],
        _ => &["object", "O"],
    };
    std::iter::once(observed)
        .chain(known.iter().copied())
        .chain(of_values(field.data_type()).iter().copied())
}

/// Names of the type of the single values of a column of objects.
fn of_values(data_type: &DataType) -> &'static [&'static str] {
    match data_type {
        DataType::Date32 | DataType::Date64 => &["date", "DATE"],
        data_type if data_type.is_decimal() => &["Decimal", "decimal", "DECIMAL", "NUMERIC"],
        DataType::Time32(_) | DataType::Time64(_) => &["time", "TIME"],
        DataType::Boolean => &["bool", "boolean", "BOOLEAN", "BOOL"],
        _ => &[],
    }
}
