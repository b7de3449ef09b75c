//! The bundled project, as the program carries it with it.

use super::NewFile;

/// Path and bytes of each file; `build.rs` lists them.
const FILES: &[(&str, &[u8])] = include!(concat!(env!("OUT_DIR"), "/bundled.rs"));

/// The bundled shop: its project in `sql/`, its CSV files in `data/`, and its settings.
pub(crate) fn bundled() -> Vec<NewFile> {
    FILES
        .iter()
        .map(|(path, content)| NewFile { path: (*path).to_owned(), content: (*content).to_owned() })
        .collect()
}
