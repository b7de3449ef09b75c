//! A condition in pandas' query language, cut into Python's tokens.

use serde_json::{Number, Value as Json};

/// A piece of a condition.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token {
    Name(String),
    /// A name between backticks, which may hold anything.
    Quoted(String),
    /// A number or a text.
    Literal(Json),
    Sign(&'static str),
}

/// Longer signs stand before those that they begin with.
const SIGNS: &[&str] = &[
    "**", "//", "==", "!=", "<=", ">=", "<", ">", "+", "-", "*", "/", "%", "&", "|", "~", "(", ")",
    "[", "]", ",", ".", ":", "=", "@",
];

/// `None` where it is not Python.
pub(super) fn tokens(text: &str) -> Option<Vec<Token>> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let (token, behind) = match first {
            '`' => {
                let (name, behind) = rest.get(1..)?.split_once('`')?;
                (Token::Quoted(name.to_owned()), behind)
            }
            '\'' | '"' => quoted(rest, false)?,
            'r' | 'R' if rest[1..].starts_with(['\'', '"']) => quoted(rest.get(1..)?, true)?,
            _ if first.is_alphabetic() || first == '_' => {
                let (name, behind) = cut(rest, |c| c.is_alphanumeric() || c == '_');
                (Token::Name(name.to_owned()), behind)
            }
            _ if starts_number(rest) => number(rest)?,
            _ => {
                let sign = SIGNS.iter().find(|sign| rest.starts_with(**sign))?;
                (Token::Sign(sign), rest.get(sign.len()..)?)
            }
        };
        tokens.push(token);
        rest = behind.trim_start();
    }
    Some(tokens)
}

fn cut(text: &str, belongs: impl Fn(char) -> bool) -> (&str, &str) {
    text.split_at(text.find(|c| !belongs(c)).unwrap_or(text.len()))
}

fn starts_number(text: &str) -> bool {
    let text = text.strip_prefix('.').unwrap_or(text);
    text.starts_with(|c: char| c.is_ascii_digit())
}

/// `12`, `1_000`, `1.5e-3`. Whole numbers past 64 bits become floats.
fn number(text: &str) -> Option<(Token, &str)> {
    let is_digit = |c: char| c.is_ascii_digit() || c == '_';
    let (_, mut behind) = cut(text, is_digit);
    if let Some(fraction) = behind.strip_prefix('.') {
        behind = cut(fraction, is_digit).1;
    }
    if let Some(power) = behind.strip_prefix(['e', 'E']) {
        let power = power.strip_prefix(['+', '-']).unwrap_or(power);
        let (digits, after) = cut(power, is_digit);
        behind = if digits.is_empty() { behind } else { after };
    }
    let written = text.get(..text.len() - behind.len())?.replace('_', "");
    let whole = written.parse::<i64>().ok().map(Number::from);
    let number = whole.or_else(|| Number::from_f64(written.parse().ok()?))?;
    Some((Token::Literal(Json::Number(number)), behind))
}

/// A text in quotes, its escapes resolved unless it is `raw`.
fn quoted(text: &str, raw: bool) -> Option<(Token, &str)> {
    let quote = text.chars().next()?;
    let mut written = String::new();
    let mut rest = text.get(1..)?.chars();
    loop {
        match rest.next()? {
            end if end == quote => break,
            '\\' if raw => written.extend(['\\', rest.next()?]),
            '\\' => match rest.next()? {
                'n' => written.push('\n'),
                't' => written.push('\t'),
                'r' => written.push('\r'),
                same @ ('\\' | '\'' | '"') => written.push(same),
                kind @ ('x' | 'u') => {
                    let digits = if kind == 'x' { 2 } else { 4 };
                    let code: String = rest.by_ref().take(digits).collect();
                    written.push(char::from_u32(u32::from_str_radix(&code, 16).ok()?)?);
                }
                // What is no escape stays as it is, as `\d` does.
                other => written.extend(['\\', other]),
            },
            other => written.push(other),
        }
    }
    Some((Token::Literal(Json::String(written)), rest.as_str()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Token, tokens};

    #[test]
    fn tokens_are_pythons() {
        let literal = |value| Token::Literal(value);
        let name = |name: &str| Token::Name(name.to_owned());
        let cut = tokens(r#"`a b`>=1.5e3 and x!='it\'s' "#).unwrap();
        let quoted = Token::Quoted("a b".to_owned());
        let signs = (Token::Sign(">="), Token::Sign("!="));
        let wanted = [quoted, signs.0, literal(json!(1500.0)), name("and"), name("x"), signs.1];
        assert_eq!(cut[..6], wanted);
        assert_eq!(cut[6], literal(json!("it's")));
        assert_eq!(
            tokens(r"r'\d' '\d\n'").unwrap(),
            [literal(json!(r"\d")), literal(json!("\\d\n"))]
        );
        assert_eq!(tokens("1_000 .5").unwrap(), [literal(json!(1000)), literal(json!(0.5))]);
        for wrong in ["'a", "a ? b", "`a", "a ; b"] {
            assert_eq!(tokens(wrong), None, "{wrong}");
        }
    }
}
