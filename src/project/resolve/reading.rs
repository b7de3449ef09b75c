//! How a source's files are to be read, from its `meta`.

use super::super::configuration::KNOWN as CONFIGURATION;
use super::super::yaml::{self, Data, Yaml};
use crate::base::suggest::closest;
use crate::base::{Diagnostic, Diagnostics};
use crate::rules::{Encoding, OnReject, Quote, ReadOptions, RecordTerminator, RejectLimit};

/// Everything that `meta` can say about a source.
#[derive(Clone, Debug, Default)]
pub(super) struct Reading {
    pub(super) options: ReadOptions,
    pub(super) on_reject: OnReject,
    pub(super) max_rejects: Option<RejectLimit>,
    pub(super) refuse_extra_columns: bool,
}

type Apply = fn(&mut Reading, &Yaml, &mut Diagnostics);

/// One setting: its names, ours first and DuckDB's behind, what it does, and how it is read.
struct Setting {
    names: &'static [&'static str],
    apply: Apply,
}

const SETTINGS: &[Setting] = &[
    Setting { names: &["header"], apply: header },
    Setting { names: &["delimiter", "delim", "sep"], apply: delimiter },
    Setting { names: &["record_terminator", "new_line"], apply: terminator },
    Setting { names: &["quote"], apply: quote },
    Setting { names: &["escape"], apply: escape },
    Setting { names: &["comment"], apply: comment },
    Setting { names: &["encoding"], apply: encoding },
    Setting { names: &["skip"], apply: skip },
    Setting { names: &["null_values", "nullstr", "null"], apply: null_values },
    Setting { names: &["empty_is_null"], apply: empty_is_null },
    Setting { names: &["quoted_nulls", "allow_quoted_nulls"], apply: quoted_nulls },
    Setting { names: &["on_reject"], apply: on_reject },
    Setting { names: &["max_rejects"], apply: max_rejects },
    Setting { names: &["extra_columns"], apply: extra_columns },
];

/// Keys of `meta` that are read elsewhere.
const ELSEWHERE: [&str; 3] = ["external_location", "identifier", "formatter"];

/// Reads the layers of `meta`, the later counting more. Keys that are none of ours are the user's own.
pub(super) fn read(layers: &[Yaml], problems: &mut Diagnostics) -> Reading {
    let mut reading = Reading::default();
    for layer in layers {
        let Data::Mapping(entries) = &layer.data else { continue };
        for entry in entries {
            let key = entry.key.as_str();
            match SETTINGS.iter().find(|setting| setting.names.contains(&key)) {
                Some(setting) => (setting.apply)(&mut reading, &entry.value, problems),
                None => warn_if_close(key, entry, problems),
            }
        }
    }
    check_distinct(&reading.options, layers, problems);
    reading
}

fn warn_if_close(key: &str, entry: &yaml::Entry, problems: &mut Diagnostics) {
    let names = SETTINGS.iter().flat_map(|setting| setting.names.iter().copied());
    let known = names.chain(ELSEWHERE).filter(|name| name.len() > 3);
    if ELSEWHERE.contains(&key) || CONFIGURATION.contains(&key) || key.len() < 4 {
        return;
    }
    if let Some(close) = closest(key, known) {
        let message = format!("nothing reads the setting `{key}` of a source");
        let problem = Diagnostic::warning(message).at(entry.key_span.clone());
        problems.push(problem.hint(format!("did you mean `{close}`?")));
    }
}

/// Two characters that mean different things must differ.
fn check_distinct(options: &ReadOptions, layers: &[Yaml], problems: &mut Diagnostics) {
    let Quote::Char(quote) = options.quote else { return };
    let clash = if options.delimiter.contains(quote) {
        "delimiter"
    } else if options.comment == Some(quote) {
        "comment"
    } else {
        return;
    };
    let names = SETTINGS.iter().find(|setting| setting.names[0] == clash);
    let names = names.map_or(&[][..], |setting| setting.names);
    let place = layers.iter().rev().find_map(|layer| names.iter().find_map(|name| layer.get(name)));
    let message = format!("the quote and the {clash} are both `{quote}`");
    let problem = Diagnostic::error(message).hint("`quote: none` reads files without quoting");
    problems.push(match place {
        Some(place) => problem.at(place.span.clone()),
        None => problem,
    });
}

/// A scalar's text; unlike other values, `''` and a plain `null` are texts.
fn raw_text<'a>(value: &'a Yaml, what: &str, problems: &mut Diagnostics) -> Option<&'a str> {
    match &value.data {
        Data::Scalar { text, .. } => Some(text),
        _ => {
            let message = format!("{what} must be a text, and this is {}", value.kind());
            problems.push(Diagnostic::error(message).at(value.span.clone()));
            None
        }
    }
}

/// A text in which `\t`, `\n`, `\r` and `\\` stand for their characters, however YAML quoted it.
fn unescaped(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match (c, chars.as_str().chars().next()) {
            ('\\', Some(next @ ('t' | 'n' | 'r' | '\\' | '0'))) => {
                chars.next();
                plain.push(match next {
                    't' => '\t',
                    'n' => '\n',
                    'r' => '\r',
                    '0' => '\0',
                    _ => '\\',
                });
            }
            _ => plain.push(c),
        }
    }
    plain
}

fn refuse(value: &Yaml, message: impl Into<String>, problems: &mut Diagnostics) {
    problems.push(Diagnostic::error(message).at(value.span.clone()));
}

fn header(reading: &mut Reading, value: &Yaml, problems: &mut Diagnostics) {
    if let Some(header) = yaml::boolean(value, "`header`", problems) {
        reading.options.header = header;
    }
}

fn delimiter(reading: &mut Reading, value: &Yaml, problems: &mut Diagnostics) {
    let Some(text) = raw_text(value, "the delimiter", problems) else { return };
    let text = unescaped(text);
    if text.is_empty() || text.contains(['\n', '\r']) {
        return refuse(value, "a delimiter has one character or more, and no line break", problems);
    }
    reading.options.delimiter = text;
}

fn terminator(reading: &mut Reading, value: &Yaml, problems: &mut Diagnostics) {
    let Some(text) = raw_text(value, "the record terminator", problems) else { return };
    reading.options.terminator = match unescaped(text).as_str() {
        "" => return refuse(value, "a record terminator has one character or more", problems),
        "\n" | "\r\n" | "\r" => RecordTerminator::Newline,
        other => RecordTerminator::Text(other.to_owned()),
    };
}

/// One character, or none for an empty text and the word `none`. The outer `None`: neither.
fn one_char(value: &Yaml, what: &str, problems: &mut Diagnostics) -> Option<Option<char>> {
    let text = unescaped(raw_text(value, what, problems)?);
    if text.is_empty() || text == "none" || value.is_null() || value.as_bool() == Some(false) {
        return Some(None);
    }
    let mut chars = text.chars();
    match (chars.next(), chars.next()) {
        (Some(c), None) if c != '\n' && c != '\r' => Some(Some(c)),
        _ => {
            refuse(value, format!("{what} is one character, or `none`"), problems);
            None
        }
    }
}

fn quote(reading: &mut Reading, value: &Yaml, problems: &mut Diagnostics) {
    if let Some(quote) = one_char(value, "the quote", problems) {
        reading.options.quote = quote.map_or(Quote::None, Quote::Char);
    }
}

fn escape(reading: &mut Reading, value: &Yaml, problems: &mut Diagnostics) {
    if let Some(escape) = one_char(value, "the escape", problems) {
        reading.options.escape = escape;
    }
}

fn comment(reading: &mut Reading, value: &Yaml, problems: &mut Diagnostics) {
    if let Some(comment) = one_char(value, "the comment", problems) {
        reading.options.comment = comment;
    }
}

const ENCODINGS: [(&str, Encoding); 13] = [
    ("utf-8", Encoding::Utf8),
    ("utf8", Encoding::Utf8),
    ("latin-1", Encoding::Latin1),
    ("latin1", Encoding::Latin1),
    ("iso-8859-1", Encoding::Latin1),
    ("iso8859-1", Encoding::Latin1),
    ("iso_8859_1", Encoding::Latin1),
    ("utf-16", Encoding::Utf16),
    ("utf16", Encoding::Utf16),
    ("utf-16le", Encoding::Utf16Le),
    ("utf-16-le", Encoding::Utf16Le),
    ("utf-16be", Encoding::Utf16Be),
    ("utf-16-be", Encoding::Utf16Be),
];

fn encoding(reading: &mut Reading, value: &Yaml, problems: &mut Diagnostics) {
    let Some(text) = yaml::text(value, "the encoding", problems) else { return };
    let folded = text.to_ascii_lowercase();
    match ENCODINGS.iter().find(|(name, _)| *name == folded) {
        Some((_, encoding)) => reading.options.encoding = *encoding,
        None => problems.push(
            Diagnostic::error(format!("unknown encoding `{text}`"))
                .at(value.span.clone())
                .did_you_mean(&text, ENCODINGS.iter().map(|(name, _)| *name))
                .hint("there are utf-8, latin-1, utf-16, utf-16le and utf-16be"),
        ),
    }
}

fn skip(reading: &mut Reading, value: &Yaml, problems: &mut Diagnostics) {
    if let Some(skip) = yaml::number(value, "`skip`", problems) {
        reading.options.skip = skip;
    }
}

/// Spellings of null; in a list an unquoted `null` or `NA` is a spelling like any other.
pub(super) fn spellings(value: &Yaml, problems: &mut Diagnostics) -> Vec<String> {
    match &value.data {
        Data::Sequence(items) => items
            .iter()
            .filter_map(|item| raw_text(item, "a spelling of null", problems))
            .map(str::to_owned)
            .collect(),
        _ => raw_text(value, "`null_values`", problems).map(str::to_owned).into_iter().collect(),
    }
}

fn null_values(reading: &mut Reading, value: &Yaml, problems: &mut Diagnostics) {
    reading.options.null_values = spellings(value, problems);
}

fn empty_is_null(reading: &mut Reading, value: &Yaml, problems: &mut Diagnostics) {
    if let Some(empty_is_null) = yaml::boolean(value, "`empty_is_null`", problems) {
        reading.options.empty_is_null = empty_is_null;
    }
}

fn quoted_nulls(reading: &mut Reading, value: &Yaml, problems: &mut Diagnostics) {
    if let Some(quoted_nulls) = yaml::boolean(value, "`quoted_nulls`", problems) {
        reading.options.quoted_nulls = quoted_nulls;
    }
}

/// One of two words.
fn choice<T: Copy>(
    value: &Yaml,
    what: &str,
    choices: [(&str, T); 2],
    problems: &mut Diagnostics,
) -> Option<T> {
    let text = yaml::text(value, what, problems)?;
    let found = choices.iter().find(|(word, _)| *word == text).map(|(_, choice)| *choice);
    if found.is_none() {
        let [(first, _), (second, _)] = choices;
        let message = format!("{what} is `{first}` or `{second}`, not `{text}`");
        let problem = Diagnostic::error(message).at(value.span.clone());
        problems.push(problem.did_you_mean(&text, [first, second]));
    }
    found
}

fn on_reject(reading: &mut Reading, value: &Yaml, problems: &mut Diagnostics) {
    let choices = [("quarantine", OnReject::Quarantine), ("fail", OnReject::Fail)];
    if let Some(choice) = choice(value, "`on_reject`", choices, problems) {
        reading.on_reject = choice;
    }
}

fn extra_columns(reading: &mut Reading, value: &Yaml, problems: &mut Diagnostics) {
    let choices = [("ignore", false), ("fail", true)];
    if let Some(choice) = choice(value, "`extra_columns`", choices, problems) {
        reading.refuse_extra_columns = choice;
    }
}

fn max_rejects(reading: &mut Reading, value: &Yaml, problems: &mut Diagnostics) {
    let Some(text) = yaml::text(value, "`max_rejects`", problems) else { return };
    let limit = match text.strip_suffix('%') {
        Some(percent) => percent.trim().parse::<f64>().ok().map(RejectLimit::Percent),
        None => text.replace('_', "").parse::<u64>().ok().map(RejectLimit::Rows),
    };
    let in_range = |limit: &RejectLimit| match limit {
        RejectLimit::Percent(percent) => (0.0..=100.0).contains(percent),
        RejectLimit::Rows(_) => true,
    };
    match limit.filter(in_range) {
        Some(limit) => reading.max_rejects = Some(limit),
        None => {
            refuse(value, "`max_rejects` is a number of rows, or a share such as `2%`", problems)
        }
    }
}
