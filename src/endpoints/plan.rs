//! An endpoint planned over the tables of one version or draft.

use std::collections::{BTreeMap, BTreeSet};

use arrow::array::{Array, AsArray as _, RecordBatch};
use arrow::datatypes::{DataType, Float32Type, Float64Type, SchemaRef};
use serde_json::{Map, Value as Json};

use super::claims::{self, Claim, ClaimProblem};
use super::cursor::Cursor;
use super::parameters::Parameter;
use super::request::{self, ParameterProblem, Request};
use super::value::{self, Value};
use crate::base::{Diagnostic, Diagnostics, TableName, Version};
use crate::engine::output::JsonRows;
use crate::engine::{
    self, EngineError, Origin, Prepared, Query, Resident, Selected, Session, SqlError, Window,
};
use crate::project::Endpoint;

/// The most rows that an endpoint may offer in one answer, which is made in memory.
const PAGE_ROWS_MAX: u64 = 100_000;

/// What a cursor may take: it has to fit into a URL beside what else is asked.
const CURSOR_CHARACTERS: usize = 1 << 10;

/// A typed statement that needs nothing but a request's values.
///
/// Invariant: every column that orders the answer is one of the answer's.
pub(crate) struct PlannedEndpoint {
    endpoint: Endpoint,
    parameters: Vec<Parameter>,
    claims: Vec<Claim>,
    /// Column of the answer, as the answer spells it; whether the greatest comes first. As declared, then the other columns:
    /// so that wherever rows are ordered they are ordered alike.
    order: Vec<(String, bool)>,
    /// How many of them are declared.
    declared: usize,
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
        .map(|declared| (declared.name.clone(), value::data_type(declared.kind, declared.list)))
        .collect();
    let filters = claims::filters(endpoint);
    let prepared = match session.prepare(&endpoint.sql.text, &types, &filters) {
        Ok(prepared) => prepared,
        Err(error) => {
            problems.push(sql_problem(endpoint, &error));
            return Err(problems);
        }
    };
    let claims = claims::bound(endpoint, &prepared, &mut problems);
    let mut order = order_by(endpoint, &prepared.schema(), &mut problems);
    one_name_a_column(endpoint, &prepared.schema(), &mut problems);
    page(endpoint, &mut problems);
    if problems.has_errors() {
        return Err(problems);
    }
    let declared = order.len();
    break_ties(&mut order, &prepared.schema());
    let endpoint = endpoint.clone();
    Ok(PlannedEndpoint { endpoint, parameters, claims, order, declared, prepared })
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

    /// For each column of its answer the columns whose values it has, the nearest first; empty for what is computed.
    pub(crate) fn origins(&self) -> Vec<Vec<Origin>> {
        self.prepared.origins()
    }

    /// The tables that its answer depends on.
    pub(crate) fn tables(&self) -> BTreeSet<TableName> {
        self.prepared.tables()
    }

    /// Hash of what its SQL means, whatever its layout and comments.
    pub(super) fn fingerprint(&self) -> String {
        self.prepared.fingerprint()
    }

    /// Whether its answers change by themselves: `now()`.
    pub(crate) fn volatile(&self) -> bool {
        self.prepared.volatile()
    }

    /// Names what its answers depend on besides tables and values: what its SQL means, its order and its pages.
    pub(crate) fn description(&self) -> String {
        let page = self.endpoint.page;
        let fingerprint = self.fingerprint();
        format!("{} {fingerprint} {:?} {}", self.name(), self.order, page.default)
    }

    /// Reads a request's query string (without the `?`).
    ///
    /// # Errors
    /// All that is wrong with it.
    pub(crate) fn read(&self, query: &str) -> Result<Request, Vec<ParameterProblem>> {
        let request = request::read(query, &self.parameters, self.endpoint.page)?;
        let negative = self.prepared.limits().into_iter().filter(|name| {
            matches!(request.values.get(name), Some(Some(Value::Integer(number))) if *number < 0)
        });
        let problem = |parameter| ParameterProblem {
            parameter,
            detail: "it says how many rows there are, which is not less than 0".to_owned(),
        };
        let negative: Vec<ParameterProblem> = negative.map(problem).collect();
        if negative.is_empty() { Ok(request) } else { Err(negative) }
    }

    /// Binds the claims of whoever asks, so that `request` sees only its own rows.
    ///
    /// # Errors
    /// What is wrong with the first claim that cannot be bound: then there is nothing to see.
    pub(crate) fn bind_claims(
        &self,
        request: &mut Request,
        claims: &BTreeMap<String, Json>,
    ) -> Result<(), ClaimProblem> {
        self.claims.iter().try_for_each(|claim| claim.bind(request, claims))
    }

    /// The query that answers `request`, asking for one row more than the page holds: whether it comes tells whether
    /// there is a next page.
    ///
    /// # Errors
    /// If a cursor's key is none of this endpoint's; bound values have the declared types.
    pub(crate) fn bind(&self, request: &Request) -> Result<Query, SqlError> {
        self.prepared.bind(&engine_values(request), &self.order, &self.window(request)?)
    }

    /// The rows that the endpoint selects whatever it is asked, as [`Prepared::resident`] says.
    ///
    /// # Errors
    /// As there.
    pub(crate) async fn resident(&self, bytes_max: usize) -> Result<Option<Resident>, EngineError> {
        self.prepared.resident(&self.order, bytes_max).await
    }

    /// As [`PlannedEndpoint::bind`], out of its own resident rows.
    ///
    /// # Errors
    /// As there.
    pub(crate) fn select<'a>(
        &self,
        resident: &'a Resident,
        request: &Request,
    ) -> Result<Selected<'a>, SqlError> {
        resident.bind(&engine_values(request), &self.window(request)?)
    }

    /// As [`PlannedEndpoint::count`], out of its own resident rows.
    ///
    /// # Errors
    /// As there.
    pub(crate) fn select_all<'a>(
        resident: &'a Resident,
        request: &Request,
    ) -> Result<Selected<'a>, SqlError> {
        resident.bind(&engine_values(request), &Window::default())
    }

    fn window(&self, request: &Request) -> Result<Window, SqlError> {
        let page = &request.page;
        let mut window = Window { limit: page.limit + 1, offset: page.offset, from: None };
        if let Some(cursor) = &page.cursor {
            window.offset = if cursor.key.is_empty() { cursor.rows } else { cursor.seen };
            if !cursor.key.is_empty() {
                if cursor.key.len() != self.declared {
                    return Err(SqlError::new("the cursor is of another endpoint"));
                }
                window.from = Some(cursor.key.iter().map(text).collect());
            }
        }
        Ok(window)
    }

    /// The query that counts all rows of which `request` asks for a page: one row, one column.
    ///
    /// # Errors
    /// As [`PlannedEndpoint::bind`], but for cursors.
    pub(crate) fn count(&self, request: &Request) -> Result<Query, SqlError> {
        self.prepared.count(&engine_values(request))
    }

    /// Where the page behind `request`'s begins, `rows` being the rows of the page that it answered.
    ///
    /// # Errors
    /// If values of the columns that order the answer cannot be written.
    pub(crate) fn cursor(
        &self,
        version: Version,
        request: &Request,
        rows: &[RecordBatch],
    ) -> Result<Cursor, EngineError> {
        let page = &request.page;
        let mut last: Option<Vec<Json>> = None;
        let mut seen = 0;
        let mut whole_page = true;
        let backwards = rows
            .iter()
            .rev()
            .flat_map(|batch| (0..batch.num_rows()).rev().map(move |row| batch.slice(row, 1)));
        for row in backwards {
            let key = self.key(&row)?;
            match &last {
                Some(last) if *last != key => {
                    whole_page = false;
                    break;
                }
                _ => last = Some(key),
            }
            seen += 1;
        }
        let key = last.unwrap_or_default();
        let given = page.rows_before().saturating_add(page.limit);
        let mut cursor = Cursor { version, depends_on: String::new(), key, seen, rows: given };
        if whole_page {
            match &page.cursor {
                // The rows of the page before may have had the same key.
                Some(before) if before.key == cursor.key => {
                    cursor.seen = before.seen.saturating_add(seen)
                }
                Some(before) if !before.key.is_empty() => {}
                None if page.offset == 0 => {}
                _ => cursor.key.clear(),
            }
        }
        if cursor.to_string().len() > CURSOR_CHARACTERS {
            // The order of all rows is fixed, so that their number tells the same.
            (cursor.key, cursor.seen) = (Vec::new(), 0);
        }
        Ok(cursor)
    }

    /// The first row's values of the columns that order the answer.
    fn key(&self, row: &RecordBatch) -> Result<Vec<Json>, EngineError> {
        let mut written = Vec::new();
        JsonRows::new(&self.schema()).append(row, &mut written)?;
        let mut values: Map<String, Json> = serde_json::from_slice(&written).unwrap_or_default();
        let value = |(name, _): &(String, bool)| {
            let exact = row.column_by_name(name).and_then(|column| float(column));
            exact.or_else(|| values.remove(name)).unwrap_or_default()
        };
        Ok(self.order[..self.declared].iter().map(value).collect())
    }
}

/// A float as a text that names just this one, as JSON cannot.
fn float(column: &dyn Array) -> Option<Json> {
    if column.is_empty() || column.is_null(0) {
        return None;
    }
    let (text, below) = match column.data_type() {
        DataType::Float32 => {
            let value = column.as_primitive_opt::<Float32Type>()?.value(0);
            (value.to_string(), value.is_nan() && value.is_sign_negative())
        }
        DataType::Float64 => {
            let value = column.as_primitive_opt::<Float64Type>()?.value(0);
            (value.to_string(), value.is_nan() && value.is_sign_negative())
        }
        _ => return None,
    };
    Some(Json::String(if below { format!("-{text}") } else { text }))
}

/// A value of a key as the engine reads it.
fn text(value: &Json) -> Option<String> {
    match value {
        Json::Null => None,
        Json::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
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

/// Rows of one place in the declared order come in that of their other columns. Without a declared one there is none.
fn break_ties(order: &mut Vec<(String, bool)>, schema: &SchemaRef) {
    if order.is_empty() {
        return;
    }
    for field in schema.fields() {
        let comparable = !matches!(field.data_type(), DataType::Map(..) | DataType::Union(..));
        if comparable && order.iter().all(|(name, _)| name != field.name()) {
            order.push((field.name().clone(), false));
        }
    }
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
        Value::List(items) => engine::Value::List(items.iter().map(engine_value).collect()),
    }
}
