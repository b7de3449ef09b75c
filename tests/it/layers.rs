//! The house rules that a machine can hold: who imports whom, and who may name what.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::support::root;

/// Each folder of `src/` with the folders it may import. Everyone may import `base` and the types of `config`.
const ALLOWED: &[(&str, &[&str])] = &[
    ("base", &[]),
    ("rules", &[]),
    ("record", &["rules"]),
    ("config", &[]),
    ("project", &["rules"]),
    ("warehouse", &["record", "rules"]),
    ("engine", &["warehouse", "rules"]),
    ("ingest", &["engine", "warehouse", "project", "rules", "record"]),
    ("checks", &["engine", "warehouse", "project", "rules", "record"]),
    ("endpoints", &["engine", "warehouse", "project", "rules", "record"]),
    (
        "build",
        &[
            "ingest",
            "checks",
            "docs",
            "endpoints",
            "engine",
            "warehouse",
            "project",
            "rules",
            "record",
        ],
    ),
    ("docs", &["endpoints", "engine", "warehouse", "project", "rules", "record"]),
    ("api", &["endpoints", "engine", "warehouse", "project", "record"]),
    ("sample", &[]),
    ("starter", &["ingest", "engine", "rules"]),
    (
        "cli",
        &[
            "api",
            "build",
            "checks",
            "docs",
            "endpoints",
            "engine",
            "ingest",
            "project",
            "record",
            "rules",
            "sample",
            "starter",
            "warehouse",
        ],
    ),
    ("lib", &["cli"]),
    ("main", &[]),
];

/// Words that only one folder may write, with the reason.
const OWNED: &[(&str, &[&str], &str)] = &[
    ("datafusion::", &["engine"], "the engine is the only door to DataFusion"),
    ("axum::", &["api"], "everything HTTP is in api"),
    ("std::env", &["config", "main"], "the environment is read once"),
    ("println!", &["cli"], "stdout and stderr belong to the command line"),
];

/// Every source file with the folder (or file) of `src/` it belongs to and its text without tests.
fn sources() -> Vec<(String, PathBuf, String)> {
    let src = root().join("src");
    let mut open = vec![src.clone()];
    let mut found = Vec::new();
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") && !is_test(&path)
            {
                let text = std::fs::read_to_string(&path).unwrap();
                found.push((house_part(&src, &path), path, text));
            }
        }
    }
    found.sort();
    assert!(found.len() > 30, "the sources were not found");
    found
}

/// Tests of a module in a file or folder of their own, and what they stand on.
fn is_test(path: &Path) -> bool {
    path.iter().any(|part| part == "tests" || part == "tests.rs" || part == "world.rs")
}

fn house_part(src: &Path, path: &Path) -> String {
    let first = path.strip_prefix(src).unwrap().components().next().unwrap();
    first.as_os_str().to_string_lossy().trim_end_matches(".rs").to_owned()
}

/// The text without comments and without what follows `#[cfg(test)]`.
fn code(text: &str) -> String {
    let text = text.split("#[cfg(test)]\nmod ").next().unwrap_or(text);
    text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

#[test]
fn folders_import_only_what_they_may() {
    let mut wrong = BTreeSet::new();
    for (part, path, text) in sources() {
        let Some((_, allowed)) = ALLOWED.iter().find(|(name, _)| *name == part) else {
            wrong.insert(format!("{}: `{part}` is not in the table", path.display()));
            continue;
        };
        for import in code(&text).split("crate::").skip(1) {
            let name: String =
                import.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
            let fine = name == part
                || name == "base"
                || name == "config"
                || allowed.contains(&name.as_str());
            if !fine {
                wrong.insert(format!("{}: {part} -> {name}", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "arrows that the house does not have:\n{wrong:#?}");
}

#[test]
fn words_stay_where_they_belong() {
    let mut wrong = Vec::new();
    for (part, path, text) in sources() {
        for (word, owners, reason) in OWNED {
            if code(&text).contains(word) && !owners.contains(&part.as_str()) {
                wrong.push(format!("{}: `{word}`: {reason}", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn files_are_short_and_begin_with_a_sentence() {
    let mut wrong = Vec::new();
    for (_, path, text) in sources() {
        let lines = code(&text).lines().count();
        if lines > 500 {
            wrong.push(format!("{}: {lines} lines", path.display()));
        }
        if !text.starts_with("//!") {
            wrong.push(format!("{}: no header sentence", path.display()));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn one_arrow_in_the_tree() {
    let lock = std::fs::read_to_string(root().join("Cargo.lock")).unwrap();
    for name in ["arrow", "parquet", "object_store", "datafusion"] {
        let entry = format!("name = \"{name}\"\n");
        assert_eq!(lock.matches(&entry).count(), 1, "{name}");
    }
}
