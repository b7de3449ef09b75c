//! The few operations on files that publishing is made of, so that tests can record them and let them fail.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::path::Path;

/// A place for files. Every operation is one step: what it did is seen by others when it returns, and outlasts a power
/// cut only after the file, and the folder that names it, were synced.
pub(super) trait Store: Send + Sync {
    /// A new file to write to; `AlreadyExists` where there is one.
    fn create(&self, path: &Path) -> io::Result<Box<dyn Write + Send>>;
    /// `AlreadyExists` where there is one.
    fn make_dir(&self, path: &Path) -> io::Result<()>;
    fn sync_file(&self, path: &Path) -> io::Result<()>;
    fn sync_dir(&self, path: &Path) -> io::Result<()>;
    /// Gives the file `from` a second name, only if nothing has it: `AlreadyExists` otherwise.
    fn link(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Puts the file `from` in the place of `to`, at once.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    fn remove(&self, path: &Path) -> io::Result<()>;
    fn read(&self, path: &Path) -> io::Result<Vec<u8>>;
    fn exists(&self, path: &Path) -> io::Result<bool>;
    /// How many bytes a file has.
    fn size_bytes(&self, path: &Path) -> io::Result<u64>;
    /// The names in a folder, in any order.
    fn list(&self, path: &Path) -> io::Result<Vec<String>>;
}

/// A folder of this machine.
#[derive(Clone, Copy, Debug)]
pub(super) struct LocalStore;

impl Store for LocalStore {
    fn create(&self, path: &Path) -> io::Result<Box<dyn Write + Send>> {
        Ok(Box::new(OpenOptions::new().write(true).create_new(true).open(path)?))
    }

    fn make_dir(&self, path: &Path) -> io::Result<()> {
        fs::create_dir(path)
    }

    fn sync_file(&self, path: &Path) -> io::Result<()> {
        File::open(path)?.sync_all()
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        File::open(path)?.sync_all()
    }

    fn link(&self, from: &Path, to: &Path) -> io::Result<()> {
        match fs::hard_link(from, to) {
            Err(error) if no_hard_links(&error) => rename_if_absent(from, to),
            done => done,
        }
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        fs::read(path)
    }

    fn exists(&self, path: &Path) -> io::Result<bool> {
        fs::exists(path)
    }

    fn size_bytes(&self, path: &Path) -> io::Result<u64> {
        fs::metadata(path).map(|metadata| metadata.len())
    }

    fn list(&self, path: &Path) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(path)? {
            // A name that is no text is none of ours.
            names.extend(entry?.file_name().into_string().ok());
        }
        Ok(names)
    }
}

/// Whether a file system has no hard links (exFAT, some network mounts); Linux says `EPERM` then.
fn no_hard_links(error: &io::Error) -> bool {
    let errno = rustix::io::Errno::from_io_error(error);
    error.kind() == ErrorKind::Unsupported || errno == Some(rustix::io::Errno::PERM)
}

/// The other way to create a complete file only if absent.
#[cfg(target_os = "linux")]
fn rename_if_absent(from: &Path, to: &Path) -> io::Result<()> {
    use rustix::fs::{CWD, RenameFlags, renameat_with};
    Ok(renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE)?)
}

#[cfg(not(target_os = "linux"))]
fn rename_if_absent(_from: &Path, _to: &Path) -> io::Result<()> {
    Err(io::Error::new(ErrorKind::Unsupported, "the file system has no hard links"))
}

#[cfg(test)]
pub(super) mod simulated;

#[cfg(test)]
mod tests {
    use super::simulated::SimulatedStore;
    use super::*;

    fn write(store: &dyn Store, path: &Path, text: &str) {
        store.create(path).unwrap().write_all(text.as_bytes()).unwrap();
    }

    /// What every store must do.
    fn contract(store: &dyn Store, root: &Path) {
        let at = |name: &str| root.join(name);
        store.make_dir(&at("d")).unwrap();
        assert_eq!(store.make_dir(&at("d")).unwrap_err().kind(), ErrorKind::AlreadyExists);
        write(store, &at("d/one"), "1");
        assert_eq!(store.create(&at("d/one")).err().unwrap().kind(), ErrorKind::AlreadyExists);
        assert_eq!(store.create(&at("no/one")).err().unwrap().kind(), ErrorKind::NotFound);

        write(store, &at("d/two"), "2");
        store.link(&at("d/one"), &at("d/linked")).unwrap();
        let lost = store.link(&at("d/two"), &at("d/linked")).unwrap_err();
        assert_eq!(lost.kind(), ErrorKind::AlreadyExists);
        assert_eq!(store.read(&at("d/linked")).unwrap(), b"1");

        store.rename(&at("d/two"), &at("d/one")).unwrap();
        assert_eq!(store.read(&at("d/one")).unwrap(), b"2");
        assert_eq!(store.read(&at("d/linked")).unwrap(), b"1", "a link keeps its file");
        store.sync_file(&at("d/one")).unwrap();
        store.sync_dir(&at("d")).unwrap();

        assert!(store.exists(&at("d/one")).unwrap() && !store.exists(&at("d/two")).unwrap());
        assert_eq!(store.size_bytes(&at("d/one")).unwrap(), 1);
        assert_eq!(store.size_bytes(&at("d/two")).unwrap_err().kind(), ErrorKind::NotFound);
        let mut names = store.list(&at("d")).unwrap();
        names.sort();
        assert_eq!(names, ["linked", "one"]);
        store.remove(&at("d/one")).unwrap();
        assert_eq!(store.read(&at("d/one")).unwrap_err().kind(), ErrorKind::NotFound);
        assert_eq!(store.list(&at("none")).unwrap_err().kind(), ErrorKind::NotFound);
    }

    #[test]
    fn a_local_folder_keeps_the_contract() {
        let folder = tempfile::tempdir().unwrap();
        contract(&LocalStore, folder.path());
    }

    #[test]
    fn the_simulated_disk_keeps_the_contract() {
        contract(&SimulatedStore::default(), Path::new("/"));
    }

    #[test]
    fn where_there_are_no_links_a_rename_does_it() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        write(&LocalStore, &at("one"), "1");
        write(&LocalStore, &at("two"), "2");
        rename_if_absent(&at("one"), &at("new")).unwrap();
        let lost = rename_if_absent(&at("two"), &at("new")).unwrap_err();
        assert_eq!(lost.kind(), ErrorKind::AlreadyExists);
    }
}
