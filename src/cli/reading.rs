//! The flags that say how CSV files are written, and files as tables.

use std::path::Path;
use std::sync::Arc;

use super::arguments::Reading;
use super::error::CliError;
use crate::base::clock::{Clock, SystemClock};
use crate::engine::{TableFiles, parquet_file};
use crate::ingest::frame::{self, FrameError, Nulls, TextFile};
use crate::ingest::reading::ReadError;
use crate::rules::{Encoding, Quote, ReadOptions, RecordTerminator};

const ENCODINGS: [(&str, Encoding); 8] = [
    ("utf-8", Encoding::Utf8),
    ("utf8", Encoding::Utf8),
    ("latin-1", Encoding::Latin1),
    ("latin1", Encoding::Latin1),
    ("iso-8859-1", Encoding::Latin1),
    ("utf-16", Encoding::Utf16),
    ("utf-16le", Encoding::Utf16Le),
    ("utf-16be", Encoding::Utf16Be),
];

/// The flags that read a file as `options` say, each with a blank before it.
pub(super) fn flags(options: &ReadOptions, nulls: &[String]) -> String {
    let default = ReadOptions::default();
    let mut flags = String::new();
    let mut flag = |name: &str, value: &str| flags += &format!(" --{name} {}", in_shell(value));
    if options.delimiter != default.delimiter {
        flag("delimiter", &escaped(&options.delimiter));
    }
    if let RecordTerminator::Text(text) = &options.terminator {
        flag("record-terminator", &escaped(text));
    }
    match options.quote {
        Quote::Char('"') => {}
        Quote::Char(quote) => flag("quote", &quote.to_string()),
        Quote::None => flag("quote", "none"),
    }
    let encoding = ENCODINGS.iter().find(|(_, encoding)| *encoding == options.encoding);
    if let Some((name, _)) = encoding.filter(|_| options.encoding != default.encoding) {
        flag("encoding", name);
    }
    for null in nulls {
        flag("null", null);
    }
    if !options.header {
        flags += " --no-header";
    }
    flags
}

/// `text` as one word of a shell's command.
pub(super) fn in_shell(text: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "_-./:=,+@%".contains(c);
    match !text.is_empty() && text.chars().all(plain) {
        true => text.to_owned(),
        false => format!("'{}'", text.replace('\'', "'\\''")),
    }
}

impl Reading {
    /// # Errors
    /// If a flag's value is none.
    pub(super) fn options(&self) -> Result<ReadOptions, CliError> {
        let mut options = ReadOptions { header: !self.no_header, ..ReadOptions::default() };
        if let Some(delimiter) = &self.delimiter {
            options.delimiter = unescaped(delimiter);
        }
        if let Some(terminator) = &self.record_terminator {
            options.terminator = RecordTerminator::Text(unescaped(terminator));
        }
        if let Some(quote) = &self.quote {
            let mut characters = quote.chars();
            options.quote = match (characters.next(), characters.next()) {
                (Some(character), None) => Quote::Char(character),
                _ if quote == "none" => Quote::None,
                _ => return Err(CliError::usage("--quote is one character, or `none`")),
            };
        }
        if let Some(encoding) = &self.encoding {
            let same = |(name, _): &&(&str, Encoding)| name.eq_ignore_ascii_case(encoding);
            options.encoding =
                ENCODINGS.iter().find(same).map(|(_, found)| *found).ok_or_else(|| {
                    let problem = format!("--encoding: `{encoding}` is not known");
                    CliError::usage(problem)
                        .hint("utf-8, latin-1, utf-16, utf-16le and utf-16be are")
                })?;
        }
        Ok(options)
    }

    pub(super) fn nulls(&self) -> Nulls {
        if self.null.is_empty() { Nulls::default() } else { Nulls::new(&self.null) }
    }
}

/// What [`unescaped`] makes `text` of.
fn escaped(text: &str) -> String {
    text.replace('\t', "\\t").replace('\n', "\\n").replace('\r', "\\r")
}

/// `\t`, `\n` and `\r` as they stand for themselves in most shells.
fn unescaped(text: &str) -> String {
    text.replace("\\t", "\t").replace("\\n", "\n").replace("\\r", "\r")
}

pub(super) fn text_file(path: &Path, options: &Arc<ReadOptions>, parallel: usize) -> TextFile {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    TextFile {
        path: path.to_owned(),
        name: path.display().to_string(),
        options: Arc::clone(options),
        parallel,
        clock,
    }
}

pub(super) fn is_parquet(path: &Path) -> bool {
    let extension = path.extension().and_then(|extension| extension.to_str());
    extension.is_some_and(|extension| ["parquet", "pq"].contains(&extension))
}

/// The rows of a file: of Parquet in place, of CSV as pandas would read it, kept in `folder`. Blanks around a name of the
/// header count where `is_written` says that the name is written with them.
pub(super) async fn table(
    path: &Path,
    reading: &Reading,
    parallel: usize,
    folder: &Path,
    is_written: impl Fn(&str) -> bool,
) -> Result<TableFiles, CliError> {
    if is_parquet(path) {
        return parquet_file(path, &path.display().to_string()).map_err(CliError::user);
    }
    let file = text_file(path, &Arc::new(reading.options()?), parallel);
    Ok(frame::load(&file, &reading.nulls(), folder, is_written).await?)
}

impl From<FrameError> for CliError {
    fn from(error: FrameError) -> Self {
        let hint = error.hint();
        let error = Self::user(error);
        match hint {
            Some(hint) => error.hint(hint),
            None => error,
        }
    }
}

impl From<ReadError> for CliError {
    fn from(error: ReadError) -> Self {
        FrameError::from(error).into()
    }
}
