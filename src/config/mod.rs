//! `clearwell.toml`, the environment and flags, read once into one [`Config`].
//!
//! A setting stands in [`SETTINGS`]: its name in the file, its help and its default. `CLEARWELL_` and the name in upper
//! case with `_` for `.` overrides the file; a flag overrides both.

mod serving;
mod settings;

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::num::{NonZeroU32, NonZeroUsize};
use std::path::{Path, PathBuf};
use std::time::Duration;

use ipnet::IpNet;

use crate::base::size::ByteSize;
use crate::base::{Diagnostic, Diagnostics, SourceText};

pub(crate) use serving::{AuthConfig, Rate, RequestLog, ServeLimits, ServerConfig, TlsFiles};
pub(crate) use settings::SETTINGS;

pub(crate) const FILE_NAME: &str = "clearwell.toml";
/// How often one client may ask in a second where others can reach the server.
const RATE_PUBLIC: u32 = 1000;
/// A burst is as many requests as come back in this many seconds.
const BURST_SECONDS: NonZeroU32 = NonZeroU32::MIN.saturating_add(4);
/// Where a project keeps what is its own on this machine: its key, its users.
const STATE_FOLDER: &str = ".clearwell";

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
    pub(crate) server: ServerConfig,
    pub(crate) auth: AuthConfig,
    pub(crate) limits: ServeLimits,
    /// What `env_var` of a template can see.
    pub(crate) environment: BTreeMap<String, String>,
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
        let bind = values.parsed("server.bind").unwrap_or(SocketAddr::from(([127, 0, 0, 1], 5000)));
        let config = Self {
            warehouse: base_dir.join(values.text("warehouse")),
            memory_limit: values.parsed("memory_limit").unwrap_or(ByteSize(512 << 20)),
            threads: values.parsed("threads").map_or(cores, NonZeroUsize::get),
            bind,
            server: server(&mut values, &base_dir),
            auth: auth(&mut values, &base_dir),
            limits: limits(&mut values, bind),
            project_dir,
            base_dir,
            environment,
        };
        if values.problems.has_errors() { Err(values.problems) } else { Ok(config) }
    }
}

/// `[server]`.
fn server(values: &mut Values, base_dir: &Path) -> ServerConfig {
    let proxies = values.list("server.trusted_proxies", |text| {
        let address = text.parse::<IpAddr>().map(IpNet::from);
        address
            .or_else(|_| text.parse())
            .map_err(|_| format!("`{text}` is no address and no network"))
    });
    let origins = values.list("server.cors_origins", |text| {
        let plain = text.is_ascii() && !text.contains(char::is_whitespace);
        if plain { Ok(text.to_owned()) } else { Err(format!("`{text}` is no origin")) }
    });
    let certificate = values.given("server.tls_certificate");
    let tls = match (certificate, values.given("server.tls_key")) {
        (Some(certificate), Some(key)) => {
            Some(TlsFiles { certificate: base_dir.join(certificate), key: base_dir.join(key) })
        }
        (None, None) => None,
        _ => {
            let message = "`server.tls_certificate` and `server.tls_key` go together";
            values.problems.push(Diagnostic::error(message));
            None
        }
    };
    ServerConfig {
        trusted_proxies: proxies.into(),
        cors_origins: origins,
        tls,
        log: values.parsed("server.log").unwrap_or_default(),
        query: values.parsed("server.query").unwrap_or(false),
    }
}

/// `[auth]`.
fn auth(values: &mut Values, base_dir: &Path) -> AuthConfig {
    AuthConfig {
        required: values.parsed("auth.required").unwrap_or(true),
        jwks: values.given("auth.jwks").map(|file| base_dir.join(file)),
        own_key: base_dir.join(STATE_FOLDER).join("keys.json"),
        make_key: values.parsed("auth.make_key").unwrap_or(false),
        users: base_dir.join(values.text("auth.users")),
        issuer: values.given("auth.issuer"),
        audience: values.given("auth.audience"),
        clock_skew_seconds: values.parsed("auth.clock_skew_seconds").unwrap_or(60),
        token_seconds: values.parsed("auth.token_seconds").unwrap_or(3600),
    }
}

/// `[limits]`, and what `[server]` says of memory.
fn limits(values: &mut Values, bind: SocketAddr) -> ServeLimits {
    let usual = ServeLimits::default();
    let mut seconds = |name, otherwise: Duration| {
        let given = values.parsed::<NonZeroU32>(name);
        given.map_or(otherwise, |seconds| Duration::from_secs(seconds.get().into()))
    };
    let request_max = seconds("limits.request_seconds", usual.request_max);
    let head_max = seconds("limits.head_seconds", usual.head_max);
    let write_max = seconds("limits.write_seconds", usual.write_max);
    let mut bytes = |name, otherwise: usize| {
        let given = values.parsed::<ByteSize>(name);
        given.map_or(otherwise, |size| usize::try_from(size.0).unwrap_or(usize::MAX))
    };
    // Less than hyper can work with is no limit that anybody means.
    let head_bytes_max = bytes("limits.head_bytes", usual.head_bytes_max).max(8 << 10);
    let target_bytes_max = bytes("limits.target_bytes", usual.target_bytes_max);
    let body_bytes_max = bytes("limits.body_bytes", usual.body_bytes_max);
    let mut number = |name, otherwise: usize| {
        values.parsed::<NonZeroUsize>(name).map_or(otherwise, NonZeroUsize::get)
    };
    let connections_max = number("limits.connections", usual.connections_max);
    let queries_max = number("limits.queries", usual.queries_max);
    let public = !bind.ip().is_loopback();
    let per_address = if public { connections_max.div_ceil(4) } else { 0 };
    let per_address = values.parsed("limits.address_connections").unwrap_or(per_address);
    ServeLimits {
        request_max,
        head_max,
        write_max,
        head_bytes_max,
        target_bytes_max,
        body_bytes_max,
        connections_max,
        address_connections_max: NonZeroUsize::new(per_address),
        queries_max,
        waiting_max: values.parsed("limits.queries_waiting").unwrap_or(usual.waiting_max),
        principal_rate: rate(values, "limits.requests_per_second", "limits.burst", public),
        address_rate: rate(
            values,
            "limits.address_requests_per_second",
            "limits.address_burst",
            public,
        ),
        answer_cache: values.parsed("server.answer_cache").unwrap_or(usual.answer_cache),
        row_cache: values.parsed("server.row_cache").unwrap_or(usual.row_cache),
        ..usual
    }
}

/// Where others can reach the server there is a limit without a setting.
fn rate(
    values: &mut Values,
    per_second: &'static str,
    burst: &'static str,
    public: bool,
) -> Option<Rate> {
    let usual = if public { RATE_PUBLIC } else { 0 };
    let per_second = NonZeroU32::new(values.parsed(per_second).unwrap_or(usual))?;
    let burst = values.parsed(burst).unwrap_or(per_second.saturating_mul(BURST_SECONDS));
    Some(Rate { per_second, burst })
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

    /// What stands between commas, each read by `parse`.
    fn list<T>(&mut self, name: &'static str, parse: impl Fn(&str) -> Result<T, String>) -> Vec<T> {
        let written = self.text(name);
        let parts = written.split(',').map(str::trim).filter(|part| !part.is_empty());
        let parsed: Result<Vec<T>, String> = parts.map(parse).collect();
        parsed.unwrap_or_else(|error| {
            self.problems.push(Diagnostic::error(format!("setting `{name}`: {error}")));
            Vec::new()
        })
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
        let readme = include_str!("../../README.md");
        for setting in SETTINGS {
            assert!(readme.contains(&format!("| `{}` |", setting.name)), "{}", setting.name);
        }
    }
}
