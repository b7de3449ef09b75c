//! An endpoint planned over the tables of one version or draft.

use std::collections::{BTreeMap, BTreeSet};

use arrow::datatypes::{DataType, SchemaRef};

use super::parameters::Parameter;
use super::request::{self, ParameterProblem, Request};
use super::value::{self, Value};
use crate::base::{Diagnostic, Diagnostics, TableName};
use crate::engine::{self, Prepared, Query, Session, SqlError};
use crate::project::Endpoint;

/// The most rows that an endpoint may offer in one answer, which is made in memory.
const PAGE_ROWS_MAX: u64 = 100_000;

/// A typed statement that needs nothing but a request's values.
///
/// Invariant: every column that orders the answer is one of the answer's.
pub(crate) struct PlannedEndpoint {
    endpoint: Endpoint,
    parameters: Vec<Parameter>,
    /// Column of the answer, as the answer spells it; whether the greatest comes first.
    order_by: Vec<(String, bool)>,
    prepared: Prepared,
}

/// Plans `endpoint` over the session's tables.
///
/// # Errors
/// All that is wrong with its parameters, then with its SQL or, where that is fine, its order: at their places in the
/// template.
pub(crate) fn plan(session: &Session, endpoint: &Endpoint) -> Result<PlannedEndpoint, Diagnostics> {
    let mut problems = Diagnostics::default();
    let parameters = parameters(endpoint, &mut problems);
    let types: Vec<(String, DataType)> = endpoint
        .parameters
        .iter()
        .map(|declared| (declared.name.clone(), value::data_type(declared.kind)))
        .collect();
    let prepared = match session.prepare(&endpoint.sql.text, &types) {
        Ok(prepared) => prepared,
        Err(error) => {
            problems.push(sql_problem(endpoint, &error));
            return Err(problems);
        }
    };
    let order_by = order_by(endpoint, &prepared.schema(), &mut problems);
    one_name_a_column(endpoint, &prepared.schema(), &mut problems);
    page(endpoint, &mut problems);
    if problems.has_errors() {
        return Err(problems);
    }
    Ok(PlannedEndpoint { endpoint: endpoint.clone(), parameters, order_by, prepared })
}

impl PlannedEndpoint {
    pub(crate) fn name(&self) -> &str {
        &self.endpoint.info.name
    }

    /// As the user wrote it, for those who describe it.
    pub(crate) fn definition(&self) -> &Endpoint {
        &self.endpoint
    }

    /// The columns of its answer.
    pub(crate) fn schema(&self) -> SchemaRef {
        self.prepared.schema()
    }

    /// The tables that its answer depends on.
    pub(crate) fn tables(&self) -> BTreeSet<TableName> {
        self.prepared.tables()
    }

    /// Hash of what its SQL means, whatever its layout and comments.
    pub(super) fn fingerprint(&self) -> String {
        self.prepared.fingerprint()
    }

    /// Reads a request's query string (without the `?`).
    ///
    /// # Errors
    /// All that is wrong with it.
    pub(crate) fn read(&self, query: &str) -> Result<Request, Vec<ParameterProblem>> {
        request::read(query, &self.parameters, self.endpoint.page)
    }

    /// The query that answers `request`, asking for one row more than the page holds: whether it comes tells whether
    /// there is a next page.
    ///
    /// # Errors
    /// If the engine cannot bind values of the declared types, which planning has shown it can.
    pub(crate) fn bind(&self, request: &Request) -> Result<Query, SqlError> {
        let page = request.page;
        self.prepared.bind(&engine_values(request), &self.order_by, page.limit + 1, page.offset)
    }
}

fn parameters(endpoint: &Endpoint, problems: &mut Diagnostics) -> Vec<Parameter> {
    let mut parameters = Vec::with_capacity(endpoint.parameters.len());
    for declared in &endpoint.parameters {
        match Parameter::new(declared) {
            Ok(parameter) => parameters.push(parameter),
            Err(sentences) => {
                let span = declared.span.clone().or_else(|| endpoint.info.span.clone());
                for sentence in sentences {
                    let mut problem = problem(endpoint, &sentence);
                    problem.span = span.clone();
                    problems.push(problem);
                }
            }
        }
    }
    parameters
}

fn problem(endpoint: &Endpoint, sentence: &str) -> Diagnostic {
    Diagnostic::error(format!("endpoint `{}`: {sentence}", endpoint.info.name))
}

fn sql_problem(endpoint: &Endpoint, error: &SqlError) -> Diagnostic {
    let mut problem = problem(endpoint, &error.message);
    problem.span = match error.position {
        Some((line, column)) => Some(endpoint.sql.locate(line, column, error.length)),
        None => endpoint.info.span.clone(),
    };
    problem.hints = error.hints.clone();
    problem
}

/// The order's columns as the answer spells them: names ignore case.
fn order_by(
    endpoint: &Endpoint,
    schema: &SchemaRef,
    problems: &mut Diagnostics,
) -> Vec<(String, bool)> {
    let names = || schema.fields().iter().map(|field| field.name().as_str());
    let mut order = Vec::with_capacity(endpoint.order_by.len());
    for key in &endpoint.order_by {
        let exact = names().find(|name| *name == key.column);
        let same = |name: &&str| name.to_lowercase() == key.column.to_lowercase();
        if let Some(name) = exact.or_else(|| names().find(same)) {
            order.push((name.to_owned(), key.descending));
            continue;
        }
        let sentence =
            format!("it is ordered by `{}`, which is no column of its answer", key.column);
        let mut problem = problem(endpoint, &sentence).did_you_mean(&key.column, names());
        if problem.hints.is_empty() {
            let all: Vec<String> = names().map(|name| format!("`{name}`")).collect();
            problem = problem.hint(format!("its columns are {}", all.join(", ")));
        }
        problem.span = key.span.clone().or_else(|| endpoint.info.span.clone());
        problems.push(problem);
    }
    order
}

/// An answer's row is an object, which has no room for two columns of one name; names ignore case.
fn one_name_a_column(endpoint: &Endpoint, schema: &SchemaRef, problems: &mut Diagnostics) {
    let mut seen = BTreeSet::new();
    for field in schema.fields() {
        if !seen.insert(field.name().to_lowercase()) {
            let sentence = format!("its answer has two columns named `{}`", field.name());
            let mut problem = problem(endpoint, &sentence).hint("give one of them another name");
            problem.span = endpoint.info.span.clone();
            problems.push(problem);
        }
    }
}

fn page(endpoint: &Endpoint, problems: &mut Diagnostics) {
    let page = endpoint.page;
    if page.default == 0 || page.default > page.max || page.max > PAGE_ROWS_MAX {
        let sentence = format!(
            "its page has a default of {} and a max of {}; the default is from 1 to max, and max at most {PAGE_ROWS_MAX}",
            page.default, page.max
        );
        let mut problem = problem(endpoint, &sentence);
        problem.span = endpoint.info.span.clone();
        problems.push(problem);
    }
}

fn engine_values(request: &Request) -> BTreeMap<String, Option<engine::Value>> {
    let given = request.values.iter();
    given.map(|(name, value)| (name.clone(), value.as_ref().map(engine_value))).collect()
}

fn engine_value(value: &Value) -> engine::Value {
    match value {
        Value::Integer(number) => engine::Value::Integer(*number),
        Value::Number(number) => engine::Value::Double(*number),
        Value::Decimal(decimal) => engine::Value::Decimal(decimal.to_string()),
        Value::Text(text) => engine::Value::Text(text.clone()),
        Value::Boolean(boolean) => engine::Value::Boolean(*boolean),
        Value::Date(date) => engine::Value::Date(*date),
        Value::Timestamp(timestamp) => engine::Value::Timestamp(*timestamp),
    }
}
