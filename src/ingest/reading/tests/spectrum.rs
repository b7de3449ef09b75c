//! The twelve kinds of file that every CSV reader should agree on (after the csv-spectrum collection).

use super::{contract, read_bytes, told};
use crate::rules::ReadOptions;

fn read(columns: &str, bytes: &str) -> String {
    let outcome = read_bytes(bytes.as_bytes(), contract(columns), ReadOptions::default()).unwrap();
    told(&outcome)
}

const ABC: &str = "a text, b text, c text";

#[test]
fn simple() {
    insta::assert_snapshot!(read(ABC, "a,b,c\n1,2,3\n"), @r#"2 6..11 "1" | "2" | "3""#);
}

#[test]
fn simple_with_windows_lines() {
    insta::assert_snapshot!(read(ABC, "a,b,c\r\n1,2,3\r\n"), @r#"2 7..12 "1" | "2" | "3""#);
}

#[test]
fn without_a_last_line_break() {
    insta::assert_snapshot!(read(ABC, "a,b,c\n1,2,3\n4,5,ʤ"), @r#"
    2 6..11 "1" | "2" | "3"
    3 12..18 "4" | "5" | "ʤ"
    "#);
}

#[test]
fn commas_in_quotes() {
    let text = "first,address,zip\nJohn,\"Anytown, WW\",08123";
    insta::assert_snapshot!(read("first text, address text, zip text", text), @r#"2 18..42 "John" | "Anytown, WW" | "08123""#);
}

#[test]
fn empty_cells_in_quotes_are_empty_and_without_are_null() {
    insta::assert_snapshot!(read(ABC, "a,b,c\n1,\"\",\"\"\n2,3,\n"), @r#"
    2 6..13 "1" | "" | ""
    3 14..18 "2" | "3" | -
    "#);
    insta::assert_snapshot!(read(ABC, "a,b,c\r\n1,\"\",\"\"\r\n2,3,4"), @r#"
    2 7..14 "1" | "" | ""
    3 16..21 "2" | "3" | "4"
    "#);
}

#[test]
fn doubled_quotes() {
    let text = "a,b\n1,\"ha \"\"ha\"\" ha\"\n3,4\n";
    insta::assert_snapshot!(read("a text, b text", text), @r#"
    2 4..20 "1" | "ha \"ha\" ha"
    3 21..24 "3" | "4"
    "#);
}

#[test]
fn json_in_a_cell() {
    let text = "key,val\n1,\"{\"\"type\"\": \"\"Point\"\", \"\"at\"\": [102.0, 0.5]}\"\n";
    insta::assert_snapshot!(read("key text, val text", text), @r#"2 8..55 "1" | "{\"type\": \"Point\", \"at\": [102.0, 0.5]}""#);
}

#[test]
fn quotes_inside_unquoted_cells() {
    let text = "phone,place,city\n209,37°36'37.8\"N 121°2'17.9\"W,Modesto";
    insta::assert_snapshot!(read("phone text, place text, city text", text), @r#"2 17..56 "209" | "37°36'37.8\"N 121°2'17.9\"W" | "Modesto""#);
}

#[test]
fn line_breaks_in_quotes() {
    let text = "a,b,c\n1,2,3\n\"Once upon \na time\",5,6\n7,8,9\n";
    insta::assert_snapshot!(read(ABC, text), @r#"
    2 6..11 "1" | "2" | "3"
    3 12..35 "Once upon \na time" | "5" | "6"
    5 36..41 "7" | "8" | "9"
    "#);
    insta::assert_snapshot!(read(ABC, &text.replace('\n', "\r\n")), @r#"
    2 7..12 "1" | "2" | "3"
    3 14..38 "Once upon \r\na time" | "5" | "6"
    5 40..45 "7" | "8" | "9"
    "#);
}

#[test]
fn quotes_and_line_breaks() {
    let text = "a,b\n1,\"ha \n\"\"ha\"\" \nha\"\n3,4\n";
    insta::assert_snapshot!(read("a text, b text", text), @r#"
    2 4..22 "1" | "ha \n\"ha\" \nha"
    5 23..26 "3" | "4"
    "#);
}
