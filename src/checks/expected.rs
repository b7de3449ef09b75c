//! Expectations of a project's suites as checks: prepared before the shared scan, concluded after it.

use arrow::datatypes::SchemaRef;
use serde_json::{Map, Value as Json};

use super::expectations::{Level, Options, Ready, ResultFormat, Subject};
use super::form::{Answers, Ask};
use crate::base::TableName;
use crate::engine::{Session, SqlError};
use crate::project::{Check, CheckKind};
use crate::record::{CheckStatus, Finding, Sample};
use crate::rules::Severity;

/// How many unexpected values a finding shows.
const SAMPLE_VALUES: usize = 5;

/// One expectation with the table it is about.
pub(super) struct Expected<'a> {
    table: &'a TableName,
    schema: SchemaRef,
    unique: Vec<&'a str>,
    ready: Ready,
    severity: Severity,
    column: Option<String>,
}

impl<'a> Expected<'a> {
    /// `None` for checks that are no expectations. The values of the columns `unique` are known to differ.
    ///
    /// # Errors
    /// If the table cannot be read.
    pub(super) async fn new(
        session: &Session,
        check: &Check,
        table: Option<&'a TableName>,
        unique: Vec<&'a str>,
        parallel: usize,
    ) -> Option<Result<Self, SqlError>> {
        let CheckKind::Expectation { expectation, parameters, .. } = &check.kind else {
            return None;
        };
        let Some(table) = table else {
            return Some(Err(SqlError::new("the expectation is about no table")));
        };
        let schema = match session.plan(&format!("select * from {}", table.quoted())).await {
            Ok(query) => query.schema(),
            Err(error) => return Some(Err(error)),
        };
        let result_format = ResultFormat::at(Level::Summary);
        let options = Options { result_format, parameters: Map::new(), parallel };
        let subject = Subject { session, table, schema: &schema, unique: &unique };
        let ready = Ready::new(expectation, &subject, &options, parameters);
        let column = expectation.kwargs.get("column").and_then(Json::as_str).map(str::to_owned);
        Some(Ok(Self { table, schema, unique, ready, severity: expectation.severity, column }))
    }

    pub(super) fn ask(&self) -> Ask {
        self.ready.ask()
    }

    /// Writes what the expectation gave into its finding.
    pub(super) async fn settle(
        &self,
        session: &Session,
        finding: &mut Finding,
        answers: Result<Answers, SqlError>,
    ) {
        finding.seconds += answers.as_ref().map_or(0.0, |answers| answers.seconds);
        let subject =
            Subject { session, table: self.table, schema: &self.schema, unique: &self.unique };
        let entry = self.ready.conclude(&subject, answers).await;
        let result = &entry["result"];
        finding.rows = result["element_count"].as_u64();
        let problem = entry["exception_info"]["exception_message"].as_str();
        finding.status = match (problem, entry["success"] == Json::Bool(true), self.severity) {
            (Some(_), ..) => CheckStatus::Error,
            (None, true, _) => CheckStatus::Pass,
            (None, false, Severity::Critical) => CheckStatus::Fail,
            (None, false, Severity::Warning | Severity::Info) => CheckStatus::Warn,
        };
        finding.message = problem.map(str::to_owned);
        if matches!(finding.status, CheckStatus::Fail | CheckStatus::Warn) {
            finding.failures = result["unexpected_count"].as_u64().unwrap_or(1);
            finding.sample = self.sample(result);
        }
        finding.result = Some(entry);
    }

    /// Some unexpected values: those of one column under its name, others under the names that they bring.
    fn sample(&self, result: &Json) -> Option<Sample> {
        let values = result["partial_unexpected_list"].as_array()?;
        let values = values.iter().take(SAMPLE_VALUES);
        let text = |value: &Json| match value {
            Json::Null => None,
            Json::String(text) => Some(text.clone()),
            value => Some(value.to_string()),
        };
        let columns = match values.clone().next()? {
            Json::Object(record) => record.keys().cloned().collect(),
            Json::Array(_) => vec!["column_A".to_owned(), "column_B".to_owned()],
            _ => vec![self.column.clone().unwrap_or_else(|| "value".to_owned())],
        };
        let rows = values.map(|value| match value {
            Json::Object(record) => record.values().map(text).collect(),
            Json::Array(pair) => pair.iter().map(text).collect(),
            value => vec![text(value)],
        });
        Some(Sample { columns, rows: rows.collect() })
    }
}
