//! Some rejected records for each reason, out of the quarantine tables.

use std::collections::BTreeMap;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Int64Type};
use futures::TryStreamExt;

use super::quality::RejectPart;
use crate::base::TableName;
use crate::engine::Session;
use crate::record::InputCount;

/// Records shown for a reason.
const SHOWN: u64 = 3;
/// Rejects looked at in the search for one of each reason.
const ROWS_MAX: usize = 500_000;
/// How much of a record is shown, in characters.
const RAW_CHARACTERS: usize = 300;

/// Up to [`SHOWN`] records by reason, in stored order. None where the table cannot be asked.
pub(super) async fn samples(
    session: &Session,
    input: &InputCount,
) -> BTreeMap<String, Vec<RejectPart>> {
    let mut found = BTreeMap::new();
    let Ok(table) = input.quarantine.parse::<TableName>() else { return found };
    let columns = "file, line, raw, reasons, messages";
    let sql = format!("select {columns} from {} limit {ROWS_MAX}", table.quoted());
    let Ok(query) = session.plan(&sql).await else { return found };
    let Ok(mut rows) = query.in_stored_order().stream().await else { return found };
    while let Ok(Some(batch)) = rows.try_next().await {
        take(&batch, &mut found);
        let is_enough = |(reason, rows): (&String, &u64)| {
            found.get(reason).map_or(0, Vec::len) as u64 >= SHOWN.min(*rows)
        };
        if input.reasons.iter().all(is_enough) {
            break;
        }
    }
    found
}

fn take(batch: &RecordBatch, found: &mut BTreeMap<String, Vec<RejectPart>>) -> Option<()> {
    let column = |name: &str| batch.column_by_name(name);
    let files = cast(column("file")?, &DataType::Utf8).ok()?;
    let lines = cast(column("line")?, &DataType::Int64).ok()?;
    let raw = cast(column("raw")?, &DataType::Binary).ok()?;
    let (reasons, messages) = (column("reasons")?, column("messages")?);
    for row in 0..batch.num_rows() {
        let messages = texts(messages, row);
        for (index, reason) in texts(reasons, row).into_iter().enumerate() {
            let shown = found.entry(reason).or_default();
            if shown.len() as u64 >= SHOWN {
                continue;
            }
            shown.push(RejectPart {
                file: files.as_string::<i32>().value(row).to_owned(),
                line: u64::try_from(lines.as_primitive::<Int64Type>().value(row)).unwrap_or(0),
                message: messages.get(index).cloned().unwrap_or_default(),
                raw: shortened(&String::from_utf8_lossy(raw.as_binary::<i32>().value(row))),
            });
        }
    }
    Some(())
}

fn texts(lists: &ArrayRef, row: usize) -> Vec<String> {
    let Some(lists) = lists.as_list_opt::<i32>().filter(|lists| lists.is_valid(row)) else {
        return Vec::new();
    };
    let Ok(items) = cast(&lists.value(row), &DataType::Utf8) else { return Vec::new() };
    items.as_string::<i32>().iter().map(|item| item.unwrap_or_default().to_owned()).collect()
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(RAW_CHARACTERS) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", &text[..end]),
    }
}
