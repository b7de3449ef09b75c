//! Why a file cannot be read, with what to do about it.

use std::fmt;
use std::io;

use super::dialect::DialectError;
use crate::base::size::ByteSize;
use crate::rules::Encoding;

/// `file` is always the name that the user knows the file by.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReadError {
    #[error("{file}: there is no such file")]
    Missing { file: String },
    #[error("{file}: permission denied")]
    Permission { file: String },
    #[error("{file}: is a folder, not a file")]
    Folder { file: String },
    #[error("{file}: is a pipe or device, which cannot be looked at before it is read")]
    NoRegularFile { file: String },
    #[error("{file}: cannot be read: {source}")]
    Io { file: String, source: io::Error },
    #[error("{file}: the {format} data is damaged or cut short: {source}")]
    Compression { file: String, format: &'static str, source: io::Error },
    #[error("{file}: holds {format} data, but its name does not end in `{suffix}`")]
    Compressed { file: String, format: &'static str, suffix: &'static str },
    #[error("{file}: changed while it was read")]
    Changed { file: String },
    #[error("{file}: the reading options contradict each other: {source}")]
    Dialect { file: String, source: DialectError },
    #[error("{file}: begins with a byte order mark of {found}, but {declared} was declared", found = Said(*found), declared = Said(*declared))]
    WrongMark { file: String, found: Encoding, declared: Encoding },
    #[error("{file}: the header is not {encoding}: the byte at offset {offset} is no text", encoding = Said(*encoding))]
    HeaderEncoding { file: String, encoding: Encoding, offset: u64 },
    #[error("{file}: a quoted name in the header is not closed")]
    HeaderUnclosed { file: String },
    #[error("{file}: the header has more than one column called {names}", names = Listed(names))]
    DuplicateColumns { file: String, names: Vec<String> },
    #[error("{file}: the header lacks {names}", names = Listed(columns))]
    MissingColumns {
        file: String,
        columns: Vec<String>,
        others: Vec<String>,
        suggestion: Option<String>,
    },
    #[error("{file}: the header has columns that the contract does not name: {names}", names = Listed(columns))]
    ExtraColumns { file: String, columns: Vec<String> },
    #[error("{file}: types are declared for a column that is not there: `{column}`")]
    UnknownColumn { file: String, column: String, suggestion: Option<String> },
    #[error("column `{column}`: `{format}` is no strftime format")]
    Format { column: String, format: String },
    #[error("{file}:{line}: a record is longer than {limit}", limit = ByteSize(*limit_bytes as u64))]
    RecordTooLong { file: String, line: u64, limit_bytes: usize },
    #[error("{file}: rows do not fit the contract's types: {source}")]
    Arrow { file: String, source: arrow::error::ArrowError },
    #[error("{file}: reading was stopped")]
    Stopped { file: String },
}

impl ReadError {
    /// What the user can do about it.
    pub(crate) fn hint(&self) -> Option<String> {
        let suggested = |suggestion: &Option<String>| {
            suggestion.as_ref().map(|name| format!("did you mean `{name}`?"))
        };
        match self {
            Self::Compression { .. } => Some("fetch or write the file again".to_owned()),
            Self::Compressed { suffix, .. } => {
                Some(format!("let the file's name end in `{suffix}`"))
            }
            Self::Changed { .. } => Some("run again when nobody writes to the file".to_owned()),
            Self::WrongMark { found, .. } => Some(format!("set `encoding: {}`", setting(*found))),
            Self::HeaderEncoding { encoding: Encoding::Utf8, .. } => {
                Some("set `encoding: latin1` or `encoding: utf-16` if it is that".to_owned())
            }
            Self::MissingColumns { suggestion: None, others, .. } if !others.is_empty() => {
                Some(format!("it has {} besides", Listed(others)))
            }
            Self::MissingColumns { suggestion, .. } | Self::UnknownColumn { suggestion, .. } => {
                suggested(suggestion)
            }
            Self::ExtraColumns { .. } => {
                Some("name them among the source's columns, or declare the others and have `extra_columns: ignore`".to_owned())
            }
            Self::RecordTooLong { .. } => {
                Some("check the record terminator, and the quotes before that line".to_owned())
            }
            _ => None,
        }
    }

    /// The error that opening or reading `file` gave.
    pub(super) fn io(file: &str, source: io::Error) -> Self {
        let file = file.to_owned();
        match source.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Self::Missing { file },
            io::ErrorKind::PermissionDenied => Self::Permission { file },
            io::ErrorKind::IsADirectory => Self::Folder { file },
            _ => Self::Io { file, source },
        }
    }
}

/// An encoding as a person says it.
struct Said(Encoding);

impl fmt::Display for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Encoding::Utf8 => "UTF-8",
            Encoding::Latin1 => "Latin-1",
            Encoding::Utf16 => "UTF-16",
            Encoding::Utf16Le => "UTF-16 (little endian)",
            Encoding::Utf16Be => "UTF-16 (big endian)",
        })
    }
}

/// An encoding as the setting spells it.
fn setting(encoding: Encoding) -> &'static str {
    match encoding {
        Encoding::Utf8 => "utf-8",
        Encoding::Latin1 => "latin1",
        Encoding::Utf16 | Encoding::Utf16Le | Encoding::Utf16Be => "utf-16",
    }
}

/// `a`, `b` and `c`, each between backticks.
struct Listed<'a>(&'a [String]);

impl fmt::Display for Listed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, name) in self.0.iter().enumerate() {
            let joint = match index {
                0 => "",
                _ if index + 1 == self.0.len() => " and ",
                _ => ", ",
            };
            write!(f, "{joint}`{name}`")?;
        }
        Ok(())
    }
}
