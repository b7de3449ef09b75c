//! What Python says of a text: patterns, dates, JSON. Expectations of Great Expectations are asked in its terms.

use std::sync::Arc;

use arrow::array::{Array, AsArray, BooleanArray, StringArray};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use datafusion::common::{Result, ScalarValue, exec_err};
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs};

use super::strptime::Format;
use super::{Scalar, wrong_arguments};

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
    invoke: |call| judged(call, |text| Ok(dtparse::parse(text).is_ok())),
};

pub(super) const IS_JSON: Scalar = Scalar {
    name: "python_is_json",
    aliases: &[],
    usage: "python_is_json(text)",
    help: "whether the text is JSON",
    arguments: |found| texts(&IS_JSON, found, 1),
    returns: |_, _| Ok(DataType::Boolean),
    invoke: |call| {
        judged(call, |text| Ok(serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok()))
    },
};

pub(super) const MATCHES_SCHEMA: Scalar = Scalar {
    name: "matches_json_schema",
    aliases: &[],
    usage: "matches_json_schema(text, schema)",
    help: "whether the text is JSON that the JSON Schema allows; an error if it is no JSON",
    arguments: |found| texts(&MATCHES_SCHEMA, found, 2),
    returns: |_, _| Ok(DataType::Boolean),
    invoke: |call| {
        let schema = serde_json::from_str(&constant(call)?).map_err(|error| error.to_string());
        let schema = schema.and_then(|schema| validator(&schema));
        let schema = schema.or_else(|message| exec_err!("{message}"))?;
        judged(call, |text| match serde_json::from_str(text) {
            Ok(json) => Ok(schema.is_valid(&json)),
            Err(error) => exec_err!("`{text}` is no JSON: {error}"),
        })
    },
};

/// Compiles a pattern in Python's syntax.
pub(super) fn regex(pattern: &str) -> Result<fancy_regex::Regex, String> {
    // Python's `\Z` is the very end, which is `\z` elsewhere.
    let pattern = pattern.replace("\\Z", "\\z");
    fancy_regex::Regex::new(&pattern).map_err(|error| format!("`{pattern}` is no pattern: {error}"))
}

/// Compiles a JSON Schema; nothing is fetched for it.
pub(super) fn validator(schema: &serde_json::Value) -> Result<jsonschema::Validator, String> {
    jsonschema::validator_for(schema).map_err(|error| format!("it is no JSON Schema: {error}"))
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
    use super::*;

    #[test]
    fn patterns_are_pythons() {
        let found = |pattern: &str, text: &str| regex(pattern).unwrap().is_match(text).unwrap();
        assert!(found("a(?!b)", "ac") && !found("a(?!b)", "ab"));
        assert!(found(r"(?P<x>.)(?P=x)", "aa") && found(r"b\Z", "ab") && !found(r"b\Z", "b\n"));
        assert!(regex("(").is_err());
    }
}
