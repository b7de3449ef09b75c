//! JSON Schema as Python's `jsonschema.validate` judges: the schema is looked at with the first text, formats say nothing.

use std::cell::OnceCell;

use jsonschema::{Draft, Validator};
use serde_json::Value;

use super::json;

/// A schema that is compiled once there is a text to judge.
pub(super) struct Schema {
    written: String,
    compiled: OnceCell<Result<Validator, String>>,
}

impl Schema {
    pub(super) fn new(written: String) -> Self {
        Self { written, compiled: OnceCell::new() }
    }

    /// Whether the JSON in `text` is as the schema says.
    ///
    /// # Errors
    /// If the text is no JSON, or the schema none.
    pub(super) fn allows(&self, text: &str) -> Result<bool, String> {
        let value = json::parse(text)?;
        let schema = self.compiled.get_or_init(|| compile(&self.written)).as_ref();
        schema.map(|schema| schema.is_valid(&value)).map_err(String::clone)
    }
}

/// Nothing is fetched: a `$ref` that leads out of the document is an error.
fn compile(written: &str) -> Result<Validator, String> {
    let schema: Value = serde_json::from_str(written).map_err(|error| error.to_string())?;
    let options = jsonschema::options().should_validate_formats(false).with_draft(draft(&schema));
    options.build(&schema).map_err(|error| error.to_string())
}

/// The draft that `$schema` names; the newest where it names none that is known.
fn draft(schema: &Value) -> Draft {
    let named = schema["$schema"].as_str().unwrap_or_default().trim_end_matches('#');
    match named {
        "http://json-schema.org/draft-04/schema" => Draft::Draft4,
        "http://json-schema.org/draft-06/schema" => Draft::Draft6,
        "http://json-schema.org/draft-07/schema" => Draft::Draft7,
        "https://json-schema.org/draft/2019-09/schema" => Draft::Draft201909,
        _ => Draft::Draft202012,
    }
}

#[cfg(test)]
mod tests {
    use super::Schema;

    fn allows(schema: &str, text: &str) -> Result<bool, String> {
        Schema::new(schema.to_owned()).allows(text)
    }

    #[test]
    fn a_schema_judges_as_in_python() {
        let whole = r#"{"properties": {"a": {"type": "integer"}}, "required": ["a"]}"#;
        assert_eq!(allows(whole, r#"{"a": 1.0}"#), Ok(true));
        assert_eq!(allows(whole, r#"{"a": "1"}"#), Ok(false));
        assert_eq!(allows(whole, "{}"), Ok(false));
        assert_eq!(allows(whole, "[]"), Ok(true));
        let inside = r##"{"$defs": {"w": {"pattern": "^\\d+$"}}, "items": {"$ref": "#/$defs/w"}}"##;
        assert_eq!(allows(inside, r#"["12", "x"]"#), Ok(false));
        assert_eq!(allows(inside, r#"["12"]"#), Ok(true));
        assert_eq!(allows(r#"{"format": "date"}"#, r#""tomorrow""#), Ok(true));
        let fourth = r#"{"$schema": "http://json-schema.org/draft-04/schema#", "maximum": 3, "exclusiveMaximum": true}"#;
        assert_eq!(allows(fourth, "3"), Ok(false));
        let unknown = r#"{"$schema": "urn:of-our-own", "const": 3}"#;
        assert_eq!(allows(unknown, "3"), Ok(true));
    }

    #[test]
    fn what_cannot_be_judged_is_an_error() {
        assert!(allows("{}", "{").is_err_and(|message| message.starts_with("Expecting")));
        assert!(allows(r#"{"type": "whole"}"#, "1").is_err());
        assert!(allows(r#"{"$ref": "https://nowhere.invalid/schema"}"#, "1").is_err());
    }
}
