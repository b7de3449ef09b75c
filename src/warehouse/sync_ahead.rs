//! Large files are synced while they are still being written: the disk works while rows are encoded, and publishing has
//! little left to wait for.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use super::error::WarehouseError;
use super::folder::Folder;

/// The syncs under way for one draft. Cheap to clone.
///
/// Their errors are kept, and `wait` returns them: a system tells once only that it lost what was written, and a later
/// sync of the same file may then succeed.
#[derive(Clone, Default)]
pub(super) struct SyncAhead {
    under_way: Arc<Mutex<UnderWay>>,
}

#[derive(Default)]
struct UnderWay {
    /// One at most for each path.
    threads: BTreeMap<String, JoinHandle<Result<(), WarehouseError>>>,
    failed: Option<WarehouseError>,
}

impl SyncAhead {
    /// Begins to sync what `path` holds by now, unless that is under way already.
    pub(super) fn begin(&self, folder: &Folder, path: &str) {
        let mut under_way = self.under_way.lock().unwrap_or_else(PoisonError::into_inner);
        if under_way.threads.get(path).is_some_and(|thread| !thread.is_finished()) {
            return;
        }
        under_way.join(path);
        let (folder, file) = (folder.clone(), path.to_owned());
        let spawned = thread::Builder::new()
            .name("sync".to_owned())
            .spawn(move || folder.sync_if_there(&file));
        // Without a thread to spare, publishing syncs it.
        if let Ok(thread) = spawned {
            under_way.threads.insert(path.to_owned(), thread);
        }
    }

    /// Waits for all that was begun.
    ///
    /// # Errors
    /// If any sync failed: what was written may be lost.
    pub(super) fn wait(&self) -> Result<(), WarehouseError> {
        let mut under_way = self.under_way.lock().unwrap_or_else(PoisonError::into_inner);
        let paths: Vec<_> = under_way.threads.keys().cloned().collect();
        for path in paths {
            under_way.join(&path);
        }
        match &under_way.failed {
            // Kept, so that no later attempt of the same draft takes the files for whole.
            Some(error) => Err(error.again()),
            None => Ok(()),
        }
    }
}

impl UnderWay {
    fn join(&mut self, path: &str) {
        let Some(thread) = self.threads.remove(path) else { return };
        let died = |_| Err(WarehouseError::io("sync", path.as_ref(), io::Error::other("it died")));
        if let Err(error) = thread.join().unwrap_or_else(died) {
            self.failed.get_or_insert(error);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::path::Path;

    use super::super::store::simulated::{Failing, SimulatedStore};
    use super::*;

    fn written(store: &SimulatedStore) -> Folder {
        let folder = Folder::new(Path::new("/w"), Arc::new(store.clone()));
        folder.create("file").unwrap().write_all(b"rows").unwrap();
        folder
    }

    #[test]
    fn an_error_is_kept_until_somebody_asks_and_after() {
        let store = SimulatedStore::default();
        let (folder, ahead) = (written(&store), SyncAhead::default());
        store.fail(0, Failing::Once(io::ErrorKind::StorageFull));
        ahead.begin(&folder, "file");
        for _ in 0..2 {
            let error = ahead.wait().unwrap_err();
            assert_eq!(error.to_string(), "cannot sync `/w/file`: no space is left");
        }
        ahead.begin(&folder, "file");
        assert!(ahead.wait().is_err(), "a sync that succeeds later proves nothing");
    }

    #[test]
    fn a_file_that_was_discarded_meanwhile_is_no_error() {
        let store = SimulatedStore::default();
        let (folder, ahead) = (written(&store), SyncAhead::default());
        ahead.begin(&folder, "file");
        folder.discard("file");
        ahead.begin(&folder, "file");
        ahead.begin(&folder, "none");
        ahead.wait().unwrap();
    }
}
