//! What a run tells people and programs: the quality report of a version or failed run, as HTML, JSON and JUnit XML.
//!
//! `assemble` makes a [`quality::QualityReport`] (plain data) of a run's record, the tables it left, their profiles and the runs
//! before it; `html`, `json` and `junit` write it. `written` puts all three into the warehouse after a run.

mod assemble;
mod checks;
mod history;
mod html;
mod json;
mod junit;
mod profile;
mod quality;
mod rejects;
#[allow(dead_code, reason = "`clearwell validate` shows its result with it")]
mod validation;
mod written;

pub(crate) use assemble::{ReportSource, assemble};
pub(crate) use html::page as html;
pub(crate) use json::text as json;
pub(crate) use junit::text as junit;
pub(crate) use validation::{ValidationAbout, validation_html};
pub(crate) use written::{Reported, write_after};

#[cfg(test)]
mod tests;
