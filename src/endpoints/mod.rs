//! Endpoints: a `select` with typed parameters, planned over the tables of one version. No HTTP.
//!
//! `build` plans every endpoint against its draft and stores the definitions with the version ([`store`]); a server
//! reads them back from the version it takes up, so that what is served and the data are always of one piece.

mod claims;
mod cursor;
mod parameters;
mod plan;
#[cfg(test)]
mod planning_tests;
mod request;
mod store;
mod table;
#[cfg(test)]
mod tests;
mod value;

pub(crate) use claims::ClaimProblem;
pub(crate) use cursor::Cursor;
pub(crate) use plan::{PlannedEndpoint, plan};
pub(crate) use request::{ITEMS_MAX, OFFSET_MAX, ParameterProblem, Request, only, single};
#[cfg(test)]
pub(crate) use store::write_unplanned;
pub(crate) use store::{StoreError, read, write};
pub(crate) use table::{TableQuestion, ask, of_sql};
pub(crate) use value::{expected, kind_name};
