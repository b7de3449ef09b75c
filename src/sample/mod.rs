//! Synthetic shop data of any size: three CSV files that look like a real shop's, and which rows of them are broken how.
//!
//! The same arguments give the same bytes on any machine and any number of threads: every cell is a function of the
//! seed and its row's number, in integers only. `rejects.csv` is written from what was done to each row; nothing here
//! knows how rows are checked.

mod calendar;
mod customers;
mod faults;
mod orders;
mod output;
mod plan;
mod products;
mod random;
mod record;
#[cfg(test)]
mod tests;
mod words;

use std::path::{Path, PathBuf};

use crate::base::progress::Progress;
use crate::base::size::{ByteSize, count};
use customers::Customers;
use faults::Table;
use orders::Orders;
use output::{Reject, StagedFile, write_table};
use plan::Plan;
use products::Products;

/// Which rows are broken how: `file`, `line` (1-based, of the record's first line) and `reasons` (codes as the
/// quarantine tables have them, with `;` between them), in the order customers, products, orders, and by line.
pub(crate) const REJECTS_FILE: &str = "rejects.csv";

/// What to generate.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    /// Orders; customers are a tenth of it (at least 1), products a thousandth (at least 100).
    pub(crate) orders: u64,
    pub(crate) seed: u64,
    /// Of all rows of each table, the share that the shop's contract rejects: 0 to 1.
    pub(crate) bad_rate: f64,
    /// The folder to write into; made where it is missing. Files of the same names are replaced.
    pub(crate) out: PathBuf,
}

/// What was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Summary {
    /// Customers, products, orders.
    pub(crate) files: Vec<FileSummary>,
    pub(crate) rejects: PathBuf,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FileSummary {
    pub(crate) path: PathBuf,
    /// Records, broken ones included, without the header.
    pub(crate) rows: u64,
    pub(crate) rows_broken: u64,
    pub(crate) bytes: u64,
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum GenerateError {
    #[error("a bad rate is between 0 and 1, not {0}")]
    BadRate(f64),
    #[error("{action} `{path}`: {source}")]
    Io { action: &'static str, path: PathBuf, source: std::io::Error },
}

impl GenerateError {
    fn io(action: &'static str, path: &Path, source: std::io::Error) -> Self {
        Self::Io { action, path: path.to_owned(), source }
    }
}

/// Writes `customers.csv`, `products.csv`, `orders.csv` and [`REJECTS_FILE`], using `threads` threads (0 counts as 1).
///
/// # Errors
/// If the bad rate is impossible or a file cannot be written; then no file is replaced, unless it is the replacing
/// itself that fails.
pub(crate) fn generate(
    request: &Request,
    progress: &dyn Progress,
    threads: usize,
) -> Result<Summary, GenerateError> {
    let plan = Plan::new(request)?;
    let folder = &request.out;
    std::fs::create_dir_all(folder)
        .map_err(|source| GenerateError::io("cannot create", folder, source))?;
    let customers = Customers::new(&plan);
    let products = Products::new(&plan);
    let orders = Orders::new(&plan, &products);
    let tables: [&dyn Table; 3] = [&customers, &products, &orders];

    let mut rejects = StagedFile::create(folder, REJECTS_FILE)?;
    rejects.write(b"file,line,reasons\n")?;
    let mut staged = Vec::new();
    for table in tables {
        staged.push(stage(&plan, table, folder, &mut rejects, progress, threads)?);
    }
    let files = staged.into_iter().map(Staged::publish).collect::<Result<_, _>>()?;
    Ok(Summary { files, rejects: rejects.publish()? })
}

/// A table's file under a name that nobody reads yet.
struct Staged {
    file: StagedFile,
    rows: u64,
    rows_broken: u64,
}

impl Staged {
    fn publish(self) -> Result<FileSummary, GenerateError> {
        let Self { file, rows, rows_broken } = self;
        let bytes = file.bytes_written;
        Ok(FileSummary { path: file.publish()?, rows, rows_broken, bytes })
    }
}

fn stage(
    plan: &Plan,
    table: &dyn Table,
    folder: &Path,
    rejects: &mut StagedFile,
    progress: &dyn Progress,
    threads: usize,
) -> Result<Staged, GenerateError> {
    let name = table.file();
    let task = progress.start(name, None);
    let mut file = StagedFile::create(folder, name)?;
    let mut rows_broken = 0;
    write_table(plan, table, threads, &mut file, &*task, |broken| {
        rows_broken += broken.len() as u64;
        let line = |reject: &Reject| format!("{name},{},{}\n", reject.line, reject.reasons);
        rejects.write(broken.iter().map(line).collect::<String>().as_bytes())
    })?;
    let rows = plan.rows(table.id());
    task.finish(&format!("{} rows, {}", count(rows), ByteSize(file.bytes_written)));
    Ok(Staged { file, rows, rows_broken })
}
