//! Every expectation there is, and what compiling one gives.

use serde_json::Value as Json;

use super::arguments::Arguments;
use super::map::{Definition, Map};
use super::result::ResultFormat;
use super::{Problem, Subject, kinds};
use crate::base::suggest;
use crate::checks::form::{Answers, Ask};

/// One expectation of Great Expectations.
pub(super) struct Kind {
    pub(super) name: &'static str,
    /// What it says of the data, in a line.
    pub(super) help: &'static str,
    /// The `kwargs` it takes besides those that all take ([`COMMON`]).
    pub(super) arguments: &'static [&'static str],
    pub(super) compile: fn(&Arguments<'_>) -> Result<Compiled, Problem>,
}

/// What every expectation takes.
pub(super) const COMMON: &[&str] = &[
    "batch_id",
    "catch_exceptions",
    "condition_parser",
    "include_config",
    "meta",
    "notes",
    "result_format",
    "row_condition",
    "severity",
];

/// An expectation over one table, ready to be asked.
pub(super) enum Compiled {
    /// One value of the whole table.
    Aggregate(Aggregate),
    /// Single rows.
    Map(Map),
    /// Single rows where some of the column's values are null, else what is known: a frame has objects for truths only then.
    Objects(Map, Judged),
}

/// What an expectation about one value of the whole table asks, and what it makes of the answer.
pub(super) struct Aggregate {
    pub(super) ask: Ask,
    judge: Box<Judge>,
}

/// What an expectation makes of the answers.
type Judge = dyn Fn(&Answers) -> Result<Judged, Problem> + Send + Sync;

/// GX's `success` and `result`.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Judged {
    pub(super) success: bool,
    /// `observed_value`, `details` …; of map expectations the counts and lists.
    pub(super) result: serde_json::Map<String, Json>,
}

impl Judged {
    /// `{"observed_value": …}`
    pub(super) fn observed(success: bool, value: Json) -> Self {
        Self { success, result: serde_json::Map::from_iter([("observed_value".to_owned(), value)]) }
    }
}

impl Compiled {
    /// An expectation that the ask's answers decide.
    pub(super) fn aggregate(
        ask: Ask,
        judge: impl Fn(&Answers) -> Result<Judged, Problem> + Send + Sync + 'static,
    ) -> Self {
        Self::Aggregate(Aggregate { ask, judge: Box::new(judge) })
    }

    /// An expectation about single rows.
    pub(super) fn map(arguments: &Arguments<'_>, definition: Definition) -> Result<Self, Problem> {
        Map::new(arguments, definition).map(Self::Map)
    }

    pub(super) fn ask(&self) -> &Ask {
        match self {
            Self::Aggregate(aggregate) => &aggregate.ask,
            Self::Map(map) | Self::Objects(map, _) => map.ask(),
        }
    }

    /// Reads the answers; asks again where rows must be shown.
    pub(super) async fn judge(
        &self,
        subject: &Subject<'_>,
        format: &ResultFormat,
        answers: &Answers,
    ) -> Result<Judged, Problem> {
        match self {
            Self::Aggregate(aggregate) => {
                let mut judged = (aggregate.judge)(answers)?;
                if format.partial_unexpected_count == 0 {
                    judged.result.retain(|key, _| !key.starts_with("partial_"));
                }
                Ok(judged)
            }
            // All elements are considered.
            Self::Objects(_, known) if answers.count(0) == answers.count(1) => Ok(known.clone()),
            Self::Map(map) | Self::Objects(map, _) => map.judge(subject, format, answers).await,
        }
    }
}

/// Finds the kind and compiles.
///
/// # Errors
/// If there is no such expectation, it does not take an argument that is given, or one is not what it must be.
pub(super) fn compile(arguments: &Arguments<'_>) -> Result<Compiled, Problem> {
    let name = arguments.kind();
    let kind = kinds::all().find(|kind| kind.name == name).ok_or_else(|| unknown(name))?;
    let takes = |key: &str| COMMON.contains(&key) || kind.arguments.contains(&key);
    if let Some(key) = arguments.keys().find(|key| !takes(key)) {
        let all = kind.arguments.iter().chain(COMMON).copied();
        let hint = suggest::closest(key, all).map(|near| format!("; did you mean `{near}`?"));
        let hint = hint.unwrap_or_default();
        let says = kind.help;
        return Err(Problem::new(format!("`{name}` ({says}) does not take `{key}`{hint}")));
    }
    (kind.compile)(arguments)
}

fn unknown(name: &str) -> Problem {
    let hint = suggest::closest(name, kinds::all().map(|kind| kind.name));
    let hint = hint.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
    Problem::new(format!("there is no expectation `{name}`{hint}"))
}
