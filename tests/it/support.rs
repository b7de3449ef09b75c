//! A project in a string, and the program run on it.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A folder with a project, thrown away at the end.
pub(crate) struct TestProject {
    folder: tempfile::TempDir,
}

/// What one command did.
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl TestProject {
    /// Files as `//- /path` headers, each followed by its text. A `dbt_project.yml` is added where none is given.
    pub(crate) fn new(fixture: &str) -> Self {
        let project = Self { folder: tempfile::tempdir().unwrap() };
        project.write("dbt_project.yml", "name: test\nversion: '1.0'\n");
        for file in fixture.split("//- /").skip(1) {
            let (path, text) = file.split_once('\n').expect("a header ends its line");
            project.write(path.trim(), text);
        }
        project
    }

    /// As [`TestProject::new`], of text that need not be UTF-8.
    pub(crate) fn of_bytes(fixture: &[u8]) -> Self {
        let project = Self::new("");
        let text = fixture.iter().map(|byte| char::from(*byte)).collect::<String>();
        for file in text.split("//- /").skip(1) {
            let (path, text) = file.split_once('\n').expect("a header ends its line");
            // Each character is one byte: the text was read as Latin-1.
            let bytes: Vec<u8> = text.chars().filter_map(|c| u8::try_from(c).ok()).collect();
            project.write(path.trim(), bytes);
        }
        project
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn write(&self, path: &str, text: impl AsRef<[u8]>) -> &Self {
        let path = self.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
        self
    }

    pub(crate) fn run<const N: usize>(&self, arguments: [&str; N]) -> Ran {
        run_in(self.path(), &arguments)
    }

    pub(crate) fn build(&self) -> Ran {
        self.run(["build"])
    }

    /// The answer to `sql` as CSV.
    pub(crate) fn query(&self, sql: &str) -> String {
        self.run(["query", sql, "--format", "csv"]).success().stdout
    }

    /// The number of the newest version.
    pub(crate) fn version(&self) -> u64 {
        let listed = self.run(["versions", "--json"]).success().stdout;
        let versions: serde_json::Value = serde_json::from_str(&listed).unwrap();
        versions.get(0).map_or(0, |newest| newest["version"].as_u64().unwrap())
    }
}

impl Ran {
    #[track_caller]
    pub(crate) fn success(self) -> Self {
        assert_eq!(self.code, 0, "stdout:\n{}\nstderr:\n{}", self.stdout, self.stderr);
        self
    }

    #[track_caller]
    pub(crate) fn failure(self, code: i32) -> Self {
        assert_eq!(self.code, code, "stdout:\n{}\nstderr:\n{}", self.stdout, self.stderr);
        self
    }

    #[track_caller]
    pub(crate) fn says(self, part: &str) -> Self {
        let all = format!("{}\n{}", self.stdout, self.stderr);
        assert!(all.contains(part), "`{part}` is not in:\n{all}");
        self
    }
}

/// Runs the program in `folder`, without any setting of the tester's own.
pub(crate) fn run_in(folder: &Path, arguments: &[&str]) -> Ran {
    let output = command(folder, arguments).output().unwrap();
    Ran::of(&output)
}

#[expect(clippy::disallowed_methods, reason = "a user's settings are not the tests'")]
pub(crate) fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_clearwell"));
    command.args(arguments).current_dir(folder).stdin(std::process::Stdio::null());
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("CLEARWELL_") {
            command.env_remove(name);
        }
    }
    command
}

impl Ran {
    fn of(output: &Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

/// The checkout.
pub(crate) fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Copies a folder with all that is in it.
pub(crate) fn copy_folder(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_folder(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}
