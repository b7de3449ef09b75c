//! YAML for readers of its older version, too.

/// Quotes what looks like a date: in YAML 1.1, which many still read, `2024-01-31` is no text but a date.
pub(super) fn with_quoted_dates(yaml: &str) -> String {
    let mut quoted = String::with_capacity(yaml.len());
    // The indentation of the line whose text in several lines goes on.
    let mut block: Option<usize> = None;
    for line in yaml.split_inclusive('\n') {
        let content = line.trim_start_matches(' ');
        let indent = line.len() - content.len();
        let content = content.trim_end_matches('\n');
        if block.is_some_and(|outer| indent > outer || content.is_empty()) {
            quoted.push_str(line);
            continue;
        }
        block = is_begun(content).then_some(indent);
        match value(content).filter(|value| is_date(value)) {
            Some(value) => {
                let label = &line[..line.trim_end_matches('\n').len() - value.len()];
                quoted.push_str(&format!("{label}'{value}'\n"));
            }
            None => quoted.push_str(line),
        }
    }
    quoted
}

/// Whether the line is the head of a text in several lines: `key: |-`.
fn is_begun(content: &str) -> bool {
    let marks = content.rsplit(' ').next().unwrap_or_default();
    marks.starts_with(['|', '>']) && marks[1..].bytes().all(|byte| b"+-123456789".contains(&byte))
}

/// What stands behind `- ` or `key: `.
fn value(content: &str) -> Option<&str> {
    let item = content.strip_prefix("- ").unwrap_or(content);
    let value = item.split_once(": ").map_or(item, |(_, value)| value);
    (value.len() < content.len()).then_some(value)
}

/// Whether it begins like a date and goes on, if at all, like a time.
fn is_date(value: &str) -> bool {
    let Some((day, rest)) = value.split_at_checked(10) else { return false };
    let shape = day.bytes().zip(*b"0000-00-00").all(|(found, wanted)| match wanted {
        b'0' => found.is_ascii_digit(),
        _ => found == wanted,
    });
    shape && rest.bytes().all(|byte| byte.is_ascii_digit() || b"Tt Zz:.+-".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_quoted_and_nothing_else() {
        let yaml = "a: 2024-01-31\nb:\n- 2024-01-31T10:00:00Z\n- x: 2024-01-31\nc: |-\n  d: 2024-01-31\n\n  e\n\
                    f: 2024-01-31 was\ng: '2024-01-31'\nh: 12\n";
        let expected = "a: '2024-01-31'\nb:\n- '2024-01-31T10:00:00Z'\n- x: '2024-01-31'\nc: |-\n  d: 2024-01-31\n\n  e\n\
                        f: 2024-01-31 was\ng: '2024-01-31'\nh: 12\n";
        assert_eq!(with_quoted_dates(yaml), expected);
    }
}
