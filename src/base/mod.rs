//! Leaves that everyone may use: names, points in source text, progress, time, sizes.

pub(crate) mod clock;
pub(crate) mod diagnostic;
pub(crate) mod hash;
pub(crate) mod json_text;
pub(crate) mod names;
pub(crate) mod progress;
pub(crate) mod scratch;
pub(crate) mod size;
pub(crate) mod suggest;

pub(crate) use diagnostic::{Diagnostic, Diagnostics, Severity, SourceText, Span};
pub(crate) use names::{NodeId, RunId, TableName, Version};
