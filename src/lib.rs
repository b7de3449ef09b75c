//! Clearwell: CSV files in, a tested version of the warehouse out, served.
//!
//! Rows come in through `ingest`, models are compiled by `project` and run by `engine`, `build` joins the two into a
//! draft, `checks` judge it, `warehouse` publishes it, `api` serves it.

#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::print_stderr,
        reason = "a test that fails should say where"
    )
)]

mod api; // everything HTTP
mod base; // leaves that everyone may use
mod build; // one run: plan, stage, check, publish
mod checks; // tests of data -> findings
mod cli; // one file a verb
mod config; // clearwell.toml, the environment and flags
mod docs; // what a run tells people: the quality report
mod endpoints; // routes as typed, planned statements
mod engine; // the only door to DataFusion
mod ingest; // CSV bytes -> checked batches | rejects
mod project; // what the user wrote: YAML and Jinja SQL, resolved to a graph
mod record; // what a run leaves behind, as plain data
mod rules; // what data must be, as plain data
mod sample; // synthetic shop data
mod starter; // new projects
mod warehouse; // versioned tables: manifests, drafts, publish

/// Runs one command, as the program does: `["clearwell", "build"]`.
///
/// Data goes to stdout, talk to stderr. The exit code is 0 where all passed, 1 for what the user can fix, 2 for wrong
/// usage or an unexpected error, 130 when interrupted.
pub fn run<I, A>(arguments: I) -> std::process::ExitCode
where
    I: IntoIterator<Item = A>,
    A: Into<std::ffi::OsString>,
{
    cli::run(arguments.into_iter().map(Into::into))
}
