//! One error at the edge: its kind decides the exit code, its hints say what to do.

use std::fmt::Display;
use std::process::ExitCode;

use crate::base::{Diagnostic, Diagnostics};
use crate::build::BuildError;
use crate::engine::{EngineError, SqlError};
use crate::warehouse::WarehouseError;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Something the user can fix: exit code 1.
    User,
    /// Arguments that say nothing: exit code 2.
    Usage,
    /// What should not happen: exit code 2.
    Unexpected,
}

#[derive(Debug)]
pub(super) struct CliError {
    pub(super) kind: Kind,
    pub(super) message: Message,
    pub(super) hints: Vec<String>,
}

#[derive(Debug)]
pub(super) enum Message {
    Text(String),
    /// Already has places and hints of its own.
    Diagnostics(Diagnostics),
}

impl CliError {
    pub(super) fn user(message: impl Display) -> Self {
        let message = Message::Text(message.to_string());
        Self { kind: Kind::User, message, hints: Vec::new() }
    }

    pub(super) fn usage(message: impl Display) -> Self {
        Self { kind: Kind::Usage, ..Self::user(message) }
    }

    pub(super) fn unexpected(message: impl Display) -> Self {
        Self { kind: Kind::Unexpected, ..Self::user(message) }
    }

    pub(super) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    pub(super) fn exit_code(&self) -> ExitCode {
        match self.kind {
            Kind::User => ExitCode::from(1),
            Kind::Usage | Kind::Unexpected => ExitCode::from(2),
        }
    }
}

impl From<Diagnostics> for CliError {
    fn from(diagnostics: Diagnostics) -> Self {
        Self { kind: Kind::User, message: Message::Diagnostics(diagnostics), hints: Vec::new() }
    }
}

impl From<Diagnostic> for CliError {
    fn from(diagnostic: Diagnostic) -> Self {
        Diagnostics::from(diagnostic).into()
    }
}

impl From<WarehouseError> for CliError {
    fn from(error: WarehouseError) -> Self {
        let hints = error.hints();
        Self { hints, ..Self::user(&error) }
    }
}

impl From<EngineError> for CliError {
    fn from(error: EngineError) -> Self {
        Self::user(error)
    }
}

impl From<BuildError> for CliError {
    fn from(error: BuildError) -> Self {
        match error {
            BuildError::Selection(problem) => problem.into(),
            BuildError::Warehouse(error) => error.into(),
            BuildError::Endpoints(error) => Self::unexpected(error),
            BuildError::NothingPublished => {
                Self::user(error).hint("`clearwell build` publishes the first version")
            }
        }
    }
}

/// SQL that was given on the command line, with a caret.
pub(super) fn sql_error(sql: &str, error: &SqlError) -> CliError {
    let source = crate::base::SourceText::new("query", sql);
    let mut problem = Diagnostic::error(error.message.as_str());
    problem.hints.clone_from(&error.hints);
    if let Some((line, column)) = error.position {
        problem = problem.at(source.span_at(line, column, error.length));
    }
    problem.into()
}
