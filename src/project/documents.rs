//! `{% docs name %} … {% enddocs %}` blocks of Markdown files.

use std::collections::BTreeMap;

use super::files::File;
use crate::base::{Diagnostic, Diagnostics};

/// The text of every block by its name.
pub(super) fn read(files: &[File], problems: &mut Diagnostics) -> BTreeMap<String, String> {
    let mut blocks = BTreeMap::new();
    for file in files {
        read_file(file, &mut blocks, problems);
    }
    blocks
}

fn read_file(file: &File, blocks: &mut BTreeMap<String, String>, problems: &mut Diagnostics) {
    let text = &*file.source.text;
    let mut from = 0;
    while let Some((name, tag)) = next_tag(text, from, "docs") {
        let span = file.source.span(tag.clone());
        let Some((_, end)) = next_tag(text, tag.end, "enddocs") else {
            let message = format!("the block `docs {name}` has no `{{% enddocs %}}`");
            problems.push(Diagnostic::error(message).at(span));
            return;
        };
        let content = text[tag.end..end.start].trim().to_owned();
        if blocks.insert(name.to_owned(), content).is_some() {
            let message = format!("there are two blocks `docs {name}`");
            problems.push(Diagnostic::error(message).at(span));
        }
        from = end.end;
    }
}

/// The next `{% tag word %}` at or behind `from`: its word, and where it stands.
fn next_tag<'a>(
    text: &'a str,
    from: usize,
    tag: &str,
) -> Option<(&'a str, std::ops::Range<usize>)> {
    let mut at = from;
    loop {
        let start = at + text[at..].find("{%")?;
        let inside = start + 2;
        let length = text[inside..].find("%}")?;
        let mut words = text[inside..inside + length].trim_matches(['-', '+']).split_whitespace();
        if words.next() == Some(tag) {
            return Some((words.next().unwrap_or(""), start..inside + length + 2));
        }
        at = inside;
    }
}
