//! How work in progress tells of itself, without knowing whether anyone watches.

use std::sync::Arc;

/// Where work reports to: bars on a terminal, plain lines elsewhere, nothing in tests.
pub(crate) trait Progress: Send + Sync {
    /// Begins a task called `name`, with the bytes it will go through where they are known.
    fn start(&self, name: &str, bytes_total: Option<u64>) -> Arc<dyn Task>;
    /// One line for a person.
    fn note(&self, line: &str);
    /// As [`Progress::note`], of what failed: said even where little is.
    fn complain(&self, line: &str) {
        self.note(line);
    }
}

/// One piece of work that is under way.
pub(crate) trait Task: Send + Sync {
    /// `rows` and `bytes` more are done.
    fn advance(&self, rows: u64, bytes: u64);
    /// The work is over; `summary` is what remains to be read of it.
    fn finish(&self, summary: &str);
}

/// Nobody watches.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Silent;

impl Progress for Silent {
    fn start(&self, _name: &str, _bytes_total: Option<u64>) -> Arc<dyn Task> {
        Arc::new(Silent)
    }
    fn note(&self, _line: &str) {}
}

impl Task for Silent {
    fn advance(&self, _rows: u64, _bytes: u64) {}
    fn finish(&self, _summary: &str) {}
}
