//! stub
pub(crate) struct JsonRows;
