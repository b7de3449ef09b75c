//! JSON as the user wrote it: where its syntax breaks, and where a value stands in the text.

use std::ops::Range;

use super::{Diagnostic, SourceText, Span};

/// Reads a JSON file.
///
/// # Errors
/// Where it is none, with the place.
pub(crate) fn parse(source: &SourceText) -> Result<serde_json::Value, Diagnostic> {
    serde_json::from_str(&source.text).map_err(|error| {
        let text = error.to_string();
        let message = text.rsplit_once(" at line ").map_or(text.as_str(), |(message, _)| message);
        let problem = Diagnostic::error(format!("this is not JSON: {message}"));
        problem.at(broken(source, error.line(), error.column()))
    })
}

/// The character at a line and column in bytes, both 1-based, as serde_json counts.
fn broken(source: &SourceText, line: usize, column: usize) -> Span {
    let before = source.text.split_inclusive('\n').take(line.saturating_sub(1));
    let start: usize = before.map(str::len).sum();
    let at = (start + column.saturating_sub(1)).min(source.text.len());
    let width = source.text.get(at..).and_then(|rest| rest.chars().next());
    source.span(at..at + width.map_or(0, char::len_utf8))
}

/// The place of what an RFC 6901 pointer leads to in text that is JSON; as far as it leads.
pub(crate) fn locate(source: &SourceText, pointer: &str) -> Span {
    let text = source.text.as_bytes();
    let mut place = Scanner { text, at: 0 }.value();
    for token in pointer.split('/').skip(1) {
        let token = token.replace("~1", "/").replace("~0", "~");
        match (Scanner { text, at: place.start }).member(&token) {
            Some(member) => place = member,
            None => break,
        }
    }
    let first_line = source.text.get(place.clone()).and_then(|text| text.lines().next());
    source.span(place.start..place.start + first_line.map_or(0, str::len))
}

/// Walks over JSON that is known to be well formed.
struct Scanner<'a> {
    text: &'a [u8],
    at: usize,
}

impl Scanner<'_> {
    fn blanks(&mut self) {
        while self.text.get(self.at).is_some_and(u8::is_ascii_whitespace) {
            self.at += 1;
        }
    }

    /// Steps over `byte`, where it is next.
    fn take(&mut self, byte: u8) -> bool {
        self.blanks();
        let found = self.text.get(self.at) == Some(&byte);
        self.at += usize::from(found);
        found
    }

    /// Steps over a value; where it stands.
    fn value(&mut self) -> Range<usize> {
        self.blanks();
        let start = self.at;
        match self.text.get(start) {
            Some(b'"') => self.string(),
            Some(b'{' | b'[') => self.container(),
            _ => {
                let ends = |byte: &u8| byte.is_ascii_whitespace() || b",]}".contains(byte);
                while self.text.get(self.at).is_some_and(|byte| !ends(byte)) {
                    self.at += 1;
                }
            }
        }
        start..self.at
    }

    fn string(&mut self) {
        self.at += 1;
        while let Some(byte) = self.text.get(self.at) {
            self.at += if *byte == b'\\' { 2 } else { 1 };
            if *byte == b'"' {
                break;
            }
        }
    }

    fn container(&mut self) {
        let mut depth = 0_usize;
        while let Some(byte) = self.text.get(self.at) {
            match byte {
                b'"' => {
                    self.string();
                    continue;
                }
                b'{' | b'[' => depth += 1,
                b'}' | b']' => depth = depth.saturating_sub(1),
                _ => {}
            }
            self.at += 1;
            if depth == 0 {
                break;
            }
        }
    }

    /// The place of the member `token` of the object or list that is next; of keys given twice, the last, as parsing has it.
    fn member(&mut self, token: &str) -> Option<Range<usize>> {
        let mut found = None;
        if self.take(b'{') {
            while !self.take(b'}') && self.at < self.text.len() {
                let key = self.value();
                self.take(b':');
                let value = self.value();
                let key = serde_json::from_slice::<String>(self.text.get(key)?).ok()?;
                if key == token {
                    found = Some(value);
                }
                self.take(b',');
            }
        } else if self.take(b'[') {
            let wanted: usize = token.parse().ok()?;
            for index in 0.. {
                if self.take(b']') || self.at >= self.text.len() {
                    break;
                }
                let value = self.value();
                if index == wanted {
                    return Some(value);
                }
                self.take(b',');
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pointers_lead_to_places() {
        let text = r#" {"a": [1, {"ü\"": "x, y"}, [true]], "b/c": null, "a~": {"": -1.5e3}} "#;
        let source = SourceText::new("suite.json", text);
        let json = parse(&source).unwrap();
        for pointer in ["", "/a", "/a/0", "/a/1", "/a/1/ü\"", "/a/2/0", "/b~1c", "/a~0", "/a~0/"] {
            let place = locate(&source, pointer);
            let there: serde_json::Value = serde_json::from_str(place.text()).unwrap();
            assert_eq!(Some(&there), json.pointer(pointer), "{pointer}");
        }
        assert_eq!(locate(&source, "/a/1/nothing").text(), locate(&source, "/a/1").text());
        assert_eq!(locate(&source, "/a/7").text(), locate(&source, "/a").text());
    }

    #[test]
    fn broken_syntax_is_shown_where_it_breaks() {
        let source = SourceText::new("suite.json", "{\n  \"ü\": [1,, 2]\n}");
        insta::assert_snapshot!(parse(&source).unwrap_err().render(), @r#"
        error: this is not JSON: expected value
         --> suite.json:2:11
          |
        2 |   "ü": [1,, 2]
          |           ^
        "#);
        for text in ["", "{", "[1", "\"a", "{\"a\" 1}", "nul", "[1]]", "{\"a\": \"\u{1}\"}"] {
            let source = SourceText::new("suite.json", text);
            assert!(parse(&source).unwrap_err().render().contains("suite.json"), "{text}");
        }
    }
}
