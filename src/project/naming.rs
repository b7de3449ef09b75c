//! Names that dbt makes up: of generic tests, their ids, schemas.

use md5::{Digest, Md5};
use serde_json::{Map, Value as Json};

/// Names of files and tables that dbt makes are shorter than this.
const NAME_LENGTH_MAX: usize = 64;

pub(super) fn md5_hex(text: &str) -> String {
    Md5::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// `main` stays, a custom schema is added to it: dbt's `generate_schema_name`.
pub(super) fn schema(default: &str, custom: Option<&str>) -> String {
    match custom.map(str::trim) {
        None | Some("") => default.to_owned(),
        Some(custom) => format!("{default}_{custom}"),
    }
}

/// A generic test's name in full, and as short as a table's name may be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct TestName {
    pub(super) full: String,
    pub(super) short: String,
}

/// dbt's name for the test `kind` of `target` with `arguments` (`column_name` included): the arguments' values in the
/// order of their names.
pub(super) fn test_name(kind: &str, target: &str, arguments: &Map<String, Json>) -> TestName {
    let mut names: Vec<&String> = arguments.keys().filter(|name| *name != "model").collect();
    names.sort();
    let parts = names.into_iter().flat_map(|name| match &arguments[name] {
        Json::Array(items) => items.iter().map(python_text).collect(),
        Json::Object(entries) => entries.values().map(python_text).collect(),
        value => vec![python_text(value)],
    });
    let unique = parts.map(|part| cleaned(&part)).collect::<Vec<_>>().join("__");
    let identifier = format!("{kind}_{target}");
    let full = format!("{identifier}_{unique}");
    let short = match full.chars().count() < NAME_LENGTH_MAX {
        true => full.clone(),
        false => {
            let cut: String = identifier.chars().take(30).collect();
            format!("{cut}_{}", md5_hex(&full))
        }
    };
    TestName { full, short }
}

/// Runs of anything but ASCII letters, digits and `_` become one `_`.
fn cleaned(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    let mut in_run = false;
    for c in text.chars() {
        let kept = c.is_ascii_alphanumeric() || c == '_';
        if kept {
            clean.push(c);
        } else if !in_run {
            clean.push('_');
        }
        in_run = !kept;
    }
    clean
}

/// The last part of a test's id: ten digits of the hash of its name and of all that it was given.
///
/// `model` is the tested node as Jinja: `ref('orders')`.
pub(super) fn test_hash(
    full_name: &str,
    namespace: Option<&str>,
    kind: &str,
    model: &str,
    arguments: &Map<String, Json>,
) -> String {
    let mut keywords = arguments.clone();
    let model = format!("{{{{ get_where_subquery({model}) }}}}");
    keywords.insert("model".to_owned(), Json::String(model));
    let metadata = serde_json::json!({
        "kwargs": keywords,
        "name": kind,
        "namespace": namespace,
    });
    let digest = md5_hex(&format!("{full_name}{}", python_metadata(&metadata)));
    digest[digest.len() - 10..].to_owned()
}

/// `repr()` of a structure whose leaves went through `str()`, keys sorted.
fn python_metadata(value: &Json) -> String {
    match value {
        Json::Array(items) => {
            format!("[{}]", items.iter().map(python_metadata).collect::<Vec<_>>().join(", "))
        }
        Json::Object(entries) => {
            let mut keys: Vec<&String> = entries.keys().collect();
            keys.sort();
            let pair = |key: &String| {
                format!("{}: {}", python_quoted(key), python_metadata(&entries[key]))
            };
            format!("{{{}}}", keys.into_iter().map(pair).collect::<Vec<_>>().join(", "))
        }
        leaf => python_quoted(&python_text(leaf)),
    }
}

/// Python's `str()`.
pub(super) fn python_text(value: &Json) -> String {
    match value {
        Json::Null => "None".to_owned(),
        Json::Bool(true) => "True".to_owned(),
        Json::Bool(false) => "False".to_owned(),
        Json::String(text) => text.clone(),
        Json::Number(number) => number.to_string(),
        Json::Array(_) | Json::Object(_) => python_metadata(value),
    }
}

/// Python's `repr()` of a text.
fn python_quoted(text: &str) -> String {
    let quote = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
    let mut quoted = String::from(quote);
    for c in text.chars() {
        match c {
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            c if c == quote => quoted.extend(['\\', c]),
            c => quoted.push(c),
        }
    }
    quoted.push(quote);
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn arguments(json: Json) -> Map<String, Json> {
        match json {
            Json::Object(arguments) => arguments,
            other => panic!("{other}"),
        }
    }

    /// The ids are those that dbt gives the tests of its jaffle shop.
    #[test]
    fn names_and_ids_are_those_of_dbt() {
        let unique = arguments(json!({"column_name": "order_id"}));
        let name = test_name("unique", "orders", &unique);
        assert_eq!(name.full, "unique_orders_order_id");
        let hash = test_hash(&name.full, None, "unique", "ref('orders')", &unique);
        assert_eq!(hash, "fed79b3a6e");

        let values = json!(["placed", "shipped", "completed", "return_pending", "returned"]);
        let accepted = arguments(json!({"column_name": "status", "values": values}));
        let name = test_name("accepted_values", "orders", &accepted);
        assert_eq!(
            name.full,
            "accepted_values_orders_status__placed__shipped__completed__return_pending__returned"
        );
        assert_eq!(name.short, "accepted_values_orders_1ce6ab157c285f7cd2ac656013faf758");
        let hash = test_hash(&name.full, None, "accepted_values", "ref('orders')", &accepted);
        assert_eq!(hash, "be6b5b5ec3");

        let refers = arguments(
            json!({"column_name": "customer_id", "to": "ref('customers')", "field": "customer_id"}),
        );
        let name = test_name("relationships", "orders", &refers);
        assert_eq!(name.full, "relationships_orders_customer_id__customer_id__ref_customers_");
        let hash = test_hash(&name.full, None, "relationships", "ref('orders')", &refers);
        assert_eq!(hash, "c6ec7f58f2");
    }

    #[test]
    fn a_custom_schema_is_added_to_the_default() {
        assert_eq!(schema("main", None), "main");
        assert_eq!(schema("main", Some(" finance ")), "main_finance");
    }
}
