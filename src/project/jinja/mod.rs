//! dbt's Jinja: templates as users write them, the names they can use, and what a rendering found.
//!
//! A model is rendered twice, as dbt does: once to learn its `config`, `ref`s and `source`s, when other nodes' tables
//! are not yet known, and once to compile it.

mod builtin;
mod collections;
mod context;
mod dialect;
mod failure;
mod json;
mod macros;
mod objects;
mod relation;
mod scope;
mod templates;

pub(super) use context::{Phase, Rendering, RunContext};
pub(super) use dialect::{CallSite, call_sites};
pub(super) use failure::{to_diagnostic, to_diagnostic_at};
pub(super) use json::{from_json, to_json};
pub(super) use macros::{MacroTable, read_macros};
pub(super) use relation::{Found, Lookup, NotFound, Reason, Relation, cte_name};
pub(super) use scope::Scope;
pub(super) use templates::{TemplateError, Templates};
