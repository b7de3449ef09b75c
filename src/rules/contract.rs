//! The contract of a source: its columns, and what every row and the whole set of rows must hold to.

use serde::{Deserialize, Serialize};

use super::ColumnType;
use crate::base::TableName;

/// The declared columns, types and rules of one source table.
///
/// Invariant: every column that a rule names is in `columns`; names differ without regard to case.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Contract {
    pub(crate) columns: Vec<ColumnRule>,
    /// Empty where there is none. Its columns are never null.
    pub(crate) primary_key: Vec<String>,
    /// Further sets of columns whose values differ from row to row; a null never equals anything.
    pub(crate) unique: Vec<Vec<String>>,
    pub(crate) foreign_keys: Vec<ForeignKey>,
    /// Conditions on one row.
    pub(crate) checks: Vec<RowCheck>,
    /// Columns of the file that the contract does not name: `true` to leave them out, `false` to
    /// stop with an error.
    pub(crate) ignore_extra_columns: bool,
}

/// One declared column.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ColumnRule {
    /// As declared; found in the file's header without regard to case.
    pub(crate) name: String,
    pub(crate) data_type: ColumnType,
    pub(crate) not_null: bool,
    /// How dates and times are written, in strftime's notation; ISO 8601 without.
    pub(crate) format: Option<String>,
    /// Spellings of null besides the source's.
    pub(crate) null_values: Vec<String>,
}

/// A condition on one row, in SQL. A null answer passes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RowCheck {
    /// What rejects are told: the constraint's name, else the column it stands at, else its text.
    pub(crate) name: String,
    /// The column it was declared at, if at one.
    pub(crate) column: Option<String>,
    pub(crate) expression: String,
}

/// Values that must be a key of another table's accepted rows; a null refers to nothing and passes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ForeignKey {
    pub(crate) columns: Vec<String>,
    pub(crate) to: TableName,
    pub(crate) to_columns: Vec<String>,
}

/// What a run does about rejected rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) enum OnReject {
    /// They go to quarantine and the rest loads, up to the limit.
    #[default]
    Quarantine,
    /// Any one fails the run.
    Fail,
}

/// How many rejects a source may have before the run fails.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum RejectLimit {
    Rows(u64),
    /// Of the records read, 0 to 100.
    Percent(f64),
}

impl RejectLimit {
    pub(crate) fn allows(self, rejected: u64, read: u64) -> bool {
        match self {
            Self::Rows(limit) => rejected <= limit,
            Self::Percent(percent) => rejected as f64 * 100.0 <= percent * read as f64,
        }
    }
}
