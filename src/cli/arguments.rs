//! Every argument there is.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt::Display;
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::str::FromStr;

use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand};

use serde_json::Value as Json;

use super::error::CliError;
use crate::base::size::ByteSize;
use crate::config::{FILE_NAME, Flags, SETTINGS};
use crate::engine::output::Format;

/// CSV files in; a tested, versioned warehouse out; served over an API.
#[derive(Debug, Parser)]
#[command(name = "clearwell", version, max_term_width = 100)]
pub(super) struct Arguments {
    #[command(flatten)]
    pub(super) global: Global,
    #[command(subcommand)]
    pub(super) command: Command,
}

/// Reads the arguments; `--help` tells of the settings, too.
///
/// # Errors
/// Wrong usage, and what `--help` and `--version` show.
pub(super) fn parse(
    arguments: impl IntoIterator<Item = OsString>,
) -> Result<Arguments, clap::Error> {
    let command = Arguments::command().after_long_help(settings_help());
    Arguments::from_arg_matches(&command.try_get_matches_from(arguments)?)
}

fn settings_help() -> String {
    let mut help = format!("Settings of {FILE_NAME}, each overridden by its variable:");
    for setting in SETTINGS {
        help += &format!("\n  {} ({})", setting.name, setting.variable());
        help += &format!("\n      {}", setting.help);
        if !setting.default.is_empty() {
            help += &format!(" [default: {}]", setting.default);
        }
    }
    help
}

#[derive(Debug, Clone, Default, Args)]
pub(super) struct Global {
    /// The folder of dbt_project.yml [default: the current folder, else sql/]
    #[arg(long, global = true, value_name = "DIR")]
    pub(super) project_dir: Option<PathBuf>,
    /// Where the tables are kept [default: warehouse/]
    #[arg(long, global = true, value_name = "DIR")]
    pub(super) warehouse: Option<String>,
    /// How much memory queries and loading may take together [default: 512MiB]
    #[arg(long, global = true, value_name = "SIZE", value_parser = checked::<ByteSize>)]
    pub(super) memory_limit: Option<String>,
    /// How many cores to use [default: all]
    #[arg(long, global = true, value_name = "N", value_parser = checked::<NonZeroUsize>)]
    pub(super) threads: Option<String>,
    /// Machine-readable output
    #[arg(long, global = true)]
    pub(super) json: bool,
    /// Say nothing but errors
    #[arg(long, short, global = true)]
    pub(super) quiet: bool,
    /// Say more (-vv: even more)
    #[arg(long, short, global = true, action = clap::ArgAction::Count)]
    pub(super) verbose: u8,
}

impl Global {
    pub(super) fn flags(&self) -> Flags {
        Flags {
            project_dir: self.project_dir.clone(),
            warehouse: self.warehouse.clone(),
            memory_limit: self.memory_limit.clone(),
            threads: self.threads.clone(),
            bind: None,
        }
    }
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Load, validate, model, test and publish. The main job
    Build(Build),
    /// Answer the API over the current version
    Serve(Serve),
    /// Build, then serve
    Up(Up),
    /// Build the models and publish them, marked untested
    Run(Build),
    /// Load the seeds and publish them, marked untested
    Seed(Build),
    /// Run the checks over the current version
    Test(Build),
    /// Ask a version with SQL
    Query(Query),
    /// Write the quality report of a version or failed run
    Report(Report),
    /// Print the API's OpenAPI document (YAML; JSON with --json)
    Openapi,
    /// Print a token for the API, signed with the project's key
    Token(Token),
    /// Who may log in to the API with a password
    User(User),
    /// List the published versions
    Versions,
    /// Check a CSV or Parquet file against a Great Expectations suite. Needs no project
    Validate(Validate),
    /// Start a project: the bundled one, or one for files of yours
    Init(Init),
    /// Make synthetic shop data
    Generate(Generate),
}

#[derive(Debug, Clone, Default, Args)]
pub(super) struct Build {
    /// What to build, in dbt's selection syntax
    #[arg(long, short, visible_alias = "models", short_alias = 'm', num_args = 1.., value_name = "SELECTOR")]
    pub(super) select: Vec<String>,
    /// What to leave out of it
    #[arg(long, num_args = 1.., value_name = "SELECTOR")]
    pub(super) exclude: Vec<String>,
    /// Build everything selected, whatever stands
    #[arg(long, short)]
    pub(super) full_refresh: bool,
    /// Stop at the first failure
    #[arg(long, short = 'x')]
    pub(super) fail_fast: bool,
    /// Variables of the project, as YAML or JSON: '{start: 2024-01-01}'
    #[arg(long, value_name = "YAML")]
    pub(super) vars: Option<String>,
    /// The target's name, as `target.name` sees it
    #[arg(long, short, default_value = "dev")]
    pub(super) target: String,
}

#[derive(Debug, Clone, Default, Args)]
pub(super) struct Serve {
    /// The address to answer on [default: 127.0.0.1:5000]
    #[arg(long, value_name = "ADDRESS", value_parser = checked::<SocketAddr>)]
    pub(super) bind: Option<String>,
}

#[derive(Debug, Clone, Default, Args)]
pub(super) struct Up {
    #[command(flatten)]
    pub(super) build: Build,
    #[command(flatten)]
    pub(super) serve: Serve,
}

#[derive(Debug, Clone, Args)]
pub(super) struct Token {
    /// What it allows; `*` allows everything
    #[arg(long, value_name = "SCOPE")]
    pub(super) scope: Vec<String>,
    /// Whose it is
    #[arg(long, value_name = "NAME", default_value = "owner")]
    pub(super) subject: String,
    /// What else it says, for row filters: `region=EU`; given twice, a list
    #[arg(long, value_name = "NAME=VALUE")]
    pub(super) claim: Vec<String>,
    /// For how long it is valid: a number with s, m, h or d
    #[arg(long, value_name = "TIME", default_value = "1h")]
    pub(super) expires: Lifetime,
}

/// How long something is valid.
#[derive(Debug, Clone, Copy)]
pub(super) struct Lifetime(u64);

impl Lifetime {
    pub(super) fn seconds(self) -> u64 {
        self.0
    }
}

impl FromStr for Lifetime {
    type Err = String;

    fn from_str(written: &str) -> Result<Self, String> {
        let digits = written.trim_end_matches(|c: char| c.is_ascii_alphabetic());
        let factor = match &written[digits.len()..] {
            "" | "s" => 1,
            "m" => 60,
            "h" => 3600,
            "d" => 86_400,
            _ => return Err("give a number with s, m, h or d, like `12h`".to_owned()),
        };
        let number: u64 = digits.parse().map_err(|error| format!("{error}"))?;
        number.checked_mul(factor).filter(|seconds| *seconds > 0).map(Self).ok_or_else(|| {
            "give a time that is longer than nothing and shorter than for ever".to_owned()
        })
    }
}

#[derive(Debug, Clone, Args)]
pub(super) struct User {
    #[command(subcommand)]
    pub(super) verb: UserVerb,
}

#[derive(Debug, Clone, Subcommand)]
pub(super) enum UserVerb {
    /// Add a user; asks for the password
    Add(UserAdd),
    /// Remove a user
    Remove(UserRemove),
    /// List the users
    List,
}

#[derive(Debug, Clone, Args)]
pub(super) struct UserAdd {
    pub(super) name: String,
    /// What the user may do; `*` is everything
    #[arg(long, value_name = "SCOPE")]
    pub(super) scope: Vec<String>,
    /// What else is said of the user, for row filters: `region=EU`; given twice, a list
    #[arg(long, value_name = "NAME=VALUE")]
    pub(super) claim: Vec<String>,
    /// Read the password from standard input
    #[arg(long)]
    pub(super) password_stdin: bool,
}

#[derive(Debug, Clone, Args)]
pub(super) struct UserRemove {
    pub(super) name: String,
}

/// Claims as written: each `name=value`; a name that is given several times has a list.
///
/// # Errors
/// If one has no `=`.
pub(super) fn claims(written: &[String]) -> Result<BTreeMap<String, Json>, CliError> {
    let mut claims = BTreeMap::new();
    for written in written {
        let Some((name, value)) = written.split_once('=') else {
            return Err(CliError::user(format!("`{written}` is no claim")).hint("write NAME=VALUE"));
        };
        let value = Json::from(value);
        match claims.entry(name.to_owned()).or_insert(Json::Null) {
            Json::Array(items) => items.push(value),
            nothing if nothing.is_null() => *nothing = value,
            single => *single = Json::Array(vec![single.take(), value]),
        }
    }
    Ok(claims)
}

#[derive(Debug, Clone, Args)]
pub(super) struct Query {
    /// One select
    #[arg(allow_hyphen_values = true)]
    pub(super) sql: String,
    /// How to write the answer: table, csv, json, ndjson, arrow or parquet [default: by the output's name, else table]
    #[arg(long, short)]
    pub(super) format: Option<Format>,
    /// Write the answer to a file, not to stdout
    #[arg(long, short, value_name = "FILE")]
    pub(super) output: Option<PathBuf>,
    /// Which state to ask: a version, a time, a tag or run:ID [default: the current version]
    #[arg(long, value_name = "STATE")]
    pub(super) at: Option<String>,
}

#[derive(Debug, Clone, Args)]
pub(super) struct Report {
    /// Where to write it; its name ends in .html, .json or .xml (JUnit)
    #[arg(long, short, value_name = "FILE")]
    pub(super) output: PathBuf,
    /// Of which state: a version, a time, a tag or run:ID [default: the current version]
    #[arg(long, value_name = "STATE")]
    pub(super) at: Option<String>,
}

#[derive(Debug, Clone, Args)]
pub(super) struct Generate {
    /// How many orders
    #[arg(long, value_name = "N")]
    pub(super) orders: u64,
    /// The same seed gives the same bytes
    #[arg(long, value_name = "S", default_value_t = 1)]
    pub(super) seed: u64,
    /// The part of the rows to break, 0 to 1
    #[arg(long, value_name = "R", default_value_t = 0.0)]
    pub(super) bad_rate: f64,
    /// The folder to write into
    #[arg(long, value_name = "DIR")]
    pub(super) out: PathBuf,
}

#[derive(Debug, Clone, Args)]
pub(super) struct Validate {
    /// CSV (.csv, .csv.gz, .csv.zst) and Parquet (.parquet) files
    #[arg(required = true, value_name = "FILE")]
    pub(super) files: Vec<PathBuf>,
    /// The suite: Great Expectations' JSON
    #[arg(long, value_name = "FILE")]
    pub(super) suite: PathBuf,
    /// How much a result tells: BOOLEAN_ONLY, BASIC, SUMMARY or COMPLETE
    #[arg(long, value_name = "LEVEL", default_value = "SUMMARY", ignore_case = true,
        value_parser = ["BOOLEAN_ONLY", "BASIC", "SUMMARY", "COMPLETE"])]
    pub(super) result_format: String,
    /// Values of the suite's $PARAMETERs, as YAML or JSON: '{min_rows: 100}'
    #[arg(long, value_name = "YAML")]
    pub(super) parameters: Option<String>,
    /// What the table is called in results and queries [default: the file's name]
    #[arg(long, value_name = "NAME")]
    pub(super) name: Option<String>,
    /// Where to write the result as a page to read; of several files, the folder for a page each
    #[arg(long, value_name = "PATH")]
    pub(super) html: Option<PathBuf>,
    #[command(flatten)]
    pub(super) reading: Reading,
}

/// How CSV files are written.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct Reading {
    /// What stands between cells; `\t` is a tab [default: ,]
    #[arg(long, value_name = "TEXT", help_heading = "Reading CSV")]
    pub(super) delimiter: Option<String>,
    /// The first record is data; columns are called column0, column1 …
    #[arg(long, help_heading = "Reading CSV")]
    pub(super) no_header: bool,
    /// The character around cells, or `none` [default: \"]
    #[arg(long, value_name = "CHARACTER", help_heading = "Reading CSV")]
    pub(super) quote: Option<String>,
    /// What ends a record [default: a line break]
    #[arg(long, value_name = "TEXT", help_heading = "Reading CSV")]
    pub(super) record_terminator: Option<String>,
    /// utf-8, latin-1, utf-16, utf-16le or utf-16be [default: utf-8]
    #[arg(long, value_name = "ENCODING", help_heading = "Reading CSV")]
    pub(super) encoding: Option<String>,
    /// A spelling of null; given once or more, it stands for all the usual ones
    #[arg(long, value_name = "TEXT", help_heading = "Reading CSV")]
    pub(super) null: Vec<String>,
}

#[derive(Debug, Clone, Default, Args)]
pub(super) struct Init {
    /// The folder of the new project [default: the current one]
    #[arg(value_name = "DIR")]
    pub(super) folder: Option<PathBuf>,
    /// CSV files: their contract, staging models and suites of expectations, by all of their rows
    #[arg(long, num_args = 1.., value_name = "FILE")]
    pub(super) from: Vec<PathBuf>,
    /// The folder of the new project
    #[arg(long, value_name = "DIR", conflicts_with = "folder")]
    pub(super) out: Option<PathBuf>,
    #[command(flatten)]
    pub(super) reading: Reading,
}

/// The text as written, once it is known to be a `T`: a wrong value is wrong usage.
fn checked<T: FromStr<Err: Display>>(written: &str) -> Result<String, String> {
    written.parse::<T>().map(|_| written.to_owned()).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn every_command_is_in_the_readme() {
        let readme = include_str!("../../README.md");
        for command in Arguments::command().get_subcommands() {
            let name = command.get_name();
            let shown = [format!("`clearwell {name}"), format!(", `{name}`")];
            assert!(shown.iter().any(|shown| readme.contains(shown)), "{name}");
        }
    }
}
