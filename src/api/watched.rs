//! What is read from files, and again when they change.

use std::path::{Path, PathBuf};
use std::sync::{PoisonError, RwLock};
use std::time::{Duration, Instant, SystemTime};

/// How often the files are looked at, at most.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// A value made of the content of some files.
pub(super) struct Watched<T> {
    files: Vec<PathBuf>,
    state: RwLock<State<T>>,
}

struct State<T> {
    value: T,
    stamps: Vec<Option<Stamp>>,
    looked: Instant,
}

/// What tells that a file has changed: length and time.
type Stamp = (u64, Option<SystemTime>);

impl<T: Clone> Watched<T> {
    /// Reads the files for the first time.
    ///
    /// # Errors
    /// If `read` fails.
    pub(super) fn open<E>(
        files: Vec<PathBuf>,
        read: impl FnOnce() -> Result<T, E>,
    ) -> Result<Self, E> {
        // Looked at before they are read: what changes in between is read again.
        let stamps = stamps(&files);
        let state = State { value: read()?, stamps, looked: Instant::now() };
        Ok(Self { files, state: RwLock::new(state) })
    }

    /// What the files hold now. If they changed and `read` makes nothing of them, what was stays.
    pub(super) fn current(&self, read: impl FnOnce() -> Option<T>) -> T {
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        if state.looked.elapsed() < LOOK_EVERY {
            return state.value.clone();
        }
        drop(state);
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        state.looked = Instant::now();
        let found = stamps(&self.files);
        if found != state.stamps {
            state.stamps = found;
            if let Some(value) = read() {
                state.value = value;
            }
        }
        state.value.clone()
    }
}

fn stamps(files: &[PathBuf]) -> Vec<Option<Stamp>> {
    files.iter().map(|file| stamp(file)).collect()
}

/// `None` where there is no file.
fn stamp(file: &Path) -> Option<Stamp> {
    let found = std::fs::metadata(file).ok()?;
    Some((found.len(), found.modified().ok()))
}
