//! Text to tree. Anchors, aliases and merge keys are resolved here.

use std::collections::BTreeMap;

use saphyr_parser::{Event, Marker, Parser, ScalarStyle, Span as Marks};

use super::tree::{Data, Entry, Yaml};
use crate::base::{Diagnostic, Diagnostics, SourceText, Span};

/// How deep lists and mappings may nest.
const DEPTH_MAX: usize = 64;
/// How many values aliases may make of one file: nested anchors grow exponentially.
const ALIAS_VALUES_MAX: usize = 100_000;

/// Reads the one document of a file; an empty file is null. `None` after a syntax error.
pub(in crate::project) fn parse(source: &SourceText, problems: &mut Diagnostics) -> Option<Yaml> {
    let mut builder = Builder::new(source, problems);
    for event in Parser::new_from_str(&source.text) {
        let step = match event {
            Ok((event, marks)) => builder.take(event, marks),
            Err(error) => Err(syntax_error(&builder.span(*error.marker()), error.info())),
        };
        if let Err(problem) = step {
            builder.problems.push(problem);
            return None;
        }
    }
    let empty = || Yaml::null(source.span(0..0));
    Some(builder.root.unwrap_or_else(empty))
}

fn syntax_error(span: &Span, info: &str) -> Diagnostic {
    let problem = Diagnostic::error(format!("this is not YAML: {info}")).at(span.clone());
    let (before, after) = span.source.text.split_at(span.bytes.start);
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    let line_rest = after.split('\n').next().unwrap_or("");
    let line = format!("{}{line_rest}", &before[line_start..]);
    let indent = &line[..line.len() - line.trim_start().len()];
    if indent.contains('\t') || info.contains("tab") {
        return problem.hint("YAML is indented with spaces; a tab cannot indent");
    }
    if line.matches("{{").count() > 0 {
        return problem.hint("put quotes around a value that begins with `{{`");
    }
    problem
}

enum Frame {
    Sequence(Vec<Yaml>),
    Mapping { entries: Vec<Entry>, key: Option<(String, Span)> },
}

struct Open {
    frame: Frame,
    start: Marker,
    anchor: usize,
}

struct Builder<'a> {
    source: &'a SourceText,
    /// Byte offset of each character; empty where every character is one byte.
    offsets: Vec<usize>,
    stack: Vec<Open>,
    anchors: BTreeMap<usize, Yaml>,
    alias_values_left: usize,
    root: Option<Yaml>,
    documents: usize,
    problems: &'a mut Diagnostics,
}

impl<'a> Builder<'a> {
    fn new(source: &'a SourceText, problems: &'a mut Diagnostics) -> Self {
        let text = &*source.text;
        let offsets = match text.is_ascii() {
            true => Vec::new(),
            false => text.char_indices().map(|(at, _)| at).collect(),
        };
        let (stack, anchors) = (Vec::new(), BTreeMap::new());
        let alias_values_left = ALIAS_VALUES_MAX;
        let root = None;
        Self { source, offsets, stack, anchors, alias_values_left, root, documents: 0, problems }
    }

    fn byte(&self, marker: Marker) -> usize {
        match self.offsets.is_empty() {
            true => marker.index(),
            false => self.offsets.get(marker.index()).copied().unwrap_or(self.source.text.len()),
        }
    }

    /// One character.
    fn span(&self, at: Marker) -> Span {
        let start = self.byte(at);
        let width = self
            .source
            .text
            .get(start..)
            .and_then(|rest| rest.chars().next())
            .map_or(0, |c| if c == '\n' { 0 } else { c.len_utf8() });
        self.source.span(start..start + width)
    }

    fn scalar_span(&self, marks: Marks) -> Span {
        let span = self.source.span(self.byte(marks.start)..self.byte(marks.end));
        let text = span.text();
        let first_line = text.trim_end().split('\n').next().unwrap_or("").trim_end().len();
        self.source.span(span.bytes.start..span.bytes.start + first_line)
    }

    fn take(&mut self, event: Event<'_>, marks: Marks) -> Result<(), Diagnostic> {
        match event {
            Event::DocumentStart(_) => self.document(marks.start),
            Event::SequenceStart(anchor, _) => {
                self.open(Frame::Sequence(Vec::new()), marks.start, anchor)
            }
            Event::MappingStart(anchor, _) => {
                let frame = Frame::Mapping { entries: Vec::new(), key: None };
                self.open(frame, marks.start, anchor)
            }
            Event::SequenceEnd | Event::MappingEnd => self.close(),
            Event::Scalar(text, style, anchor, _) => {
                let plain = style == ScalarStyle::Plain;
                let span = self.scalar_span(marks);
                let data = Data::Scalar { text: text.into_owned(), plain };
                self.complete(Yaml { data, span }, anchor)
            }
            Event::Alias(anchor) => self.alias(anchor, marks),
            _ => Ok(()),
        }
    }

    fn document(&mut self, at: Marker) -> Result<(), Diagnostic> {
        self.documents += 1;
        match self.documents {
            1 => Ok(()),
            _ => Err(Diagnostic::error("a second document begins here; one a file is read")
                .at(self.span(at))),
        }
    }

    fn open(&mut self, frame: Frame, start: Marker, anchor: usize) -> Result<(), Diagnostic> {
        if self.stack.len() >= DEPTH_MAX {
            let message = format!("lists and mappings nest more than {DEPTH_MAX} deep here");
            return Err(Diagnostic::error(message).at(self.span(start)));
        }
        self.stack.push(Open { frame, start, anchor });
        Ok(())
    }

    fn close(&mut self) -> Result<(), Diagnostic> {
        let Some(open) = self.stack.pop() else { return Ok(()) };
        let start = self.span(open.start);
        let value = match open.frame {
            Frame::Sequence(items) => Yaml { data: Data::Sequence(items), span: start },
            Frame::Mapping { entries, .. } => {
                let entries = self.merged(entries)?;
                let span = entries.first().map_or(start, |entry| entry.key_span.clone());
                Yaml { data: Data::Mapping(entries), span }
            }
        };
        self.complete(value, open.anchor)
    }

    fn alias(&mut self, anchor: usize, marks: Marks) -> Result<(), Diagnostic> {
        let span = self.scalar_span(marks);
        let Some(value) = self.anchors.get(&anchor) else {
            return Err(Diagnostic::error("this alias stands inside its own anchor").at(span));
        };
        let size = size_of(value);
        if size > self.alias_values_left {
            let message = format!("aliases make more than {ALIAS_VALUES_MAX} values of this file");
            return Err(Diagnostic::error(message).at(span));
        }
        self.alias_values_left -= size;
        let value = value.clone();
        self.complete(value, 0)
    }

    fn complete(&mut self, value: Yaml, anchor: usize) -> Result<(), Diagnostic> {
        if anchor > 0 {
            self.anchors.insert(anchor, value.clone());
        }
        match self.stack.last_mut().map(|open| &mut open.frame) {
            None => self.root = Some(value),
            Some(Frame::Sequence(items)) => items.push(value),
            Some(Frame::Mapping { entries, key }) => match key.take() {
                Some((key, key_span)) => entries.push(Entry { key, key_span, value }),
                None => match value.data {
                    Data::Scalar { text, .. } => *key = Some((text, value.span)),
                    _ => {
                        let message = "a list or mapping cannot be a key";
                        return Err(Diagnostic::error(message)
                            .at(value.span)
                            .hint("put quotes around a value that begins with `{{`"));
                    }
                },
            },
        }
        Ok(())
    }

    /// Applies `<<`, and keeps the last of keys set twice, as dbt does.
    fn merged(&mut self, written: Vec<Entry>) -> Result<Vec<Entry>, Diagnostic> {
        let (merges, own): (Vec<_>, Vec<_>) =
            written.into_iter().partition(|entry| entry.key == "<<");
        let mut entries: Vec<Entry> = Vec::with_capacity(own.len());
        let mut places: BTreeMap<String, usize> = BTreeMap::new();
        for entry in own {
            match places.get(&entry.key) {
                Some(&place) => {
                    let message =
                        format!("`{}` is set twice in one mapping; the last one counts", entry.key);
                    self.problems.push(Diagnostic::warning(message).at(entry.key_span.clone()));
                    entries[place] = entry;
                }
                None => {
                    places.insert(entry.key.clone(), entries.len());
                    entries.push(entry);
                }
            }
        }
        for merge in merges {
            for entry in merge_entries(merge.value)? {
                if !places.contains_key(&entry.key) {
                    places.insert(entry.key.clone(), entries.len());
                    entries.push(entry);
                }
            }
        }
        Ok(entries)
    }
}

fn merge_entries(value: Yaml) -> Result<Vec<Entry>, Diagnostic> {
    let wrong = |span: Span, kind: &str| {
        Err(Diagnostic::error(format!("`<<` takes a mapping, and this is {kind}")).at(span))
    };
    match value.data {
        Data::Mapping(entries) => Ok(entries),
        Data::Sequence(items) => {
            let mut all = Vec::new();
            for item in items {
                match item.data {
                    Data::Mapping(entries) => all.extend(entries),
                    _ => return wrong(item.span.clone(), item.kind()),
                }
            }
            Ok(all)
        }
        Data::Scalar { .. } => wrong(value.span.clone(), value.kind()),
    }
}

fn size_of(value: &Yaml) -> usize {
    match &value.data {
        Data::Scalar { .. } => 1,
        Data::Sequence(items) => 1 + items.iter().map(size_of).sum::<usize>(),
        Data::Mapping(entries) => {
            1 + entries.iter().map(|entry| 1 + size_of(&entry.value)).sum::<usize>()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (Option<Yaml>, String) {
        let mut problems = Diagnostics::default();
        let yaml = parse(&SourceText::new("a.yml", text), &mut problems);
        (yaml, problems.to_string())
    }

    fn json(text: &str) -> String {
        let (yaml, problems) = read(text);
        assert_eq!(problems, "");
        yaml.unwrap().to_json().to_string()
    }

    #[test]
    fn scalars_mean_what_dbt_reads() {
        let text = "[1, -2.50, '1', true, no, ~, 2024-01-01, 1.10.2, inf, +3]";
        assert_eq!(json(text), r#"[1,-2.5,"1",true,false,null,"2024-01-01","1.10.2","inf",3]"#);
        assert_eq!(json(""), "null");
    }

    #[test]
    fn merge_keys_and_anchors_are_resolved_and_own_keys_win() {
        let text = "base: &base {a: 1, b: 2}\nmore: &more {b: 8, c: 9}\n\
                    one:\n  <<: *base\n  b: 3\ntwo:\n  <<: [*base, *more]\n";
        let all: serde_json::Value = serde_json::from_str(&json(text)).unwrap();
        assert_eq!(all["one"], serde_json::json!({"b": 3, "a": 1}));
        assert_eq!(all["two"], serde_json::json!({"a": 1, "b": 2, "c": 9}));
    }

    #[test]
    fn places_are_bytes_even_behind_wide_characters() {
        let (yaml, _) = read("ä: 'ö'\nkey: value # c\n");
        let yaml = yaml.unwrap();
        assert_eq!(yaml.get("key").unwrap().span.text(), "value");
        assert_eq!(yaml.get("ä").unwrap().span.text(), "'ö'");
        assert_eq!(yaml.entry("key").unwrap().key_span.text(), "key");
    }

    #[test]
    fn bombs_and_towers_are_refused() {
        let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for level in 1..9 {
            let below = format!("*a{}", level - 1);
            let list = vec![below; 10].join(", ");
            bomb.push_str(&format!("a{level}: &a{level} [{list}]\n"));
        }
        assert!(read(&bomb).1.contains("aliases make more than"));
        assert!(read(&"[".repeat(10_000)).1.contains("recursion limit"));
        assert!(read(&"- ".repeat(10_000)).1.contains("deep"));
    }
}
