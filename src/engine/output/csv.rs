//! Rows as RFC 4180 records, values as DuckDB writes them; null is an empty cell, the empty text `""`.

use arrow::array::{Array, RecordBatch};
use arrow::datatypes::Schema;

use super::cells::{Style, writer};
use crate::engine::EngineError;

/// The record of column names.
pub(super) fn header(schema: &Schema, out: &mut Vec<u8>) {
    for (index, field) in schema.fields().iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        push_cell(field.name().as_bytes(), out);
    }
    out.push(b'\n');
}

/// One record a row.
///
/// # Errors
/// If values of a column's type cannot be written.
pub(super) fn append(batch: &RecordBatch, out: &mut Vec<u8>) -> Result<(), EngineError> {
    let columns = batch.columns();
    let writers = columns.iter().map(|column| writer(column, Style::Plain));
    let writers = writers.collect::<Result<Vec<_>, _>>()?;
    let nulls: Vec<_> = columns.iter().map(|column| column.logical_nulls()).collect();
    let mut cell = Vec::new();
    for row in 0..batch.num_rows() {
        for (index, value) in writers.iter().enumerate() {
            if index > 0 {
                out.push(b',');
            }
            if nulls[index].as_ref().is_some_and(|nulls| nulls.is_null(row)) {
                continue;
            }
            cell.clear();
            value(row, &mut cell);
            push_cell(&cell, out);
        }
        out.push(b'\n');
    }
    Ok(())
}

/// The cell, in quotes where its text would not survive without.
fn push_cell(cell: &[u8], out: &mut Vec<u8>) {
    let plain = |byte: &u8| !matches!(byte, b',' | b'"' | b'\n' | b'\r');
    let edges = [cell.first(), cell.last()];
    if !cell.is_empty() && cell.iter().all(plain) && !edges.contains(&Some(&b' ')) {
        out.extend_from_slice(cell);
        return;
    }
    out.push(b'"');
    for &byte in cell {
        if byte == b'"' {
            out.push(b'"');
        }
        out.push(byte);
    }
    out.push(b'"');
}
