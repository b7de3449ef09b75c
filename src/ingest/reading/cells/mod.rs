//! Scanned cells -> typed columns, and what does not fit its type.

mod columns;
mod number;
mod time;

use super::dialect::Dialect;
use super::error::ReadError;
use super::records::Records;
use crate::rules::{ColumnRule, ReadOptions};

pub(super) use columns::{ColumnBuilder, builder, spelled};
pub(crate) use columns::{Spelling, arrow_type};

/// One column of the contract, ready for reading.
#[derive(Clone, Debug)]
pub(super) struct ColumnPlan {
    pub(super) rule: ColumnRule,
    /// Which cell of a record it is.
    pub(super) cell: usize,
    /// Declared so, or part of the primary key.
    pub(super) not_null: bool,
    format: Option<time::TimeFormat>,
    nulls: Vec<Vec<u8>>,
    empty_is_null: bool,
    quoted_nulls: bool,
}

impl ColumnPlan {
    /// # Errors
    /// If the column's format is none.
    pub(super) fn new(
        rule: &ColumnRule,
        cell: usize,
        not_null: bool,
        options: &ReadOptions,
    ) -> Result<Self, ReadError> {
        let format = rule.format.as_ref().map(|format| {
            time::TimeFormat::new(format).ok_or_else(|| ReadError::Format {
                column: rule.name.clone(),
                format: format.clone(),
            })
        });
        let spellings = options.null_values.iter().chain(&rule.null_values);
        Ok(Self {
            rule: rule.clone(),
            cell,
            not_null,
            format: format.transpose()?,
            nulls: spellings.map(|spelling| spelling.clone().into_bytes()).collect(),
            empty_is_null: options.empty_is_null,
            quoted_nulls: options.quoted_nulls,
        })
    }

    /// Whether a cell is a spelling of null.
    #[inline]
    fn is_null(&self, raw: &[u8]) -> bool {
        (raw.is_empty() && self.empty_is_null)
            || (!self.nulls.is_empty() && self.nulls.iter().any(|spelling| spelling == raw))
    }

    /// For people, with its article: `a decimal(18,2)`.
    fn expected(&self) -> String {
        let name = self.rule.data_type.to_string();
        let article = if name.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" };
        match &self.rule.format {
            Some(format) if self.format.is_some() => {
                format!("{article} {name} written as {format}")
            }
            _ => format!("{article} {name}"),
        }
    }
}

/// The cells of one column of some rows.
#[derive(Clone, Copy)]
pub(super) struct Cells<'a> {
    pub(super) text: &'a [u8],
    pub(super) records: &'a Records,
    pub(super) dialect: &'a Dialect,
    /// Row of the batch that the first of the records is.
    pub(super) row_start: usize,
}

impl Cells<'_> {
    /// Calls `each` with each row's value of `plan`'s column: `None` where it is written as null.
    #[inline]
    fn each(&self, plan: &ColumnPlan, mut each: impl FnMut(usize, Option<&[u8]>)) {
        let width = self.records.width.unwrap_or(0);
        let mut scratch = Vec::new();
        let cells = self.records.cells.iter().skip(plan.cell).step_by(width.max(1));
        for (index, cell) in cells.enumerate() {
            let raw = cell.raw(self.text);
            let row = self.row_start + index;
            if (!cell.is_quoted() || plan.quoted_nulls) && plan.is_null(raw) {
                each(row, None);
            } else if cell.is_escaped() {
                scratch.clear();
                self.dialect.unescape(raw, cell.is_quoted(), &mut scratch);
                each(row, Some(&scratch));
            } else {
                each(row, Some(raw));
            }
        }
    }
}

/// Something wrong with one cell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fault {
    /// Of the batch.
    pub(super) row: usize,
    /// Of the contract.
    pub(super) column: usize,
    /// What stands there instead of a value of the type; `None` for a null that may not be.
    pub(super) message: Option<String>,
}

/// Collects faults of one column.
pub(super) struct Faults<'a> {
    pub(super) column: usize,
    pub(super) found: &'a mut Vec<Fault>,
}

impl Faults<'_> {
    #[cold]
    fn bad(&mut self, row: usize, plan: &ColumnPlan, bytes: &[u8]) {
        let message = format!("{}: '{}' is not {}", plan.rule.name, shown(bytes), plan.expected());
        self.found.push(Fault { row, column: self.column, message: Some(message) });
    }

    #[cold]
    fn null(&mut self, row: usize) {
        self.found.push(Fault { row, column: self.column, message: None });
    }
}

/// Longest piece of a value that a message shows.
const SHOWN_CHARACTERS_MAX: usize = 60;

/// `bytes` as one line of bounded length.
pub(super) fn shown(bytes: &[u8]) -> String {
    // Four bytes for each character, and more to see that there is more.
    let text = String::from_utf8_lossy(&bytes[..bytes.len().min(4 * SHOWN_CHARACTERS_MAX + 4)]);
    let mut out = String::new();
    for (index, character) in text.chars().enumerate() {
        if index == SHOWN_CHARACTERS_MAX {
            out.push('…');
            break;
        }
        match character.is_control() {
            true => out.extend(character.escape_default()),
            false => out.push(character),
        }
    }
    out
}
