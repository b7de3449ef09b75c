//! The files of a source: which there are, and which are as they were.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use globset::{GlobBuilder, GlobMatcher};
use walkdir::{DirEntry, WalkDir};

use super::error::LoadError;
use crate::base::TableName;
use crate::base::clock::SystemClock;
use crate::ingest::reading;
use crate::record::FileIdentity;

/// A file may change once more without showing it within this time after it was changed: the coarsest clock of a
/// file system in use (FAT) ticks every two seconds.
const RACY_NS: i128 = 2_000_000_000;

/// A file of a source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct InputFile {
    /// How it is known: the path as the source's location spells it, with `/`.
    pub(super) name: String,
    pub(super) path: PathBuf,
    pub(super) identity: FileIdentity,
}

/// What a file's identity tells of its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sameness {
    Same,
    Different,
    /// Only its bytes can tell.
    Unknown,
}

/// The files that `location` means, a path or a glob relative to `base_dir`, ordered by name. `*` does not match
/// across folders, `**` does; what a glob finds is no hidden file unless it spells the dot.
///
/// # Errors
/// If there is none, or what there is cannot be looked at.
pub(super) fn find(
    table: &TableName,
    location: &str,
    base_dir: &Path,
) -> Result<Vec<InputFile>, LoadError> {
    let location = location.replace('\\', "/");
    let path = base_dir.join(&location);
    let mut files = match path.metadata() {
        Ok(found) if found.is_dir() => {
            return Err(LoadError::IsFolder { table: table.clone().into(), location });
        }
        Ok(_) => vec![look(plain(&location).to_owned(), path)?],
        Err(_) if fixed_folder(plain(&location)).len() < plain(&location).len() => {
            matching(table, &location, base_dir)?
        }
        Err(error) if error.kind() == ErrorKind::NotFound => Vec::new(),
        Err(error) => return Err(LoadError::io("look at", &path)(error)),
    };
    if files.is_empty() {
        return Err(LoadError::NoFile {
            table: table.clone().into(),
            location,
            base_dir: base_dir.into(),
        });
    }
    files.sort_by(|left, right| left.name.cmp(&right.name));
    Ok(files)
}

/// The file at `path`, known as `name`, as it looks now.
///
/// # Errors
/// If it cannot be looked at.
pub(super) fn look(name: String, path: PathBuf) -> Result<InputFile, LoadError> {
    // Compared with times that the machine's clock gave to files: no other clock will do.
    let identity = reading::identity(&path, &name, &SystemClock)?;
    Ok(InputFile { name, path, identity })
}

/// Compares how a file looked when it was read with how it looks now.
pub(super) fn compare(then: &FileIdentity, now: &FileIdentity) -> Sameness {
    let facts = |file: &FileIdentity| (file.modified_ns, file.inode, file.changed_ns);
    let quiet = then.modified_ns + RACY_NS < then.seen_ns;
    if then.bytes != now.bytes {
        Sameness::Different
    } else if quiet && facts(then) == facts(now) {
        Sameness::Same
    } else {
        Sameness::Unknown
    }
}

fn matching(
    table: &TableName,
    location: &str,
    base_dir: &Path,
) -> Result<Vec<InputFile>, LoadError> {
    let pattern = plain(location);
    let glob = GlobBuilder::new(pattern).literal_separator(true).build();
    let bad = |source| LoadError::BadGlob {
        table: table.clone().into(),
        location: location.into(),
        source,
    };
    let glob = glob.map_err(bad)?.compile_matcher();
    let folder = fixed_folder(pattern);
    let root = base_dir.join(folder);
    if !root.is_dir() {
        return Ok(Vec::new());
    }
    let rest = pattern[folder.len()..].trim_start_matches('/');
    let shows_hidden = rest.split('/').any(|part| part.starts_with('.'));
    let depth = if rest.contains("**") { usize::MAX } else { rest.split('/').count() };
    let walk = WalkDir::new(&root).min_depth(1).max_depth(depth).follow_links(true);
    let visible = |entry: &DirEntry| shows_hidden || !is_hidden(entry);
    let mut files = Vec::new();
    for entry in walk.into_iter().filter_entry(|entry| entry.depth() == 0 || visible(entry)) {
        let entry = entry.map_err(|error| walk_error(&root, error))?;
        if !entry.file_type().is_dir() {
            files.extend(named(table, folder, &root, &entry, &glob)?);
        }
    }
    Ok(files)
}

/// The file, if the glob matches its name.
fn named(
    table: &TableName,
    folder: &str,
    root: &Path,
    entry: &DirEntry,
    glob: &GlobMatcher,
) -> Result<Option<InputFile>, LoadError> {
    let inside = entry.path().strip_prefix(root).unwrap_or(entry.path());
    let mut name = folder.to_owned();
    for part in inside {
        let Some(part) = part.to_str() else {
            // A name that the glob could not match is nobody's business.
            let is_match = glob.is_match(Path::new(folder).join(inside));
            let path = entry.path().to_owned();
            let error = LoadError::FileName { table: table.clone().into(), path };
            return if is_match { Err(error) } else { Ok(None) };
        };
        if !name.is_empty() && !name.ends_with('/') {
            name.push('/');
        }
        name.push_str(part);
    }
    if !glob.is_match(&name) {
        return Ok(None);
    }
    look(name, entry.path().to_owned()).map(Some)
}

fn walk_error(root: &Path, error: walkdir::Error) -> LoadError {
    let path = error.path().unwrap_or(root).to_owned();
    let source = error
        .into_io_error()
        .unwrap_or_else(|| std::io::Error::other("a link leads back to a folder above it"));
    LoadError::Io { action: "list", path, source }
}

fn is_hidden(entry: &DirEntry) -> bool {
    entry.file_name().as_encoded_bytes().starts_with(b".")
}

/// `./data/x.csv` is known as `data/x.csv`.
fn plain(location: &str) -> &str {
    let mut location = location;
    while let Some(rest) = location.strip_prefix("./") {
        location = rest.trim_start_matches('/');
    }
    location
}

/// The folders of a glob before its first part with a wildcard; the whole text where it has none.
fn fixed_folder(pattern: &str) -> &str {
    match pattern.find(['*', '?', '[', '{']) {
        None => pattern,
        Some(wild) => match pattern[..wild].rfind('/') {
            None => "",
            Some(0) => "/",
            Some(slash) => &pattern[..slash],
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(files: &[&str]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for file in files {
            let path = folder.path().join(file);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, *file).unwrap();
        }
        folder
    }

    fn found(folder: &Path, location: &str) -> Vec<String> {
        let table = "shop.orders".parse().unwrap();
        let files = find(&table, location, folder).unwrap();
        files.into_iter().map(|file| file.name).collect()
    }

    #[test]
    fn a_glob_finds_files_in_order_of_their_names() {
        let folder = folder(&["d/b.csv", "d/a.csv", "d/e/c.csv", "d/.x.csv", "d/a.txt", "top.csv"]);
        assert_eq!(found(folder.path(), "d/*.csv"), ["d/a.csv", "d/b.csv"]);
        assert_eq!(found(folder.path(), "./d/**/*.csv"), ["d/a.csv", "d/b.csv", "d/e/c.csv"]);
        assert_eq!(found(folder.path(), "**/*.csv").len(), 4);
        assert_eq!(found(folder.path(), "*.csv"), ["top.csv"]);
        assert_eq!(found(folder.path(), "d/{a,b}.*"), ["d/a.csv", "d/a.txt", "d/b.csv"]);
        assert_eq!(found(folder.path(), "d/.*.csv"), ["d/.x.csv"]);
        let absolute = folder.path().join("d/*.csv").to_string_lossy().into_owned();
        let expected = folder.path().join("d/a.csv").to_string_lossy().into_owned();
        assert_eq!(found(Path::new("/"), &absolute)[0], expected);
        assert_eq!(found(&folder.path().join("d/e"), "../*.csv"), ["../a.csv", "../b.csv"]);
    }

    #[test]
    fn a_name_that_looks_like_a_glob_is_first_a_name() {
        let folder = folder(&["a[1].csv", "a1.csv"]);
        assert_eq!(found(folder.path(), "a[1].csv"), ["a[1].csv"]);
    }

    #[test]
    fn no_file_is_an_error_that_names_the_place() {
        let folder = folder(&["d/a.csv"]);
        let table = "shop.orders".parse().unwrap();
        for location in ["nothing.csv", "d/*.parquet", "e/*.csv"] {
            let error = find(&table, location, folder.path()).unwrap_err();
            assert!(matches!(&error, LoadError::NoFile { location: told, .. } if told == location));
            assert_eq!(error.hints().len(), 1);
        }
        let error = find(&table, "d", folder.path()).unwrap_err();
        insta::assert_snapshot!(error, @"source `shop.orders`: `d` is a folder");
    }

    #[test]
    fn a_file_changed_when_it_was_last_seen_is_not_trusted() {
        let seen = |modified_ns, seen_ns| FileIdentity {
            bytes: 9,
            modified_ns,
            inode: 4,
            changed_ns: 0,
            seen_ns,
        };
        let then = seen(1_000, 1_000 + RACY_NS + 1);
        assert_eq!(compare(&then, &seen(1_000, i128::MAX)), Sameness::Same);
        assert_eq!(compare(&seen(1_000, 1_001), &seen(1_000, i128::MAX)), Sameness::Unknown);
        assert_eq!(compare(&then, &seen(1_001, i128::MAX)), Sameness::Unknown);
        assert_eq!(compare(&then, &FileIdentity { inode: 5, ..then.clone() }), Sameness::Unknown);
        assert_eq!(compare(&then, &FileIdentity { bytes: 8, ..then.clone() }), Sameness::Different);
    }
}
