//! The terminal: data to stdout, talk to stderr; bars where someone watches, plain lines elsewhere.

use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use serde::Serialize;

use super::arguments::Global;
use super::error::{CliError, Kind, Message};
use crate::base::progress::{Progress, Silent, Task};
use crate::base::size::count;
use crate::base::{Diagnostic, Diagnostics, Severity};

/// Where a command writes.
pub(super) struct Ui {
    talk: Talk,
}

#[derive(Clone)]
enum Talk {
    Quiet,
    Lines,
    Bars(MultiProgress),
}

/// Logs of the program's inside go to stderr: warnings, with `-v` and `-vv` more.
pub(super) fn start_log(global: &Global) {
    let level = match (global.quiet, global.verbose) {
        (true, _) => tracing::Level::ERROR,
        (_, 0) => tracing::Level::WARN,
        (_, 1) => tracing::Level::INFO,
        _ => tracing::Level::DEBUG,
    };
    let subscriber = tracing_subscriber::fmt()
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal())
        .with_max_level(level);
    // Another command of the same process may have started it.
    drop(subscriber.try_init());
}

impl Ui {
    pub(super) fn new(global: &Global) -> Self {
        let talk = if global.quiet {
            Talk::Quiet
        } else if io::stderr().is_terminal() {
            Talk::Bars(MultiProgress::new())
        } else {
            Talk::Lines
        };
        Self { talk }
    }

    pub(super) fn progress(&self) -> Arc<dyn Progress> {
        Arc::new(Watched { talk: self.talk.clone() })
    }

    /// Takes the bars away.
    pub(super) fn close(&self) {
        if let Talk::Bars(bars) = &self.talk {
            // A terminal that cannot be cleared is no reason to fail.
            drop(bars.clear());
        }
    }

    /// Where data goes.
    pub(super) fn data(&self) -> Box<dyn Write + Send> {
        Box::new(io::BufWriter::with_capacity(1 << 16, io::stdout()))
    }

    pub(super) fn print(&self, text: &str) -> Result<(), CliError> {
        let mut out = self.data();
        match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
                Err(CliError::user(format!("cannot write to stdout: {error}")))
            }
            _ => Ok(()),
        }
    }

    pub(super) fn json(&self, value: &impl Serialize) -> Result<(), CliError> {
        let text = serde_json::to_string_pretty(value).map_err(CliError::unexpected)?;
        self.print(&(text + "\n"))
    }

    /// One line for a person.
    pub(super) fn note(&self, line: &str) {
        self.talk.note(line);
    }

    /// One line of what failed, also when quiet.
    pub(super) fn complain(&self, line: &str) {
        self.talk.complain(line);
    }

    pub(super) fn warn(&self, warnings: &Diagnostics) {
        for warning in &warnings.0 {
            self.note(&rendered(warning));
        }
    }

    /// Tells what went wrong, also when quiet.
    pub(super) fn report(&self, error: &CliError) -> ExitCode {
        match &error.message {
            Message::Diagnostics(problems) => {
                for problem in &problems.0 {
                    say(&format!("{}\n", rendered(problem)));
                }
                let is_error = |problem: &&Diagnostic| problem.severity == Severity::Error;
                let errors = problems.0.iter().filter(is_error).count();
                if errors > 1 {
                    say(&format!("{errors} problems; nothing was done"));
                }
            }
            Message::Text(text) => {
                let mut problem = Diagnostic::error(text.as_str());
                problem.hints.clone_from(&error.hints);
                say(&rendered(&problem));
                if error.kind == Kind::Unexpected {
                    say("this should not happen; `-vv` tells more");
                }
            }
        }
        error.exit_code()
    }
}

/// One line to stderr. That nobody can be told (it is closed, or its disk is full) is no reason to stop working.
fn say(line: &str) {
    drop(writeln!(io::stderr(), "{line}"));
}

fn rendered(diagnostic: &Diagnostic) -> String {
    if io::stderr().is_terminal() { diagnostic.render_styled() } else { diagnostic.render() }
}

impl Talk {
    fn note(&self, line: &str) {
        if !matches!(self, Self::Quiet) {
            self.complain(line);
        }
    }

    fn complain(&self, line: &str) {
        match self {
            Self::Quiet | Self::Lines => say(line),
            Self::Bars(bars) => bars.suspend(|| say(line)),
        }
    }
}

struct Watched {
    talk: Talk,
}

impl Progress for Watched {
    fn start(&self, name: &str, bytes_total: Option<u64>) -> Arc<dyn Task> {
        match &self.talk {
            Talk::Bars(bars) => Arc::new(Bar::new(bars, name, bytes_total)),
            _ => Arc::new(Silent),
        }
    }

    fn note(&self, line: &str) {
        self.talk.note(line);
    }

    fn complain(&self, line: &str) {
        self.talk.complain(line);
    }
}

/// One line of a terminal: name, rows, bytes and rate.
struct Bar {
    bar: ProgressBar,
    rows: std::sync::atomic::AtomicU64,
}

impl Bar {
    fn new(bars: &MultiProgress, name: &str, bytes_total: Option<u64>) -> Self {
        let template = match bytes_total {
            Some(_) => {
                "{prefix:<28!} {bar:24} {bytes:>10}/{total_bytes:<10} {bytes_per_sec:>12} {msg}"
            }
            None => "{prefix:<28!} {spinner} {bytes:>10} {msg}",
        };
        let style =
            ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
        let bar = bytes_total.map_or_else(ProgressBar::new_spinner, ProgressBar::new);
        let bar = bars.add(bar).with_style(style).with_prefix(name.to_owned());
        bar.enable_steady_tick(Duration::from_millis(100));
        Self { bar, rows: std::sync::atomic::AtomicU64::new(0) }
    }
}

impl Task for Bar {
    fn advance(&self, rows: u64, bytes: u64) {
        let rows = rows + self.rows.fetch_add(rows, std::sync::atomic::Ordering::Relaxed);
        self.bar.inc(bytes);
        self.bar.set_message(format!("{} rows", count(rows)));
    }

    fn finish(&self, _summary: &str) {
        self.bar.finish_and_clear();
    }
}
