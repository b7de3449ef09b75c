//! The words of dates in English.

use crate::engine::functions::strptime::{DAYS, MONTHS};

/// What says nothing.
const FILLERS: [&str; 18] = [
    " ", ".", ",", ";", "-", "/", "'", "at", "on", "and", "ad", "m", "t", "of", "st", "nd", "rd",
    "th",
];

/// The place among names that are written out or in their first three letters.
fn place(names: &[&str], word: &str) -> Option<u32> {
    let word = word.to_lowercase();
    let is_name = |name: &str| word == name || (word.len() == 3 && name.starts_with(&word));
    names.iter().position(|name| is_name(name)).and_then(|place| u32::try_from(place).ok())
}

/// From Monday, which is 0.
pub(super) fn weekday(word: &str) -> Option<u32> {
    place(&DAYS, word)
}

/// From January, which is 1.
pub(super) fn month(word: &str) -> Option<u32> {
    let word = if word.eq_ignore_ascii_case("sept") { "sep" } else { word };
    place(&MONTHS, word).map(|place| place + 1)
}

/// Whether the word says that it is afternoon.
pub(super) fn half(word: &str) -> Option<bool> {
    match word.to_lowercase().as_str() {
        "am" | "a" => Some(false),
        "pm" | "p" => Some(true),
        _ => None,
    }
}

/// 0: hours, 1: minutes, 2: seconds.
pub(super) fn unit(word: &str) -> Option<u32> {
    match word.to_lowercase().as_str() {
        "h" | "hour" | "hours" => Some(0),
        "m" | "minute" | "minutes" => Some(1),
        "s" | "second" | "seconds" => Some(2),
        _ => None,
    }
}

pub(super) fn is_utc(word: &str) -> bool {
    matches!(word, "UTC" | "GMT" | "Z" | "z")
}

pub(super) fn is_of(word: &str) -> bool {
    word.eq_ignore_ascii_case("of")
}

pub(super) fn is_filler(word: &str) -> bool {
    FILLERS.contains(&word.to_lowercase().as_str())
}
