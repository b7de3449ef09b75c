//! What was found against the rows of one file, before it is decided whether the file is parsed (again).

use arrow::array::ArrayRef;

use super::judge::{Broken, RuleBits};
use crate::ingest::Chunk;
use crate::ingest::reading::FileSummary;

/// What was found against the rows of one file.
#[derive(Default)]
pub(super) struct Survey {
    /// Of a file that was parsed for it.
    pub(super) end: Option<FileSummary>,
    /// Offsets and rules of the rows that break rules, in order.
    pub(super) broken: Vec<(u64, RuleBits)>,
    /// Whether that differs from what is stored.
    pub(super) changed: bool,
    /// All rows, where their verdicts wait for those of others.
    pub(super) pending: Vec<Pending>,
}

pub(super) struct Pending {
    pub(super) offset: u64,
    pub(super) broken: RuleBits,
    /// What is stored, if the row is.
    pub(super) stored: Option<RuleBits>,
}

/// Rows to be judged.
pub(super) struct Rows<'a> {
    pub(super) columns: &'a [ArrayRef],
    pub(super) offsets: Vec<u64>,
    /// Whether each breaks no row rule.
    pub(super) passed: Vec<bool>,
    pub(super) stored: Option<&'a [i64]>,
}

impl Survey {
    /// Memory that these rows will take, all of them where they wait for others, in bytes.
    pub(super) fn bytes_with(rows: &[Pending], wait: bool) -> usize {
        let found = || rows.iter().filter(|row| row.broken != 0).count();
        if wait { size_of_val(rows) } else { found() * size_of::<(u64, RuleBits)>() }
    }

    pub(super) fn add(&mut self, row: &Pending) {
        self.changed |= row.stored.is_some_and(|stored| stored != row.broken);
        if row.broken != 0 {
            self.broken.push((row.offset, row.broken));
        }
    }

    /// Takes what the rows broke besides, once that is known.
    pub(super) fn settle(&mut self, bits: &mut impl Iterator<Item = RuleBits>) {
        for mut row in std::mem::take(&mut self.pending) {
            row.broken |= bits.next().unwrap_or(0);
            self.add(&row);
        }
    }
}

/// The rows of a chunk among those that are known to break rules; they are taken from `known`.
pub(super) fn found_in(chunk: &Chunk, known: &mut &[(u64, RuleBits)]) -> Vec<Broken> {
    let mut broken = Vec::new();
    let mut rows = (0_u32..).zip(&chunk.positions);
    while let Some((&(offset, rules), rest)) = known.split_first() {
        let Some((row, _)) = rows.find(|(_, position)| position.bytes.start == offset) else {
            break;
        };
        broken.push(Broken { row, rules });
        *known = rest;
    }
    broken
}
