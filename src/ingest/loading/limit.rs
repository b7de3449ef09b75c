//! How many rejects are too many, and what a person is told then.

use std::fmt;
use std::path::Path;

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::Int64Type;

use super::error::LoadError;
use super::stored;
use crate::base::TableName;
use crate::base::size::count;
use crate::record::InputCount;
use crate::rules::{OnReject, RejectLimit};
use crate::warehouse::{DataFile, Manifest, TableContent};

/// How many rejects a message shows.
const FIRST_REJECTS: usize = 5;
/// How many reasons a message counts.
const REASONS_SHOWN: usize = 5;

/// A source had more rejects than it may have. The table and its quarantine stand in the draft all the same.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct TooManyRejects {
    pub(crate) table: TableName,
    pub(crate) quarantine: TableName,
    pub(crate) rows_read: u64,
    pub(crate) rows_rejected: u64,
    /// `None`: not one is allowed (`on_reject: fail`).
    pub(crate) allowed: Option<RejectLimit>,
    /// Reason codes with their counts, the most frequent first.
    pub(crate) reasons: Vec<(String, u64)>,
    pub(crate) first: Vec<FirstReject>,
}

/// One of the first rejects, in the order of files and records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FirstReject {
    pub(crate) file: String,
    pub(crate) line: u64,
    /// For people, joined by `; `.
    pub(crate) messages: String,
}

/// Whether the counts of a load are more than is allowed.
pub(super) fn exceeded(
    on_reject: OnReject,
    max_rejects: Option<RejectLimit>,
    input: &InputCount,
) -> Option<Option<RejectLimit>> {
    let (rejected, read) = (input.rows_rejected, input.rows_read);
    if on_reject == OnReject::Fail {
        return (rejected > 0).then_some(None);
    }
    let limit = max_rejects.filter(|limit| !limit.allows(rejected, read));
    limit.map(Some)
}

/// Everything a person wants to know of too many rejects.
///
/// # Errors
/// If the quarantine's files cannot be read.
pub(super) fn report(
    root: &Path,
    table: &TableName,
    quarantine: &Manifest,
    allowed: Option<RejectLimit>,
    input: &InputCount,
) -> Result<TooManyRejects, LoadError> {
    let mut reasons: Vec<(String, u64)> =
        input.reasons.iter().map(|(reason, rows)| (reason.clone(), *rows)).collect();
    reasons.sort_by(|left, right| right.1.cmp(&left.1).then_with(|| left.0.cmp(&right.0)));
    let files: &[DataFile] = match &quarantine.content {
        TableContent::Files { files } => files,
        TableContent::View { .. } => &[],
    };
    let mut first = Vec::new();
    for file in files {
        if first.len() < FIRST_REJECTS {
            read_first(&root.join(&file.path), &mut first)?;
        }
    }
    Ok(TooManyRejects {
        table: table.clone(),
        quarantine: quarantine.table.clone(),
        rows_read: input.rows_read,
        rows_rejected: input.rows_rejected,
        allowed,
        reasons,
        first,
    })
}

fn read_first(path: &Path, first: &mut Vec<FirstReject>) -> Result<(), LoadError> {
    let names = ["file", "line", "messages"].map(str::to_owned);
    let (reader, places) = stored::open(path, &names)?;
    for batch in reader {
        let batch = batch.map_err(|error| LoadError::stored(path)(error.into()))?;
        let wanted = batch.num_rows().min(FIRST_REJECTS - first.len());
        first.extend((0..wanted).map(|row| first_reject(&batch, &places, row)));
        if first.len() == FIRST_REJECTS {
            break;
        }
    }
    Ok(())
}

fn first_reject(batch: &RecordBatch, places: &[usize], row: usize) -> FirstReject {
    let messages = batch.column(places[2]).as_list::<i32>().value(row);
    let messages: Vec<&str> = messages.as_string::<i32>().iter().flatten().collect();
    FirstReject {
        file: batch.column(places[0]).as_string::<i32>().value(row).to_owned(),
        line: batch.column(places[1]).as_primitive::<Int64Type>().value(row).cast_unsigned(),
        messages: messages.join("; "),
    }
}

impl fmt::Display for TooManyRejects {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (rejected, read) = (count(self.rows_rejected), count(self.rows_read));
        write!(f, "source `{}`: {rejected} of {read} rows were rejected, and ", self.table)?;
        match self.allowed {
            None => f.write_str("`on_reject: fail` allows none")?,
            Some(RejectLimit::Rows(rows)) => write!(f, "`max_rejects` allows {}", count(rows))?,
            Some(RejectLimit::Percent(percent)) => write!(f, "`max_rejects` allows {percent} %")?,
        }
        let reasons = self.reasons.iter().take(REASONS_SHOWN);
        let reasons: Vec<String> =
            reasons.map(|(reason, rows)| format!("{reason} ({})", count(*rows))).collect();
        if !reasons.is_empty() {
            write!(f, "\n  reasons: {}", reasons.join(", "))?;
        }
        for reject in &self.first {
            write!(f, "\n  {}:{}: {}", reject.file, reject.line, reject.messages)?;
        }
        write!(f, "\n  all of them stand in {}", self.quarantine)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn input(rows_read: u64, rows_rejected: u64) -> InputCount {
        InputCount {
            table: "shop.orders".to_owned(),
            quarantine: "quarantine.shop_orders".to_owned(),
            files: 1,
            bytes: 0,
            rows_read,
            rows_accepted: rows_read - rows_rejected,
            rows_rejected,
            reasons: Default::default(),
            loaded: true,
        }
    }

    #[test]
    fn limits_hold_to_the_row() {
        let quarantine = OnReject::Quarantine;
        assert_eq!(exceeded(quarantine, None, &input(10, 10)), None);
        assert_eq!(exceeded(OnReject::Fail, None, &input(10, 1)), Some(None));
        assert_eq!(exceeded(OnReject::Fail, None, &input(10, 0)), None);
        let rows = Some(RejectLimit::Rows(2));
        assert_eq!(exceeded(quarantine, rows, &input(10, 2)), None);
        assert_eq!(exceeded(quarantine, rows, &input(10, 3)), Some(rows));
        let percent = Some(RejectLimit::Percent(20.0));
        assert_eq!(exceeded(quarantine, percent, &input(10, 2)), None);
        assert_eq!(exceeded(quarantine, percent, &input(10, 3)), Some(percent));
    }

    #[test]
    fn the_message_counts_and_shows_the_first() {
        let reject = FirstReject {
            file: "data/orders.csv".to_owned(),
            line: 17,
            messages: "quantity: 'x' is not an integer".to_owned(),
        };
        let told = TooManyRejects {
            table: "shop.orders".parse().unwrap(),
            quarantine: "quarantine.shop_orders".parse().unwrap(),
            rows_read: 10_000,
            rows_rejected: 1_234,
            allowed: Some(RejectLimit::Percent(0.5)),
            reasons: vec![("type:quantity".to_owned(), 1_200), ("ragged".to_owned(), 34)],
            first: vec![reject],
        };
        insta::assert_snapshot!(told, @r"
        source `shop.orders`: 1,234 of 10,000 rows were rejected, and `max_rejects` allows 0.5 %
          reasons: type:quantity (1,200), ragged (34)
          data/orders.csv:17: quantity: 'x' is not an integer
          all of them stand in quarantine.shop_orders
        ");
    }
}
