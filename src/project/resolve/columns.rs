//! Columns as documented.

use super::super::graph::ColumnInfo;
use super::super::load::Workshop;
use super::super::properties::ColumnProperties;
use crate::base::{Diagnostic, Diagnostics, Severity, Span};
use crate::rules::ColumnType;

/// What is done about a type that we do not know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum UnknownType {
    Refused,
    /// The type documents another warehouse's table, say.
    LeftOut,
}

pub(super) fn infos(
    workshop: &Workshop,
    columns: &[ColumnProperties],
    unknown: UnknownType,
    problems: &mut Diagnostics,
) -> Vec<ColumnInfo> {
    let info = |column: &ColumnProperties| {
        let written = column.data_type.as_ref();
        let data_type = written.and_then(|(text, span)| data_type(text, span, unknown, problems));
        let description = workshop.describe(&column.description, problems);
        ColumnInfo { name: column.name.clone(), description, data_type }
    };
    columns.iter().map(info).collect()
}

pub(super) fn data_type(
    text: &str,
    span: &Span,
    unknown: UnknownType,
    problems: &mut Diagnostics,
) -> Option<ColumnType> {
    match text.parse::<ColumnType>() {
        Ok(data_type) => Some(data_type),
        Err(error) => {
            let name = text.split('(').next().unwrap_or(text).trim();
            let mut problem = Diagnostic::error(error.to_string()).at(span.clone());
            if unknown == UnknownType::LeftOut {
                problem.severity = Severity::Warning;
            }
            problems.push(problem.did_you_mean(name, ColumnType::spellings()));
            None
        }
    }
}
