//! Tests of data: each becomes SQL with dbt's meaning, those on one table share a scan, each gives a finding.
//!
//! Only checks that did not pass pay for their exact count of failures and for sample rows.

mod compile;
mod known;
mod run;

pub(crate) use run::{CheckRun, run};
