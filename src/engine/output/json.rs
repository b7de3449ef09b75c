//! Rows as JSON objects. The one JSON spelling of values in the whole program.
//!
//! Decimals are strings with all their digits, dates `YYYY-MM-DD`, timestamps `2024-01-31T10:00:00` (with `Z` where they
//! have a zone), integers numbers, doubles the shortest number that reads back the same, null and what is no number
//! `null`, lists arrays, structs objects, bytes DuckDB's text for blobs.

use arrow::array::RecordBatch;
use arrow::datatypes::Schema;

use super::cells::{Style, push_json_text, writer};
use crate::engine::EngineError;

/// Writes rows into a buffer, one object each.
#[derive(Clone, Debug)]
pub(crate) struct JsonRows {
    /// `{"name":` of the first column, `,"name":` of the others.
    labels: Vec<Vec<u8>>,
    lines: bool,
    first: bool,
}

impl JsonRows {
    /// Rows as elements of an array, commas between them; the brackets are the caller's.
    pub(crate) fn new(schema: &Schema) -> Self {
        let labels = schema.fields().iter().enumerate().map(|(index, field)| {
            let mut label = vec![if index == 0 { b'{' } else { b',' }];
            push_json_text(field.name(), &mut label);
            label.push(b':');
            label
        });
        Self { labels: labels.collect(), lines: false, first: true }
    }

    /// Rows as lines, each with its line feed.
    pub(crate) fn lines(schema: &Schema) -> Self {
        Self { lines: true, ..Self::new(schema) }
    }

    /// Appends the batch's rows, whose columns must be those of the schema.
    ///
    /// # Errors
    /// If values of a column's type cannot be written.
    pub(crate) fn append(
        &mut self,
        batch: &RecordBatch,
        out: &mut Vec<u8>,
    ) -> Result<(), EngineError> {
        let writers = batch.columns().iter().map(|column| writer(column, Style::Json));
        let writers = writers.collect::<Result<Vec<_>, _>>()?;
        for row in 0..batch.num_rows() {
            if !self.first && !self.lines {
                out.push(b',');
            }
            self.first = false;
            if writers.is_empty() {
                out.push(b'{');
            }
            for (label, value) in self.labels.iter().zip(&writers) {
                out.extend_from_slice(label);
                value(row, out);
            }
            out.push(b'}');
            if self.lines {
                out.push(b'\n');
            }
        }
        Ok(())
    }
}
