//! What data must be, as plain data: column types, row rules, keys and references. No engine.

mod column_type;
mod contract;
mod reading;
mod suite;

pub(crate) use column_type::ColumnType;
pub(crate) use contract::{ColumnRule, Contract, ForeignKey, OnReject, RejectLimit, RowCheck};
pub(crate) use reading::{Encoding, Quote, ReadOptions, RecordTerminator};
pub(crate) use suite::{Expectation, Severity, Suite};
