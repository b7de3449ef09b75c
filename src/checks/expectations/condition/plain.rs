//! A condition in SQL, whose columns are found as they are written.

use arrow::datatypes::SchemaRef;

use crate::checks::expectations::arguments::quoted;

/// The text with columns quoted: also those between backticks, and those whose letters are not all small.
pub(super) fn sql(text: &str, schema: &SchemaRef) -> String {
    let mut written = String::from("(");
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let end = match first {
            '\'' | '"' | '`' => {
                let inside = rest.get(1..).unwrap_or_default();
                inside.find(first).map_or(rest.len(), |end| end + 2)
            }
            _ if is_of_word(first) => rest.find(|c| !is_of_word(c)).unwrap_or(rest.len()),
            _ => first.len_utf8(),
        };
        let (piece, behind) = rest.split_at(end);
        match first {
            '`' => written.push_str(&quoted(piece.trim_matches('`'))),
            _ if schema.field_with_name(piece).is_ok() => written.push_str(&quoted(piece)),
            _ => written.push_str(piece),
        }
        rest = behind;
    }
    written + ")"
}

fn is_of_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}
