//! The command line: arguments in, exit code out. One file a verb; no logic.

mod arguments;
mod build;
mod error;
mod generate;
mod init;
mod open;
mod openapi;
mod query;
mod reading;
mod report;
mod serve;
mod token;
mod ui;
mod user;
mod validate;
mod validated;
mod versions;

use std::ffi::OsString;
use std::process::ExitCode;

use arguments::{Arguments, Command};
use error::CliError;
use ui::Ui;

use crate::build::Verb;

/// Exit codes, as dbt's: 0 all passed, 1 something the user can fix, 2 wrong usage or an unexpected error.
const INTERRUPTED: u8 = 130;

/// Runs one command.
pub(crate) fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let arguments = match arguments::parse(arguments) {
        Ok(arguments) => arguments,
        Err(error) => {
            // clap's own errors: usage on stderr with 2, help and version on stdout with 0.
            let code = u8::try_from(error.exit_code()).unwrap_or(2);
            return error.print().map_or(ExitCode::from(2), |()| ExitCode::from(code));
        }
    };
    let ui = Ui::new(&arguments.global);
    ui::start_log(&arguments.global);
    let outcome = dispatch(&arguments, &ui);
    ui.close();
    match outcome {
        Ok(code) => code,
        Err(error) => ui.report(&error),
    }
}

fn dispatch(arguments: &Arguments, ui: &Ui) -> Result<ExitCode, CliError> {
    let global = &arguments.global;
    let build =
        |command, verb| block_on(global, interruptible(ui, build::run(global, command, verb, ui)));
    match &arguments.command {
        Command::Build(command) => build(command, Verb::Build),
        Command::Run(command) => build(command, Verb::Run),
        Command::Seed(command) => build(command, Verb::Seed),
        Command::Test(command) => build(command, Verb::Test),
        Command::Serve(command) => block_on(global, serve::run(global, command, ui)),
        Command::Up(command) => match build(&command.build, Verb::Build)? {
            built if built == ExitCode::SUCCESS => {
                block_on(global, serve::run(global, &command.serve, ui))
            }
            failed => Ok(failed),
        },
        Command::Query(command) => {
            block_on(global, interruptible(ui, query::run(global, command, ui)))
        }
        Command::Validate(command) => {
            block_on(global, interruptible(ui, validate::run(global, command, ui)))
        }
        Command::Init(command) => {
            block_on(global, interruptible(ui, init::run(global, command, ui)))
        }
        Command::Report(command) => {
            block_on(global, interruptible(ui, report::run(global, command, ui)))
        }
        Command::Openapi => openapi::run(global, ui),
        Command::Token(command) => token::run(global, command, ui),
        Command::User(command) => user::run(global, command, ui),
        Command::Versions => versions::run(global, ui),
        Command::Generate(command) => generate::run(global, command, ui),
    }
}

/// Runs `work` on as many threads as there are cores, until it is done.
fn block_on(
    global: &arguments::Global,
    work: impl Future<Output = Result<ExitCode, CliError>>,
) -> Result<ExitCode, CliError> {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    if let Some(threads) = global.threads.as_deref().and_then(|threads| threads.parse().ok()) {
        builder.worker_threads(std::cmp::max(1, threads));
    }
    let runtime = builder
        .enable_all()
        .build()
        .map_err(|error| CliError::unexpected(format!("cannot start threads: {error}")))?;
    let outcome = runtime.block_on(work);
    // Blocking work that is still under way writes files that nobody will name.
    runtime.shutdown_background();
    outcome
}

/// Work that ends when the user interrupts it. Nothing is published then.
async fn interruptible(
    ui: &Ui,
    work: impl Future<Output = Result<ExitCode, CliError>>,
) -> Result<ExitCode, CliError> {
    tokio::select! {
        outcome = work => outcome,
        _ = tokio::signal::ctrl_c() => {
            ui.close();
            ui.note("interrupted");
            Ok(ExitCode::from(INTERRUPTED))
        }
    }
}
