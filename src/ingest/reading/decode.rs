//! Source bytes -> UTF-8 text to scan, and the way back from a place in the text to its place in the source.

use std::borrow::Cow;

use encoding_rs::mem;

use crate::rules::Encoding;

/// How a file's bytes stand for text, once its byte order mark has been looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Coding {
    Utf8,
    /// ISO-8859-1: each byte is the character of that number. Bytes 0x80 to 0x9f are control characters, not what
    /// windows-1252 makes of them.
    Latin1,
    Utf16 {
        big_endian: bool,
    },
}

/// A byte order mark that contradicts the declared encoding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct WrongMark {
    pub(super) found: Encoding,
}

impl Coding {
    /// Reads the mark at the start of a file. Returns the coding and the mark's length in bytes.
    pub(super) fn of(declared: Encoding, start: &[u8]) -> Result<(Self, usize), WrongMark> {
        let marked = match start {
            [0xef, 0xbb, 0xbf, ..] => Some((Encoding::Utf8, 3)),
            [0xff, 0xfe, ..] => Some((Encoding::Utf16Le, 2)),
            [0xfe, 0xff, ..] => Some((Encoding::Utf16Be, 2)),
            _ => None,
        };
        let coding = |encoding| match encoding {
            Encoding::Utf8 => Self::Utf8,
            Encoding::Latin1 => Self::Latin1,
            Encoding::Utf16 | Encoding::Utf16Le => Self::Utf16 { big_endian: false },
            Encoding::Utf16Be => Self::Utf16 { big_endian: true },
        };
        match marked {
            None => Ok((coding(declared), 0)),
            Some((found, length))
                if found == declared
                    || (declared == Encoding::Utf16 && found != Encoding::Utf8) =>
            {
                Ok((coding(found), length))
            }
            Some((found, _)) => Err(WrongMark { found }),
        }
    }
}

/// Text and where it came from.
#[derive(Debug)]
pub(super) struct Decoded<'s> {
    /// UTF-8, but for what `undecodable` names in a source that is itself UTF-8.
    pub(super) text: Cow<'s, [u8]>,
    /// Places in `text` where the source is no text, ascending.
    pub(super) undecodable: Vec<usize>,
    /// Source bytes that `text` stands for. Less than all where a character is cut off at the end.
    pub(super) source_bytes: usize,
    widths: Widths,
}

/// How many source bytes each character of the text stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Widths {
    /// As many as in the text.
    Same,
    /// One.
    Latin1,
    /// Two, or four where the text has four.
    Utf16,
}

/// Decodes `source`. `at_end`: nothing follows it.
pub(super) fn decode(coding: Coding, source: &[u8], at_end: bool) -> Decoded<'_> {
    match coding {
        Coding::Latin1 if !source.is_ascii() => latin1(source),
        Coding::Utf8 => same(source, undecodable_utf8(source)),
        Coding::Latin1 => same(source, Vec::new()),
        Coding::Utf16 { big_endian } => utf16(source, big_endian, at_end),
    }
}

fn same(source: &[u8], undecodable: Vec<usize>) -> Decoded<'_> {
    let text = Cow::Borrowed(source);
    Decoded { text, undecodable, source_bytes: source.len(), widths: Widths::Same }
}

fn undecodable_utf8(source: &[u8]) -> Vec<usize> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Err(error) = std::str::from_utf8(&source[at..]) {
        found.push(at + error.valid_up_to());
        at += error.valid_up_to() + error.error_len().unwrap_or(source.len() - at);
        if at >= source.len() {
            break;
        }
    }
    found
}

fn latin1(source: &[u8]) -> Decoded<'_> {
    let mut text = vec![0; source.len() * 2];
    let length = mem::convert_latin1_to_utf8(source, &mut text);
    text.truncate(length);
    let text = Cow::Owned(text);
    Decoded { text, undecodable: Vec::new(), source_bytes: source.len(), widths: Widths::Latin1 }
}

fn utf16(source: &[u8], big_endian: bool, at_end: bool) -> Decoded<'_> {
    let (pairs, odd) = source.as_chunks::<2>();
    let unit = |pair: &[u8; 2]| match big_endian {
        true => u16::from_be_bytes(*pair),
        false => u16::from_le_bytes(*pair),
    };
    // The first half of a pair of surrogates at the end waits for the second.
    let waits = !at_end && pairs.last().is_some_and(|pair| (0xd800..0xdc00).contains(&unit(pair)));
    let pairs = &pairs[..pairs.len() - usize::from(waits)];
    let mut text = Vec::with_capacity(source.len());
    let mut undecodable = Vec::new();
    for character in char::decode_utf16(pairs.iter().map(unit)) {
        let character = character.unwrap_or_else(|_| {
            undecodable.push(text.len());
            char::REPLACEMENT_CHARACTER
        });
        text.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
    }
    let mut source_bytes = pairs.len() * 2;
    if at_end && !odd.is_empty() {
        undecodable.push(text.len());
        text.extend_from_slice("\u{fffd}".as_bytes());
        source_bytes = source.len();
    }
    Decoded { text: Cow::Owned(text), undecodable, source_bytes, widths: Widths::Utf16 }
}

impl Decoded<'_> {
    pub(super) fn offsets(&self) -> Offsets<'_> {
        Offsets { decoded: self, text_at: 0, source_at: 0 }
    }

    /// The first place of `range` that is no text.
    pub(super) fn undecodable_in(&self, start: u32, end: u32) -> Option<usize> {
        let first = self.undecodable.partition_point(|at| *at < start as usize);
        self.undecodable.get(first).copied().filter(|at| *at < end as usize)
    }
}

/// Walks the text and tells the places in the source, which is cheap only in one direction.
pub(super) struct Offsets<'d> {
    decoded: &'d Decoded<'d>,
    text_at: usize,
    source_at: usize,
}

impl Offsets<'_> {
    /// The place in the source of `at` in the text, not before the last one asked for.
    #[inline]
    pub(super) fn source(&mut self, at: usize) -> usize {
        if self.decoded.widths == Widths::Same {
            return at;
        }
        let passed = &self.decoded.text[self.text_at..at];
        self.source_at += match self.decoded.widths {
            Widths::Same => passed.len(),
            Widths::Latin1 => characters(passed),
            Widths::Utf16 => {
                2 * (characters(passed) + passed.iter().filter(|byte| **byte >= 0xf0).count())
            }
        };
        self.text_at = at;
        // An odd last byte stands for itself alone.
        self.source_at.min(self.decoded.source_bytes)
    }
}

fn characters(text: &[u8]) -> usize {
    text.iter().filter(|byte| **byte & 0xc0 != 0x80).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LITTLE: Coding = Coding::Utf16 { big_endian: false };

    fn utf16le(text: &str) -> Vec<u8> {
        text.encode_utf16().flat_map(u16::to_le_bytes).collect()
    }

    #[test]
    fn places_in_decoded_text_are_found_in_the_source() {
        let source = utf16le("aé€😀b");
        let decoded = decode(LITTLE, &source, true);
        assert_eq!(&*decoded.text, "aé€😀b".as_bytes());
        let mut offsets = decoded.offsets();
        let places: Vec<usize> = [0, 1, 3, 6, 10, 11].map(|at| offsets.source(at)).into();
        assert_eq!(places, [0, 2, 4, 6, 10, 12]);

        let decoded = decode(Coding::Latin1, b"caf\xe9,\x80", true);
        assert_eq!(&*decoded.text, "café,\u{80}".as_bytes());
        assert_eq!(decoded.offsets().source(5), 4);
    }

    #[test]
    fn what_is_no_text_is_named() {
        assert_eq!(decode(Coding::Utf8, b"a\xff,\xc3\xa9,\xe2\x82", true).undecodable, [1, 6]);
        let decoded = decode(LITTLE, b"a\0\0\xdcb\0\0", true);
        assert_eq!(
            (&*decoded.text, &decoded.undecodable[..]),
            ("a\u{fffd}b\u{fffd}".as_bytes(), &[1, 5][..])
        );
        assert_eq!(decoded.offsets().source(8), 7);
    }

    #[test]
    fn a_character_cut_in_two_waits_for_its_rest() {
        let source = utf16le("a😀");
        for (length, whole) in [(3, 2), (4, 2), (5, 2), (6, 6)] {
            assert_eq!(decode(LITTLE, &source[..length], false).source_bytes, whole, "{length}");
        }
    }

    #[test]
    fn marks_decide_and_contradictions_are_refused() {
        let of = |declared, start: &[u8]| Coding::of(declared, start);
        assert_eq!(of(Encoding::Utf8, b"\xef\xbb\xbfa"), Ok((Coding::Utf8, 3)));
        assert_eq!(of(Encoding::Utf16, b"\xfe\xff"), Ok((Coding::Utf16 { big_endian: true }, 2)));
        assert_eq!(of(Encoding::Utf16, b"a\0"), Ok((LITTLE, 0)));
        let refused = Err(WrongMark { found: Encoding::Utf16Le });
        assert_eq!(of(Encoding::Utf8, b"\xff\xfea\0"), refused);
        assert_eq!(of(Encoding::Utf16Be, b"\xff\xfea\0"), refused);
        assert_eq!(of(Encoding::Latin1, b"\xff\xfea\0"), refused);
    }
}
