//! The real reader says what the reference says: any text, any dialect, any size of blocks.

use proptest::prelude::*;
use proptest::sample::select;

use super::reference::{self, Record, TooLong};
use super::{Outcome, cells, column, input, read_whole};
use crate::ingest::reading::dialect::Dialect;
use crate::ingest::reading::{ReadError, ReadSizes};
use crate::rules::{Contract, Encoding, Quote, ReadOptions, RecordTerminator};

/// Pieces of which texts are made: whatever any of the dialects gives a meaning.
const PIECES: &[&str] = &[
    "a", "b", "é", "NULL", " ", ",", ",", "\"", "\"", "\"\"", "\n", "\n", "\r", "\r\n", "\\", "#",
    "|", "+|", "$", "$$", "$$\n", "'", "\0",
];

fn any_options() -> impl Strategy<Value = ReadOptions> {
    let terminator = select(vec![
        RecordTerminator::Newline,
        RecordTerminator::Newline,
        RecordTerminator::Text("$$".to_owned()),
        RecordTerminator::Text("|\n".to_owned()),
    ]);
    let quote = select(vec![
        Quote::Char('"'),
        Quote::Char('"'),
        Quote::Char('\''),
        Quote::Char('é'),
        Quote::None,
    ]);
    let encoding =
        select(vec![Encoding::Utf8, Encoding::Latin1, Encoding::Utf16Le, Encoding::Utf16Be]);
    (
        select(vec![",", ",", "|", "+|", "é"]),
        terminator,
        quote,
        select(vec![None, None, Some('\\'), Some('"'), Some('é')]),
        select(vec![None, None, Some('#')]),
        encoding,
        0_u64..3,
        any::<(bool, bool)>(),
    )
        .prop_map(|(delimiter, terminator, quote, escape, comment, encoding, skip, nulls)| {
            ReadOptions {
                header: false,
                delimiter: delimiter.to_owned(),
                terminator,
                quote,
                escape,
                comment,
                encoding,
                skip,
                null_values: vec!["NULL".to_owned()],
                empty_is_null: nulls.0,
                quoted_nulls: nulls.1,
            }
        })
        .prop_filter("options contradict each other", |options| Dialect::new(options, 1).is_ok())
}

fn any_text() -> impl Strategy<Value = String> {
    prop::collection::vec(select(PIECES), 0..80).prop_map(|pieces| pieces.concat())
}

fn encoded(text: &str, encoding: Encoding) -> Vec<u8> {
    match encoding {
        Encoding::Utf8 => text.as_bytes().to_vec(),
        Encoding::Latin1 => text.chars().map(|character| character as u8).collect(),
        Encoding::Utf16Be => text.encode_utf16().flat_map(u16::to_be_bytes).collect(),
        _ => text.encode_utf16().flat_map(u16::to_le_bytes).collect(),
    }
}

/// What was read, in the reference's form, with what is ragged or not closed as records without cells.
fn seen(outcome: &Outcome) -> Vec<Record> {
    let mut records = Vec::new();
    for chunk in &outcome.chunks {
        for (row, position) in chunk.positions.iter().enumerate() {
            let cells = cells(&chunk.batch, row);
            records.push((position.clone(), Some(cells)));
        }
        for reject in &chunk.rejects {
            let start = (reject.position.bytes.start - chunk.bytes_start) as usize;
            let end = (reject.position.bytes.end - chunk.bytes_start) as usize;
            assert!(chunk.bytes.get(start..end).is_some(), "the raw text is in the chunk");
            records.push((reject.position.clone(), None));
        }
    }
    records.sort_by_key(|(position, _)| (position.bytes.start, position.line));
    let record = |(position, cells): (crate::ingest::Position, Option<Vec<String>>)| {
        let cells = cells.map(|cells| cells.into_iter().map(Some).collect());
        Record { line: position.line, start: position.bytes.start, end: position.bytes.end, cells }
    };
    records.into_iter().map(record).collect()
}

/// What the reference found, in the same form.
fn expected(records: Vec<Record>, width: usize) -> Vec<Record> {
    let shown = |cell: Option<String>| cell.map_or("-".to_owned(), |text| format!("{text:?}"));
    let form = |mut record: Record| {
        let whole = record.cells.take().filter(|cells| cells.len() == width);
        record.cells = whole.map(|cells| cells.into_iter().map(|cell| Some(shown(cell))).collect());
        record
    };
    records.into_iter().map(form).collect()
}

fn agree(text: &str, options: &ReadOptions, width: usize, sizes: ReadSizes) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("input.csv");
    std::fs::write(&path, encoded(text, options.encoding)).unwrap();
    let columns = (0..width).map(|index| column(&format!("c{index}"), "text")).collect();
    let mut input = input(&path, Contract { columns, ..Contract::default() }, options.clone());
    input.sizes = sizes;
    input.parallel = 3;
    let read = read_whole(input);
    match reference::records(text, options, width, sizes.record_bytes_max) {
        Ok(records) => {
            let outcome = read.unwrap();
            assert_eq!(seen(&outcome), expected(records, width));
            let in_chunks: u64 = outcome.chunks.iter().map(|chunk| chunk.records).sum();
            assert_eq!(outcome.summary.records, in_chunks);
        }
        Err(TooLong(line_expected)) => match read {
            Err(ReadError::RecordTooLong { line, .. }) => assert_eq!(line, line_expected),
            other => panic!("expected a record that is too long, found {other:?}"),
        },
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn any_dialect_in_blocks_of_any_size(
        text in any_text(),
        options in any_options(),
        width in 1_usize..4,
        block_bytes in 1_usize..64,
    ) {
        agree(&text, &options, width, ReadSizes { block_bytes, record_bytes_max: 1 << 20 });
    }

    #[test]
    fn the_common_dialect_in_blocks_of_any_size(
        pieces in prop::collection::vec(select(vec!["a", "longer text", ",", ",", "\"", "\"", "\"\"", "\n", "\r\n", "\r"]), 0..200),
        width in 1_usize..4,
        block_bytes in 1_usize..200,
    ) {
        let options = ReadOptions { header: false, ..ReadOptions::default() };
        agree(&pieces.concat(), &options, width, ReadSizes { block_bytes, record_bytes_max: 1 << 20 });
    }

    #[test]
    fn records_beyond_the_limit(
        text in any_text(),
        options in any_options(),
        width in 1_usize..3,
        block_bytes in 1_usize..64,
        record_bytes_max in 4_usize..40,
    ) {
        agree(&text, &options, width, ReadSizes { block_bytes, record_bytes_max });
    }
}

/// The two ways of scanning, held against each other on longer texts than the reference has patience for.
mod scanners {
    use super::*;
    use crate::ingest::reading::records::Records;
    use crate::ingest::reading::scan::{Stop, scan};

    fn scanned(dialect: &Dialect, text: &[u8], at_end: bool) -> (Records, Stop) {
        let mut records = Records::of_width(Some(2));
        let stop = scan(dialect, text, 0, at_end, usize::MAX, &mut records);
        (records, stop)
    }

    proptest! {
        #[test]
        fn agree_on_any_text(
            pieces in prop::collection::vec(select(vec!["a", "some text that is longer", ",", ",", ",", "\"", "\"\"", "\n", "\n", "\r\n", "\r"]), 0..400),
            at_end in any::<bool>(),
        ) {
            let text = pieces.concat();
            let swift = Dialect::new(&ReadOptions::default(), 1 << 20).unwrap();
            // An escape that never comes takes the swift way away.
            let escape = Some('\u{1}');
            let slow = Dialect::new(&ReadOptions { escape, ..ReadOptions::default() }, 1 << 20).unwrap();
            let (one, one_stop) = scanned(&swift, text.as_bytes(), at_end);
            let (other, other_stop) = scanned(&slow, text.as_bytes(), at_end);
            prop_assert_eq!(one_stop, other_stop);
            prop_assert_eq!((one.rows, one.odd, one.line), (other.rows, other.odd, other.line));
            prop_assert_eq!(one.cells, other.cells);
        }
    }
}
