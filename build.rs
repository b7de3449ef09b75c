//! Lists the files of the bundled project, so that the program carries them with it (`clearwell init`).

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

/// What a new project is made of. What a run leaves behind is no part of it.
const PARTS: [&str; 4] = ["clearwell.toml", "data", "sql", "warehouse/README.md"];

#[expect(clippy::disallowed_methods, reason = "cargo talks to a build script by its environment")]
fn main() -> io::Result<()> {
    let root = PathBuf::from(env::var("CARGO_MANIFEST_DIR").unwrap_or_default());
    let mut files = Vec::new();
    for part in PARTS {
        println!("cargo::rerun-if-changed={part}");
        find(&root.join(part), &mut files)?;
    }
    files.sort();
    let mut list = "&[\n".to_owned();
    for file in &files {
        let relative = file.strip_prefix(&root).unwrap_or(file).display().to_string();
        // A path that the compiler fills in, for the same build folder serves a project that has moved.
        let from_root = format!("/{relative}");
        // Writing to a text cannot fail.
        let _ = writeln!(
            list,
            "    ({relative:?}, include_bytes!(concat!(env!(\"CARGO_MANIFEST_DIR\"), {from_root:?}))),"
        );
    }
    list.push_str("]\n");
    fs::write(Path::new(&env::var("OUT_DIR").unwrap_or_default()).join("bundled.rs"), list)
}

fn find(path: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let hidden = name.starts_with('.') || name == "target" || name == "logs";
    if path.is_dir() && !hidden {
        for entry in fs::read_dir(path)? {
            find(&entry?.path(), files)?;
        }
    } else if !hidden {
        files.push(path.to_owned());
    }
    Ok(())
}
