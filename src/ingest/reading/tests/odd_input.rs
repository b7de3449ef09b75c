//! What is defined for each odd input, as goldens.

use std::sync::Arc;

use arrow::array::{AsArray, BooleanArray};
use arrow::datatypes::Int32Type;

use super::{column, contract, input, read_bytes, read_whole, told};
use crate::engine::RowPredicate;
use crate::ingest::reading::{ReadError, ReadSizes};
use crate::rules::{Contract, Encoding, Quote, ReadOptions, RecordTerminator, RowCheck};

fn plain() -> ReadOptions {
    ReadOptions::default()
}

fn read(columns: &str, bytes: &[u8], options: ReadOptions) -> String {
    told(&read_bytes(bytes, contract(columns), options).unwrap())
}

fn refused(columns: &str, bytes: &[u8], options: ReadOptions) -> String {
    let error = read_bytes(bytes, contract(columns), options).unwrap_err();
    match error.hint() {
        Some(hint) => format!("{error}\nhint: {hint}"),
        None => error.to_string(),
    }
}

#[test]
fn every_reason_of_a_record_is_told() {
    let mut contract = contract("id bigint, price decimal(18,2), day date, note text");
    contract.columns[3].not_null = true;
    contract.primary_key = vec!["ID".to_owned()];
    let bytes =
        b"id,price,day,note\n1,12.30,2024-02-29,x\n,12.345,2024-02-30,\n3.0,1,2024-01-01,\"\"\n";
    let outcome = read_bytes(bytes, contract, plain()).unwrap();
    insta::assert_snapshot!(told(&outcome), @r#"
    2 18..38 1 | 12.30 | 2024-02-29 | "x"
    3 39..58 - | - | - | - ! price: '12.345' is not a decimal(18,2) ! day: '2024-02-30' is not a date ! id: is null, which it must not be ! note: is null, which it must not be
    4 59..78 - | 1.00 | 2024-01-01 | "" ! id: '3.0' is not a bigint
    "#);
    let rules: Vec<String> = outcome.chunks[0]
        .rejects
        .iter()
        .map(|reject| format!("{:?}", reject.reasons[0].rule))
        .collect();
    assert_eq!(rules, [r#"Type { column: "price" }"#, r#"Type { column: "id" }"#]);
}

#[test]
fn checks_reject_rows_that_break_them_and_null_passes() {
    let check = |name: &str, column: Option<&str>, expression: &str| RowCheck {
        name: name.to_owned(),
        column: column.map(str::to_owned),
        expression: expression.to_owned(),
    };
    let mut contract = contract("quantity integer");
    contract.checks = vec![
        check("bounds", Some("quantity"), "quantity <= 20"),
        check("even", None, "quantity % 2 = 0"),
    ];
    let predicate = |holds: fn(i32) -> bool| -> RowPredicate {
        Arc::new(move |batch| {
            let quantities = batch.column(0).as_primitive::<Int32Type>();
            Ok(quantities.iter().map(|quantity| quantity.map(holds)).collect::<BooleanArray>())
        })
    };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("input.csv");
    std::fs::write(&path, "quantity\n20\n21\nx\n\n5\n").unwrap();
    let mut input = input(&path, contract, plain());
    input.predicates =
        vec![predicate(|quantity| quantity <= 20), predicate(|quantity| quantity % 2 == 0)];
    insta::assert_snapshot!(told(&read_whole(input).unwrap()), @r"
    2 9..11 20
    3 12..14 21 ! quantity: '21' does not satisfy quantity <= 20 ! does not satisfy quantity % 2 = 0
    4 15..16 - ! quantity: 'x' is not an integer
    5 17..17 -
    6 18..19 5 ! does not satisfy quantity % 2 = 0
    ");
}

#[test]
fn ragged_rows_have_that_one_reason() {
    insta::assert_snapshot!(read("a bigint, b bigint", b"a,b\n1\nx,2,3\n1,2\n,\n", plain()), @"
    2 4..5 ! 1 cell instead of 2
    3 6..11 ! 3 cells instead of 2
    4 12..15 1 | 2
    5 16..17 - | -
    ");
}

#[test]
fn undecodable_records_are_rejected_and_the_rest_is_read() {
    insta::assert_snapshot!(read("a text, b text", b"a,b\n\xff,1\nx\xe9\n\xc3\xa9,2\n3,\xe2\x82", plain()), @r#"
    2 4..7 ! no UTF-8 text: byte 0xff at offset 4
    3 8..10 ! no UTF-8 text: byte 0xe9 at offset 9
    4 11..15 "é" | "2"
    5 16..20 ! no UTF-8 text: byte 0xe2 at offset 18
    "#);
    let utf16 = ReadOptions { encoding: Encoding::Utf16Le, header: false, ..plain() };
    insta::assert_snapshot!(read("a text", b"a\0\n\0\0\xd8\n\0b\0\n\0c", utf16), @r#"
    1 0..2 "a"
    2 4..6 ! no UTF-16 text at offset 4
    3 8..10 "b"
    4 12..13 ! no UTF-16 text at offset 12
    "#);
}

#[test]
fn blank_lines_are_no_records_of_several_columns() {
    insta::assert_snapshot!(read("a text, b text", b"\n\na,b\n\n1,2\r\n\r\n\n", plain()), @r#"5 7..10 "1" | "2""#);
    insta::assert_snapshot!(read("a text", b"a\n\n1\n", plain()), @r#"
    2 2..2 -
    3 3..4 "1"
    "#);
}

#[test]
fn a_quote_that_is_not_closed_costs_its_line() {
    insta::assert_snapshot!(read("a text, b text", b"a,b\n1,\"x\n2,y\n3,z\n", plain()), @r#"
    2 4..8 ! a quoted cell begins here that does not end before the file does, or within 67.1 MB
    3 9..12 "2" | "y"
    4 13..16 "3" | "z"
    "#);
}

#[test]
fn text_behind_a_closing_quote_is_kept() {
    insta::assert_snapshot!(read("a text, b text", b"a,b\n\"x\"y\"z\",\"1\" \n \"q\",\"\"\"\"\n", plain()), @r#"
    2 4..16 "xy\"z\"" | "1 "
    3 17..26 " \"q\"" | "\""
    "#);
}

#[test]
fn old_mac_lines_end_records_too() {
    insta::assert_snapshot!(read("a text, b text", b"a,b\r1,2\r3,\"x\ry\"\r", plain()), @r#"
    2 4..7 "1" | "2"
    3 8..15 "3" | "x\ry"
    "#);
}

#[test]
fn files_without_rows() {
    for (bytes, warnings) in [("a,b\n", 0), ("a,b", 0), ("", 1), ("\u{feff}", 1), ("\n\n", 1)] {
        let outcome = read_bytes(bytes.as_bytes(), contract("a text, b text"), plain()).unwrap();
        assert_eq!((told(&outcome).as_str(), outcome.summary.records), ("", 0), "{bytes:?}");
        assert_eq!(outcome.summary.warnings.len(), warnings, "{bytes:?}");
    }
    let empty = read_bytes(b"", contract("a text"), plain()).unwrap();
    insta::assert_snapshot!(empty.summary.warnings[0], @"input.csv: is empty: there is no header, so there are no rows");
}

#[test]
fn headers_in_any_order_and_case() {
    insta::assert_snapshot!(read("id bigint, name text", b"\xef\xbb\xbf\" Name \",extra,ID\nx,?,1\n", plain()), @r#"2 21..26 1 | "x""#);
    insta::assert_snapshot!(refused("id bigint", b"id,Id\n1,2\n", plain()), @"input.csv: the header has more than one column called `id` and `Id`");
    insta::assert_snapshot!(refused("id bigint, quantity bigint", b"id,quantty\n", plain()), @r"
    input.csv: the header lacks `quantity`
    hint: did you mean `quantty`?
    ");
    insta::assert_snapshot!(refused("id bigint", b"\"id\n1\n", plain()), @"input.csv: a quoted name in the header is not closed");
    insta::assert_snapshot!(refused("id bigint", b"id,\xe9\n1,2\n", plain()), @r"
    input.csv: the header is not UTF-8: the byte at offset 3 is no text
    hint: set `encoding: latin1` or `encoding: utf-16` if it is that
    ");
}

#[test]
fn without_a_header_cells_stand_in_the_contracts_order() {
    let options = ReadOptions { header: false, ..plain() };
    insta::assert_snapshot!(read("a bigint, b text", b"1,x\n2,y,z\n", options), @r#"
    1 0..3 1 | "x"
    2 4..9 ! 3 cells instead of 2
    "#);
}

#[test]
fn skipped_lines_and_comments() {
    let options = ReadOptions { skip: 2, comment: Some('#'), ..plain() };
    let bytes = b"report \"of\r\n2024\n# made by hand \"\na,b\n#1,2\n1,#2\n# the end";
    insta::assert_snapshot!(read("a text, b text", bytes, options), @r##"6 43..47 "1" | "#2""##);
}

#[test]
fn odd_delimiters_and_terminators() {
    let options = ReadOptions {
        header: false,
        delimiter: "|+|".to_owned(),
        terminator: RecordTerminator::Text("$$$==$$$".to_owned()),
        quote: Quote::None,
        ..plain()
    };
    let bytes = b"1|+|<a>\n\n</a>|+|1\" headset$$$==$$$\n2|+||+|\"x$$$==$$$";
    insta::assert_snapshot!(read("a bigint, b text, c text", bytes, options), @r#"
    1 0..26 1 | "<a>\n\n</a>" | "1\" headset"
    4 35..44 2 | - | "\"x"
    "#);
}

#[test]
fn escapes_take_meaning_away() {
    let options =
        ReadOptions { escape: Some('\\'), null_values: vec!["\\N".to_owned()], ..plain() };
    let bytes = b"a,b\nx\\,y,\\N\n\"say \\\"hi\\\"\",\"\\N\"\nline\\\nbreak,\\\\\n";
    insta::assert_snapshot!(read("a text, b text", bytes, options), @r#"
    2 4..11 "x,y" | -
    3 12..29 "say \"hi\"" | "N"
    4 30..44 "line\nbreak" | "\\"
    "#);
}

#[test]
fn nulls_are_unquoted_spellings_only() {
    let mut contract = contract("a text, b bigint");
    contract.columns[1].null_values = vec!["-".to_owned()];
    let options = ReadOptions { null_values: vec!["NULL".to_owned()], ..plain() };
    let bytes = b"a,b\nNULL,-\n\"NULL\",NULL\n-,\"-\"\nnull,\"\"\n";
    insta::assert_snapshot!(told(&read_bytes(bytes, contract.clone(), options).unwrap()), @r#"
    2 4..10 - | -
    3 11..22 "NULL" | -
    4 23..28 "-" | - ! b: '-' is not a bigint
    5 29..36 "null" | - ! b: '' is not a bigint
    "#);
    let options = ReadOptions { empty_is_null: false, ..plain() };
    insta::assert_snapshot!(told(&read_bytes(b"a,b\n,\n", contract, options).unwrap()), @r#"2 4..5 "" | - ! b: '' is not a bigint"#);
}

#[test]
fn encodings_and_their_marks() {
    let latin1 = ReadOptions { encoding: Encoding::Latin1, ..plain() };
    insta::assert_snapshot!(read("a text, b text", b"a,b\ncaf\xe9,\x80\n1,2\n", latin1.clone()), @r#"
    2 4..10 "café" | "\u{80}"
    3 11..14 "1" | "2"
    "#);
    let utf16 = |big: bool| -> Vec<u8> {
        let unit = |unit: u16| if big { unit.to_be_bytes() } else { unit.to_le_bytes() };
        "\u{feff}a,b\nü,😀\n1,2\n".encode_utf16().flat_map(unit).collect()
    };
    let declared = |encoding| ReadOptions { encoding, ..plain() };
    for big in [false, true] {
        insta::allow_duplicates! {
            insta::assert_snapshot!(read("a text, b text", &utf16(big), declared(Encoding::Utf16)), @r#"
            2 10..18 "ü" | "😀"
            3 20..26 "1" | "2"
            "#);
        }
    }
    insta::assert_snapshot!(refused("a text, b text", &utf16(false), plain()), @r"
    input.csv: begins with a byte order mark of UTF-16 (little endian), but UTF-8 was declared
    hint: set `encoding: utf-16`
    ");
    insta::assert_snapshot!(refused("a text, b text", &utf16(true), declared(Encoding::Utf16Le)), @r"
    input.csv: begins with a byte order mark of UTF-16 (big endian), but UTF-16 (little endian) was declared
    hint: set `encoding: utf-16`
    ");
    insta::assert_snapshot!(refused("a text", b"\xef\xbb\xbfa\n", latin1), @r"
    input.csv: begins with a byte order mark of UTF-8, but Latin-1 was declared
    hint: set `encoding: utf-8`
    ");
}

#[test]
fn nul_bytes_are_text_and_nothing_else() {
    insta::assert_snapshot!(read("a text, b bigint", b"a,b\nx\0y,1\n\0,1\0\n", plain()), @r#"
    2 4..9 "x\0y" | 1
    3 10..14 "\0" | - ! b: '1\u{0}' is not a bigint
    "#);
}

#[test]
fn formats_of_the_column() {
    let mut when = column("at", "timestamp");
    when.format = Some("%d/%m/%Y %H:%M".to_owned());
    let contract = Contract { columns: vec![when], ..Contract::default() };
    insta::assert_snapshot!(told(&read_bytes(b"at\n01/12/2010 08:26\n2010-12-01\n", contract.clone(), plain()).unwrap()), @r"
    2 3..19 2010-12-01T08:26:00
    3 20..30 - ! at: '2010-12-01' is not a timestamp written as %d/%m/%Y %H:%M
    ");
    let mut broken = contract;
    broken.columns[0].format = Some("%Q".to_owned());
    let error = read_bytes(b"at\n", broken, plain()).unwrap_err();
    insta::assert_snapshot!(error, @"column `at`: `%Q` is no strftime format");
}

#[test]
fn a_long_value_is_cut_in_messages_and_whole_in_the_data() {
    let long = "9\n".repeat(400);
    let bytes = format!("a,b\n\"{long}\",1\n");
    let outcome = read_bytes(bytes.as_bytes(), contract("a bigint, b bigint"), plain()).unwrap();
    let message = &outcome.chunks[0].rejects[0].reasons[0].message;
    insta::assert_snapshot!(message, @r"a: '9\n9\n9\n9\n9\n9\n9\n9\n9\n9\n9\n9\n9\n9\n9\n9\n9\n9\n9\n9\n9\n9\n9\n9\n9\n9\n9\n9\n9\n9\n…' is not a bigint");
    assert_eq!(outcome.chunks[0].rejects[0].position.bytes, 4..808);
}

#[test]
fn a_cell_of_ten_megabytes() {
    let cell = "line\n".repeat(2_000_000);
    let bytes = format!("a,b\n1,\"{cell}\"\n2,x\n");
    let outcome = read_bytes(bytes.as_bytes(), contract("a bigint, b text"), plain()).unwrap();
    let lengths: Vec<usize> = outcome
        .chunks
        .iter()
        .flat_map(|chunk| chunk.batch.column(1).as_string::<i32>().iter().flatten().map(str::len))
        .collect();
    assert_eq!(lengths, [10_000_000, 1]);
    let lines: Vec<u64> = outcome
        .chunks
        .iter()
        .flat_map(|chunk| &chunk.positions)
        .map(|position| position.line)
        .collect();
    assert_eq!(lines, [2, 2_000_003]);
}

#[test]
fn a_record_without_end_is_an_error_with_its_line() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("input.csv");
    std::fs::write(&path, format!("a\n1\n{}\n", "x".repeat(5_000))).unwrap();
    let mut input = input(&path, contract("a text"), plain());
    input.sizes = ReadSizes { block_bytes: 64, record_bytes_max: 1_000 };
    let error = read_whole(input).unwrap_err();
    assert!(matches!(error, ReadError::RecordTooLong { .. }));
    insta::assert_snapshot!(error, @"input.csv:3: a record is longer than 1.0 kB");
}
