//! One block -> one chunk: scanned, typed, row rules applied.

use std::sync::Arc;

use arrow::array::{Array, RecordBatch, RecordBatchOptions};
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use arrow::util::display::array_value_to_string;

use super::blocks::Block;
use super::cells::{Cells, ColumnBuilder, ColumnPlan, Fault, Faults, builder, shown};
use super::decode::{Coding, Decoded, Offsets, decode};
use super::dialect::Dialect;
use super::records::{Odd, Records, Span, Why};
use super::same_name;
use super::scan::{Stop, scan};
use crate::base::size::ByteSize;
use crate::engine::RowPredicate;
use crate::ingest::{Chunk, Position, Reason, RowReject, Rule};
use crate::rules::RowCheck;

/// Rows that are scanned and typed at a time: few enough for their cells to stay in the processor's cache.
const SLICE_ROWS: usize = 1024;

/// How the blocks of one file become chunks.
pub(super) struct Reader {
    pub(super) dialect: Arc<Dialect>,
    pub(super) coding: Coding,
    /// Cells of a record.
    pub(super) width: usize,
    pub(super) columns: Vec<ColumnPlan>,
    pub(super) checks: Vec<RowCheck>,
    /// One for each check.
    pub(super) predicates: Vec<RowPredicate>,
    pub(super) schema: SchemaRef,
}

/// A block that was read on the guess that it starts with a record.
#[derive(Debug)]
pub(super) struct Parsed {
    /// Lines are counted from the block's start: the first is 0.
    pub(super) chunk: Chunk,
    /// Line breaks before the rest.
    pub(super) lines: u64,
    /// Bytes at the block's end of a record that the block does not tell the end of.
    pub(super) rest_bytes: usize,
}

/// Why a block cannot be read. Not yet an error of the file: the guess may be wrong.
#[derive(Debug)]
pub(super) enum Failure {
    /// A record is too long; line breaks before it.
    TooLong {
        lines: u64,
    },
    Arrow(ArrowError),
}

impl From<ArrowError> for Failure {
    fn from(error: ArrowError) -> Self {
        Self::Arrow(error)
    }
}

/// A row that a check does not let pass.
struct Broken {
    row: usize,
    /// The check's number.
    check: usize,
    /// Why it cannot be told of this row.
    error: Option<String>,
}

/// What is gathered from slice to slice.
struct Gathered {
    builders: Vec<Box<dyn ColumnBuilder>>,
    faults: Vec<Fault>,
    positions: Vec<Position>,
    /// Of records without a row.
    rejects: Vec<RowReject>,
}

impl Reader {
    pub(super) fn read(&self, block: &Block) -> Result<Parsed, Failure> {
        let decoded = decode(self.coding, &block.bytes, block.last);
        let mut records = Records::of_width(Some(self.width));
        // Right for most files; where it is not, the arrays grow.
        let rows_likely = 1 + memchr::memchr_iter(b'\n', &decoded.text).count();
        let mut gathered = Gathered {
            builders: self.columns.iter().map(|plan| builder(plan, rows_likely)).collect(),
            faults: Vec::new(),
            positions: Vec::with_capacity(rows_likely),
            rejects: Vec::new(),
        };
        let (mut rows, mut odd) = (decoded.offsets(), decoded.offsets());
        let mut at = 0;
        let rest = loop {
            records.clear();
            let stop = scan(&self.dialect, &decoded.text, at, block.last, SLICE_ROWS, &mut records);
            self.gather(block, &decoded, &mut records, (&mut rows, &mut odd), &mut gathered);
            match stop {
                Stop::Full(next) => at = next,
                Stop::Rest(rest) => break rest,
                Stop::TooLong(_) => return Err(Failure::TooLong { lines: records.line.into() }),
            }
        };
        let rest_bytes = block.bytes.len() - decoded.offsets().source(rest);
        let lines = records.line.into();
        let chunk = self.finish(block, gathered)?;
        Ok(Parsed { chunk, lines, rest_bytes })
    }

    fn gather(
        &self,
        block: &Block,
        decoded: &Decoded<'_>,
        records: &mut Records,
        (rows, odd): (&mut Offsets<'_>, &mut Offsets<'_>),
        gathered: &mut Gathered,
    ) {
        if !decoded.undecodable.is_empty() {
            banish_undecodable(decoded, records);
        }
        let row_start = gathered.positions.len();
        gathered.positions.extend(records.rows.iter().map(|span| position(block, rows, span)));
        for record in &records.odd {
            let (position, reason) = self.odd(block, odd, record);
            gathered.rejects.push(RowReject { row: None, position, reasons: vec![reason] });
        }
        let cells = Cells { text: &decoded.text, records, dialect: &self.dialect, row_start };
        for (column, (plan, builder)) in
            std::iter::zip(&self.columns, &mut gathered.builders).enumerate()
        {
            let mut faults = Faults { column, found: &mut gathered.faults };
            builder.append(plan, cells, &mut faults);
        }
    }

    fn finish(&self, block: &Block, gathered: Gathered) -> Result<Chunk, Failure> {
        let Gathered { mut builders, mut faults, positions, mut rejects } = gathered;
        let arrays =
            builders.iter_mut().map(|builder| builder.finish()).collect::<Result<_, _>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(positions.len()));
        let schema = Arc::clone(&self.schema);
        let batch = RecordBatch::try_new_with_options(schema, arrays, &options)?;
        let records = (positions.len() + rejects.len()) as u64;
        let broken = self.broken_checks(&batch);
        // Types first, then nulls, each in the contract's order.
        faults.sort_by_key(|fault| (fault.row, fault.message.is_none(), fault.column));
        let of_rows = self.row_rejects(faults, broken, &positions, &batch);
        if !of_rows.is_empty() {
            rejects.extend(of_rows);
            rejects.sort_by_key(|reject| reject.position.bytes.start);
        }
        Ok(Chunk {
            batch,
            positions,
            rejects,
            bytes: Arc::clone(&block.bytes),
            bytes_start: block.start,
            records,
            stored_bytes: block.stored_bytes,
        })
    }

    /// The rows that break a check, by row and then by check.
    fn broken_checks(&self, batch: &RecordBatch) -> Vec<Broken> {
        let mut broken = Vec::new();
        for (check, predicate) in self.predicates.iter().enumerate() {
            match predicate(batch) {
                Ok(holds) if holds.true_count() + holds.null_count() == holds.len() => {}
                Ok(holds) => {
                    let fails = |row: &usize| holds.is_valid(*row) && !holds.value(*row);
                    let rows = (0..holds.len()).filter(fails);
                    broken.extend(rows.map(|row| Broken { row, check, error: None }));
                }
                // Of some row it cannot be told: that one is rejected, not all.
                Err(_) => broken.extend((0..batch.num_rows()).filter_map(|row| {
                    let error = match predicate(&batch.slice(row, 1)) {
                        Ok(holds) if holds.true_count() + holds.null_count() == 1 => return None,
                        Ok(_) => None,
                        Err(error) => Some(error.to_string()),
                    };
                    Some(Broken { row, check, error })
                })),
            }
        }
        broken.sort_by_key(|broken| (broken.row, broken.check));
        broken
    }

    /// One reject for each row that is named, `faults` and `broken` being sorted by row.
    fn row_rejects(
        &self,
        faults: Vec<Fault>,
        broken: Vec<Broken>,
        positions: &[Position],
        batch: &RecordBatch,
    ) -> Vec<RowReject> {
        let faults = faults.into_iter().map(|fault| (fault.row, self.fault_reason(fault)));
        let broken =
            broken.into_iter().map(|broken| (broken.row, self.check_reason(broken, batch)));
        let mut reasons: Vec<(usize, Reason)> = faults.chain(broken).collect();
        reasons.sort_by_key(|(row, _)| *row);
        let mut rejects: Vec<RowReject> = Vec::new();
        for (row, reason) in reasons {
            match rejects.last_mut().filter(|last| last.row == Some(row)) {
                Some(last) => last.reasons.push(reason),
                None => rejects.push(RowReject {
                    row: Some(row),
                    position: positions[row].clone(),
                    reasons: vec![reason],
                }),
            }
        }
        rejects
    }

    fn fault_reason(&self, fault: Fault) -> Reason {
        let column = self.columns[fault.column].rule.name.clone();
        match fault.message {
            Some(message) => Reason { rule: Rule::Type { column }, message },
            None => {
                let message = format!("{column}: is null, which it must not be");
                Reason { rule: Rule::NotNull { column }, message }
            }
        }
    }

    fn check_reason(&self, broken: Broken, batch: &RecordBatch) -> Reason {
        let Broken { row, check, error } = broken;
        let RowCheck { name, column, expression } = &self.checks[check];
        let value = column.as_ref().and_then(|column| {
            let at = self.columns.iter().position(|plan| same_name(&plan.rule.name, column))?;
            let value = array_value_to_string(batch.column(at), row).ok()?;
            Some(format!("{column}: '{}' ", shown(value.as_bytes())))
        });
        let value = value.unwrap_or_default();
        let message = match error {
            None => format!("{value}does not satisfy {expression}"),
            Some(error) => format!("{value}cannot be told by {expression}: {error}"),
        };
        Reason { rule: Rule::Check { name: name.clone() }, message }
    }

    /// Where a record without a row stands, and why it has none.
    fn odd(&self, block: &Block, offsets: &mut Offsets<'_>, record: &Odd) -> (Position, Reason) {
        let start = offsets.source(record.span.start as usize);
        let (rule, message) = match record.why {
            Why::Cells(cells) => {
                let s = if cells == 1 { "" } else { "s" };
                (Rule::Ragged, format!("{cells} cell{s} instead of {}", self.width))
            }
            Why::Unclosed => {
                let limit = ByteSize(self.dialect.record_bytes_max as u64);
                let message = format!(
                    "a quoted cell begins here that does not end before the file does, or within {limit}"
                );
                (Rule::Ragged, message)
            }
            Why::Undecodable(at) => {
                (Rule::Encoding, undecodable(self.coding, block, offsets.source(at)))
            }
        };
        let end = offsets.source(record.span.end as usize);
        let bytes = block.start + start as u64..block.start + end as u64;
        (Position { line: record.span.line.into(), bytes }, Reason { rule, message })
    }
}

#[cold]
fn banish_undecodable(decoded: &Decoded<'_>, records: &mut Records) {
    let why = |span: &Span| decoded.undecodable_in(span.start, span.end).map(Why::Undecodable);
    for record in &mut records.odd {
        if let Some(why) = why(&record.span) {
            record.why = why;
        }
    }
    records.banish(why);
}

fn position(block: &Block, offsets: &mut Offsets<'_>, span: &Span) -> Position {
    let start = block.start + offsets.source(span.start as usize) as u64;
    let end = block.start + offsets.source(span.end as usize) as u64;
    Position { line: span.line.into(), bytes: start..end }
}

fn undecodable(coding: Coding, block: &Block, place: usize) -> String {
    let offset = block.start + place as u64;
    let byte = block.bytes.get(place).copied().unwrap_or_default();
    match coding {
        Coding::Utf16 { .. } => format!("no UTF-16 text at offset {offset}"),
        Coding::Utf8 | Coding::Latin1 => {
            format!("no UTF-8 text: byte 0x{byte:02x} at offset {offset}")
        }
    }
}
