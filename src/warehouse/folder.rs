//! A warehouse's folder: the orders of steps that make a file whole and lasting, with errors that name it.

use std::collections::BTreeSet;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::error::WarehouseError;
use super::store::Store;

/// Paths given as text are relative to the warehouse, with `/` between parts.
#[derive(Clone)]
pub(super) struct Folder {
    root: PathBuf,
    store: Arc<dyn Store>,
}

/// Whether a write outlasts a power cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Durability {
    Synced,
    /// The bytes do; the name does once its folder is synced, which the caller does once for many.
    BytesSynced,
    /// For what can be made again, or is worth nothing after a crash.
    Unsynced,
}

impl Folder {
    pub(super) fn new(root: &Path, store: Arc<dyn Store>) -> Self {
        Self { root: root.to_owned(), store }
    }

    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    pub(super) fn path(&self, relative: &str) -> PathBuf {
        self.root.join(relative)
    }

    /// `None` where there is no such file.
    pub(super) fn read(&self, relative: &str) -> Result<Option<Vec<u8>>, WarehouseError> {
        let path = self.path(relative);
        match self.store.read(&path) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(WarehouseError::io("read", &path, error)),
        }
    }

    pub(super) fn exists(&self, relative: &str) -> Result<bool, WarehouseError> {
        let path = self.path(relative);
        self.store.exists(&path).map_err(|error| WarehouseError::io("look for", &path, error))
    }

    /// `None` where there is no such file.
    pub(super) fn size_bytes(&self, relative: &str) -> Result<Option<u64>, WarehouseError> {
        let path = self.path(relative);
        match self.store.size_bytes(&path) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(WarehouseError::io("look for", &path, error)),
        }
    }

    /// The names in a folder; none where there is no such folder.
    pub(super) fn list(&self, relative: &str) -> Result<Vec<String>, WarehouseError> {
        let path = self.path(relative);
        match self.store.list(&path) {
            Ok(names) => Ok(names),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(WarehouseError::io("list", &path, error)),
        }
    }

    /// A new file to write to, its folder made where it is missing.
    pub(super) fn create(&self, relative: &str) -> Result<Box<dyn Write + Send>, WarehouseError> {
        let path = self.path(relative);
        match self.store.create(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                self.make_dirs(parent(&path))?;
                self.store.create(&path)
            }
            done => done,
        }
        .map_err(|error| WarehouseError::io("create", &path, error))
    }

    /// Removes a file that nobody names; that it stays is no harm.
    pub(super) fn discard(&self, relative: &str) {
        if let Err(error) = self.store.remove(&self.path(relative)) {
            tracing::debug!(file.path = relative, %error, "a file that nobody names stays");
        }
    }

    /// Writes a file in the place of what is there, at once. `BytesSynced`: its name lasts once its folder is synced.
    pub(super) fn replace(
        &self,
        relative: &str,
        bytes: &[u8],
        durability: Durability,
    ) -> Result<(), WarehouseError> {
        let path = self.path(relative);
        let temporary = self.write_temporary(relative, bytes, durability)?;
        if let Err(error) = self.store.rename(&self.path(&temporary), &path) {
            self.discard(&temporary);
            return Err(WarehouseError::io("write", &path, error));
        }
        if durability == Durability::Synced { self.sync_dir(parent(&path)) } else { Ok(()) }
    }

    /// Writes a file only if none has its name; `false` where one has. When it returns, what is there lasts.
    ///
    /// An error after the name was given (the folder cannot be synced) leaves a whole file.
    pub(super) fn create_if_absent(
        &self,
        relative: &str,
        bytes: &[u8],
    ) -> Result<bool, WarehouseError> {
        let path = self.path(relative);
        let temporary = self.write_temporary(relative, bytes, Durability::Synced)?;
        let linked = self.store.link(&self.path(&temporary), &path);
        let done = match linked {
            Ok(()) => self.sync_dir(parent(&path)).map(|()| true),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(false),
            Err(error) => Err(WarehouseError::io("write", &path, error)),
        };
        self.discard(&temporary);
        done
    }

    /// Syncs files, then the folders that name them, up to the warehouse's own.
    pub(super) fn sync_files<'a>(
        &self,
        files: impl IntoIterator<Item = &'a str>,
    ) -> Result<(), WarehouseError> {
        let mut folders = BTreeSet::new();
        for file in files {
            let path = self.path(file);
            self.store
                .sync_file(&path)
                .map_err(|error| WarehouseError::io("sync", &path, error))?;
            let inside = path.ancestors().skip(1).take_while(|dir| dir.starts_with(&self.root));
            folders.extend(inside.map(Path::to_owned));
        }
        // The deepest first: a folder's name is worth something once its entries last.
        folders.iter().rev().try_for_each(|folder| self.sync_dir(folder))
    }

    /// Syncs a file unless it was discarded.
    pub(super) fn sync_if_there(&self, relative: &str) -> Result<(), WarehouseError> {
        let path = self.path(relative);
        match self.store.sync_file(&path) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                Err(WarehouseError::io("sync", &path, error))
            }
            _ => Ok(()),
        }
    }

    pub(super) fn sync_dir(&self, path: &Path) -> Result<(), WarehouseError> {
        self.store.sync_dir(path).map_err(|error| WarehouseError::io("sync", path, error))
    }

    /// A file beside `relative` under a name that readers ignore.
    fn write_temporary(
        &self,
        relative: &str,
        bytes: &[u8],
        durability: Durability,
    ) -> Result<String, WarehouseError> {
        let folder = relative.rsplit_once('/').map_or("", |(folder, _)| folder);
        let name = format!(".{}.tmp", uuid::Uuid::new_v4().simple());
        let temporary = if folder.is_empty() { name } else { format!("{folder}/{name}") };
        let path = self.path(&temporary);
        let mut file = self.create(&temporary)?;
        let written = file.write_all(bytes).and_then(|()| file.flush());
        drop(file);
        let done = match durability {
            Durability::Synced | Durability::BytesSynced => {
                written.and_then(|()| self.store.sync_file(&path))
            }
            Durability::Unsynced => written,
        };
        done.map(|()| temporary.clone()).map_err(|error| {
            self.discard(&temporary);
            WarehouseError::io("write", &path, error)
        })
    }

    /// Makes a folder and those above it that are missing, and has their names last.
    fn make_dirs(&self, path: &Path) -> Result<(), WarehouseError> {
        match self.store.make_dir(path) {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::AlreadyExists => return Ok(()),
            Err(error) if error.kind() == ErrorKind::NotFound => {
                self.make_dirs(parent(path))?;
                match self.store.make_dir(path) {
                    Err(error) if error.kind() != ErrorKind::AlreadyExists => {
                        return Err(WarehouseError::io("create", path, error));
                    }
                    _ => {}
                }
            }
            Err(error) => return Err(WarehouseError::io("create", path, error)),
        }
        self.sync_dir(parent(path))
    }
}

/// The folder of a path; `.` for a bare name.
fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}
