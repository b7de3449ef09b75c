//! `datetime.strptime` of Python: which texts a format reads.
//!
//! Source: CPython's `Lib/_strptime.py`, in the C locale.

use chrono::NaiveDate;
use regex::{Captures, Regex};

pub(super) const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];
pub(super) const DAYS: [&str; 7] =
    ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];

/// A format, compiled.
pub(super) struct Format {
    pattern: Regex,
}

impl Format {
    /// # Errors
    /// If it holds a directive that Python does not know, or one twice.
    pub(super) fn new(format: &str) -> Result<Self, String> {
        let mut pattern = String::from(r"(?i)\A");
        let mut seen = String::new();
        translate(format, &mut pattern, &mut seen)?;
        pattern.push_str(r"\z");
        let pattern = Regex::new(&pattern).map_err(|error| error.to_string())?;
        Ok(Self { pattern })
    }

    /// Whether the text is written so, and is a time that there is.
    pub(super) fn reads(&self, text: &str) -> bool {
        self.pattern.captures(text).is_some_and(|found| exists(&found))
    }
}

fn translate(format: &str, pattern: &mut String, seen: &mut String) -> Result<(), String> {
    let mut letters = format.chars().peekable();
    while let Some(letter) = letters.next() {
        if letter.is_whitespace() {
            while letters.peek().is_some_and(|next| next.is_whitespace()) {
                letters.next();
            }
            pattern.push_str(r"\s+");
        } else if letter != '%' {
            pattern.push_str(&regex::escape(&letter.to_string()));
        } else {
            let directive =
                letters.next().ok_or_else(|| format!("stray % in format '{format}'"))?;
            directive_pattern(directive, format, pattern, seen)?;
        }
    }
    Ok(())
}

fn directive_pattern(
    directive: char,
    format: &str,
    pattern: &mut String,
    seen: &mut String,
) -> Result<(), String> {
    let whole = match directive {
        'c' => Some("%a %b %d %H:%M:%S %Y"),
        'x' => Some("%m/%d/%y"),
        'X' => Some("%H:%M:%S"),
        _ => None,
    };
    if let Some(whole) = whole {
        return translate(whole, pattern, seen);
    }
    if directive != '%' && seen.contains(directive) {
        return Err(format!("'%{directive}' stands twice in format '{format}'"));
    }
    seen.push(directive);
    let short = |names: &[&str]| names.iter().map(|name| &name[..3]).collect::<Vec<_>>().join("|");
    let part = match directive {
        'd' => "(?P<d>3[01]|[12][0-9]|0[1-9]|[1-9]| [1-9])".to_owned(),
        'f' => "(?P<f>[0-9]{1,6})".to_owned(),
        'H' => "(?P<H>2[0-3]|[01][0-9]|[0-9])".to_owned(),
        'I' => "(?P<I>1[0-2]|0[1-9]|[1-9])".to_owned(),
        'j' => {
            "(?P<j>36[0-6]|3[0-5][0-9]|[12][0-9][0-9]|0[1-9][0-9]|00[1-9]|[1-9][0-9]|0[1-9]|[1-9])"
                .to_owned()
        }
        'm' => "(?P<m>1[0-2]|0[1-9]|[1-9])".to_owned(),
        'M' => "(?P<M>[0-5][0-9]|[0-9])".to_owned(),
        'S' => "(?P<S>6[01]|[0-5][0-9]|[0-9])".to_owned(),
        'U' | 'W' => format!("(?P<{directive}>5[0-3]|[0-4][0-9]|[0-9])"),
        'V' => "(?P<V>5[0-3]|0[1-9]|[1-4][0-9]|[0-9])".to_owned(),
        'w' => "(?P<w>[0-6])".to_owned(),
        'u' => "(?P<u>[1-7])".to_owned(),
        'y' => "(?P<y>[0-9][0-9])".to_owned(),
        'Y' | 'G' => format!("(?P<{directive}>[0-9][0-9][0-9][0-9])"),
        'z' => r"(?P<z>[+-][0-9][0-9]:?[0-5][0-9](:?[0-5][0-9](\.[0-9]{1,6})?)?|Z)".to_owned(),
        'Z' => "(?P<Z>utc|gmt)".to_owned(),
        'p' => "(?P<p>am|pm)".to_owned(),
        'A' => format!("(?P<A>{})", DAYS.join("|")),
        'a' => format!("(?P<a>{})", short(&DAYS)),
        'B' => format!("(?P<B>{})", MONTHS.join("|")),
        'b' | 'h' => format!("(?P<b>{})", short(&MONTHS)),
        '%' => "%".to_owned(),
        other => return Err(format!("'{other}' is a bad directive in format '{format}'")),
    };
    pattern.push_str(&part);
    Ok(())
}

/// Whether there is such a day. Without a year it is 1900, as in Python.
fn exists(found: &Captures<'_>) -> bool {
    let number = |name: &str| found.name(name)?.as_str().trim().parse::<u32>().ok();
    let named = |name: &str| {
        let written = found.name(name)?.as_str().to_lowercase();
        let place = MONTHS.iter().position(|month| month.starts_with(&written))?;
        u32::try_from(place + 1).ok()
    };
    let year = match (number("Y"), number("y")) {
        (Some(year), _) => year,
        (None, Some(year)) if year <= 68 => 2000 + year,
        (None, Some(year)) => 1900 + year,
        (None, None) => 1900,
    };
    let Ok(year) = i32::try_from(year) else { return false };
    if year == 0 || number("S").is_some_and(|second| second > 59) {
        return false;
    }
    if let Some(day) = number("j") {
        return day <= 365 || NaiveDate::from_yo_opt(year, day).is_some() || number("Y").is_none();
    }
    let month = number("m").or_else(|| named("B")).or_else(|| named("b")).unwrap_or(1);
    // February 29th without a year is read as one of a leap year, and then is none of 1900's.
    NaiveDate::from_ymd_opt(year, month, number("d").unwrap_or(1)).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reads(format: &str, text: &str) -> bool {
        Format::new(format).unwrap().reads(text)
    }

    #[test]
    fn formats_read_what_python_reads() {
        for (format, text, expected) in [
            ("%Y-%m-%d", "2024-02-29", true),
            ("%Y-%m-%d", "2023-02-29", false),
            ("%Y-%m-%d", "2023-2-9", true),
            ("%Y-%m-%d", "23-02-09", false),
            ("%Y-%m-%d", "2023-02-09 ", false),
            ("%d.%m.%y %H:%M", "31.12.99   23:59", true),
            ("%d.%m.%y %H:%M", "31.12.99 24:00", false),
            ("%b %d, %Y", "JAN 05, 2020", true),
            ("%I:%M %p", "12:30 pm", true),
            ("%I:%M %p", "13:30 pm", false),
            ("%S.%f", "01.123456", true),
            ("%S.%f", "01.1234567", false),
            ("%Y%m%dT%H%M%S%z", "20240101T000000+0100", true),
            ("100%%", "100%", true),
            ("%m/%d", "02/29", false),
        ] {
            assert_eq!(reads(format, text), expected, "{format} {text}");
        }
    }

    #[test]
    fn what_is_no_format_is_told() {
        for format in ["%Q", "%Y %Y", "%"] {
            assert!(Format::new(format).is_err(), "{format}");
        }
    }
}
