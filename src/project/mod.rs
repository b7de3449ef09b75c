//! What the user wrote: YAML and Jinja SQL, resolved to a graph of nodes.
//!
//! Invariant: no Arrow, no DataFusion, no async.

mod graph;
mod jinja;
mod naming;
mod sql;
mod yaml;

pub(crate) use graph::*;
pub(crate) use sql::{CompiledSql, Piece};
