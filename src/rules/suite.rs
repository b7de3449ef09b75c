//! A Great Expectations suite, as plain data. Which expectations there are, `checks` knows.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

/// A suite as its JSON says it: GX 1.x (`name`, `type`) and 0.x (`expectation_suite_name`, `expectation_type`).
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Suite {
    pub(crate) name: String,
    pub(crate) id: Json,
    pub(crate) meta: Json,
    pub(crate) notes: Json,
    /// Values of `$PARAMETER`s that the suite brings itself; a caller's go before them.
    pub(crate) parameters: Map<String, Json>,
    pub(crate) expectations: Vec<Expectation>,
}

/// One expectation of a suite.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Expectation {
    /// In GX's spelling: `expect_column_values_to_not_be_null`.
    pub(crate) kind: String,
    pub(crate) kwargs: Map<String, Json>,
    pub(crate) severity: Severity,
    /// All other keys, known to us or not, as they were written: `id`, `meta`, `notes`, `description` …
    pub(crate) others: Map<String, Json>,
}

/// GX's `severity`: what a failure means.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Severity {
    /// Keeps the run from publishing.
    #[default]
    Critical,
    /// Publishes, and says so.
    Warning,
    /// As `warning`, in lower voice.
    Info,
}

/// What keeps JSON from being a suite. `pointer` is RFC 6901's way to the place: `/expectations/3/kwargs`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message} (at `{pointer}`)")]
pub(crate) struct SuiteError {
    pub(crate) pointer: String,
    pub(crate) message: String,
}

impl Suite {
    /// Whether `text` stands anywhere among the arguments: as the name of a column, for one.
    pub(crate) fn mentions(&self, text: &str) -> bool {
        fn is_in(value: &Json, text: &str) -> bool {
            match value {
                Json::String(found) => found == text,
                Json::Array(items) => items.iter().any(|item| is_in(item, text)),
                Json::Object(object) => object.values().any(|value| is_in(value, text)),
                _ => false,
            }
        }
        let mut kwargs = self.expectations.iter().flat_map(|one| one.kwargs.values());
        kwargs.any(|value| is_in(value, text))
    }

    /// Reads a suite; `name` is what it is called where it does not say so itself.
    ///
    /// # Errors
    /// If it is not built as a suite is.
    pub(crate) fn read(json: &Json, name: &str) -> Result<Self, SuiteError> {
        let wrong = |pointer: &str, message: &str| SuiteError {
            pointer: pointer.to_owned(),
            message: message.to_owned(),
        };
        let object = json.as_object().ok_or_else(|| wrong("", "a suite is a JSON object"))?;
        let text = |keys: [&str; 2]| keys.iter().find_map(|key| object.get(*key)?.as_str());
        let value = |key: &str| object.get(key).cloned().unwrap_or(Json::Null);
        let written = object.get("expectations").and_then(Json::as_array);
        let written = written
            .ok_or_else(|| wrong("/expectations", "a suite has a list of `expectations`"))?;
        let expectations = written
            .iter()
            .enumerate()
            .map(|(index, written)| Expectation::read(written, &format!("/expectations/{index}")))
            .collect::<Result<_, _>>()?;
        let parameters = ["suite_parameters", "evaluation_parameters"];
        let parameters = parameters.iter().find_map(|key| object.get(*key)?.as_object());
        Ok(Self {
            name: text(["name", "expectation_suite_name"]).unwrap_or(name).to_owned(),
            id: object.get("id").or_else(|| object.get("ge_cloud_id")).cloned().unwrap_or_default(),
            meta: value("meta"),
            notes: value("notes"),
            parameters: parameters.cloned().unwrap_or_default(),
            expectations,
        })
    }
}

impl Expectation {
    fn read(json: &Json, pointer: &str) -> Result<Self, SuiteError> {
        let wrong =
            |key: &str, message: String| SuiteError { pointer: format!("{pointer}{key}"), message };
        let object = json.as_object();
        let object =
            object.ok_or_else(|| wrong("", "an expectation is a JSON object".to_owned()))?;
        let kind = ["type", "expectation_type"].iter().find_map(|key| object.get(*key));
        let kind = kind.and_then(Json::as_str).ok_or_else(|| {
            wrong("", "an expectation says its `type`: `expect_column_values_to_…`".to_owned())
        })?;
        let kwargs = match object.get("kwargs") {
            None | Some(Json::Null) => Map::new(),
            Some(Json::Object(kwargs)) => kwargs.clone(),
            Some(_) => return Err(wrong("/kwargs", "`kwargs` is a JSON object".to_owned())),
        };
        let severity = match object.get("severity") {
            None | Some(Json::Null) => Severity::default(),
            Some(written) => serde_json::from_value(written.clone()).map_err(|_| {
                let known = "`severity` is `critical`, `warning` or `info`";
                wrong("/severity", format!("{known}, not {written}"))
            })?,
        };
        let own = ["type", "expectation_type", "kwargs", "severity"];
        let others = object.iter().filter(|(key, _)| !own.contains(&key.as_str()));
        let others = others.map(|(key, value)| (key.clone(), value.clone())).collect();
        Ok(Self { kind: kind.to_owned(), kwargs, severity, others })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn both_generations_of_suites_are_read() {
        let new = json!({"name": "orders", "expectations": [{"type": "expect_column_to_exist",
            "kwargs": {"column": "id"}, "severity": "warning", "meta": {"a": 1}, "odd": true}]});
        let old = json!({"expectation_suite_name": "orders", "expectations": [{
            "expectation_type": "expect_column_to_exist", "kwargs": {"column": "id"},
            "severity": "warning", "meta": {"a": 1}, "odd": true}]});
        let new = Suite::read(&new, "x").unwrap();
        assert_eq!(new, Suite::read(&old, "y").unwrap());
        assert_eq!(new.expectations[0].severity, Severity::Warning);
        assert_eq!(new.expectations[0].others["odd"], true);
    }

    #[test]
    fn what_is_no_suite_is_told_with_its_place() {
        let wrong = json!({"expectations": [{"type": "a"}, {"type": "b", "kwargs": 3}]});
        let error = Suite::read(&wrong, "x").unwrap_err();
        assert_eq!(error.to_string(), "`kwargs` is a JSON object (at `/expectations/1/kwargs`)");
        assert!(Suite::read(&json!([]), "x").is_err());
    }
}
