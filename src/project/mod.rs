//! What the user wrote: YAML and Jinja SQL, resolved to a graph of nodes.
//!
//! Files are found ([`files`]) and read ([`settings`], [`properties`], [`documents`], [`jinja`]) into what was written;
//! [`resolve`] makes the graph of it. Every problem on the way is reported, and none stops the search for more.
//!
//! Invariant: no Arrow, no DataFusion, no async.

mod configuration;
mod documents;
mod files;
mod graph;
mod jinja;
mod load;
mod naming;
mod properties;
mod resolve;
mod select;
mod settings;
mod sql;
#[cfg(test)]
mod tests;
mod yaml;

pub(crate) use graph::*;
pub(crate) use load::{LoadOptions, load, parse_vars};
pub(crate) use select::{select, unmatched};
pub(crate) use sql::{CompiledSql, Piece};
