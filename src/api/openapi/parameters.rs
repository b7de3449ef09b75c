//! Declared parameters as OpenAPI has them.

use serde_json::{Value as Json, json};
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{
    AnyOfBuilder, ArrayBuilder, KnownFormat, ObjectBuilder, Schema, SchemaFormat, SchemaType, Type,
};
use utoipa::openapi::{RefOr, Required};

use super::types::custom;
use crate::endpoints::{self, ITEMS_MAX};
use crate::project::{self, ParameterKind};

/// What decimal parameters look like: 28 digits before the point and 10 behind it, zeros apart.
const DECIMAL: &str = r"^[+-]?0*[0-9]{1,28}(\.[0-9]{1,10}0*)?$";
/// Of the years 0001 to 9999. That a day is in its month is judged to the 29th of February.
const TIMESTAMP: &str = concat!(
    "^([0-9]{3}[1-9]|[0-9]{2}[1-9][0-9]|[0-9][1-9][0-9]{2}|[1-9][0-9]{3})",
    "-((0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])|(0[469]|11)-(0[1-9]|[12][0-9]|30)|02-(0[1-9]|[12][0-9]))",
    "[T ]([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\\.[0-9]{1,6})?$"
);
/// What may name a tag.
const TAG: &str = "^[A-Za-z][A-Za-z0-9_.-]*$";

/// A parameter of a query string.
pub(super) fn query(declared: &project::Parameter) -> Parameter {
    let texts = std::iter::once(declared.description.trim().to_owned()).chain(told(declared));
    let texts: Vec<String> = texts.filter(|text| !text.is_empty()).collect();
    ParameterBuilder::new()
        .name(&declared.name)
        .parameter_in(ParameterIn::Query)
        .required(match declared.required && declared.default.is_none() {
            true => Required::True,
            false => Required::False,
        })
        .description((!texts.is_empty()).then(|| texts.join("\n\n")))
        .schema(Some(schema(declared)))
        .example(declared.example.as_deref().map(|text| match declared.list {
            true => json!([value(declared.kind, text)]),
            false => value(declared.kind, text),
        }))
        .build()
}

fn schema(declared: &project::Parameter) -> RefOr<Schema> {
    if declared.name == "at" {
        return at();
    }
    let object = ObjectBuilder::new().default(default(declared));
    let known = |format| Some(SchemaFormat::KnownFormat(format));
    let object = match declared.kind {
        ParameterKind::Integer => {
            let bound = |text: &Option<String>| text.as_ref().and_then(|text| text.parse().ok());
            object
                .schema_type(Type::Integer)
                .format(known(KnownFormat::Int64))
                .minimum(Some(bound(&declared.minimum).unwrap_or(isize::MIN)))
                .maximum(Some(bound(&declared.maximum).unwrap_or(isize::MAX)))
        }
        ParameterKind::Number => {
            let bound =
                |text: &Option<String>| text.as_ref().and_then(|text| text.parse::<f64>().ok());
            object
                .schema_type(Type::Number)
                .format(known(KnownFormat::Double))
                .minimum(bound(&declared.minimum))
                .maximum(bound(&declared.maximum))
        }
        ParameterKind::Decimal => {
            text(object).format(Some(custom("decimal"))).pattern(Some(DECIMAL))
        }
        ParameterKind::String => {
            let length = |length: Option<u64>| length.and_then(|n| usize::try_from(n).ok());
            text(object)
                .min_length(length(declared.min_length))
                .max_length(length(declared.max_length))
                .pattern(declared.pattern.as_deref().and_then(everywhere_understood))
        }
        ParameterKind::Boolean => object.schema_type(Type::Boolean),
        ParameterKind::Date => text(object).format(known(KnownFormat::Date)),
        ParameterKind::Timestamp => {
            text(object).format(Some(custom("date-time-local"))).pattern(Some(TIMESTAMP))
        }
        ParameterKind::Enum => text(object).enum_values(Some(declared.values.iter().cloned())),
    };
    if declared.list {
        let list = ArrayBuilder::new().items(object).min_items(Some(1));
        return list.max_items(Some(ITEMS_MAX)).build().into();
    }
    object.into()
}

fn text(object: ObjectBuilder) -> ObjectBuilder {
    object.schema_type(Type::String)
}

/// A version, a time or a tag.
fn at() -> RefOr<Schema> {
    let time = |format| text(ObjectBuilder::new()).format(Some(SchemaFormat::KnownFormat(format)));
    AnyOfBuilder::new()
        .schema_type(SchemaType::AnyValue)
        .item(
            ObjectBuilder::new()
                .schema_type(Type::Integer)
                .format(Some(SchemaFormat::KnownFormat(KnownFormat::Int64)))
                .minimum(Some(1))
                .maximum(Some(isize::MAX)),
        )
        .item(time(KnownFormat::Date))
        .item(time(KnownFormat::DateTime))
        .item(text(ObjectBuilder::new()).pattern(Some(TAG)))
        .into()
}

fn default(declared: &project::Parameter) -> Option<Json> {
    declared.default.as_deref().map(|text| value(declared.kind, text))
}

/// What a schema has no word for: bounds of what is no number in JSON, patterns of another dialect.
fn told(declared: &project::Parameter) -> Vec<String> {
    let mut told = Vec::new();
    let numeric = matches!(declared.kind, ParameterKind::Integer | ParameterKind::Number);
    if !numeric {
        told.extend(declared.minimum.as_ref().map(|least| format!("At least `{least}`.")));
        told.extend(declared.maximum.as_ref().map(|most| format!("At most `{most}`.")));
    }
    if let Some(pattern) = declared.pattern.as_deref()
        && everywhere_understood(pattern).is_none()
    {
        told.push(format!("The whole value matches `{pattern}`."));
    }
    if matches!(declared.kind, ParameterKind::Decimal | ParameterKind::Timestamp) {
        let expected = endpoints::expected(declared.kind);
        told.push(format!("Written as {expected}."));
    }
    told
}

/// The pattern for a whole value, where it means in JSON Schema's dialect (ECMA-262) what it means in ours.
fn everywhere_understood(pattern: &str) -> Option<String> {
    const OURS_ALONE: [&str; 10] =
        ["(?", "\\A", "\\z", "\\p", "\\P", "\\x", "\\u", "[:", "&&", "--"];
    let shared = OURS_ALONE.iter().all(|ours| !pattern.contains(ours))
        // These mean more than ASCII to us, and nothing else to them.
        && !["\\d", "\\w", "\\s", "\\b", "\\D", "\\W", "\\S", "\\B"].iter().any(|c| pattern.contains(c));
    shared.then(|| format!("^(?:{pattern})$"))
}

/// A written value as JSON has it; as text where it is none of its kind.
fn value(kind: ParameterKind, text: &str) -> Json {
    let typed = match kind {
        ParameterKind::Integer => text.parse::<i64>().ok().map(|number| json!(number)),
        ParameterKind::Number => text.parse::<f64>().ok().map(|number| json!(number)),
        ParameterKind::Boolean => text.parse::<bool>().ok().map(|truth| json!(truth)),
        _ => None,
    };
    typed.unwrap_or_else(|| json!(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_of_one_dialect_only_are_told_in_words() {
        for shared in ["[A-Za-z]{2}", "a|b", r"[0-9]+\.[0-9]{2}"] {
            assert_eq!(everywhere_understood(shared), Some(format!("^(?:{shared})$")));
        }
        for ours in [r"(?i)a", r"\p{L}+", r"\d+", "[[:alpha:]]", r"\w"] {
            assert_eq!(everywhere_understood(ours), None, "{ours}");
        }
    }

    #[test]
    fn the_pattern_of_timestamps_says_what_the_reader_takes() {
        let pattern = regex::Regex::new(TIMESTAMP).unwrap();
        for good in ["2024-02-29T10:00:00", "0001-01-01 00:00:00", "9999-12-31T23:59:59.123456"] {
            assert!(pattern.is_match(good), "{good}");
        }
        for bad in
            ["0000-01-01T00:00:00", "2024-02-30T00:00:00", "2024-04-31T00:00:00", "2024-01-01"]
        {
            assert!(!pattern.is_match(bad), "{bad}");
        }
    }

    #[test]
    fn the_decimal_pattern_says_what_the_reader_takes() {
        let pattern = regex::Regex::new(DECIMAL).unwrap();
        for good in ["12.50", "-0", "+1.0000000000", "0001", "1.00000000000000"] {
            assert!(pattern.is_match(good), "{good}");
        }
        for bad in ["", ".", "1.", ".5", "1e3", "0.00000000001", "10000000000000000000000000000"] {
            assert!(!pattern.is_match(bad), "{bad}");
        }
    }
}
