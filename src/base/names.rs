//! The names of things. Each type is checked where it is made and trusted afterwards.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A table of the warehouse, `schema.name`.
///
/// Names compare without regard to case, as DuckDB's do, and keep the case in which they were written.
#[derive(Clone, Debug)]
pub(crate) struct TableName {
    schema: String,
    name: String,
    folded: String,
}

/// A text that cannot name a table.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{written}` cannot name a table: {reason}")]
pub(crate) struct NameError {
    written: String,
    reason: &'static str,
}

impl TableName {
    /// # Errors
    /// If a part is empty, or has a control character or a path separator (names become folders).
    pub(crate) fn new(schema: &str, name: &str) -> Result<Self, NameError> {
        for part in [schema, name] {
            let reason = if part.is_empty() {
                "a part of it is empty"
            } else if part.chars().any(char::is_control) {
                "it has a control character"
            } else if part.contains(['/', '\\']) || part == "." || part == ".." {
                "it would leave its folder"
            } else {
                continue;
            };
            return Err(NameError { written: format!("{schema}.{name}"), reason });
        }
        Ok(Self {
            schema: schema.to_owned(),
            name: name.to_owned(),
            folded: format!("{}.{}", schema.to_lowercase(), name.to_lowercase()),
        })
    }

    pub(crate) fn schema(&self) -> &str {
        &self.schema
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// `schema.name` in lower case: equal for equal names.
    pub(crate) fn folded(&self) -> &str {
        &self.folded
    }

    /// The name as SQL text, each part quoted: `"shop"."orders"`.
    pub(crate) fn quoted(&self) -> String {
        let quote = |part: &str| part.replace('"', "\"\"");
        format!("\"{}\".\"{}\"", quote(&self.schema), quote(&self.name))
    }
}

impl FromStr for TableName {
    type Err = NameError;

    /// Reads `schema.name`; the name may itself have dots.
    fn from_str(written: &str) -> Result<Self, NameError> {
        let (schema, name) = written
            .split_once('.')
            .ok_or(NameError { written: written.to_owned(), reason: "it has no schema" })?;
        Self::new(schema, name)
    }
}

impl fmt::Display for TableName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.schema, self.name)
    }
}

impl PartialEq for TableName {
    fn eq(&self, other: &Self) -> bool {
        self.folded == other.folded
    }
}

impl Eq for TableName {}

impl PartialOrd for TableName {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for TableName {
    fn cmp(&self, other: &Self) -> Ordering {
        self.folded.cmp(&other.folded)
    }
}

impl Hash for TableName {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.folded.hash(state);
    }
}

impl Serialize for TableName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for TableName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// dbt's `unique_id` of a node: `model.shop.daily_sales`, `source.shop.shop.orders`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct NodeId(String);

impl NodeId {
    pub(crate) fn new(kind: &str, package: &str, name: &str) -> Self {
        Self(format!("{kind}.{package}.{name}"))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// The last part, what a person calls the node: `daily_sales`, `orders`.
    pub(crate) fn short(&self) -> &str {
        self.0.rsplit('.').next().unwrap_or(&self.0)
    }
}

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The number of a published state of the whole warehouse: 1, 2, 3 …
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Version(pub(crate) u64);

impl Version {
    pub(crate) const FIRST: Self = Self(1);

    pub(crate) fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// The name of one run, sortable by the time it started: `20260102T030405Z-1a2b3c4d`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct RunId(String);

impl RunId {
    pub(crate) fn new(started: chrono::DateTime<chrono::Utc>) -> Self {
        let random = uuid::Uuid::new_v4().simple().to_string();
        Self(format!("{}-{}", started.format("%Y%m%dT%H%M%SZ"), &random[..8]))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for RunId {
    type Err = NameError;

    fn from_str(written: &str) -> Result<Self, NameError> {
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '-';
        if written.is_empty() || !written.chars().all(plain) {
            let reason = "a run id has letters, digits and dashes only";
            return Err(NameError { written: written.to_owned(), reason });
        }
        Ok(Self(written.to_owned()))
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn table_names_ignore_case_and_keep_it() {
        let written = TableName::new("Shop", "Orders").unwrap();
        assert_eq!(written, "shop.orders".parse().unwrap());
        assert_eq!(written.to_string(), "Shop.Orders");
    }

    #[test]
    fn a_table_name_never_leaves_its_folder() {
        for (schema, name) in [("shop", ".."), ("a/b", "c"), ("", "x"), ("a", "b\n")] {
            assert!(TableName::new(schema, name).is_err(), "{schema}.{name}");
        }
    }
}
