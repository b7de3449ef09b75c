//! What Python says of a text: patterns, dates, JSON. Expectations of Great Expectations are asked in its terms.

use std::sync::Arc;

use arrow::array::{Array, AsArray, BooleanArray, StringArray};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use datafusion::common::{Result, ScalarValue, exec_err};
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs};

mod dateutil;
mod json;
mod pattern;
mod schema;
mod text;

use super::strptime::Format;
use super::{Scalar, wrong_arguments};
use crate::base::clock::{Clock as _, SystemClock};

pub(super) const SEARCH: Scalar = Scalar {
    name: "python_search",
    aliases: &[],
    usage: "python_search(text, pattern)",
    help: "whether the regular expression, in Python's syntax, is found in the text",
    arguments: |found| texts(&SEARCH, found, 2),
    returns: |_, _| Ok(DataType::Boolean),
    invoke: |call| {
        let regex = regex(&constant(call)?);
        let regex = regex.or_else(|message| exec_err!("{message}"))?;
        // A pattern that needs too many steps on a text is an error, not "not found".
        judged(call, |text| regex.is_match(text).or_else(|error| exec_err!("{error}")))
    },
};

pub(super) const STRPTIME: Scalar = Scalar {
    name: "python_strptime",
    aliases: &[],
    usage: "python_strptime(text, format)",
    help: "whether Python's `datetime.strptime` reads the text by the format",
    arguments: |found| texts(&STRPTIME, found, 2),
    returns: |_, _| Ok(DataType::Boolean),
    invoke: |call| {
        let format = Format::new(&constant(call)?).or_else(|message| exec_err!("{message}"))?;
        judged(call, |text| Ok(format.reads(text)))
    },
};

pub(super) const DATEUTIL: Scalar = Scalar {
    name: "dateutil_parses",
    aliases: &[],
    usage: "dateutil_parses(text)",
    help: "whether Python's `dateutil` reads the text as a date",
    arguments: |found| texts(&DATEUTIL, found, 1),
    returns: |_, _| Ok(DataType::Boolean),
    invoke: |call| judged(call, |text| Ok(time(text).is_ok())),
};

pub(super) const IS_JSON: Scalar = Scalar {
    name: "python_is_json",
    aliases: &[],
    usage: "python_is_json(text)",
    help: "whether Python's `json.loads` reads the text",
    arguments: |found| texts(&IS_JSON, found, 1),
    returns: |_, _| Ok(DataType::Boolean),
    invoke: |call| judged(call, |text| Ok(json::parse(text).is_ok())),
};

pub(super) const MATCHES_JSON_SCHEMA: Scalar = Scalar {
    name: "python_matches_json_schema",
    aliases: &[],
    usage: "python_matches_json_schema(text, schema)",
    help: "whether the JSON in the text is as the JSON Schema says; an error where it is no JSON",
    arguments: |found| texts(&MATCHES_JSON_SCHEMA, found, 2),
    returns: |_, _| Ok(DataType::Boolean),
    invoke: |call| {
        let schema = schema::Schema::new(constant(call)?);
        judged(call, |text| schema.allows(text).or_else(|message| exec_err!("{message}")))
    },
};

pub(super) const TEXT: Scalar = Scalar {
    name: "python_text",
    aliases: &[],
    usage: "python_text(value)",
    help: "the value as Python's `str` writes it",
    arguments: |found| match found {
        [_] => Ok(found.to_vec()),
        _ => wrong_arguments(&TEXT, found),
    },
    returns: |_, _| Ok(DataType::Utf8),
    invoke: |call| {
        let is_constant = matches!(call.args[0], ColumnarValue::Scalar(_));
        let values = call.args[0].to_array(if is_constant { 1 } else { call.number_rows })?;
        let texts = text::texts(&values)?;
        match is_constant {
            true => Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&texts, 0)?)),
            false => Ok(ColumnarValue::Array(texts)),
        }
    },
};

/// Compiles a pattern in Python's syntax.
pub(super) fn regex(pattern: &str) -> Result<fancy_regex::Regex, String> {
    pattern::compile(pattern)
}

/// The time that a text says in one of the forms that `dateutil` reads; what it leaves out is today's.
pub(super) fn time(text: &str) -> Result<chrono::NaiveDateTime, String> {
    dateutil::parse(text, SystemClock.now().date_naive())
}

fn texts(scalar: &Scalar, found: &[DataType], count: usize) -> Result<Vec<DataType>> {
    let is_text = |data_type: &DataType| {
        matches!(
            data_type,
            DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View | DataType::Null
        )
    };
    match found.len() == count && found.iter().all(is_text) {
        true => Ok(vec![DataType::Utf8; count]),
        false => wrong_arguments(scalar, found),
    }
}

/// The second argument, which is the same for all rows.
fn constant(call: &ScalarFunctionArgs) -> Result<String> {
    match call.args.get(1) {
        Some(ColumnarValue::Scalar(ScalarValue::Utf8(Some(text)))) => Ok(text.clone()),
        _ => exec_err!("the second argument of `{}` must be one text", call.return_field.name()),
    }
}

fn judged(
    call: &ScalarFunctionArgs,
    judge: impl Fn(&str) -> Result<bool>,
) -> Result<ColumnarValue> {
    let is_constant = matches!(call.args[0], ColumnarValue::Scalar(_));
    let array = call.args[0].to_array(if is_constant { 1 } else { call.number_rows })?;
    let array = cast(&array, &DataType::Utf8)?;
    let texts: &StringArray = array.as_string();
    let answers = texts.iter().map(|text| text.map(&judge).transpose());
    let answers: BooleanArray = answers.collect::<Result<_>>()?;
    if is_constant {
        let answer = answers.is_valid(0).then(|| answers.value(0));
        return Ok(ColumnarValue::Scalar(ScalarValue::Boolean(answer)));
    }
    Ok(ColumnarValue::Array(Arc::new(answers)))
}

#[cfg(test)]
mod tests {
    use super::{json, pattern};
    use crate::engine::world::World;

    #[test]
    fn patterns_mean_what_they_mean_in_python() {
        let found =
            |pattern: &str, text: &str| pattern::compile(pattern).unwrap().is_match(text).unwrap();
        assert!(found("^a$", "a\n"));
        assert!(!found("^a$", "a\n\n"));
        assert!(!found(r"^a\Z", "a\n"));
        assert!(found(r"^(?P<x>a|b)(?P=x)$", "aa"));
        assert!(found(r"^(?=.*\d)\w{2,}$", "a1"));
        assert!(found(r"^[[\]&&a]+$", "[]&a"));
        assert!(found(r"^a{,2}$", "aa"));
        assert!(found(r"^{a}$", "{a}"));
        assert!(found(r"^\w+$", "é٣"));
        assert!(found(r"^[^]]+$", "abc"));
        assert!(found(r"^\d{3}-\d{4}\/\'$", "123-4567/'"));
        assert!(pattern::compile("(").is_err());
    }

    #[test]
    fn json_is_what_python_loads() {
        for text in ["{}", "[1, -2.5e3, \"\\ud800\"]", "NaN", " {\"a\": -Infinity} ", "\"\\u00e9\""]
        {
            assert!(json::parse(text).is_ok(), "{text}");
        }
        for text in
            ["", "{", "{'a': 1}", "[1,]", "01", "1.", "\"a\nb\"", "nul", "{\"a\" 1}", "\"\\x\""]
        {
            assert!(json::parse(text).is_err(), "{text}");
        }
        assert_eq!(
            json::parse("{1").unwrap_err(),
            "Expecting property name enclosed in double quotes: line 1 column 2 (char 1)"
        );
    }

    #[tokio::test]
    async fn values_are_written_as_python_writes_them() {
        let world = World::new();
        let text = |value: &'static str| {
            let world = &world;
            async move { world.rows(&format!("select python_text({value})")).await }
        };
        assert_eq!(text("cast('1' as double)").await, "1.0");
        assert_eq!(text("cast('1e16' as double)").await, "1e+16");
        assert_eq!(text("cast('0.00001' as double)").await, "1e-05");
        assert_eq!(text("true").await, "True");
        assert_eq!(text("12").await, "12");
        assert_eq!(text("timestamp '2020-01-02 03:04:05.5'").await, "2020-01-02 03:04:05.500");
    }
}
