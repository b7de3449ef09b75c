//! GX's validation-result JSON.

use serde_json::{Map, Value as Json, json};

use super::Problem;
use super::kind::Judged;
use crate::rules::{Expectation, Severity, Suite};

/// The version of Great Expectations whose results these are like.
const GX_VERSION: &str = "1.24.0";
/// How many unexpected values partial lists hold where nothing else is asked for: GX's default.
const PARTIAL_UNEXPECTED_COUNT: usize = 20;

/// How much a result tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Level {
    BooleanOnly,
    Basic,
    Summary,
    Complete,
}

/// GX's `result_format`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ResultFormat {
    pub(crate) level: Level,
    pub(crate) partial_unexpected_count: usize,
    /// Columns whose values tell where an unexpected row is.
    pub(crate) index_columns: Option<Vec<String>>,
    pub(crate) include_unexpected_rows: bool,
    pub(crate) exclude_unexpected_values: bool,
    /// Where it is not said: only with everything else.
    pub(crate) return_unexpected_index_query: Option<bool>,
}

impl ResultFormat {
    pub(crate) fn at(level: Level) -> Self {
        Self {
            level,
            partial_unexpected_count: PARTIAL_UNEXPECTED_COUNT,
            index_columns: None,
            include_unexpected_rows: false,
            exclude_unexpected_values: false,
            return_unexpected_index_query: None,
        }
    }

    /// Reads the name of a level, or an object.
    ///
    /// # Errors
    /// If it is neither, or holds what a result format does not.
    pub(super) fn read(written: &Json) -> Result<Self, Problem> {
        let Some(object) = written.as_object() else {
            return Ok(Self::at(level(written)?));
        };
        let mut format = Self::at(object.get("result_format").map_or(Ok(Level::Basic), level)?);
        for (key, value) in object {
            let truth = || {
                let known = value.as_bool().or(value.is_null().then_some(false));
                known.ok_or_else(|| Problem::new(format!("`{key}` is true or false, not {value}")))
            };
            match key.as_str() {
                "result_format" => {}
                "partial_unexpected_count" => {
                    let count = value.as_u64().and_then(|count| usize::try_from(count).ok());
                    format.partial_unexpected_count = count
                        .ok_or_else(|| Problem::new(format!("`{key}` is a count, not {value}")))?;
                }
                "unexpected_index_column_names" => format.index_columns = columns(value)?,
                "include_unexpected_rows" => format.include_unexpected_rows = truth()?,
                "exclude_unexpected_values" => format.exclude_unexpected_values = truth()?,
                "return_unexpected_index_query" => {
                    format.return_unexpected_index_query = Some(truth()?);
                }
                _ => return Err(Problem::new(format!("`result_format` does not take `{key}`"))),
            }
        }
        Ok(format)
    }
}

fn level(written: &Json) -> Result<Level, Problem> {
    match written.as_str() {
        Some("BOOLEAN_ONLY") => Ok(Level::BooleanOnly),
        Some("BASIC") => Ok(Level::Basic),
        Some("SUMMARY") => Ok(Level::Summary),
        Some("COMPLETE") => Ok(Level::Complete),
        _ => {
            let levels = "`BOOLEAN_ONLY`, `BASIC`, `SUMMARY` or `COMPLETE`";
            Err(Problem::new(format!("`result_format` is {levels}, not {written}")))
        }
    }
}

fn columns(written: &Json) -> Result<Option<Vec<String>>, Problem> {
    let names = written.as_array().map(|names| names.iter().map(Json::as_str));
    let names = names.and_then(|names| names.map(|name| name.map(str::to_owned)).collect());
    match (written, names) {
        (Json::Null, _) => Ok(None),
        (_, Some(names)) => Ok(Some(names)),
        _ => {
            let message = "`unexpected_index_column_names` is a list of columns";
            Err(Problem::new(format!("{message}, not {written}")))
        }
    }
}

/// An entry of `results`.
pub(super) fn entry(
    expectation: &Expectation,
    format: &ResultFormat,
    judged: Result<Judged, Problem>,
) -> Json {
    let (success, result, problem) = match judged {
        Ok(judged) => (judged.success, judged.result, None),
        Err(problem) => (false, Map::new(), Some(problem.0)),
    };
    let result = match format.level {
        // All that is told where else only `success` is.
        Level::BooleanOnly => {
            let told = ["unexpected_index_query", "unexpected_index_column_names"];
            result.into_iter().filter(|(key, _)| told.contains(&key.as_str())).collect()
        }
        _ => result,
    };
    json!({
        "success": success,
        "expectation_config": config(expectation),
        "result": result,
        "meta": {},
        "exception_info": {
            "raised_exception": problem.is_some(),
            "exception_traceback": null,
            "exception_message": problem,
        },
    })
}

fn config(expectation: &Expectation) -> Json {
    let mut config = Map::new();
    config.insert("type".to_owned(), expectation.kind.as_str().into());
    config.insert("kwargs".to_owned(), Json::Object(expectation.kwargs.clone()));
    config.insert("meta".to_owned(), json!({}));
    let severity = match expectation.severity {
        Severity::Critical => "critical",
        Severity::Warning => "warning",
        Severity::Info => "info",
    };
    config.insert("severity".to_owned(), severity.into());
    config.extend(expectation.others.clone());
    Json::Object(config)
}

/// The result of a whole suite.
#[derive(Clone, Debug)]
pub(crate) struct Validation {
    pub(crate) success: bool,
    pub(crate) suite_name: String,
    /// Entries of `results`, in the suite's order.
    pub(crate) results: Vec<Json>,
    id: Json,
    parameters: Map<String, Json>,
}

impl Validation {
    pub(super) fn new(suite: &Suite, given: &Map<String, Json>, results: Vec<Json>) -> Self {
        let mut parameters = suite.parameters.clone();
        parameters.extend(given.clone());
        Self {
            success: results.iter().all(is_success),
            suite_name: suite.name.clone(),
            results,
            id: Json::Null,
            parameters,
        }
    }

    /// As GX's `ExpectationSuiteValidationResult` reads it.
    pub(crate) fn to_json(&self) -> Json {
        let evaluated = self.results.len();
        let successful = self.results.iter().filter(|entry| is_success(entry)).count();
        let percent = (evaluated > 0).then(|| successful as f64 / evaluated as f64 * 100.0);
        json!({
            "success": self.success,
            "results": self.results,
            "suite_name": self.suite_name,
            "suite_parameters": self.parameters,
            "statistics": {
                "evaluated_expectations": evaluated,
                "successful_expectations": successful,
                "unsuccessful_expectations": evaluated - successful,
                "success_percent": percent,
            },
            "meta": {
                "great_expectations_version": GX_VERSION,
                "clearwell_version": env!("CARGO_PKG_VERSION"),
            },
            "id": self.id,
        })
    }
}

fn is_success(entry: &Json) -> bool {
    entry["success"] == Json::Bool(true)
}
