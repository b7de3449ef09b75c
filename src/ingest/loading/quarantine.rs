//! Rejects as rows of the quarantine table.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, BinaryBuilder, BooleanArray, Int64Array, ListBuilder, RecordBatch, StringArray,
    StringBuilder, UInt32Array,
};
use arrow::compute::take;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::error::ArrowError;
use arrow::util::display::{ArrayFormatter, FormatOptions};

use super::judge::{Broken, KeyRules, RuleBits};
use super::stored;
use crate::ingest::{Chunk, Position, Reason, RowReject, Rule};

/// How much of a value a message shows, in characters.
const VALUE_CHARACTERS_MAX: usize = 60;

/// A rejected record with all that is known against it.
pub(super) struct Reject<'a> {
    pub(super) row: Option<usize>,
    pub(super) position: &'a Position,
    /// What the row rules said.
    own: &'a [Reason],
    /// Key and reference rules broken.
    broken: RuleBits,
}

/// The columns of a quarantine table, and behind them what judging its rows again needs: nobody sees those.
pub(super) fn schema(rules: &KeyRules, contract: &Schema) -> SchemaRef {
    let list = || DataType::List(Arc::new(Field::new("item", DataType::Utf8, true)));
    let mut fields = vec![
        Field::new("file", DataType::Utf8, true),
        Field::new("line", DataType::Int64, true),
        Field::new(stored::REJECT_OFFSET, DataType::Int64, true),
        Field::new("raw", DataType::Binary, true),
        Field::new("reasons", list(), true),
        Field::new("messages", list(), true),
        Field::new(stored::PASSED, DataType::Boolean, true),
        Field::new(stored::BROKEN, DataType::Int64, true),
    ];
    fields.extend(rules.columns.iter().map(|column| {
        let field = contract.field(*column);
        Field::new(stored::key_column(field.name()), field.data_type().clone(), true)
    }));
    Arc::new(Schema::new(fields))
}

/// What a person is told of each column that is seen, in order.
pub(super) const DESCRIPTIONS: [(&str, &str); 6] = [
    ("file", "The file that the record stands in"),
    ("line", "The line on which the record begins, counted from 1"),
    ("byte_offset", "Where the record begins in the decompressed file, in bytes from 0"),
    ("raw", "The record's bytes, without its terminator"),
    ("reasons", "The rules that the record broke"),
    ("messages", "The same for people, with what stood there"),
];

/// All rejects of a chunk in order: those of the row rules, and the rows that broke others.
pub(super) fn rejects<'a>(chunk: &'a Chunk, broken: &[Broken]) -> Vec<Reject<'a>> {
    let mut by_row: BTreeMap<usize, RuleBits> =
        broken.iter().map(|broken| (broken.row as usize, broken.rules)).collect();
    let mut all: Vec<Reject<'a>> = chunk
        .rejects
        .iter()
        .map(|RowReject { row, position, reasons }| {
            let broken = row.and_then(|row| by_row.remove(&row)).unwrap_or(0);
            Reject { row: *row, position, own: reasons, broken }
        })
        .collect();
    all.extend(by_row.into_iter().map(|(row, broken)| {
        let position = &chunk.positions[row];
        Reject { row: Some(row), position, own: &[], broken }
    }));
    all.sort_by_key(|reject| reject.position.bytes.start);
    all
}

/// The quarantine rows of a chunk's rejects, and how many there are by reason code.
///
/// # Errors
/// If Arrow cannot hold them, e.g. more than 2 GiB of raw text.
pub(super) fn rows(
    schema: &SchemaRef,
    rules: &KeyRules,
    file: &str,
    chunk: &Chunk,
    rejects: &[Reject<'_>],
    counts: &mut BTreeMap<String, u64>,
) -> Result<RecordBatch, ArrowError> {
    let (mut reasons, mut messages) = (list_builder(), list_builder());
    let mut raw = BinaryBuilder::new();
    for reject in rejects {
        for reason in all_reasons(rules, chunk, reject)? {
            let code = reason.rule.to_string();
            reasons.values().append_value(&code);
            messages.values().append_value(&reason.message);
            *counts.entry(code).or_default() += 1;
        }
        reasons.append(true);
        messages.append(true);
        raw.append_value(bytes_of(chunk, reject.position));
    }
    let numbers = |of: fn(&Position) -> u64| -> ArrayRef {
        Arc::new(rejects.iter().map(|reject| of(reject.position) as i64).collect::<Int64Array>())
    };
    let mut columns: Vec<ArrayRef> = vec![
        Arc::new(StringArray::from(vec![file; rejects.len()])),
        numbers(|position| position.line),
        numbers(|position| position.bytes.start),
        Arc::new(raw.finish()),
        Arc::new(reasons.finish()),
        Arc::new(messages.finish()),
        Arc::new(rejects.iter().map(|r| Some(r.own.is_empty())).collect::<BooleanArray>()),
        Arc::new(rejects.iter().map(|r| stored::as_stored(r.broken)).collect::<Int64Array>()),
    ];
    let rows: UInt32Array = rejects.iter().map(|reject| reject.row.map(|row| row as u32)).collect();
    for column in rules.key_columns(&chunk.batch) {
        columns.push(take(&column, &rows, None)?);
    }
    RecordBatch::try_new(Arc::clone(schema), columns)
}

fn list_builder() -> ListBuilder<StringBuilder> {
    ListBuilder::new(StringBuilder::new())
}

/// The source bytes of a record.
pub(super) fn bytes_of<'a>(chunk: &'a Chunk, position: &Position) -> &'a [u8] {
    let start = position.bytes.start.saturating_sub(chunk.bytes_start) as usize;
    let end = position.bytes.end.saturating_sub(chunk.bytes_start) as usize;
    chunk.bytes.get(start..end).unwrap_or_default()
}

/// A record's reasons in the order of rule kinds, then of columns.
fn all_reasons(
    rules: &KeyRules,
    chunk: &Chunk,
    reject: &Reject<'_>,
) -> Result<Vec<Reason>, ArrowError> {
    let mut reasons = reject.own.to_vec();
    reasons.sort_by_key(|reason| kind(&reason.rule));
    let Some(row) = reject.row else { return Ok(reasons) };
    for (index, key) in rules.keys.iter().enumerate() {
        if reject.broken >> index & 1 == 1 {
            let shown = shown(rules, chunk, &key.columns, row)?;
            let message = format!("{shown} stands in a row before it");
            reasons.push(Reason { rule: key.rule.clone(), message });
        }
    }
    for (index, reference) in rules.references.iter().enumerate() {
        if reject.broken & rules.reference_bit(index) != 0 {
            let shown = shown(rules, chunk, &reference.columns, row)?;
            let message = format!("{shown} refers to no accepted row of {}", reference.to);
            reasons.push(Reason { rule: reference.rule.clone(), message });
        }
    }
    Ok(reasons)
}

/// `customer_id: '17'`, or `(a, b): ('x', '1')`.
fn shown(
    rules: &KeyRules,
    chunk: &Chunk,
    columns: &[usize],
    row: usize,
) -> Result<String, ArrowError> {
    let schema = chunk.batch.schema_ref();
    let mut names = Vec::new();
    let mut values = Vec::new();
    for column in columns {
        let column = rules.columns[*column];
        names.push(schema.field(column).name().as_str());
        let options = FormatOptions::default();
        let value = ArrayFormatter::try_new(chunk.batch.column(column), &options)?;
        values.push(format!("'{}'", shortened(&value.value(row).to_string())));
    }
    Ok(match (&names[..], &values[..]) {
        ([name], [value]) => format!("{name}: {value}"),
        _ => format!("({}): ({})", names.join(", "), values.join(", ")),
    })
}

fn shortened(value: &str) -> String {
    match value.char_indices().nth(VALUE_CHARACTERS_MAX) {
        None => value.to_owned(),
        Some((end, _)) => format!("{}…", &value[..end]),
    }
}

fn kind(rule: &Rule) -> u8 {
    match rule {
        Rule::Ragged => 0,
        Rule::Encoding => 1,
        Rule::Type { .. } => 2,
        Rule::NotNull { .. } => 3,
        Rule::Check { .. } => 4,
        Rule::PrimaryKey { .. } => 5,
        Rule::Unique { .. } => 6,
        Rule::ForeignKey { .. } => 7,
    }
}

impl Reject<'_> {
    /// What the row rules said, in one line.
    pub(super) fn own_messages(&self) -> String {
        self.own.iter().map(|reason| reason.message.as_str()).collect::<Vec<_>>().join("; ")
    }
}
