//! JSON to values of templates and back.

use minijinja::Value;
use minijinja::value::ValueKind;
use serde_json::{Map, Value as Json};

/// What nests deeper than this becomes null.
const DEPTH_MAX: usize = 100;

pub(in crate::project) fn from_json(json: &Json) -> Value {
    match json {
        Json::Null => Value::from(()),
        Json::Bool(boolean) => Value::from(*boolean),
        Json::Number(number) => match (number.as_i64(), number.as_u64()) {
            (Some(integer), _) => Value::from(integer),
            (None, Some(integer)) => Value::from(integer),
            (None, None) => Value::from(number.as_f64().unwrap_or(f64::NAN)),
        },
        Json::String(text) => Value::from(text.as_str()),
        Json::Array(items) => Value::from(items.iter().map(from_json).collect::<Vec<_>>()),
        Json::Object(entries) => from_map(entries),
    }
}

pub(super) fn from_map(entries: &Map<String, Json>) -> Value {
    Value::from_pairs(entries.iter().map(|(key, value)| (key.as_str(), from_json(value))))
}

/// What JSON cannot hold is its text; undefined is null.
pub(in crate::project) fn to_json(value: &Value) -> Json {
    at_depth(value, 0)
}

fn at_depth(value: &Value, depth: usize) -> Json {
    let deeper = |value: &Value| match depth < DEPTH_MAX {
        true => at_depth(value, depth + 1),
        false => Json::Null,
    };
    match value.kind() {
        ValueKind::Undefined | ValueKind::None => Json::Null,
        ValueKind::Bool => Json::Bool(value.is_true()),
        ValueKind::Number => number(value),
        ValueKind::Seq | ValueKind::Iterable => match value.try_iter() {
            Ok(items) => items.map(|item| deeper(&item)).collect(),
            Err(_) => Json::Null,
        },
        ValueKind::Map => match value.try_iter() {
            Ok(keys) => Json::Object(
                keys.map(|key| {
                    let found = value.get_item(&key).unwrap_or_default();
                    (key.to_string(), deeper(&found))
                })
                .collect(),
            ),
            Err(_) => Json::Null,
        },
        _ => Json::String(value.to_string()),
    }
}

fn number(value: &Value) -> Json {
    if let (true, Ok(integer)) = (value.is_integer(), i64::try_from(value.clone())) {
        return Json::from(integer);
    }
    match f64::try_from(value.clone()) {
        Ok(float) if float.is_finite() => Json::from(float),
        _ => Json::String(value.to_string()),
    }
}
