//! Python's `json.loads`: JSON, and `NaN`, `Infinity` and lone surrogates besides.

use std::iter::Peekable;
use std::str::CharIndices;

use serde_json::{Map, Number, Value};

/// How deep values may be nested: Python's own limit of calls is near it.
const MAX_DEPTH: usize = 900;

/// Numbers that JSON does not have become null, surrogates that stand alone the sign for what cannot be shown.
///
/// # Errors
/// If it is no JSON, in Python's words.
pub(super) fn parse(text: &str) -> Result<Value, String> {
    let mut reader = Reader { text, characters: text.char_indices().peekable() };
    reader.skip_blanks();
    let value = reader.value(0)?;
    reader.skip_blanks();
    match reader.at() {
        at if at == text.len() => Ok(value),
        at => Err(reader.problem("Extra data", at)),
    }
}

struct Reader<'a> {
    text: &'a str,
    characters: Peekable<CharIndices<'a>>,
}

impl Reader<'_> {
    fn problem(&self, message: &str, at: usize) -> String {
        let before = &self.text[..at];
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        format!("{message}: line {line} column {column} (char {})", before.chars().count())
    }

    fn at(&mut self) -> usize {
        self.characters.peek().map_or(self.text.len(), |(at, _)| *at)
    }

    fn skip_blanks(&mut self) {
        while self.characters.next_if(|(_, c)| matches!(c, ' ' | '\t' | '\n' | '\r')).is_some() {}
    }

    fn takes(&mut self, wanted: char) -> bool {
        self.characters.next_if(|(_, found)| *found == wanted).is_some()
    }

    fn value(&mut self, depth: usize) -> Result<Value, String> {
        let at = self.at();
        if depth > MAX_DEPTH {
            return Err("maximum recursion depth exceeded while decoding a JSON text".to_owned());
        }
        let words = [
            ("null", Value::Null),
            ("true", Value::Bool(true)),
            ("false", Value::Bool(false)),
            ("NaN", Value::Null),
            ("Infinity", Value::Null),
            ("-Infinity", Value::Null),
        ];
        for (word, value) in words {
            if self.text[at..].starts_with(word) {
                self.characters.nth(word.len() - 1);
                return Ok(value);
            }
        }
        match self.characters.peek().map(|(_, character)| *character) {
            Some('"') => self.text_value().map(Value::String),
            Some('{') => self.object(depth),
            Some('[') => self.array(depth),
            Some('-' | '0'..='9') => self.number(),
            _ => Err(self.problem("Expecting value", at)),
        }
    }

    fn object(&mut self, depth: usize) -> Result<Value, String> {
        self.characters.next();
        let mut object = Map::new();
        self.skip_blanks();
        if self.takes('}') {
            return Ok(Value::Object(object));
        }
        loop {
            let at = self.at();
            if !self.text[at..].starts_with('"') {
                let message = "Expecting property name enclosed in double quotes";
                return Err(self.problem(message, at));
            }
            let key = self.text_value()?;
            self.skip_blanks();
            let at = self.at();
            if !self.takes(':') {
                return Err(self.problem("Expecting ':' delimiter", at));
            }
            self.skip_blanks();
            let value = self.value(depth + 1)?;
            object.insert(key, value);
            self.skip_blanks();
            let at = self.at();
            if self.takes('}') {
                return Ok(Value::Object(object));
            }
            if !self.takes(',') {
                return Err(self.problem("Expecting ',' delimiter", at));
            }
            self.skip_blanks();
        }
    }

    fn array(&mut self, depth: usize) -> Result<Value, String> {
        self.characters.next();
        let mut items = Vec::new();
        self.skip_blanks();
        if self.takes(']') {
            return Ok(Value::Array(items));
        }
        loop {
            items.push(self.value(depth + 1)?);
            self.skip_blanks();
            let at = self.at();
            if self.takes(']') {
                return Ok(Value::Array(items));
            }
            if !self.takes(',') {
                return Err(self.problem("Expecting ',' delimiter", at));
            }
            self.skip_blanks();
        }
    }

    fn number(&mut self) -> Result<Value, String> {
        let start = self.at();
        self.takes('-');
        let whole = self.at();
        let digits = self.digits();
        let length = if self.text[whole..].starts_with('0') { 1 } else { digits };
        if length == 0 {
            return Err(self.problem("Expecting value", start));
        }
        if length < digits {
            return Err(self.problem("Extra data", whole + 1));
        }
        let end = self.fraction(whole + digits);
        let end = self.exponent(end);
        // The iterator may have read further than the number goes: `1.` is a number and extra data.
        self.characters = self.text.char_indices().peekable();
        let passed = self.text[..end].chars().count();
        if passed > 0 {
            self.characters.nth(passed - 1);
        }
        let written = &self.text[start..end];
        let number: Option<Number> = serde_json::from_str(written).ok();
        Ok(number.map_or(Value::Null, Value::Number))
    }

    fn digits(&mut self) -> usize {
        let mut count = 0;
        while self.characters.next_if(|(_, character)| character.is_ascii_digit()).is_some() {
            count += 1;
        }
        count
    }

    /// Where the number goes on to, if a fraction begins at `from`.
    fn fraction(&mut self, from: usize) -> usize {
        if !self.takes('.') {
            return from;
        }
        match self.digits() {
            0 => from,
            digits => from + 1 + digits,
        }
    }

    fn exponent(&mut self, from: usize) -> usize {
        if self.at() != from || !(self.takes('e') || self.takes('E')) {
            return from;
        }
        let sign = usize::from(self.takes('+') || self.takes('-'));
        match self.digits() {
            0 => from,
            digits => from + 1 + sign + digits,
        }
    }

    fn text_value(&mut self) -> Result<String, String> {
        let start = self.at();
        self.characters.next();
        let mut text = String::new();
        loop {
            match self.characters.next() {
                None => return Err(self.problem("Unterminated string starting at", start)),
                Some((_, '"')) => return Ok(text),
                Some((_, '\\')) => text.push(self.escape(start)?),
                Some((at, control)) if control < ' ' => {
                    return Err(self.problem("Invalid control character at", at));
                }
                Some((_, character)) => text.push(character),
            }
        }
    }

    fn escape(&mut self, start: usize) -> Result<char, String> {
        let escaped = self.characters.next();
        Ok(match escaped {
            None => return Err(self.problem("Unterminated string starting at", start)),
            Some((_, character @ ('"' | '\\' | '/'))) => character,
            Some((_, 'b')) => '\u{8}',
            Some((_, 'f')) => '\u{c}',
            Some((_, 'n')) => '\n',
            Some((_, 'r')) => '\r',
            Some((_, 't')) => '\t',
            Some((at, 'u')) => {
                let high = self.hexadecimal(at)?;
                let rest = &self.text[self.at()..];
                let low = rest.strip_prefix("\\u").and_then(|rest| rest.get(..4));
                let low = low.and_then(|digits| u32::from_str_radix(digits, 16).ok());
                match low.filter(|low| {
                    (0xD800..0xDC00).contains(&high) && (0xDC00..0xE000).contains(low)
                }) {
                    Some(low) => {
                        self.characters.nth(5);
                        let code = 0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00);
                        char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER)
                    }
                    None => char::from_u32(high).unwrap_or(char::REPLACEMENT_CHARACTER),
                }
            }
            Some((at, _)) => return Err(self.problem("Invalid \\escape", at - 1)),
        })
    }

    fn hexadecimal(&mut self, at: usize) -> Result<u32, String> {
        let digits = self.text.get(at + 1..at + 5);
        let digits = digits.filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()));
        let code = digits.and_then(|digits| u32::from_str_radix(digits, 16).ok());
        let code = code.ok_or_else(|| self.problem("Invalid \\uXXXX escape", at + 1))?;
        self.characters.nth(3);
        Ok(code)
    }
}
