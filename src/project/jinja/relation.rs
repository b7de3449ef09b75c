//! What `ref`, `source` and `this` give: a table's name with dbt's attributes.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use minijinja::value::{Object, ObjectRepr, Value};
use minijinja::{Error, ErrorKind, State};

use crate::base::{NodeId, TableName};

/// A table as templates see it; written out, its quoted name.
#[derive(Clone, Debug)]
pub(in crate::project) struct Relation {
    pub(in crate::project) schema: String,
    pub(in crate::project) name: String,
    /// `table`, `view`, or `cte` of an ephemeral model.
    pub(in crate::project) kind: &'static str,
}

/// The common table expression that stands for an ephemeral model.
pub(in crate::project) fn cte_name(model: &str) -> String {
    format!("__dbt__cte__{model}")
}

impl Relation {
    pub(in crate::project) fn table(table: &TableName) -> Self {
        Self { schema: table.schema().to_owned(), name: table.name().to_owned(), kind: "table" }
    }

    pub(in crate::project) fn cte(model: &str) -> Self {
        Self { schema: String::new(), name: cte_name(model), kind: "cte" }
    }

    fn quoted(&self) -> String {
        let quote = |part: &str| format!("\"{}\"", part.replace('"', "\"\""));
        match self.kind {
            "cte" => self.name.clone(),
            _ => format!("{}.{}", quote(&self.schema), quote(&self.name)),
        }
    }
}

impl Object for Relation {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        Some(match key.as_str()? {
            "schema" => Value::from(self.schema.as_str()),
            "identifier" | "name" | "table" => Value::from(self.name.as_str()),
            "database" => Value::from(super::context::DATABASE),
            "type" => Value::from(self.kind),
            "is_table" => Value::from(self.kind == "table"),
            "is_view" => Value::from(self.kind == "view"),
            "is_cte" => Value::from(self.kind == "cte"),
            _ => return None,
        })
    }

    fn call_method(
        self: &Arc<Self>,
        _state: &mut State<'_, '_>,
        method: &str,
        _arguments: &[Value],
    ) -> Result<Value, Error> {
        match method {
            "include" | "quote" | "without_identifier" | "render" => {
                Ok(Value::from_dyn_object(self.clone()))
            }
            _ => Err(Error::from(ErrorKind::UnknownMethod)),
        }
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.quoted())
    }
}

/// A node that a name led to.
#[derive(Clone, Debug)]
pub(in crate::project) struct Found {
    pub(in crate::project) id: NodeId,
    pub(in crate::project) relation: Relation,
}

/// Every name that `ref` and `source` understand.
#[derive(Clone, Debug, Default)]
pub(in crate::project) struct Lookup {
    pub(in crate::project) package: String,
    pub(in crate::project) refs: BTreeMap<String, Found>,
    pub(in crate::project) sources: BTreeMap<(String, String), Found>,
    /// `ref` names of nodes that are switched off.
    pub(in crate::project) disabled: BTreeSet<String>,
    pub(in crate::project) disabled_sources: BTreeSet<(String, String)>,
}

/// A `ref` or `source` that led nowhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::project) struct NotFound {
    pub(in crate::project) function: String,
    pub(in crate::project) arguments: Vec<String>,
    pub(in crate::project) reason: Reason,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::project) enum Reason {
    Unknown,
    UnknownPackage,
    UnknownSource,
    Disabled,
}

impl Lookup {
    /// Resolves `ref` or `source` with its text arguments.
    pub(in crate::project) fn find(
        &self,
        function: &str,
        arguments: &[String],
    ) -> Result<&Found, NotFound> {
        let found = match (function, arguments) {
            ("source", [source, table]) => self.source(source, table),
            (_, [package, _]) if *package != self.package => Err(Reason::UnknownPackage),
            (_, [name] | [_, name]) => self.reference(name),
            _ => Err(Reason::Unknown),
        };
        let (function, arguments) = (function.to_owned(), arguments.to_vec());
        found.map_err(|reason| NotFound { function, arguments, reason })
    }

    fn reference(&self, name: &str) -> Result<&Found, Reason> {
        self.refs.get(name).ok_or_else(|| match self.disabled.contains(name) {
            true => Reason::Disabled,
            false => Reason::Unknown,
        })
    }

    fn source(&self, source: &str, table: &str) -> Result<&Found, Reason> {
        let key = (source.to_owned(), table.to_owned());
        self.sources.get(&key).ok_or_else(|| {
            if self.disabled_sources.contains(&key) {
                Reason::Disabled
            } else if self.sources.keys().any(|(known, _)| known == source) {
                Reason::Unknown
            } else {
                Reason::UnknownSource
            }
        })
    }
}
