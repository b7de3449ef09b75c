//! Answers as text and files.

mod json;

pub(crate) use json::JsonRows;
