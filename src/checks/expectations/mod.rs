//! Great Expectations' expectations: from the JSON of a suite to the JSON of its result.
//!
//! `kind` is the registry of expectations, `arguments` reads what they are given, each file of `kinds` compiles a family of
//! them into asks, `condition` reads which rows they are about, `result` writes what GX writes. The reference is GX 1.24 on its pandas engine.

mod arguments;
mod condition;
mod formula;
mod kind;
mod kinds;
mod literal;
mod map;
mod parameters;
mod result;
mod values;

use arrow::datatypes::SchemaRef;
use serde_json::{Map, Value as Json};

use self::arguments::Arguments;
use self::kind::Compiled;
pub(crate) use self::result::{Level, ResultFormat, Validation};
use super::form::{Answers, Ask};
use super::scan;
use crate::base::TableName;
use crate::engine::{Session, SqlError};
use crate::rules::{Expectation, Suite};

/// What a suite is run on.
pub(crate) struct Subject<'a> {
    pub(crate) session: &'a Session,
    pub(crate) table: &'a TableName,
    /// The table's columns, names as written.
    pub(crate) schema: &'a SchemaRef,
    /// Columns whose values, nulls aside, are known to differ.
    pub(crate) unique: &'a [&'a str],
}

/// How a suite is run.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    /// Where an expectation does not say its own.
    pub(crate) result_format: ResultFormat,
    /// Values of `$PARAMETER`s; they go before the suite's own.
    pub(crate) parameters: Map<String, Json>,
    /// Scans and queries under way at once.
    pub(crate) parallel: usize,
}

/// Why an expectation gives no answer. GX's `exception_message`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(super) struct Problem(pub(super) String);

impl Problem {
    pub(super) fn new(message: impl Into<String>) -> Self {
        Self(message.into())
    }
}

impl From<SqlError> for Problem {
    fn from(error: SqlError) -> Self {
        let hints: Vec<String> = error.hints.iter().map(|hint| format!("; {hint}")).collect();
        Self(format!("{}{}", error.message, hints.concat()))
    }
}

/// An expectation with its parameters filled in, ready to be asked.
pub(super) struct Ready {
    pub(super) expectation: Expectation,
    pub(super) format: ResultFormat,
    compiled: Result<Compiled, Problem>,
}

impl Ready {
    /// Never fails: what is wrong with it becomes its result.
    pub(super) fn new(
        expectation: &Expectation,
        subject: &Subject<'_>,
        options: &Options,
        parameters: &Map<String, Json>,
    ) -> Self {
        let mut expectation = expectation.clone();
        let mut format = options.result_format.clone();
        let compiled = parameters::fill(&mut expectation.kwargs, &options.parameters, parameters)
            .and_then(|()| {
                if let Some(own) = expectation.kwargs.get("result_format") {
                    format = ResultFormat::read(own)?;
                }
                kind::compile(&Arguments::new(&expectation, subject)?)
            });
        Self { expectation, format, compiled }
    }

    /// What is asked first, before anything is known to fail.
    pub(super) fn ask(&self) -> Ask {
        self.compiled.as_ref().map(|compiled| compiled.ask().clone()).unwrap_or_default()
    }

    /// The entry of `results`, once the first answers are there.
    pub(super) async fn conclude(
        &self,
        subject: &Subject<'_>,
        answers: Result<Answers, SqlError>,
    ) -> Json {
        let judged = match (&self.compiled, answers) {
            (Ok(compiled), Ok(answers)) => compiled.judge(subject, &self.format, &answers).await,
            (Ok(_), Err(error)) => Err(error.into()),
            (Err(problem), _) => Err(problem.clone()),
        };
        result::entry(&self.expectation, &self.format, judged)
    }
}

/// Runs every expectation of a suite over one table, those that can in one scan.
pub(crate) async fn validate(
    subject: &Subject<'_>,
    suite: &Suite,
    options: &Options,
) -> Validation {
    let ready: Vec<Ready> = suite
        .expectations
        .iter()
        .map(|expectation| Ready::new(expectation, subject, options, &suite.parameters))
        .collect();
    let asks: Vec<Ask> = ready.iter().map(Ready::ask).collect();
    let asks: Vec<&Ask> = asks.iter().collect();
    let answers = scan::answer(subject.session, &asks, options.parallel).await;
    let mut results = Vec::new();
    for (ready, answers) in ready.iter().zip(answers) {
        results.push(ready.conclude(subject, answers).await);
    }
    Validation::new(suite, &options.parameters, results)
}
