//! Tests of data: dbt tests and expectations become one form, those on one table share a scan, each gives a finding.
//!
//! `form` is what a check asks and is told; `scan` answers many at once; `dbt` knows dbt's tests, `expected`
//! expectations; `proved` and `known` tell what needs no look, `hollow` what no data can break; `run` puts them together. Only checks that did not pass pay for their exact count and sample rows.

mod dbt;
pub(crate) mod expectations;
mod expected;
mod form;
mod hollow;
mod known;
mod proved;
mod run;
mod scan;
mod verdicts;

pub(crate) use run::{CheckRun, reads, run};
pub(crate) use verdicts::verdicts;

#[cfg(test)]
mod tests;
