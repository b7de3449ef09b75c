//! A disk in memory that records what is done to it, fails when told to, and can lose what was not synced.

use std::collections::BTreeMap;
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use super::Store;

#[derive(Clone, Default)]
pub(in crate::warehouse) struct SimulatedStore {
    disk: Arc<Mutex<Disk>>,
}

/// What a power cut leaves of names and bytes that were not synced.
#[derive(Clone, Copy, Debug)]
pub(in crate::warehouse) enum PowerCut {
    /// Nothing.
    Strict,
    /// All names, but files without their bytes.
    NamesOnly,
    /// Everything: the program was killed, the machine runs on.
    Killed,
}

/// When an operation fails.
#[derive(Clone, Copy, Debug)]
pub(in crate::warehouse) enum Failing {
    /// Only that one: a full disk, say.
    Once(ErrorKind),
    /// That one and all after it: the program is dead.
    FromThenOn,
}

#[derive(Clone, Default)]
struct Disk {
    names: BTreeMap<PathBuf, Node>,
    synced_names: BTreeMap<PathBuf, Node>,
    files: Vec<Contents>,
    log: Vec<String>,
    /// Operations that change something, so far.
    operations: usize,
    fail: Option<(usize, Failing)>,
}

#[derive(Clone, Copy, PartialEq)]
enum Node {
    Dir,
    File(usize),
}

#[derive(Clone, Default)]
struct Contents {
    bytes: Vec<u8>,
    synced: Vec<u8>,
}

impl SimulatedStore {
    /// Lets the `operation`th changing operation from now on fail (0: the next).
    pub(in crate::warehouse) fn fail(&self, operation: usize, how: Failing) {
        let mut disk = self.disk.lock().unwrap();
        disk.fail = Some((disk.operations + operation, how));
    }

    /// The operations so far, as `verb path` (and ` -> path`).
    pub(in crate::warehouse) fn take_log(&self) -> Vec<String> {
        std::mem::take(&mut self.disk.lock().unwrap().log)
    }

    pub(in crate::warehouse) fn operations(&self) -> usize {
        self.disk.lock().unwrap().operations
    }

    /// Puts `bytes` at `path`, bypassing the record.
    pub(in crate::warehouse) fn plant(&self, path: &Path, bytes: &[u8]) {
        let mut disk = self.disk.lock().unwrap();
        let contents = Contents { bytes: bytes.to_vec(), synced: bytes.to_vec() };
        disk.files.push(contents);
        let node = Node::File(disk.files.len() - 1);
        disk.names.insert(path.to_owned(), node);
        disk.synced_names.insert(path.to_owned(), node);
    }

    /// The disk as the machine finds it when it starts again.
    pub(in crate::warehouse) fn after(&self, cut: PowerCut) -> Self {
        let mut disk = self.disk.lock().unwrap().clone();
        disk.fail = None;
        if matches!(cut, PowerCut::Strict) {
            disk.names = disk.synced_names.clone();
            let names = disk.names.clone();
            let reachable = |path: &Path| {
                let mut folders = path.ancestors().skip(1);
                folders.all(|folder| folder == Path::new("/") || names.contains_key(folder))
            };
            disk.names.retain(|path, _| reachable(path));
        }
        if !matches!(cut, PowerCut::Killed) {
            for file in &mut disk.files {
                file.bytes.clone_from(&file.synced);
            }
        }
        disk.synced_names.clone_from(&disk.names);
        Self { disk: Arc::new(Mutex::new(disk)) }
    }
}

impl Disk {
    /// Counts and records an operation; fails where it is told to.
    fn step(&mut self, what: String) -> io::Result<()> {
        let now = self.operations;
        self.operations += 1;
        self.log.push(what);
        match self.fail {
            Some((at, Failing::Once(kind))) if now == at => Err(kind.into()),
            Some((at, Failing::FromThenOn)) if now >= at => Err(io::Error::other("killed")),
            _ => Ok(()),
        }
    }

    fn check_new(&self, path: &Path) -> io::Result<()> {
        let parent = path.parent().unwrap();
        if parent != Path::new("/") && self.names.get(parent) != Some(&Node::Dir) {
            return Err(ErrorKind::NotFound.into());
        }
        if self.names.contains_key(path) {
            return Err(ErrorKind::AlreadyExists.into());
        }
        Ok(())
    }

    fn file(&self, path: &Path) -> io::Result<usize> {
        match self.names.get(path) {
            Some(Node::File(file)) => Ok(*file),
            _ => Err(ErrorKind::NotFound.into()),
        }
    }
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}

impl Store for SimulatedStore {
    fn create(&self, path: &Path) -> io::Result<Box<dyn Write + Send>> {
        let mut disk = self.disk.lock().unwrap();
        disk.step(format!("create {}", shown(path)))?;
        disk.check_new(path)?;
        disk.files.push(Contents::default());
        let file = disk.files.len() - 1;
        disk.names.insert(path.to_owned(), Node::File(file));
        Ok(Box::new(Handle { disk: Arc::clone(&self.disk), file, path: path.to_owned() }))
    }

    fn make_dir(&self, path: &Path) -> io::Result<()> {
        let mut disk = self.disk.lock().unwrap();
        disk.step(format!("make_dir {}", shown(path)))?;
        disk.check_new(path)?;
        disk.names.insert(path.to_owned(), Node::Dir);
        Ok(())
    }

    fn sync_file(&self, path: &Path) -> io::Result<()> {
        let mut disk = self.disk.lock().unwrap();
        disk.step(format!("sync_file {}", shown(path)))?;
        let file = disk.file(path)?;
        let file = &mut disk.files[file];
        file.synced.clone_from(&file.bytes);
        Ok(())
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        let mut disk = self.disk.lock().unwrap();
        disk.step(format!("sync_dir {}", shown(path)))?;
        let inside = |name: &PathBuf| name.parent() == Some(path);
        disk.synced_names.retain(|name, _| !inside(name));
        let now: Vec<_> = disk.names.iter().filter(|(name, _)| inside(name)).collect();
        let now: Vec<_> = now.into_iter().map(|(name, node)| (name.clone(), *node)).collect();
        disk.synced_names.extend(now);
        Ok(())
    }

    fn link(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut disk = self.disk.lock().unwrap();
        disk.step(format!("link {} -> {}", shown(from), shown(to)))?;
        let file = disk.file(from)?;
        disk.check_new(to)?;
        disk.names.insert(to.to_owned(), Node::File(file));
        Ok(())
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut disk = self.disk.lock().unwrap();
        disk.step(format!("rename {} -> {}", shown(from), shown(to)))?;
        let file = disk.file(from)?;
        disk.names.remove(from);
        disk.names.insert(to.to_owned(), Node::File(file));
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let mut disk = self.disk.lock().unwrap();
        disk.step(format!("remove {}", shown(path)))?;
        disk.file(path)?;
        disk.names.remove(path);
        Ok(())
    }

    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        let disk = self.disk.lock().unwrap();
        Ok(disk.files[disk.file(path)?].bytes.clone())
    }

    fn exists(&self, path: &Path) -> io::Result<bool> {
        Ok(self.disk.lock().unwrap().names.contains_key(path))
    }

    fn size_bytes(&self, path: &Path) -> io::Result<u64> {
        self.read(path).map(|bytes| bytes.len() as u64)
    }

    fn list(&self, path: &Path) -> io::Result<Vec<String>> {
        let disk = self.disk.lock().unwrap();
        if path != Path::new("/") && disk.names.get(path) != Some(&Node::Dir) {
            return Err(ErrorKind::NotFound.into());
        }
        let inside = disk.names.keys().filter(|name| name.parent() == Some(path));
        Ok(inside.map(|name| name.file_name().unwrap().to_str().unwrap().to_owned()).collect())
    }
}

struct Handle {
    disk: Arc<Mutex<Disk>>,
    file: usize,
    path: PathBuf,
}

impl Write for Handle {
    /// A write that fails has written half.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut disk = self.disk.lock().unwrap();
        let step = disk.step(format!("write {}", shown(&self.path)));
        let written = if step.is_ok() { bytes.len() } else { bytes.len() / 2 };
        disk.files[self.file].bytes.extend_from_slice(&bytes[..written]);
        step.map(|()| written)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
