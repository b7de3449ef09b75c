//! A file as it is stored: opened, hashed and decompressed in one pass, and watched for change.

use std::fs::{File, Metadata};
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::UNIX_EPOCH;

use super::error::ReadError;
use crate::base::clock::Clock;
use crate::record::FileIdentity;

const STORED_READ_BYTES: usize = 256 << 10;

/// What tells the file at `path` apart without reading it.
///
/// # Errors
/// If there is no such file, or it cannot be looked at. `name` is what the user knows it by.
pub(crate) fn identity(
    path: &Path,
    name: &str,
    clock: &dyn Clock,
) -> Result<FileIdentity, ReadError> {
    // The time before the look: a change after it shows, or makes the file look changed "in the same instant".
    let seen_ns = i128::from(clock.now().timestamp_micros()) * 1_000;
    let metadata = std::fs::metadata(path).map_err(|source| ReadError::io(name, source))?;
    if metadata.is_dir() {
        return Err(ReadError::Folder { file: name.to_owned() });
    }
    if !metadata.is_file() {
        return Err(ReadError::NoRegularFile { file: name.to_owned() });
    }
    Ok(of_metadata(&metadata, seen_ns))
}

/// BLAKE3 of the bytes of the file at `path` as stored, the same that reading it gives.
///
/// # Errors
/// If it cannot be read.
pub(crate) fn hash_file(path: &Path, name: &str) -> Result<String, ReadError> {
    let error = |source| ReadError::io(name, source);
    let mut hasher = blake3::Hasher::new();
    hasher.update_reader(File::open(path).map_err(error)?).map_err(error)?;
    Ok(hasher.finalize().to_hex().to_string())
}

/// The stored bytes of a file, decompressed as they are read.
pub(super) struct StoredFile {
    path: PathBuf,
    name: String,
    before: FileIdentity,
    format: Format,
    tally: Arc<Mutex<Tally>>,
    bytes: Box<dyn Read + Send>,
}

/// How the bytes are stored, told by the file's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Plain,
    Gzip,
    Zstd,
}

/// What has been read of the stored bytes.
#[derive(Default)]
struct Tally {
    hasher: blake3::Hasher,
    bytes: u64,
}

/// A file that was read to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct StoredWhole {
    pub(super) identity: FileIdentity,
    pub(super) hash: String,
    pub(super) bytes: u64,
}

impl StoredFile {
    pub(super) fn open(path: &Path, name: &str, clock: &dyn Clock) -> Result<Self, ReadError> {
        let before = identity(path, name, clock)?;
        let error = |source| ReadError::io(name, source);
        let file = File::open(path).map_err(error)?;
        // What was looked at and what was opened may be two files.
        if !same(&of_metadata(&file.metadata().map_err(error)?, before.seen_ns), &before) {
            return Err(ReadError::Changed { file: name.to_owned() });
        }
        let tally = Arc::new(Mutex::new(Tally::default()));
        let stored = Tallied { file, tally: Arc::clone(&tally) };
        let format = Format::of(path);
        let bytes: Box<dyn Read + Send> = match format {
            Format::Plain => Box::new(stored),
            Format::Gzip => {
                let stored = BufReader::with_capacity(STORED_READ_BYTES, stored);
                Box::new(flate2::bufread::MultiGzDecoder::new(stored))
            }
            Format::Zstd => {
                let stored = BufReader::with_capacity(STORED_READ_BYTES, stored);
                Box::new(zstd::stream::read::Decoder::with_buffer(stored).map_err(error)?)
            }
        };
        Ok(Self { path: path.to_owned(), name: name.to_owned(), before, format, tally, bytes })
    }

    /// Fills `buffer`, or as much of it as there is. Returns how much that is.
    pub(super) fn fill(&mut self, buffer: &mut [u8]) -> Result<usize, ReadError> {
        let mut filled = 0;
        while filled < buffer.len() {
            match self.bytes.read(&mut buffer[filled..]) {
                Ok(0) => break,
                Ok(count) => filled += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(source) => return Err(self.error(source)),
            }
        }
        Ok(filled)
    }

    /// Stored bytes read so far.
    pub(super) fn stored_bytes(&self) -> u64 {
        locked(&self.tally).bytes
    }

    /// An error if decompressed bytes `start` are those of a compressed file whose name does not say so.
    pub(super) fn refuse_hidden_compression(&self, start: &[u8]) -> Result<(), ReadError> {
        let (format, suffix) = match start {
            [0x1f, 0x8b, 0x08, ..] => ("gzip", ".gz"),
            [0x28, 0xb5, 0x2f, 0xfd, ..] => ("zstd", ".zst"),
            _ => return Ok(()),
        };
        Err(ReadError::Compressed { file: self.name.clone(), format, suffix })
    }

    /// Ends reading, after the last byte.
    ///
    /// # Errors
    /// If the file is not the one that was opened, or what was read is not all of it.
    pub(super) fn finish(self) -> Result<StoredWhole, ReadError> {
        let Self { path, name, before, tally, .. } = self;
        let after = std::fs::metadata(path).map_err(|source| ReadError::io(&name, source))?;
        let tally = locked(&tally);
        if !same(&of_metadata(&after, before.seen_ns), &before) || tally.bytes != before.bytes {
            return Err(ReadError::Changed { file: name });
        }
        let hash = tally.hasher.finalize().to_hex().to_string();
        Ok(StoredWhole { identity: before, hash, bytes: tally.bytes })
    }

    fn error(&self, source: io::Error) -> ReadError {
        let file = self.name.clone();
        match self.format {
            // The system's own errors carry its number; a decoder's do not.
            _ if source.raw_os_error().is_some() => ReadError::io(&self.name, source),
            Format::Plain => ReadError::io(&self.name, source),
            Format::Gzip => ReadError::Compression { file, format: "gzip", source },
            Format::Zstd => ReadError::Compression { file, format: "zstd", source },
        }
    }
}

impl Format {
    fn of(path: &Path) -> Self {
        match path.extension() {
            Some(end) if end.eq_ignore_ascii_case("gz") => Self::Gzip,
            Some(end) if end.eq_ignore_ascii_case("zst") => Self::Zstd,
            _ => Self::Plain,
        }
    }
}

/// A file whose bytes are counted and hashed as they pass.
struct Tallied {
    file: File,
    tally: Arc<Mutex<Tally>>,
}

impl Read for Tallied {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read(buffer)?;
        let mut tally = locked(&self.tally);
        tally.hasher.update(&buffer[..count]);
        tally.bytes += count as u64;
        Ok(count)
    }
}

/// One thread reads and another may ask how far it is; a panic in between leaves the tally whole.
fn locked(tally: &Mutex<Tally>) -> MutexGuard<'_, Tally> {
    tally.lock().unwrap_or_else(PoisonError::into_inner)
}

fn same(one: &FileIdentity, other: &FileIdentity) -> bool {
    let facts = |file: &FileIdentity| (file.bytes, file.modified_ns, file.inode, file.changed_ns);
    facts(one) == facts(other)
}

fn of_metadata(metadata: &Metadata, seen_ns: i128) -> FileIdentity {
    let modified_ns = metadata.modified().map_or(0, |time| match time.duration_since(UNIX_EPOCH) {
        Ok(after) => after.as_nanos() as i128,
        Err(before) => -(before.duration().as_nanos() as i128),
    });
    let (inode, changed_ns) = inode(metadata);
    FileIdentity { bytes: metadata.len(), modified_ns, inode, changed_ns, seen_ns }
}

/// The inode's number, and when the inode changed.
#[cfg(unix)]
fn inode(metadata: &Metadata) -> (u64, i128) {
    use std::os::unix::fs::MetadataExt as _;
    let changed_ns =
        i128::from(metadata.ctime()) * 1_000_000_000 + i128::from(metadata.ctime_nsec());
    (metadata.ino(), changed_ns)
}

#[cfg(not(unix))]
fn inode(_metadata: &Metadata) -> (u64, i128) {
    (0, 0)
}
