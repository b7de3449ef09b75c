//! A text cut into numbers, words and signs.

/// Numbers keep their fraction, abbreviations their dots; blanks are one space each.
pub(super) fn tokens(text: &str) -> Vec<String> {
    let mut tokens = Vec::new();
    let mut rest: &str = text;
    while let Some(first) = rest.chars().next() {
        let length = match first {
            first if first.is_alphabetic() || first.is_ascii_digit() => length(rest),
            first => first.len_utf8(),
        };
        let (token, after) = rest.split_at(length);
        rest = after;
        match first {
            // Python's reader skips it too.
            '\0' => {}
            first if first.is_whitespace() => tokens.push(" ".to_owned()),
            _ => add(&mut tokens, token),
        }
    }
    tokens
}

/// What a token is taken for so far.
#[derive(Clone, Copy, PartialEq)]
enum State {
    Word,
    Number,
    DottedWord,
    DottedNumber,
}

/// How many bytes belong to the word or number that the text starts with.
fn length(text: &str) -> usize {
    use State::{DottedNumber, DottedWord, Number, Word};
    let mut state = match text.starts_with(char::is_alphabetic) {
        true => Word,
        false => Number,
    };
    for (at, c) in text.char_indices().skip(1) {
        let ends_in_dot = text[..at].ends_with('.');
        state = match (state, c) {
            (state, '\0') => state,
            (Word, c) if c.is_alphabetic() => Word,
            (Word, '.') => DottedWord,
            (Number, c) if c.is_ascii_digit() => Number,
            (Number, '.') => DottedNumber,
            (Number, ',') if at >= 2 => DottedNumber,
            (DottedWord, c) if c == '.' || c.is_alphabetic() => DottedWord,
            (DottedWord, c) if c.is_ascii_digit() && ends_in_dot => DottedNumber,
            (DottedNumber, c) if c == '.' || c.is_ascii_digit() => DottedNumber,
            (DottedNumber, c) if c.is_alphabetic() && ends_in_dot => DottedWord,
            _ => return at,
        };
    }
    text.len()
}

/// Adds the token, or the parts of one that is no single number: `1.2.2024`, `a.m.`
fn add(tokens: &mut Vec<String>, token: &str) {
    let token = token.replace('\0', "");
    let separators = ['.', ','];
    let dots = token.matches('.').count();
    let is_split = token.contains(separators)
        && (token.contains(char::is_alphabetic) || dots > 1 || token.ends_with(separators));
    if !is_split {
        tokens.push(token.replacen(',', ".", usize::from(dots == 0 && token.len() > 1)));
        return;
    }
    let mut rest = token.as_str();
    while let Some(at) = rest.find(separators) {
        if at > 0 {
            tokens.push(rest[..at].to_owned());
        }
        tokens.push(rest[at..=at].to_owned());
        rest = &rest[at + 1..];
    }
    if !rest.is_empty() {
        tokens.push(rest.to_owned());
    }
}

#[cfg(test)]
mod tests {
    use super::tokens;

    #[test]
    fn numbers_and_words_are_told_apart() {
        assert_eq!(tokens("2024-01-02"), ["2024", "-", "01", "-", "02"]);
        assert_eq!(
            tokens("10:11:12.5 a.m."),
            ["10", ":", "11", ":", "12.5", " ", "a", ".", "m", "."]
        );
        assert_eq!(tokens("1.2.2024"), ["1", ".", "2", ".", "2024"]);
        assert_eq!(tokens("12,5"), ["12.5"]);
        assert_eq!(tokens("1,5"), ["1", ",", "5"]);
        assert_eq!(tokens("3rd"), ["3", "rd"]);
        assert!(tokens("").is_empty());
    }
}
