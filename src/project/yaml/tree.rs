//! A YAML document as a tree of values that know where they stand.

use serde_json::Value as Json;

use crate::base::Span;

/// One value and its place: of a scalar the whole of it, of a list or mapping its beginning.
#[derive(Clone, Debug)]
pub(in crate::project) struct Yaml {
    pub(in crate::project) data: Data,
    pub(in crate::project) span: Span,
}

#[derive(Clone, Debug)]
pub(in crate::project) enum Data {
    /// `plain`: written without quotes, so that `true`, `1` and `null` have their meaning.
    Scalar {
        text: String,
        plain: bool,
    },
    Sequence(Vec<Yaml>),
    /// In the order written; keys differ.
    Mapping(Vec<Entry>),
}

#[derive(Clone, Debug)]
pub(in crate::project) struct Entry {
    pub(in crate::project) key: String,
    pub(in crate::project) key_span: Span,
    pub(in crate::project) value: Yaml,
}

impl Yaml {
    pub(in crate::project) fn null(span: Span) -> Self {
        Self { data: Data::Scalar { text: String::new(), plain: true }, span }
    }

    pub(in crate::project) fn is_null(&self) -> bool {
        matches!(&self.data, Data::Scalar { text, plain: true }
            if matches!(text.as_str(), "" | "~" | "null" | "Null" | "NULL"))
    }

    /// The text of a scalar that is not null, as it was written.
    pub(in crate::project) fn as_text(&self) -> Option<&str> {
        match &self.data {
            Data::Scalar { text, .. } if !self.is_null() => Some(text),
            _ => None,
        }
    }

    /// A boolean as YAML 1.1 spells it, which is what dbt reads.
    pub(in crate::project) fn as_bool(&self) -> Option<bool> {
        let Data::Scalar { text, plain: true } = &self.data else { return None };
        match text.as_str() {
            "true" | "True" | "TRUE" | "yes" | "Yes" | "YES" | "on" | "On" | "ON" => Some(true),
            "false" | "False" | "FALSE" | "no" | "No" | "NO" | "off" | "Off" | "OFF" => Some(false),
            _ => None,
        }
    }

    /// The value at `key` of a mapping; a null is no value.
    pub(in crate::project) fn get(&self, key: &str) -> Option<&Self> {
        self.entry(key).map(|entry| &entry.value).filter(|value| !value.is_null())
    }

    pub(in crate::project) fn entry(&self, key: &str) -> Option<&Entry> {
        match &self.data {
            Data::Mapping(entries) => entries.iter().find(|entry| entry.key == key),
            _ => None,
        }
    }

    pub(in crate::project) fn is_mapping(&self) -> bool {
        matches!(self.data, Data::Mapping(_))
    }

    /// What it is, for messages.
    pub(in crate::project) fn kind(&self) -> &'static str {
        match &self.data {
            Data::Scalar { .. } if self.is_null() => "nothing",
            Data::Scalar { .. } if self.as_bool().is_some() => "a boolean",
            Data::Scalar { plain: true, text } if text.parse::<f64>().is_ok() => "a number",
            Data::Scalar { .. } => "a text",
            Data::Sequence(_) => "a list",
            Data::Mapping(_) => "a mapping",
        }
    }

    pub(in crate::project) fn to_json(&self) -> Json {
        match &self.data {
            Data::Scalar { text, plain: true } => self.plain_json(text),
            Data::Scalar { text, plain: false } => Json::String(text.clone()),
            Data::Sequence(items) => items.iter().map(Self::to_json).collect(),
            Data::Mapping(entries) => Json::Object(
                entries.iter().map(|entry| (entry.key.clone(), entry.value.to_json())).collect(),
            ),
        }
    }

    fn plain_json(&self, text: &str) -> Json {
        if self.is_null() {
            return Json::Null;
        }
        if let Some(boolean) = self.as_bool() {
            return Json::Bool(boolean);
        }
        let digits = text.strip_prefix('+').unwrap_or(text);
        if let Ok(integer) = digits.parse::<i64>() {
            return Json::from(integer);
        }
        // `inf`, `nan` and `1_000` are texts to us: JSON has no place for the first two.
        let starts_as_number = digits.starts_with(|c: char| c.is_ascii_digit() || "-.".contains(c));
        match digits.parse::<f64>() {
            Ok(float) if starts_as_number && float.is_finite() => Json::from(float),
            _ => Json::String(text.to_owned()),
        }
    }

    /// Replaces scalars where `change` gives another text; `skip` names keys whose values stay.
    pub(in crate::project) fn change_scalars(
        &mut self,
        skip: &[&str],
        change: &mut dyn FnMut(&str, &Span) -> Option<String>,
    ) {
        match &mut self.data {
            Data::Scalar { text, plain } => {
                if let Some(changed) = change(text, &self.span) {
                    // dbt renders natively: `"{{ true }}"` is a boolean.
                    (*text, *plain) = (changed, true);
                }
            }
            Data::Sequence(items) => {
                items.iter_mut().for_each(|item| item.change_scalars(skip, change));
            }
            Data::Mapping(entries) => entries
                .iter_mut()
                .filter(|entry| !skip.contains(&entry.key.as_str()))
                .for_each(|entry| entry.value.change_scalars(skip, change)),
        }
    }
}
