//! Which files a project has, and their text.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use walkdir::WalkDir;

use super::settings::Paths;
use crate::base::{Diagnostic, Diagnostics, SourceText};

/// A file of the project.
#[derive(Clone, Debug)]
pub(super) struct File {
    /// Relative to the project's folder, with `/`.
    pub(super) path: String,
    /// The folders between the resource path and the file, then its name without extension.
    pub(super) parts: Vec<String>,
    /// Empty for files that are not read here (seeds).
    pub(super) source: SourceText,
    pub(super) absolute: PathBuf,
}

impl File {
    pub(super) fn stem(&self) -> &str {
        self.parts.last().map_or("", String::as_str)
    }
}

/// All files by what they are.
#[derive(Clone, Debug, Default)]
pub(super) struct Files {
    pub(super) models: Vec<File>,
    pub(super) seeds: Vec<File>,
    pub(super) tests: Vec<File>,
    pub(super) macros: Vec<File>,
    pub(super) endpoints: Vec<File>,
    /// Suites of expectations, in JSON.
    pub(super) expectations: Vec<File>,
    pub(super) properties: Vec<File>,
    /// Markdown, for its `{% docs %}` blocks.
    pub(super) documents: Vec<File>,
}

/// How a user would type the path of a file below `root`: from the folder of clearwell.toml, as all paths in a project.
pub(super) fn shown_path(root: &Path, base_dir: &Path, relative: &str) -> PathBuf {
    root.strip_prefix(base_dir).unwrap_or(root).join(relative)
}

/// Walks the folders that `paths` names; one that does not exist is empty.
pub(super) fn find(
    root: &Path,
    base_dir: &Path,
    paths: &Paths,
    problems: &mut Diagnostics,
) -> Files {
    let mut files = Files::default();
    let mut walk = Walk { root, base_dir, seen: BTreeSet::new(), problems };
    for folder in &paths.models {
        for file in walk.folder(folder, &["sql", "yml", "yaml", "md", "py"]) {
            match extension(&file) {
                "sql" => files.models.push(file),
                "py" => walk.not_supported(&file, "models in Python"),
                _ => sort_document(file, &mut files),
            }
        }
    }
    for folder in &paths.seeds {
        for file in walk.folder(folder, &["csv", "yml", "yaml", "md"]) {
            match extension(&file) {
                "csv" => files.seeds.push(file),
                _ => sort_document(file, &mut files),
            }
        }
    }
    for folder in &paths.tests {
        for file in walk.folder(folder, &["sql", "yml", "yaml", "md"]) {
            let generic = file.parts.first().is_some_and(|part| part == "generic");
            match extension(&file) {
                "sql" if generic && file.parts.len() > 1 => files.macros.push(file),
                "sql" => files.tests.push(file),
                _ => sort_document(file, &mut files),
            }
        }
    }
    for (folders, is_endpoint) in [(&paths.macros, false), (&paths.endpoints, true)] {
        for folder in folders {
            for file in walk.folder(folder, &["sql", "yml", "yaml", "md"]) {
                match (extension(&file), is_endpoint) {
                    ("sql", false) => files.macros.push(file),
                    ("sql", true) => files.endpoints.push(file),
                    _ => sort_document(file, &mut files),
                }
            }
        }
    }
    for folder in &paths.expectations {
        files.expectations.extend(walk.folder(folder, &["json"]));
    }
    for folder in paths.documents.iter().chain(&paths.snapshots).chain(&paths.analyses) {
        for file in walk.folder(folder, &["yml", "yaml", "md"]) {
            sort_document(file, &mut files);
        }
    }
    walk.ignored(&paths.snapshots, "snapshots");
    files
}

fn sort_document(file: File, files: &mut Files) {
    match extension(&file) {
        "md" => files.documents.push(file),
        _ => files.properties.push(file),
    }
}

fn extension(file: &File) -> &str {
    file.path.rsplit('.').next().unwrap_or("")
}

struct Walk<'a> {
    root: &'a Path,
    base_dir: &'a Path,
    /// Paths of files found already: resource paths may lie in one another.
    seen: BTreeSet<String>,
    problems: &'a mut Diagnostics,
}

impl Walk<'_> {
    fn folder(&mut self, folder: &str, extensions: &[&str]) -> Vec<File> {
        let start = self.root.join(folder);
        let visible = |entry: &walkdir::DirEntry| {
            let hidden = entry.file_name().to_string_lossy().starts_with('.');
            entry.depth() == 0 || !hidden
        };
        let walk = WalkDir::new(&start).follow_links(true).sort_by_file_name();
        let mut files = Vec::new();
        for entry in walk.into_iter().filter_entry(visible) {
            match entry {
                Ok(entry) if entry.file_type().is_file() => {
                    files.extend(self.file(&start, entry.path(), extensions));
                }
                Ok(_) => {}
                Err(error) if error.depth() == 0 => {}
                Err(error) => {
                    self.problems
                        .push(Diagnostic::error(format!("cannot read the project: {error}")));
                }
            }
        }
        files
    }

    fn file(&mut self, start: &Path, absolute: &Path, extensions: &[&str]) -> Option<File> {
        let extension = absolute.extension()?.to_str()?;
        if !extensions.contains(&extension) {
            return None;
        }
        let path = slashed(absolute.strip_prefix(self.root).ok()?);
        if !self.seen.insert(path.clone()) {
            return None;
        }
        let below = slashed(&absolute.strip_prefix(start).ok()?.with_extension(""));
        let parts = below.split('/').map(str::to_owned).collect();
        let shown = shown_path(self.root, self.base_dir, &path);
        let source = match extension {
            "csv" | "py" => SourceText::new(shown, ""),
            _ => read(absolute, &shown, self.problems)?,
        };
        Some(File { path, parts, source, absolute: absolute.to_owned() })
    }

    fn not_supported(&mut self, file: &File, what: &str) {
        let message = format!("{what} are not supported yet");
        self.problems.push(Diagnostic::error(message).at(file.source.span(0..0)));
    }

    fn ignored(&mut self, folders: &[String], what: &str) {
        for folder in folders {
            for file in self.folder(folder, &["sql"]) {
                let message = format!("{what} are not supported yet; this file is ignored");
                self.problems.push(Diagnostic::warning(message).at(file.source.span(0..0)));
            }
        }
    }
}

/// Reads a text file; the byte order mark that some editors leave is no part of it.
pub(super) fn read(
    absolute: &Path,
    shown: &Path,
    problems: &mut Diagnostics,
) -> Option<SourceText> {
    let failed = |reason: String| {
        Diagnostic::error(format!("cannot read the file: {reason}"))
            .at(SourceText::new(shown, "").span(0..0))
    };
    match std::fs::read(absolute).map(String::from_utf8) {
        Ok(Ok(text)) => Some(SourceText::new(shown, text.trim_start_matches('\u{feff}'))),
        Ok(Err(error)) => {
            let source = SourceText::new(shown, String::from_utf8_lossy(error.as_bytes()));
            let at = error.utf8_error().valid_up_to();
            let message = "cannot read the file: it is not UTF-8".to_owned();
            problems
                .push(Diagnostic::error(message).at(source.span(at..at + '\u{fffd}'.len_utf8())));
            None
        }
        Err(error) => {
            problems.push(failed(error.to_string()));
            None
        }
    }
}

fn slashed(path: &Path) -> String {
    let parts: Vec<_> = path.components().map(|part| part.as_os_str().to_string_lossy()).collect();
    parts.join("/")
}
