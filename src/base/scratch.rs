//! A folder that lives as long as a value does.

use std::io;
use std::path::{Path, PathBuf};

/// Removed with all that is in it when dropped.
#[derive(Debug)]
pub(crate) struct Scratch(PathBuf);

impl Scratch {
    /// Makes a new folder in `parent`.
    ///
    /// # Errors
    /// If it cannot be made.
    pub(crate) fn new(parent: &Path) -> io::Result<Self> {
        let folder = parent.join(format!("clearwell-{}", uuid::Uuid::new_v4()));
        std::fs::create_dir_all(&folder)?;
        Ok(Self(folder))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What cannot be removed is in the folder of temporary files, which others clean.
        drop(std::fs::remove_dir_all(&self.0));
    }
}
