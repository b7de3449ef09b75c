//! Rows that break the shop's contract on purpose, in every way that it can be broken, each with what it must be told.
//!
//! Invariant: no broken row is ever accepted, so its key is a key of no accepted row.

use std::fmt;

use super::plan::{Plan, TableId};
use super::random::Random;
use super::record::Record;

/// A column as its contract has it, told by example.
#[derive(Debug)]
pub(super) struct Column {
    pub(super) name: &'static str,
    pub(super) kind: ColumnKind,
    pub(super) not_null: bool,
    /// Cells that are no value of its type.
    pub(super) unparsable: &'static [&'static str],
    /// Values of its type that its check refuses.
    pub(super) refused: &'static [&'static str],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ColumnKind {
    /// The primary key; always the first column.
    Key,
    /// The key of another table.
    Reference(TableId),
    Text,
    Plain,
}

/// One table of the shop.
pub(super) trait Table: Sync {
    fn id(&self) -> TableId;
    fn file(&self) -> &'static str;
    fn columns(&self) -> &'static [Column];
    /// Fills `record` with the cells of `row` where nothing is broken on purpose. Returns the references that are not
    /// sound all the same, because hardly any row of the other table is.
    fn fill(&self, row: u64, record: &mut Record) -> Vec<Reason>;
}

/// A rule that a row breaks: the code that quarantine shows, in the order in which codes are listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Rule {
    Ragged,
    Encoding,
    Type,
    NotNull,
    Check,
    PrimaryKey,
    ForeignKey,
}

/// Why a row will be rejected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Reason {
    rule: Rule,
    column: usize,
    column_name: &'static str,
}

impl Reason {
    /// Column `column` of `columns` refers to no accepted row.
    pub(super) fn foreign_key(columns: &[Column], column: usize) -> Self {
        Self { rule: Rule::ForeignKey, column, column_name: columns[column].name }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let code = match self.rule {
            Rule::Ragged => return f.write_str("ragged"),
            Rule::Encoding => return f.write_str("encoding"),
            Rule::Type => "type",
            Rule::NotNull => "not_null",
            Rule::Check => "check",
            Rule::PrimaryKey => "primary_key",
            Rule::ForeignKey => "foreign_key",
        };
        write!(f, "{code}:{}", self.column_name)
    }
}

/// One way to break a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    /// The last cells are missing.
    Short,
    /// There are cells beyond the last column.
    Long,
    /// A cell holds bytes that are not UTF-8.
    Undecodable,
    /// An earlier row stands here once more.
    Repeat,
    /// The row has the key of an earlier one.
    SameKey,
    Cell(Flaw, usize),
    /// Two or three cells are broken, and sometimes the key is an earlier row's.
    Several,
}

/// One way to break a cell, in the column that stands beside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flaw {
    Unparsable,
    Null,
    Refused,
    /// Refers to a row that was never there.
    Missing,
    /// Refers to a row that is itself broken.
    Rejected,
}

const UNDECODABLE: [&[u8]; 4] = [b"\xff\xfe", b"caf\xe9", b"\xed\xa0\x80", b"\xc3"];

/// How far back the row with the same key may stand.
const REPEAT_DISTANCE: u64 = 5_000;

/// Writes the rows of one table, sound and broken.
pub(super) struct Breaker<'a> {
    plan: &'a Plan,
    table: &'a dyn Table,
    faults: Vec<Fault>,
}

impl<'a> Breaker<'a> {
    pub(super) fn new(plan: &'a Plan, table: &'a dyn Table) -> Self {
        let mut faults = vec![Fault::Short, Fault::Long, Fault::Undecodable];
        faults.extend([Fault::Repeat, Fault::SameKey, Fault::Several]);
        for (index, column) in table.columns().iter().enumerate() {
            let flaws = [
                (Flaw::Unparsable, !column.unparsable.is_empty()),
                (Flaw::Null, column.not_null),
                (Flaw::Refused, !column.refused.is_empty()),
                (Flaw::Missing, matches!(column.kind, ColumnKind::Reference(_))),
                (Flaw::Rejected, matches!(column.kind, ColumnKind::Reference(_))),
            ];
            let possible = flaws.into_iter().filter(|(_, possible)| *possible);
            faults.extend(possible.map(|(flaw, _)| Fault::Cell(flaw, index)));
        }
        Self { plan, table, faults }
    }

    /// Fills `record` with `row` as it will stand in the file. Returns why it will be rejected, sorted; nothing for a
    /// row that will be accepted.
    pub(super) fn fill(&self, row: u64, record: &mut Record) -> Vec<Reason> {
        record.clear();
        let Some(mut random) = self.plan.fault(self.table.id(), row) else {
            return self.table.fill(row, record);
        };
        let mut reasons = match self.draw(&mut random) {
            Fault::Short => {
                self.table.fill(row, record);
                record.shorten(1 + random.below(2) as usize);
                vec![self.reason(Rule::Ragged, 0)]
            }
            Fault::Long => {
                self.table.fill(row, record);
                for _ in 0..=random.below(2) {
                    record.push(random.pick::<&str>(&["", "n/a", "a, b"]));
                }
                vec![self.reason(Rule::Ragged, 0)]
            }
            Fault::Undecodable => self.undecodable(row, record, &mut random),
            Fault::Repeat => match self.earlier_key(row, &mut random) {
                Some(earlier) => self.repeated(earlier, record),
                None => self.several(row, record, &mut random),
            },
            Fault::SameKey => match self.earlier_key(row, &mut random) {
                Some(earlier) => self.same_key(row, earlier, record, &mut random),
                None => self.several(row, record, &mut random),
            },
            Fault::Cell(flaw, column) => {
                let mut reasons = self.table.fill(row, record);
                self.break_cell(flaw, column, record, &mut reasons, &mut random);
                reasons
            }
            Fault::Several => self.several(row, record, &mut random),
        };
        reasons.sort_unstable();
        reasons
    }

    fn draw(&self, random: &mut Random) -> Fault {
        *random.pick(&self.faults)
    }

    fn reason(&self, rule: Rule, column: usize) -> Reason {
        Reason { rule, column, column_name: self.table.columns()[column].name }
    }

    fn undecodable(&self, row: u64, record: &mut Record, random: &mut Random) -> Vec<Reason> {
        self.table.fill(row, record);
        let is_text = |index: &usize| self.table.columns()[*index].kind == ColumnKind::Text;
        let texts: Vec<usize> = (0..self.table.columns().len()).filter(is_text).collect();
        let column = *random.pick(&texts);
        let mut cell = record.cell(column).to_vec();
        cell.extend_from_slice(random.pick::<&[u8]>(&UNDECODABLE));
        record.replace(column, &cell);
        vec![self.reason(Rule::Encoding, 0)]
    }

    fn repeated(&self, earlier: u64, record: &mut Record) -> Vec<Reason> {
        let mut reasons = self.table.fill(earlier, record);
        reasons.push(self.reason(Rule::PrimaryKey, 0));
        reasons
    }

    /// The row's own cells under an earlier row's key, which is now and then spelled another way.
    fn same_key(
        &self,
        row: u64,
        earlier: u64,
        record: &mut Record,
        random: &mut Random,
    ) -> Vec<Reason> {
        let mut reasons = self.table.fill(row, record);
        let spelling = random.pick(&["", "", "", "+", "0", "000"]);
        record.replace(0, format!("{spelling}{}", key(earlier)).as_bytes());
        reasons.push(self.reason(Rule::PrimaryKey, 0));
        reasons
    }

    fn several(&self, row: u64, record: &mut Record, random: &mut Random) -> Vec<Reason> {
        let earlier = if random.below(4) == 0 { self.earlier_key(row, random) } else { None };
        let mut reasons = match earlier {
            Some(earlier) => self.same_key(row, earlier, record, random),
            None => self.table.fill(row, record),
        };
        let cells: Vec<(Flaw, usize)> = self
            .faults
            .iter()
            .filter_map(|fault| match fault {
                Fault::Cell(flaw, column) if *column > 0 => Some((*flaw, *column)),
                _ => None,
            })
            .collect();
        let mut broken = Vec::new();
        let count = 2 + random.below(2) as usize;
        while broken.len() < count {
            let (flaw, column) = *random.pick(&cells);
            if !broken.contains(&column) {
                self.break_cell(flaw, column, record, &mut reasons, random);
                broken.push(column);
            }
        }
        reasons
    }

    fn break_cell(
        &self,
        flaw: Flaw,
        column: usize,
        record: &mut Record,
        reasons: &mut Vec<Reason>,
        random: &mut Random,
    ) {
        let rules = &self.table.columns()[column];
        let (rule, cell) = match flaw {
            Flaw::Unparsable => (Rule::Type, (*random.pick(rules.unparsable)).to_owned()),
            Flaw::Null => (Rule::NotNull, String::new()),
            Flaw::Refused => (Rule::Check, (*random.pick(rules.refused)).to_owned()),
            Flaw::Missing => (Rule::ForeignKey, self.missing(rules.kind, random)),
            Flaw::Rejected => (Rule::ForeignKey, self.rejected(rules.kind, random)),
        };
        record.replace(column, cell.as_bytes());
        reasons.retain(|reason| reason.column != column);
        reasons.push(self.reason(rule, column));
    }

    /// The key of no row of the table that a column refers to.
    fn missing(&self, kind: ColumnKind, random: &mut Random) -> String {
        let ColumnKind::Reference(other) = kind else { return String::new() };
        match random.below(4) {
            0 => "0".to_owned(),
            1 => format!("-{}", 1 + random.below(99)),
            _ => (self.plan.rows(other) + 1 + random.below(1_000)).to_string(),
        }
    }

    /// The key of a broken row of the table that a column refers to, where it has one.
    fn rejected(&self, kind: ColumnKind, random: &mut Random) -> String {
        let ColumnKind::Reference(other) = kind else { return String::new() };
        let rows = self.plan.rows(other);
        let from = random.below(rows);
        match (from..rows).chain(0..from).find(|&row| self.plan.is_broken(other, row)) {
            Some(row) => key(row).to_string(),
            None => self.missing(kind, random),
        }
    }

    /// A row before `row` that has its own key, itself accepted or not.
    fn earlier_key(&self, row: u64, random: &mut Random) -> Option<u64> {
        let from = row.checked_sub(1 + random.below(row.min(REPEAT_DISTANCE)))?;
        (0..=from).rev().find(|&earlier| self.keeps_key(earlier))
    }

    fn keeps_key(&self, row: u64) -> bool {
        let Some(mut random) = self.plan.fault(self.table.id(), row) else { return true };
        // A repeat without a row to repeat breaks its cells instead and keeps its key; nothing depends on that.
        matches!(self.draw(&mut random), Fault::Cell(_, 1..))
    }
}

/// The key of row `row`: keys count from 1.
pub(super) fn key(row: u64) -> u64 {
    row + 1
}
