//! The JSON files of a warehouse: read with the number of their format checked first, written the same way each time.

use std::path::Path;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::error::WarehouseError;
use super::manifest::FORMAT;

/// The one field that every format has.
#[derive(Deserialize)]
struct AnyFormat {
    format: u32,
}

/// # Errors
/// `Newer` where the file says so, `Damaged` where it is not what it should be.
pub(super) fn parse<T: DeserializeOwned>(path: &Path, bytes: &[u8]) -> Result<T, WarehouseError> {
    let damaged = |error: serde_json::Error| WarehouseError::damaged(path, error.to_string());
    let AnyFormat { format: found } = serde_json::from_slice(bytes).map_err(damaged)?;
    if found > FORMAT {
        return Err(WarehouseError::Newer { path: path.to_owned(), found, known: FORMAT });
    }
    serde_json::from_slice(bytes).map_err(damaged)
}

/// One line: for files that programs read.
pub(super) fn compact<T: Serialize>(path: &Path, value: &T) -> Result<Vec<u8>, WarehouseError> {
    ended(path, serde_json::to_vec(value))
}

/// Indented: for files that people open too.
pub(super) fn pretty<T: Serialize>(path: &Path, value: &T) -> Result<Vec<u8>, WarehouseError> {
    ended(path, serde_json::to_vec_pretty(value))
}

fn ended(
    path: &Path,
    written: Result<Vec<u8>, serde_json::Error>,
) -> Result<Vec<u8>, WarehouseError> {
    let mut bytes =
        written.map_err(|error| WarehouseError::io("write", path, std::io::Error::other(error)))?;
    bytes.push(b'\n');
    Ok(bytes)
}
