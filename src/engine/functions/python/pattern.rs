//! Python's regular expressions, written for `fancy_regex`.

use fancy_regex::Regex;

/// # Errors
/// If it is no regular expression.
pub(super) fn compile(pattern: &str) -> Result<Regex, String> {
    let translated = translate(pattern);
    Regex::new(&translated)
        .map_err(|error| format!("`{pattern}` is no regular expression: {error}"))
}

/// The places where the two dialects differ: `$` also stands before a last line break, `\Z` is the end, `[` and `&&`
/// are themselves inside a class, and a `{` that begins no count is one.
fn translate(pattern: &str) -> String {
    let characters: Vec<char> = pattern.chars().collect();
    let many_lines = flags(pattern).contains('m');
    let mut written = String::new();
    let mut in_class = false;
    let mut index = 0;
    while let Some(&character) = characters.get(index) {
        let rest = &characters[index + 1..];
        match character {
            '\\' => {
                match rest.first() {
                    Some('Z') => written.push_str(r"\z"),
                    Some(next) if next.is_ascii_punctuation() || *next == ' ' => {
                        written.push_str(&escaped(*next));
                    }
                    Some(next) => written.extend(['\\', *next]),
                    None => written.push('\\'),
                }
                index += 1;
            }
            '[' if in_class => written.push_str(r"\["),
            '&' | '~' if in_class => written.extend(['\\', character]),
            '-' if in_class && rest.first() == Some(&'-') => written.push_str(r"\-"),
            '[' => {
                in_class = true;
                written.push('[');
                let negated = rest.first() == Some(&'^');
                if negated {
                    written.push('^');
                    index += 1;
                }
                if rest.get(usize::from(negated)) == Some(&']') {
                    written.push_str(r"\]");
                    index += 1;
                }
            }
            ']' if in_class => {
                in_class = false;
                written.push(']');
            }
            '$' if !in_class && !many_lines => written.push_str(r"(?=\n?\z)"),
            '{' if !in_class => match count(rest) {
                Some((count, length)) => {
                    written.push_str(&count);
                    index += length;
                }
                None => written.push_str(r"\{"),
            },
            '}' if !in_class => written.push_str(r"\}"),
            other => written.push(other),
        }
        index += 1;
    }
    written
}

fn escaped(character: char) -> String {
    if character.is_ascii_punctuation() && character != '_' {
        format!("\\{character}")
    } else {
        character.to_string()
    }
}

/// The flags that a pattern begins with: `(?im)`.
fn flags(pattern: &str) -> &str {
    let flags = pattern.strip_prefix("(?").and_then(|rest| rest.split_once(')'));
    flags.map_or("", |(flags, _)| flags).trim_start_matches([':', '=', '!', '<', 'P'])
}

/// `{2}`, `{2,}`, `{,3}` or `{2,3}` behind its `{`, and how many characters it has there.
fn count(rest: &[char]) -> Option<(String, usize)> {
    let end = rest.iter().position(|character| *character == '}')?;
    let inside: String = rest[..end].iter().collect();
    let digits = |text: &str| text.chars().all(|character| character.is_ascii_digit());
    let written = match inside.split_once(',') {
        Some(("", "")) => return None,
        Some(("", most)) if digits(most) => format!("{{0,{most}}}"),
        Some((least, most)) if digits(least) && digits(most) => format!("{{{least},{most}}}"),
        None if !inside.is_empty() && digits(&inside) => format!("{{{inside}}}"),
        _ => return None,
    };
    Some((written, end + 1))
}
