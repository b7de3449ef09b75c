//! Row filters of an endpoint: claims of whoever asks, bound into the plan right above the scan.

use std::collections::BTreeMap;

use arrow::datatypes::DataType;
use serde_json::Value as Json;

use super::request::Request;
use super::value::{self, Value};
use crate::base::{Diagnostic, Diagnostics};
use crate::engine::{self, Prepared};
use crate::project::{Endpoint, ParameterKind};

/// A claim that a row filter compares a column with.
#[derive(Clone, Debug)]
pub(super) struct Claim {
    /// What the plan calls its values; no parameter of a request can be called so.
    parameter: String,
    name: String,
    kind: ParameterKind,
}

/// Why rows cannot be told from a principal's claims.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ClaimProblem {
    pub(crate) claim: String,
    pub(crate) detail: String,
}

/// The endpoint's row filters as the engine plans them.
pub(super) fn filters(endpoint: &Endpoint) -> Vec<engine::RowFilter> {
    let filters = endpoint.row_filters.iter().enumerate();
    let filter = |(index, filter): (usize, &crate::project::RowFilter)| engine::RowFilter {
        table: filter.table.clone(),
        column: filter.column.clone(),
        parameter: parameter(index),
    };
    filters.map(filter).collect()
}

/// The claims that these filters ask for.
pub(super) fn bound(
    endpoint: &Endpoint,
    prepared: &Prepared,
    problems: &mut Diagnostics,
) -> Vec<Claim> {
    let mut claims = Vec::new();
    for (index, filter) in endpoint.row_filters.iter().enumerate() {
        let parameter = parameter(index);
        let items = match prepared.parameter_type(&parameter) {
            Some(DataType::List(items)) => items.data_type(),
            _ => &DataType::Null,
        };
        match value::kind_of(items) {
            Some(kind) => claims.push(Claim { parameter, name: filter.claim.clone(), kind }),
            None => {
                let message = format!(
                    "endpoint `{}`: `{}` of `{}` is a {}, which no claim can be compared with",
                    endpoint.info.name,
                    filter.column,
                    filter.table,
                    engine::sql_name(items)
                );
                let mut problem = Diagnostic::error(message);
                problem.span = endpoint.info.span.clone();
                problems.push(problem);
            }
        }
    }
    claims
}

fn parameter(index: usize) -> String {
    format!("row filter {index}")
}

impl Claim {
    /// # Errors
    /// If the claim is not there, or not of the column's type.
    pub(super) fn bind(
        &self,
        request: &mut Request,
        claims: &BTreeMap<String, Json>,
    ) -> Result<(), ClaimProblem> {
        let problem = |detail: String| ClaimProblem { claim: self.name.clone(), detail };
        let claim = claims
            .get(&self.name)
            .filter(|claim| !claim.is_null())
            .ok_or_else(|| problem("it is not there".to_owned()))?;
        let items = match claim {
            Json::Array(items) => items.as_slice(),
            single => std::slice::from_ref(single),
        };
        let expected = || problem(format!("it is not {}", value::expected(self.kind)));
        let values = items.iter().map(|item| self.value(item).ok_or_else(expected));
        request.bind(&self.parameter, Value::List(values.collect::<Result<_, _>>()?));
        Ok(())
    }

    fn value(&self, item: &Json) -> Option<Value> {
        match item {
            Json::String(text) => value::parse(self.kind, text),
            Json::Number(_) | Json::Bool(_) => value::parse(self.kind, &item.to_string()),
            _ => None,
        }
    }
}
