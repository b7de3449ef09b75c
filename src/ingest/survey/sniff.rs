//! How a file is written, by its beginning: what does not show there, reading all of it tells.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use crate::rules::{Encoding, ReadOptions};

/// How much of a file is looked at.
const FRONT_BYTES: u64 = 64 << 10;
/// How many of its lines.
const LINES: usize = 50;
const DELIMITERS: [char; 4] = [',', ';', '\t', '|'];

/// `options` with the encoding that a byte order mark tells, and with the delimiter that cuts the first lines into the same
/// number of cells. A file that cannot be opened is left to the reader.
pub(crate) fn sniff(path: &Path, options: &ReadOptions, has_delimiter: bool) -> ReadOptions {
    let mut options = options.clone();
    let Ok(front) = front(path) else { return options };
    if matches!(front.as_slice(), [0xff, 0xfe, ..] | [0xfe, 0xff, ..])
        && options.encoding == Encoding::Utf8
    {
        options.encoding = Encoding::Utf16;
    }
    if !has_delimiter && options.encoding != Encoding::Utf16 {
        let text = String::from_utf8_lossy(&front);
        options.delimiter = delimiter(&text).to_string();
    }
    options
}

fn front(path: &Path) -> std::io::Result<Vec<u8>> {
    let file = File::open(path)?;
    let extension = path.extension().and_then(|extension| extension.to_str());
    let bytes: Box<dyn Read> = match extension {
        Some("gz") => Box::new(flate2::read::MultiGzDecoder::new(file)),
        Some("zst") => Box::new(zstd::stream::read::Decoder::new(file)?),
        _ => Box::new(file),
    };
    let mut front = Vec::new();
    bytes.take(FRONT_BYTES).read_to_end(&mut front)?;
    Ok(front)
}

/// The delimiter that the most lines have the same number of, at least one; of several, the one with the most cells.
fn delimiter(text: &str) -> char {
    let lines: Vec<&str> = text.lines().filter(|line| !line.is_empty()).take(LINES).collect();
    let score = |delimiter: char| {
        let counts: Vec<usize> = lines.iter().map(|line| unquoted(line, delimiter)).collect();
        let first = counts.first().copied().unwrap_or(0);
        let same = counts.iter().filter(|count| **count == first).count();
        if first == 0 { (0, 0) } else { (same, first) }
    };
    let best = DELIMITERS.into_iter().rev().max_by_key(|delimiter| score(*delimiter));
    best.filter(|best| score(*best).0 > 0).unwrap_or(',')
}

/// How often `delimiter` stands outside quotes.
fn unquoted(line: &str, delimiter: char) -> usize {
    let mut inside = false;
    let mut found = 0;
    for character in line.chars() {
        inside ^= character == '"';
        found += usize::from(character == delimiter && !inside);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_delimiter_cuts_all_lines_alike() {
        for (text, expected) in [
            ("a,b\n1,2\n", ','),
            ("a;b\n1,5;2\n3,7;4\n", ';'),
            ("a\tb\n1\t2\n", '\t'),
            ("a|b|c\n1|2|3\n", '|'),
            ("a,b\n\"x;y;z\",2\n", ','),
            ("a\n1\n2\n", ','),
            ("", ','),
        ] {
            assert_eq!(delimiter(text), expected, "{text}");
        }
    }
}
