//! The sequence of versions: `versions/<number>.json`, each created once, and the hint of the newest.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::error::WarehouseError;
use super::folder::{Durability, Folder};
use super::json;
use super::manifest::VersionFile;
use crate::base::Version;

const FOLDER: &str = "versions";
const HINT: &str = "latest";

/// How many numbers are tried after a hint before the folder is listed.
const PROBES: u64 = 64;

/// Cheap to clone.
#[derive(Clone)]
pub(super) struct VersionLog {
    folder: Folder,
    /// The newest number seen, 0 for none. As little trusted as the hint on disk.
    seen: Arc<AtomicU64>,
}

impl VersionLog {
    pub(super) fn new(folder: Folder) -> Self {
        Self { folder, seen: Arc::new(AtomicU64::new(0)) }
    }

    /// The newest number: from a hint whose file is there, onwards to the first number that is not; else from a
    /// listing.
    ///
    /// Invariant: whoever removes old versions leaves the hint at the newest, so that no gap stands after it.
    pub(super) fn latest(&self) -> Result<Option<Version>, WarehouseError> {
        let mut hints = [self.hint()?, self.seen.load(Ordering::Relaxed)];
        hints.sort_unstable_by(|a, b| b.cmp(a));
        for hint in hints {
            if hint > 0
                && self.exists(Version(hint))?
                && let Some(newest) = self.probe(Version(hint))?
            {
                self.seen.store(newest.0, Ordering::Relaxed);
                return Ok(Some(newest));
            }
        }
        let newest = self.list()?.last().copied();
        self.seen.store(newest.map_or(0, |version| version.0), Ordering::Relaxed);
        Ok(newest)
    }

    /// The last of the versions that follow `start` without a gap; `None` where they are many.
    fn probe(&self, start: Version) -> Result<Option<Version>, WarehouseError> {
        let mut newest = start;
        for _ in 0..PROBES {
            if !self.exists(newest.next())? {
                return Ok(Some(newest));
            }
            newest = newest.next();
        }
        Ok(None)
    }

    /// The number that the hint names, 0 where it is missing or no number.
    fn hint(&self) -> Result<u64, WarehouseError> {
        let bytes = self.folder.read(HINT)?.unwrap_or_default();
        let number = std::str::from_utf8(&bytes).ok().and_then(|text| text.trim().parse().ok());
        // The largest number has no next one.
        Ok(number.filter(|number| *number < u64::MAX).unwrap_or(0))
    }

    pub(super) fn exists(&self, version: Version) -> Result<bool, WarehouseError> {
        self.folder.exists(&file_name(version))
    }

    /// All numbers, oldest first.
    pub(super) fn list(&self) -> Result<Vec<Version>, WarehouseError> {
        let names = self.folder.list(FOLDER)?;
        let mut versions: Vec<_> = names.iter().filter_map(|name| number(name)).collect();
        versions.sort_unstable();
        Ok(versions)
    }

    /// `None` where there is no such version.
    pub(super) fn read(&self, version: Version) -> Result<Option<VersionFile>, WarehouseError> {
        let Some(bytes) = self.folder.read(&file_name(version))? else { return Ok(None) };
        let path = self.path(version);
        let file: VersionFile = json::parse(&path, &bytes)?;
        if file.version != version {
            let reason = format!("it says that it is version {}", file.version);
            return Err(WarehouseError::damaged(&path, reason));
        }
        Ok(Some(file))
    }

    /// Publishes: creates the version's file only if no other has its number. `false` where one has.
    ///
    /// Everything that the file names must last already.
    pub(super) fn create(&self, file: &VersionFile) -> Result<bool, WarehouseError> {
        let bytes = json::pretty(&self.path(file.version), file)?;
        let created = self.folder.create_if_absent(&file_name(file.version), &bytes)?;
        if created {
            self.seen.store(file.version.0, Ordering::Relaxed);
            let hint = format!("{}\n", file.version);
            // The version is published whatever becomes of the hint.
            if let Err(error) = self.folder.replace(HINT, hint.as_bytes(), Durability::Unsynced) {
                tracing::debug!(%error, "the hint of the newest version was not written");
            }
        }
        Ok(created)
    }

    fn path(&self, version: Version) -> PathBuf {
        self.folder.path(&file_name(version))
    }
}

/// Twenty digits, so that names sort as numbers do.
fn file_name(version: Version) -> String {
    format!("{FOLDER}/{:020}.json", version.0)
}

/// The number of a version's file; `None` for temporaries and whatever else lies there.
fn number(name: &str) -> Option<Version> {
    let digits = name.strip_suffix(".json")?;
    let plain = digits.len() == 20 && digits.bytes().all(|byte| byte.is_ascii_digit());
    if plain { digits.parse().ok().filter(|&number| number > 0).map(Version) } else { None }
}
