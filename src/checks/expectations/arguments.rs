//! The `kwargs` of one expectation, read with their types.

use arrow::datatypes::{DataType, Field, SchemaRef};
use serde_json::Value as Json;

use super::{Problem, coerced, condition};
use crate::base::{TableName, suggest};
use crate::checks::form::Subject;
use crate::checks::proved;
use crate::rules::Expectation;

/// What one expectation is given, and the table it is about.
pub(super) struct Arguments<'a> {
    expectation: &'a Expectation,
    pub(super) table: &'a TableName,
    pub(super) schema: &'a SchemaRef,
    unique: &'a [&'a str],
    /// `row_condition` as SQL.
    pub(super) filter: Option<String>,
}

impl<'a> Arguments<'a> {
    /// # Errors
    /// If the row condition cannot be read.
    pub(super) fn new(
        expectation: &'a Expectation,
        about: &super::Subject<'a>,
    ) -> Result<Self, Problem> {
        let super::Subject { table, schema, unique, .. } = *about;
        let given = |key: &str| expectation.kwargs.get(key).filter(|value| !value.is_null());
        let parser = given("condition_parser").and_then(Json::as_str);
        let filter = given("row_condition").map(|written| condition::read(written, parser, schema));
        let filter = filter.transpose()?;
        Ok(Self { expectation, table, schema, unique, filter })
    }

    pub(super) fn kind(&self) -> &str {
        &self.expectation.kind
    }

    /// The keys that are given, nulls included.
    pub(super) fn keys(&self) -> impl Iterator<Item = &str> {
        self.expectation.kwargs.keys().map(String::as_str)
    }

    /// The rows that the expectation is about.
    pub(super) fn subject(&self) -> Subject {
        Subject { table: self.table.clone(), filter: self.filter.clone() }
    }

    /// Whether the values of the column, nulls aside, are known to differ.
    pub(super) fn is_unique(&self, column: &Field) -> bool {
        self.unique.iter().any(|unique| proved::same_name(unique, column.name()))
    }

    /// `None` where it is not given, or null.
    pub(super) fn get(&self, key: &str) -> Option<&'a Json> {
        self.expectation.kwargs.get(key).filter(|value| !value.is_null())
    }

    pub(super) fn required(&self, key: &str) -> Result<&'a Json, Problem> {
        self.get(key).ok_or_else(|| Problem::new(format!("`{}` needs `{key}`", self.kind())))
    }

    /// As [`Self::list`], of a key that must be there; null stands for no list, as it did in the first releases of GX 1.
    pub(super) fn named_list(&self, key: &str) -> Result<Option<&'a [Json]>, Problem> {
        match self.keys().any(|given| given == key) {
            true => self.list(key),
            false => self.required(key).map(|_| None),
        }
    }

    pub(super) fn text(&self, key: &str) -> Result<Option<&'a str>, Problem> {
        let text = |value: &'a Json| value.as_str().ok_or_else(|| wrong(key, "a text", value));
        self.get(key).map(text).transpose()
    }

    pub(super) fn required_text(&self, key: &str) -> Result<&'a str, Problem> {
        let value = self.required(key)?;
        value.as_str().ok_or_else(|| wrong(key, "a text", value))
    }

    pub(super) fn boolean(&self, key: &str) -> Result<bool, Problem> {
        let truth =
            |value: &Json| coerced::truth(value).ok_or_else(|| wrong(key, "true or false", value));
        Ok(self.get(key).map(truth).transpose()?.unwrap_or(false))
    }

    pub(super) fn number(&self, key: &str) -> Result<Option<f64>, Problem> {
        let number =
            |value: &Json| coerced::number(value).ok_or_else(|| wrong(key, "a number", value));
        self.get(key).map(number).transpose()
    }

    /// A whole number; of any other the fraction is dropped.
    pub(super) fn whole(&self, key: &str) -> Result<Option<i64>, Problem> {
        let whole =
            |value: &Json| coerced::whole(value).ok_or_else(|| wrong(key, "a whole number", value));
        self.get(key).map(whole).transpose()
    }

    pub(super) fn list(&self, key: &str) -> Result<Option<&'a [Json]>, Problem> {
        let list = |value: &'a Json| {
            value.as_array().map(Vec::as_slice).ok_or_else(|| wrong(key, "a list", value))
        };
        self.get(key).map(list).transpose()
    }

    /// The column that `key` names.
    ///
    /// # Errors
    /// In GX's words if it is not there.
    pub(super) fn column(&self, key: &str) -> Result<&'a Field, Problem> {
        self.field(self.required_text(key)?)
    }

    /// Names are found as written: GX's are.
    pub(super) fn field(&self, name: &str) -> Result<&'a Field, Problem> {
        let fields = || self.schema.fields().iter();
        let found = fields().find(|field| field.name() == name);
        found.map(AsRef::as_ref).ok_or_else(|| {
            let near = suggest::closest(name, fields().map(|field| field.name().as_str()));
            let near = near.map(|near| format!(" Did you mean \"{near}\"?")).unwrap_or_default();
            let message = "in BatchData does not exist.";
            Problem::new(format!("Error: The column \"{name}\" {message}{near}"))
        })
    }
}

/// A name as SQL has it.
pub(super) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

pub(super) fn is_text(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View)
}

fn wrong(key: &str, expected: &str, found: &Json) -> Problem {
    Problem::new(format!("`{key}` must be {expected}, not {found}"))
}
