//! Rows in a box for people: names, types, numbers to the right, a count below.

use std::io::Write;

use arrow::array::RecordBatch;
use arrow::datatypes::Schema;
use futures::TryStreamExt;

use super::OutputError;
use super::cells::{Style, writer};
use crate::base::size::count;
use crate::engine::{BatchStream, EngineError, sql_name};

/// One column's cells as they will stand.
struct Column {
    cells: Vec<String>,
    width: usize,
    is_number: bool,
}

/// Writes all rows; they are held in memory, for the widths.
///
/// # Errors
/// If the query or the writing fails.
pub(super) async fn write(
    mut stream: BatchStream,
    schema: &Schema,
    out: &mut (dyn Write + Send),
) -> Result<u64, OutputError> {
    let mut columns: Vec<Column> = schema.fields().iter().map(|field| heading(field)).collect();
    let mut rows = 0;
    while let Some(batch) = stream.try_next().await? {
        rows += batch.num_rows();
        add(&mut columns, &batch)?;
    }
    if columns.is_empty() {
        writeln!(out, "{}", footer(rows))?;
        return Ok(rows as u64);
    }
    rule(out, &columns, ['┌', '┬', '┐'])?;
    line(out, &columns, 0, Align::Middle)?;
    line(out, &columns, 1, Align::Middle)?;
    rule(out, &columns, ['├', '┼', '┤'])?;
    for row in 2..rows + 2 {
        line(out, &columns, row, Align::ByType)?;
    }
    rule(out, &columns, ['└', '┴', '┘'])?;
    writeln!(out, "{}", footer(rows))?;
    out.flush()?;
    Ok(rows as u64)
}

fn footer(rows: usize) -> String {
    format!("{} {}", count(rows as u64), if rows == 1 { "row" } else { "rows" })
}

/// A column with its name and type.
fn heading(field: &arrow::datatypes::Field) -> Column {
    let data_type = field.data_type();
    let cells = vec![visible(field.name()), sql_name(data_type)];
    let width = cells.iter().map(|cell| cell.chars().count()).max().unwrap_or(0);
    Column { cells, width, is_number: data_type.is_numeric() }
}

fn add(columns: &mut [Column], batch: &RecordBatch) -> Result<(), EngineError> {
    for (column, array) in columns.iter_mut().zip(batch.columns()) {
        let value = writer(array, Style::Plain)?;
        let mut text = Vec::new();
        for row in 0..batch.num_rows() {
            text.clear();
            value(row, &mut text);
            let cell = visible(&String::from_utf8_lossy(&text));
            column.width = column.width.max(cell.chars().count());
            column.cells.push(cell);
        }
    }
    Ok(())
}

/// With control characters spelled out, so that a row stays a line.
fn visible(text: &str) -> String {
    if !text.contains(char::is_control) {
        return text.to_owned();
    }
    text.chars()
        .map(|letter| match letter.is_control() {
            true => letter.escape_default().to_string(),
            false => letter.to_string(),
        })
        .collect()
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Align {
    Middle,
    ByType,
}

fn line(
    out: &mut (dyn Write + Send),
    columns: &[Column],
    row: usize,
    align: Align,
) -> std::io::Result<()> {
    for column in columns {
        let cell = &column.cells[row];
        let width = column.width;
        match (align, column.is_number) {
            (Align::Middle, _) => write!(out, "│ {cell:^width$} ")?,
            (Align::ByType, true) => write!(out, "│ {cell:>width$} ")?,
            (Align::ByType, false) => write!(out, "│ {cell:<width$} ")?,
        }
    }
    writeln!(out, "│")
}

fn rule(
    out: &mut (dyn Write + Send),
    columns: &[Column],
    [left, between, right]: [char; 3],
) -> std::io::Result<()> {
    for (index, column) in columns.iter().enumerate() {
        let corner = if index == 0 { left } else { between };
        write!(out, "{corner}{}", "─".repeat(column.width + 2))?;
    }
    writeln!(out, "{right}")
}
