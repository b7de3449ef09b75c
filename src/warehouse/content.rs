//! The content hash of a table: what its rows are told apart by.

use super::manifest::{DataFile, TableColumn};
use crate::base::hash;

/// The content hash of a table: BLAKE3 over the names and types of its columns, the number of its rows, and the sum
/// modulo 2^128 of its files' row hashes (see `encode_rows`). It does not depend on the order of rows, on how they are
/// spread over files, or on descriptions and nullability.
pub(crate) fn content_hash(columns: &[TableColumn], files: &[DataFile]) -> String {
    let rows: u64 = files.iter().map(|file| file.rows).sum();
    // A hash that is no number was not written by us; it then counts as 0 and changes the sum.
    let hashes = files.iter().map(|file| u128::from_str_radix(&file.rows_hash, 16).unwrap_or(0));
    let sum = hashes.fold(0, u128::wrapping_add);
    let mut parts = vec!["clearwell rows 1".to_owned(), columns.len().to_string()];
    for column in columns {
        parts.extend([column.name.clone(), column.data_type.to_string()]);
    }
    parts.extend([rows.to_string(), format!("{sum:032x}")]);
    hash::of_parts(parts.iter().map(String::as_bytes))
}
