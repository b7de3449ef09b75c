//! How the bytes of a source's files are to be read.

use serde::{Deserialize, Serialize};

/// The dialect of delimited text. The default is RFC 4180 with a header, in UTF-8.
///
/// Compression is told by the file's name: `.gz` and `.zst`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ReadOptions {
    /// Whether the first record names the columns; without, they stand in the contract's order.
    pub(crate) header: bool,
    /// One character or more, never empty.
    pub(crate) delimiter: String,
    pub(crate) terminator: RecordTerminator,
    pub(crate) quote: Quote,
    /// The character that takes the next one's meaning away; a doubled quote always stands for one.
    pub(crate) escape: Option<char>,
    /// Records that begin with this character are no records.
    pub(crate) comment: Option<char>,
    pub(crate) encoding: Encoding,
    /// Physical lines before the header or first record that are no records.
    pub(crate) skip: u64,
    /// Spellings of null besides the empty cell.
    pub(crate) null_values: Vec<String>,
    /// Whether an empty cell is null (default) or the empty text.
    pub(crate) empty_is_null: bool,
    /// Whether quoted cells may be null; by default a quoted cell never is. DuckDB's `allow_quoted_nulls`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) quoted_nulls: bool,
}

impl Default for ReadOptions {
    fn default() -> Self {
        Self {
            header: true,
            delimiter: ",".to_owned(),
            terminator: RecordTerminator::Newline,
            quote: Quote::Char('"'),
            escape: None,
            comment: None,
            encoding: Encoding::Utf8,
            skip: 0,
            null_values: Vec::new(),
            empty_is_null: true,
            quoted_nulls: false,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum RecordTerminator {
    /// `\n`, `\r\n` or a lone `\r`.
    Newline,
    /// This text; line breaks are then part of cells. A line break right behind it belongs to it.
    Text(String),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Quote {
    None,
    Char(char),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Encoding {
    /// With or without a byte order mark. A UTF-16 mark at the start of the file is an error that says so.
    Utf8,
    Latin1,
    /// By its byte order mark, little endian without one.
    Utf16,
    Utf16Le,
    Utf16Be,
}
