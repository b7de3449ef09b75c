//! Writing a table's file: blocks are made in parallel and written in order, under a name that nobody reads until all
//! is done.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use super::GenerateError;
use super::faults::{Breaker, Table};
use super::plan::Plan;
use super::record::Record;
use crate::base::progress::Task;

/// Rows that are made at once; a block of orders is about 5 MB. The files do not depend on it.
const BLOCK_ROWS: u64 = 1 << 16;

const PARTIAL: &str = ".partial";

/// A file that gets its name only when it is whole. Dropped before, it goes away; what a killed process left goes away
/// when the file is next made.
///
/// Nothing is synced: after a power cut the files can be made again.
#[derive(Debug)]
pub(super) struct StagedFile {
    file: File,
    partial: PathBuf,
    path: PathBuf,
    published: bool,
    pub(super) bytes_written: u64,
}

impl StagedFile {
    pub(super) fn create(folder: &Path, name: &str) -> Result<Self, GenerateError> {
        remove_leftovers(folder, name);
        let id = uuid::Uuid::new_v4().simple();
        let partial = folder.join(format!(".{name}.{id}{PARTIAL}"));
        let file = File::create_new(&partial)
            .map_err(|source| GenerateError::io("cannot create", &partial, source))?;
        // Tells other processes that someone is at work. Where files cannot be locked they may take it for a leftover.
        let _ = file.try_lock();
        let path = folder.join(name);
        Ok(Self { file, partial, path, published: false, bytes_written: 0 })
    }

    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<(), GenerateError> {
        let written = self.file.write_all(bytes);
        written.map_err(|source| GenerateError::io("cannot write", &self.partial, source))?;
        self.bytes_written += bytes.len() as u64;
        Ok(())
    }

    pub(super) fn publish(mut self) -> Result<PathBuf, GenerateError> {
        std::fs::rename(&self.partial, &self.path)
            .map_err(|source| GenerateError::io("cannot write", &self.path, source))?;
        self.published = true;
        Ok(self.path.clone())
    }
}

impl Drop for StagedFile {
    fn drop(&mut self) {
        if !self.published {
            // Nothing can be done about a file that will not go away; its name says what it is.
            let _ = std::fs::remove_file(&self.partial);
        }
    }
}

/// Removes what processes that are no more left of file `name`. Nothing depends on it, so that it cannot fail.
fn remove_leftovers(folder: &Path, name: &str) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let is_partial = entry.file_name().to_str().is_some_and(|found| {
            found.starts_with(&format!(".{name}.")) && found.ends_with(PARTIAL)
        });
        if is_partial && File::open(entry.path()).is_ok_and(|file| file.try_lock().is_ok()) {
            let _ = std::fs::remove_file(entry.path());
        }
    }
}

/// Consecutive rows as they stand in the file.
struct Block {
    bytes: Vec<u8>,
    rows: u64,
    lines: u64,
    rejects: Vec<Reject>,
}

/// A row that will be rejected.
pub(super) struct Reject {
    /// The 1-based line of the file on which it begins.
    pub(super) line: u64,
    /// Codes with `;` between them.
    pub(super) reasons: String,
}

/// Writes every row of `table` into `file`, and tells `on_rejects` of those that are broken, in the file's order.
pub(super) fn write_table(
    plan: &Plan,
    table: &dyn Table,
    threads: usize,
    file: &mut StagedFile,
    task: &dyn Task,
    mut on_rejects: impl FnMut(&[Reject]) -> Result<(), GenerateError>,
) -> Result<(), GenerateError> {
    let header: Vec<&str> = table.columns().iter().map(|column| column.name).collect();
    file.write(format!("{}\n", header.join(",")).as_bytes())?;
    let blocks = plan.rows(table.id()).div_ceil(BLOCK_ROWS);
    std::thread::scope(|scope| {
        // Each thread makes every n-th block and waits until the one before is taken, which bounds what is in memory.
        let receivers: Vec<Receiver<Block>> = (0..threads.max(1) as u64)
            .map(|first| {
                let (sender, receiver) = sync_channel(1);
                let mine = (first..blocks).step_by(threads.max(1));
                scope.spawn(move || make_blocks(plan, table, mine, &sender));
                receiver
            })
            .collect();
        let mut lines_before = 1;
        for (_, receiver) in (0..blocks).zip(receivers.iter().cycle()) {
            // A thread ends early only by a panic, which the scope passes on.
            let Ok(block) = receiver.recv() else { break };
            file.write(&block.bytes)?;
            let moved = |reject: Reject| Reject { line: lines_before + reject.line, ..reject };
            on_rejects(&block.rejects.into_iter().map(moved).collect::<Vec<_>>())?;
            lines_before += block.lines;
            task.advance(block.rows, block.bytes.len() as u64);
        }
        Ok(())
    })
}

fn make_blocks(
    plan: &Plan,
    table: &dyn Table,
    blocks: impl Iterator<Item = u64>,
    sender: &SyncSender<Block>,
) {
    let breaker = Breaker::new(plan, table);
    for block in blocks {
        let first = block * BLOCK_ROWS;
        let rows = first..(first + BLOCK_ROWS).min(plan.rows(table.id()));
        if sender.send(make_block(&breaker, rows)).is_err() {
            return; // the writer has given up
        }
    }
}

fn make_block(breaker: &Breaker<'_>, rows: std::ops::Range<u64>) -> Block {
    let count = rows.end - rows.start;
    let mut block = Block {
        bytes: Vec::with_capacity(count as usize * 80),
        rows: count,
        lines: 0,
        rejects: Vec::new(),
    };
    let mut record = Record::default();
    for row in rows {
        let reasons = breaker.fill(row, &mut record);
        if !reasons.is_empty() {
            let codes: Vec<String> = reasons.iter().map(ToString::to_string).collect();
            block.rejects.push(Reject { line: block.lines + 1, reasons: codes.join(";") });
        }
        block.lines += record.write(&mut block.bytes);
    }
    block
}
