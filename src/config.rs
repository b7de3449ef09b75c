//! `clearwell.toml`, the environment and flags, read once into one [`Config`].
//!
//! A setting stands in [`SETTINGS`]: its name in the file, its help and its default. `CLEARWELL_` and the name in upper
//! case with `_` for `.` overrides the file; a flag overrides both.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use crate::base::size::ByteSize;
use crate::base::{Diagnostic, Diagnostics, SourceText};

pub(crate) const FILE_NAME: &str = "clearwell.toml";
/// Where a project keeps what is its own on this machine: its key, its users.
const STATE_FOLDER: &str = ".clearwell";

/// One setting, as documented and as parsed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Setting {
    /// With a dot between section and key.
    pub(crate) name: &'static str,
    pub(crate) help: &'static str,
    /// As it would be written; empty where it depends on the machine.
    pub(crate) default: &'static str,
}

impl Setting {
    /// What overrides it in the environment: `CLEARWELL_SERVER_BIND` for `server.bind`.
    pub(crate) fn variable(&self) -> String {
        format!("CLEARWELL_{}", self.name.to_uppercase().replace('.', "_"))
    }
}

pub(crate) const SETTINGS: &[Setting] = &[
    Setting {
        name: "warehouse",
        help: "where the tables are kept, relative to the folder of clearwell.toml",
        default: "warehouse",
    },
    Setting {
        name: "memory_limit",
        help: "how much memory queries and loading may take together; what does not fit spills to disk or is refused",
        default: "512MiB",
    },
    Setting {
        name: "threads",
        help: "how many cores to use; all of them where not set",
        default: "",
    },
    Setting {
        name: "server.bind",
        help: "the address on which `serve` answers",
        default: "127.0.0.1:5000",
    },
    Setting {
        name: "auth.required",
        help: "whether the API asks for credentials; false is possible where the server cannot be reached from elsewhere",
        default: "true",
    },
    Setting {
        name: "auth.jwks",
        help: "a JSON Web Key Set whose keys sign tokens, read again when it changes; where not set, a key of the project's own in .clearwell/",
        default: "",
    },
    Setting {
        name: "auth.make_key",
        help: "whether `serve` makes a key where the file of auth.jwks does not exist",
        default: "false",
    },
    Setting {
        name: "auth.users",
        help: "the file of users that `clearwell user` writes",
        default: ".clearwell/users.toml",
    },
    Setting {
        name: "auth.issuer",
        help: "what tokens must have as `iss`; anything where not set",
        default: "",
    },
    Setting {
        name: "auth.audience",
        help: "what tokens must have in `aud`; where not set, tokens must have no `aud`",
        default: "",
    },
    Setting {
        name: "auth.clock_skew_seconds",
        help: "by how much the clock of whoever makes tokens may differ from ours",
        default: "60",
    },
    Setting {
        name: "auth.token_seconds",
        help: "for how long tokens of POST /api/v1/token are valid",
        default: "3600",
    },
    Setting {
        name: "server.answer_cache",
        help: "how much memory encoded answers may take, so that the same question is answered at once; 0 keeps none",
        default: "64MiB",
    },
    Setting {
        name: "server.row_cache",
        help: "how much memory the rows of endpoints may take, so that a question costs its conditions alone; 0 keeps none",
        default: "256MiB",
    },
];

/// Everything that can be set, resolved.
#[derive(Clone, Debug)]
pub(crate) struct Config {
    /// The folder of `dbt_project.yml`.
    pub(crate) project_dir: PathBuf,
    /// The base of every relative path.
    pub(crate) base_dir: PathBuf,
    pub(crate) warehouse: PathBuf,
    pub(crate) memory_limit: ByteSize,
    pub(crate) threads: usize,
    pub(crate) bind: SocketAddr,
    pub(crate) auth: AuthConfig,
    pub(crate) answer_cache: ByteSize,
    pub(crate) row_cache: ByteSize,
    /// What `env_var` of a template can see.
    pub(crate) environment: BTreeMap<String, String>,
}

/// How principals are known.
#[derive(Clone, Debug)]
pub(crate) struct AuthConfig {
    /// Whether requests need credentials.
    pub(crate) required: bool,
    /// A JSON Web Key Set. Where there is none, the project's own key.
    pub(crate) jwks: Option<PathBuf>,
    /// Where the project's own key is, made when it is needed.
    pub(crate) own_key: PathBuf,
    /// Whether a key is made where the file of `jwks` does not exist.
    pub(crate) make_key: bool,
    pub(crate) users: PathBuf,
    pub(crate) issuer: Option<String>,
    pub(crate) audience: Option<String>,
    pub(crate) clock_skew_seconds: u64,
    /// For how long tokens of `POST /api/v1/token` are valid.
    pub(crate) token_seconds: u64,
}

/// What flags say; `None` leaves a setting to the environment and the file.
#[derive(Clone, Debug, Default)]
pub(crate) struct Flags {
    pub(crate) project_dir: Option<PathBuf>,
    pub(crate) warehouse: Option<String>,
    pub(crate) memory_limit: Option<String>,
    pub(crate) threads: Option<String>,
    pub(crate) bind: Option<String>,
}

impl Config {
    /// Reads the process's environment and working directory; the only place that does.
    ///
    /// # Errors
    /// All that is wrong with the file and the overrides.
    #[expect(clippy::disallowed_methods, reason = "this is the one place")]
    pub(crate) fn load(flags: &Flags) -> Result<Self, Diagnostics> {
        let environment: BTreeMap<String, String> = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect();
        let here = std::env::current_dir().map_err(|error| {
            Diagnostic::error(format!("cannot tell the current folder: {error}"))
        })?;
        Self::resolve(flags, environment, &here)
    }

    /// As [`Config::load`], from a given environment and working directory.
    ///
    /// # Errors
    /// All that is wrong with the file and the overrides.
    pub(crate) fn resolve(
        flags: &Flags,
        environment: BTreeMap<String, String>,
        here: &Path,
    ) -> Result<Self, Diagnostics> {
        let project_dir = project_dir(flags, here);
        let file = nearest_file(&project_dir);
        let base_dir = match file.as_deref().and_then(Path::parent) {
            Some(folder) => folder.to_owned(),
            None => project_dir.clone(),
        };
        let mut values = Values { problems: Diagnostics::default(), written: BTreeMap::new() };
        if let Some(path) = &file {
            values.read_file(path);
        }
        values.read_environment(&environment);
        values.read_flags(flags);
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let config = Self {
            warehouse: base_dir.join(values.text("warehouse")),
            memory_limit: values.parsed("memory_limit").unwrap_or(ByteSize(512 << 20)),
            threads: values.parsed("threads").unwrap_or(cores).max(1),
            bind: values.parsed("server.bind").unwrap_or(SocketAddr::from(([127, 0, 0, 1], 5000))),
            auth: AuthConfig {
                required: values.parsed("auth.required").unwrap_or(true),
                jwks: values.given("auth.jwks").map(|file| base_dir.join(file)),
                own_key: base_dir.join(STATE_FOLDER).join("keys.json"),
                make_key: values.parsed("auth.make_key").unwrap_or(false),
                users: base_dir.join(values.text("auth.users")),
                issuer: values.given("auth.issuer"),
                audience: values.given("auth.audience"),
                clock_skew_seconds: values.parsed("auth.clock_skew_seconds").unwrap_or(60),
                token_seconds: values.parsed("auth.token_seconds").unwrap_or(3600),
            },
            answer_cache: values.parsed("server.answer_cache").unwrap_or(ByteSize(64 << 20)),
            row_cache: values.parsed("server.row_cache").unwrap_or(ByteSize(256 << 20)),
            project_dir,
            base_dir,
            environment,
        };
        if values.problems.has_errors() { Err(values.problems) } else { Ok(config) }
    }
}

/// The folder for what is needed for as long as a command runs.
pub(crate) fn temporary_folder() -> PathBuf {
    std::env::temp_dir()
}

/// `--project-dir`, else here, else `sql/`.
fn project_dir(flags: &Flags, here: &Path) -> PathBuf {
    if let Some(folder) = &flags.project_dir {
        return normal(&here.join(folder));
    }
    let is_project = |folder: &Path| folder.join("dbt_project.yml").is_file();
    let bundled = here.join("sql");
    if !is_project(here) && is_project(&bundled) { bundled } else { here.to_owned() }
}

/// The path without `.` and `..`, where that can be told from its text alone.
fn normal(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.components().collect())
}

fn nearest_file(project_dir: &Path) -> Option<PathBuf> {
    project_dir.ancestors().map(|folder| folder.join(FILE_NAME)).find(|file| file.is_file())
}

/// Settings as written, each with where that was.
struct Values {
    problems: Diagnostics,
    written: BTreeMap<&'static str, (String, Origin)>,
}

enum Origin {
    File(crate::base::Span),
    Environment(String),
    Flag,
}

impl Values {
    fn read_file(&mut self, path: &Path) {
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) => {
                let message = format!("cannot read `{}`: {error}", path.display());
                return self.problems.push(Diagnostic::error(message));
            }
        };
        let source = SourceText::new(path, text.as_str());
        match toml::de::DeTable::parse(&text) {
            Ok(table) => self.read_table(&source, "", table.get_ref()),
            Err(error) => {
                let span = source.span(error.span().unwrap_or(0..0));
                self.problems.push(Diagnostic::error(error.message()).at(span));
            }
        }
    }

    fn read_table(&mut self, source: &SourceText, prefix: &str, table: &toml::de::DeTable<'_>) {
        for (key, value) in table {
            let name = format!("{prefix}{}", key.get_ref());
            let is_section = SETTINGS.iter().any(|s| s.name.starts_with(&format!("{name}.")));
            let written = match value.get_ref() {
                toml::de::DeValue::Table(section) if is_section => {
                    self.read_table(source, &format!("{name}."), section);
                    continue;
                }
                toml::de::DeValue::String(text) => text.to_string(),
                toml::de::DeValue::Integer(number) => number.as_str().to_owned(),
                toml::de::DeValue::Float(number) => number.as_str().to_owned(),
                toml::de::DeValue::Boolean(flag) => flag.to_string(),
                _ => {
                    let problem = Diagnostic::error(format!("`{name}` is a plain value"));
                    self.problems.push(problem.at(source.span(value.span())));
                    continue;
                }
            };
            match SETTINGS.iter().find(|setting| setting.name == name) {
                Some(setting) => {
                    let origin = Origin::File(source.span(value.span()));
                    self.written.insert(setting.name, (written, origin));
                }
                None => {
                    let known = SETTINGS.iter().map(|setting| setting.name);
                    let problem = Diagnostic::error(format!("unknown setting `{name}`"));
                    let problem = problem.at(source.span(key.span())).did_you_mean(&name, known);
                    self.problems.push(problem);
                }
            }
        }
    }

    fn read_environment(&mut self, environment: &BTreeMap<String, String>) {
        for setting in SETTINGS {
            let variable = setting.variable();
            if let Some(value) = environment.get(&variable) {
                self.written.insert(setting.name, (value.clone(), Origin::Environment(variable)));
            }
        }
    }

    fn read_flags(&mut self, flags: &Flags) {
        let given = [
            ("warehouse", &flags.warehouse),
            ("memory_limit", &flags.memory_limit),
            ("threads", &flags.threads),
            ("server.bind", &flags.bind),
        ];
        for (name, value) in given {
            if let Some(value) = value {
                self.written.insert(name, (value.clone(), Origin::Flag));
            }
        }
    }

    fn text(&self, name: &'static str) -> String {
        let default =
            SETTINGS.iter().find(|setting| setting.name == name).map_or("", |s| s.default);
        self.written.get(name).map_or_else(|| default.to_owned(), |(value, _)| value.clone())
    }

    /// What is written, if anything is.
    fn given(&self, name: &'static str) -> Option<String> {
        Some(self.text(name)).filter(|text| !text.is_empty())
    }

    fn parsed<T: std::str::FromStr<Err: std::fmt::Display>>(
        &mut self,
        name: &'static str,
    ) -> Option<T> {
        let (value, origin) = self.written.get(name)?;
        match value.parse() {
            Ok(parsed) => Some(parsed),
            Err(error) => {
                let problem = Diagnostic::error(format!("setting `{name}`: {error}"));
                self.problems.push(match origin {
                    Origin::File(span) => problem.at(span.clone()),
                    Origin::Environment(variable) => {
                        problem.hint(format!("it is set by `{variable}`"))
                    }
                    Origin::Flag => problem.hint("it is set by a flag"),
                });
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolve(toml: &str, environment: &[(&str, &str)]) -> Result<Config, Diagnostics> {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("sql")).unwrap();
        std::fs::write(folder.path().join("sql/dbt_project.yml"), "name: shop\n").unwrap();
        std::fs::write(folder.path().join(FILE_NAME), toml).unwrap();
        let environment =
            environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Config::resolve(&Flags::default(), environment.collect(), folder.path())
    }

    #[test]
    fn the_environment_overrides_the_file() {
        let config = resolve(
            "threads = 3\n[server]\nbind = \"127.0.0.1:1\"\n",
            &[("CLEARWELL_SERVER_BIND", "127.0.0.1:2")],
        )
        .unwrap();
        assert_eq!((config.threads, config.bind.port()), (3, 2));
        assert!(config.project_dir.ends_with("sql"));
        assert_eq!(config.warehouse, config.base_dir.join("warehouse"));
    }

    #[test]
    fn every_problem_is_told_with_its_place() {
        let problems = resolve("memory_limit = \"lots\"\nwharehouse = \"x\"\n", &[]).unwrap_err();
        let shown = problems.to_string();
        assert!(
            shown.contains("clearwell.toml:1:16") && shown.contains("clearwell.toml:2:1"),
            "{shown}"
        );
        assert!(shown.contains("did you mean `warehouse`?"), "{shown}");
    }

    #[test]
    fn every_setting_is_in_the_readme() {
        let readme = include_str!("../README.md");
        for setting in SETTINGS {
            assert!(readme.contains(&format!("| `{}` |", setting.name)), "{}", setting.name);
        }
    }
}
