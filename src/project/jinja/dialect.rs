//! The difference between dbt's Jinja (Python's) and minijinja's, bridged in the source text.
//!
//! Python's lists and dicts can be changed in place (`{% do columns.append(c) %}`), minijinja's cannot: literals become
//! calls that make [changeable ones](super::collections). Offsets lead back to the text as written.

use std::ops::Range;

use minijinja::machinery::{Span as TokenSpan, Token, tokenize};

/// The names of the functions that list and dict literals are wrapped in.
pub(super) const LIST: &str = "__list";
pub(super) const DICT: &str = "__dict";

/// A text put in, at an offset of the written text.
#[derive(Clone, Debug)]
struct Insertion {
    written_at: usize,
    text: &'static str,
}

/// A template as minijinja reads it.
#[derive(Clone, Debug)]
pub(super) struct Bridged {
    pub(super) text: String,
    /// Sorted by place.
    insertions: Vec<Insertion>,
}

impl Bridged {
    pub(super) fn unchanged(source: &str) -> Self {
        Self { text: source.to_owned(), insertions: Vec::new() }
    }

    /// With `text` put in at an offset of the written text, behind what was put in there before.
    pub(super) fn with(mut self, written_at: usize, text: &'static str) -> Self {
        let place = self.insertions.partition_point(|earlier| earlier.written_at <= written_at);
        let shift: usize = self.insertions[..place].iter().map(|earlier| earlier.text.len()).sum();
        self.text.insert_str(written_at + shift, text);
        self.insertions.insert(place, Insertion { written_at, text });
        self
    }

    /// The range of the written text for a range of `text`.
    pub(super) fn written(&self, range: &Range<usize>) -> Range<usize> {
        let start = self.written_offset(range.start);
        start..self.written_offset(range.end).max(start)
    }

    fn written_offset(&self, offset: usize) -> usize {
        let mut shift = 0;
        for insertion in &self.insertions {
            let bridged_at = insertion.written_at + shift;
            if bridged_at >= offset {
                break;
            }
            if offset < bridged_at + insertion.text.len() {
                return insertion.written_at;
            }
            shift += insertion.text.len();
        }
        offset - shift
    }
}

/// A call of a function with its literal arguments, found in the text without running it.
#[derive(Clone, Debug)]
pub(in crate::project) struct CallSite {
    pub(in crate::project) function: String,
    /// The leading text arguments and where they stand, quotes excluded.
    pub(in crate::project) arguments: Vec<(String, Range<usize>)>,
    /// Keyword arguments and where their values begin.
    pub(in crate::project) keywords: Vec<(String, Range<usize>)>,
    /// The function's name.
    pub(in crate::project) range: Range<usize>,
}

type Spanned<'a> = (Token<'a>, Range<usize>);

pub(super) fn tokens(source: &str) -> Result<Vec<Spanned<'_>>, minijinja::Error> {
    let range = |span: TokenSpan| span.start_offset as usize..span.end_offset as usize;
    tokenize(source, false, Default::default())
        .map(|token| token.map(|(token, span)| (token, range(span))))
        .collect()
}

/// Wraps every list and dict literal.
pub(super) fn bridge(source: &str) -> Result<Bridged, minijinja::Error> {
    let tokens = tokens(source)?;
    let mut insertions: Vec<Insertion> = Vec::new();
    // What closes each open bracket, and whether it is a wrapped literal.
    let mut open: Vec<bool> = Vec::new();
    for (index, (token, range)) in tokens.iter().enumerate() {
        let before = index.checked_sub(1).map(|index| &tokens[index].0);
        match token {
            Token::BracketOpen => {
                let literal = !before.is_some_and(ends_value);
                if literal {
                    insertions.push(Insertion { written_at: range.start, text: "__list(" });
                }
                open.push(literal);
            }
            Token::BraceOpen => {
                insertions.push(Insertion { written_at: range.start, text: "__dict(" });
                open.push(true);
            }
            Token::BracketClose | Token::BraceClose => {
                let wrapped = open.pop().unwrap_or(false);
                insertions
                    .extend(wrapped.then_some(Insertion { written_at: range.end, text: ")" }));
            }
            // A literal that is not closed is minijinja's to report.
            Token::VariableEnd | Token::BlockEnd => open.clear(),
            _ => {}
        }
    }
    Ok(Bridged { text: insert(source, &insertions), insertions })
}

/// A `{% test name(…) %}` block as the macro that it is: the words of its tags are written over, the letters that they
/// lack put in.
pub(super) fn test_as_macro(source: &str) -> Result<Bridged, minijinja::Error> {
    let tokens = tokens(source)?;
    let mut text = source.to_owned();
    let mut missing = Vec::new();
    for window in tokens.windows(2) {
        let [(Token::BlockStart, _), (Token::Ident(tag), range)] = window else { continue };
        let word = match *tag {
            "test" | "data_test" => "macr",
            "endtest" | "enddata_test" => "endmacr",
            _ => continue,
        };
        let written = format!("{word:<width$}", width = range.len());
        text.replace_range(range.clone(), &written);
        missing.push(range.start + word.len());
    }
    let bridged = bridge(&text)?;
    Ok(missing.into_iter().fold(bridged, |bridged, at| bridged.with(at, "o")))
}

/// Whether a `[` behind this token looks something up, rather than beginning a list.
fn ends_value(token: &Token<'_>) -> bool {
    const OPERATORS: [&str; 8] = ["in", "not", "and", "or", "if", "elif", "else", "is"];
    match token {
        Token::Ident(name) => !OPERATORS.contains(name),
        Token::Str(_) | Token::String(_) | Token::Int(_) | Token::Int128(_) | Token::Float(_) => {
            true
        }
        Token::ParenClose | Token::BracketClose | Token::BraceClose => true,
        _ => false,
    }
}

fn insert(source: &str, insertions: &[Insertion]) -> String {
    let mut text = String::with_capacity(source.len() + insertions.len() * 7);
    let mut copied = 0;
    for insertion in insertions {
        text.push_str(&source[copied..insertion.written_at]);
        text.push_str(insertion.text);
        copied = insertion.written_at;
    }
    text.push_str(&source[copied..]);
    text
}

/// Every call of one of `functions` by its bare name; nothing for a text that cannot be read.
pub(in crate::project) fn call_sites(source: &str, functions: &[&str]) -> Vec<CallSite> {
    let Ok(tokens) = tokens(source) else { return Vec::new() };
    let mut sites = Vec::new();
    for index in 0..tokens.len() {
        let (Token::Ident(name), range) = &tokens[index] else { continue };
        let after_dot = index > 0 && matches!(tokens[index - 1].0, Token::Dot);
        let called = matches!(tokens.get(index + 1), Some((Token::ParenOpen, _)));
        if called && !after_dot && functions.contains(name) {
            let (arguments, keywords) = arguments(source, &tokens[index + 2..]);
            let function = (*name).to_owned();
            sites.push(CallSite { function, arguments, keywords, range: range.clone() });
        }
    }
    sites
}

type Arguments = Vec<(String, Range<usize>)>;

fn arguments(source: &str, tokens: &[Spanned<'_>]) -> (Arguments, Arguments) {
    let (mut positional, mut keywords) = (Vec::new(), Vec::new());
    let mut depth = 0_usize;
    for (index, (token, range)) in tokens.iter().enumerate() {
        match token {
            Token::ParenOpen | Token::BracketOpen | Token::BraceOpen => depth += 1,
            Token::ParenClose | Token::BracketClose | Token::BraceClose => {
                match depth.checked_sub(1) {
                    Some(outer) => depth = outer,
                    None => break,
                }
            }
            Token::Str(_) | Token::String(_) if depth == 0 => {
                let value = string_value(token);
                let assigned = index > 0 && matches!(tokens[index - 1].0, Token::Assign);
                if !assigned {
                    positional.push((value, unquoted(source, range)));
                }
            }
            Token::Ident(name) if depth == 0 => {
                let assigned = matches!(tokens.get(index + 1), Some((Token::Assign, _)));
                if let (true, Some((_, value))) = (assigned, tokens.get(index + 2)) {
                    keywords.push(((*name).to_owned(), value.clone()));
                }
            }
            _ => {}
        }
    }
    (positional, keywords)
}

fn string_value(token: &Token<'_>) -> String {
    match token {
        Token::Str(text) => (*text).to_owned(),
        Token::String(text) => text.to_string(),
        _ => String::new(),
    }
}

fn unquoted(source: &str, range: &Range<usize>) -> Range<usize> {
    let quoted = source.get(range.clone()).is_some_and(|text| text.len() >= 2);
    if quoted { range.start + 1..range.end - 1 } else { range.clone() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_are_wrapped_and_lookups_are_not() {
        let bridged = bridge("[a] {% set x = [1, [y[0]]] %}{{ {'a': x[1]} }}").unwrap();
        let expected = "[a] {% set x = __list([1, __list([y[0]])]) %}{{ __dict({'a': x[1]}) }}";
        assert_eq!(bridged.text, expected);
    }

    #[test]
    fn a_test_is_a_macro() {
        let source = "{%- test even(model, of=[2]) %}{{ nope }}{%endtest%}";
        let bridged = test_as_macro(source).unwrap().with(9, "__macro_");
        assert_eq!(
            bridged.text,
            "{%- macro __macro_even(model, of=__list([2])) %}{{ nope }}{%endmacro%}"
        );
        let at = bridged.text.find("nope").unwrap();
        assert_eq!(&source[bridged.written(&(at..at + 4))], "nope");
        let data_test = test_as_macro("{% data_test a(b) %}{% enddata_test %}").unwrap();
        assert_eq!(data_test.text, "{% macro      a(b) %}{% endmacro      %}");
    }

    #[test]
    fn offsets_lead_back_to_the_written_text() {
        let source = "{{ [a, [b], c] + nope }}";
        let bridged = bridge(source).unwrap();
        for word in ["a", "b", "c", "nope"] {
            let at = bridged.text.find(&format!(" {word}")).or(bridged.text.find(word)).unwrap();
            let at = at + usize::from(bridged.text[at..].starts_with(' '));
            let range = bridged.written(&(at..at + word.len()));
            assert_eq!(&source[range], word);
        }
    }

    #[test]
    fn calls_are_found_with_their_arguments() {
        let source = "{{ ref( 'a', \"b\" ) }} {{ x.ref('no') }} {{ config(materialized='table', tags=['t']) }}";
        let sites = call_sites(source, &["ref", "config"]);
        assert_eq!(sites.len(), 2);
        assert_eq!(sites[0].arguments[1].0, "b");
        assert_eq!(&source[sites[0].arguments[0].1.clone()], "a");
        assert_eq!(&source[sites[1].keywords[0].1.clone()], "'table'");
        assert_eq!(sites[1].keywords[1].0, "tags");
    }
}
