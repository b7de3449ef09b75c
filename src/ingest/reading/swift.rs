//! The common dialect, fast: one-byte delimiter, line breaks end records, a one-byte quote or none.
//!
//! Delimiters and line breaks of 64 bytes at a time become the bits of a word; a quote is looked for only where a cell
//! starts. Says exactly what `scan` says (a property test holds it to that), and stops at what it cannot decide.

use super::dialect::{Dialect, Terminator, count_line_breaks};
use super::records::{Cell, Records};

pub(super) struct Swift {
    delimiter: u8,
    quote: Option<u8>,
}

/// What ends a cell.
enum Cut {
    Delimiter,
    /// The next record starts here.
    LineBreak(usize),
}

impl Swift {
    pub(super) fn of(dialect: &Dialect) -> Option<Self> {
        let one = |bytes: &[u8]| (bytes.len() == 1).then(|| bytes[0]);
        let plain = matches!(dialect.terminator, Terminator::Newline)
            && dialect.escape.is_none()
            && dialect.comment.is_none();
        let quote = match &dialect.quote {
            None => None,
            Some(quote) => Some(one(quote)?),
        };
        Some(Self { delimiter: one(&dialect.delimiter)?, quote }).filter(|_| plain)
    }

    /// Scans whole records from `start`, at most until there are `rows_max`. Returns where the next record
    /// starts: at the text's end, or at a record whose end this text does not tell.
    pub(super) fn scan(
        &self,
        text: &[u8],
        start: usize,
        rows_max: usize,
        records: &mut Records,
    ) -> usize {
        let mut cuts = Cuts::new(text, [self.delimiter, b'\n', b'\r'], start);
        let mut record = start;
        while records.count() < rows_max {
            match self.record(text, record, &mut cuts, records) {
                Some(next) => record = next,
                None => {
                    records.abandon();
                    break;
                }
            }
        }
        record
    }

    #[inline]
    fn record(
        &self,
        text: &[u8],
        record: usize,
        cuts: &mut Cuts<'_>,
        records: &mut Records,
    ) -> Option<usize> {
        let mut start = record;
        let mut quotes = false;
        loop {
            let at = if self.quote.is_some() && text.get(start).copied() == self.quote {
                quotes = true;
                self.quoted(text, start, cuts, records)?
            } else {
                let at = cuts.next()?;
                records.push_cell(Cell::plain(start, at));
                at
            };
            match self.cut(text, at)? {
                Cut::Delimiter => start = at + 1,
                Cut::LineBreak(next) => {
                    cuts.forget_until(next);
                    let lines = if quotes { count_line_breaks(&text[record..next]) } else { 1 };
                    if at == record && records.width != Some(1) {
                        records.skip(lines);
                    } else {
                        records.end_record(record, at, lines);
                    }
                    return Some(next);
                }
            }
        }
    }

    /// Reads the quoted cell at `start` and returns where it is cut off.
    fn quoted(
        &self,
        text: &[u8],
        start: usize,
        cuts: &mut Cuts<'_>,
        records: &mut Records,
    ) -> Option<usize> {
        let quote = self.quote?;
        let mut doubled = false;
        let mut closing = start + 1;
        loop {
            closing += memchr::memchr(quote, text.get(closing..)?)?;
            if text.get(closing + 1) != Some(&quote) {
                break;
            }
            doubled = true;
            closing += 2;
        }
        cuts.forget_until(closing + 1);
        let at = cuts.next()?;
        records.push_cell(match doubled || at > closing + 1 {
            true => Cell::escaped(start, at, true),
            false => Cell::quoted(start + 1, closing),
        });
        Some(at)
    }

    #[inline]
    fn cut(&self, text: &[u8], at: usize) -> Option<Cut> {
        let byte = text[at];
        if byte == self.delimiter {
            Some(Cut::Delimiter)
        } else if byte == b'\n' {
            Some(Cut::LineBreak(at + 1))
        } else {
            // A `\r` at the very end may be half of a `\r\n`.
            text.get(at + 1).map(|next| Cut::LineBreak(at + 1 + usize::from(*next == b'\n')))
        }
    }
}

/// The places of three bytes in a text, in order.
struct Cuts<'t> {
    text: &'t [u8],
    needles: [u8; 3],
    /// Where the 64 bytes that `bits` speaks of begin.
    base: usize,
    bits: u64,
}

impl<'t> Cuts<'t> {
    fn new(text: &'t [u8], needles: [u8; 3], from: usize) -> Self {
        let mut cuts = Self { text, needles, base: from, bits: 0 };
        cuts.load();
        cuts
    }

    #[inline]
    fn next(&mut self) -> Option<usize> {
        while self.bits == 0 {
            if self.base + 64 >= self.text.len() {
                return None;
            }
            self.base += 64;
            self.load();
        }
        let at = self.base + self.bits.trailing_zeros() as usize;
        self.bits &= self.bits - 1;
        Some(at)
    }

    /// Passes over all places before `at`.
    #[inline]
    fn forget_until(&mut self, at: usize) {
        if at - self.base >= 64 {
            self.base = at;
            self.load();
        } else {
            self.bits &= !0 << (at - self.base);
        }
    }

    #[inline]
    fn load(&mut self) {
        let rest = &self.text[self.base.min(self.text.len())..];
        self.bits = match rest.first_chunk::<64>() {
            Some(block) => places(block, self.needles),
            None => {
                let mut block = [0; 64];
                block[..rest.len()].copy_from_slice(rest);
                places(&block, self.needles) & !(!0 << rest.len())
            }
        };
    }
}

/// Bit `i` tells whether `block[i]` is one of `needles`. Written so that the compiler uses vectors for it.
#[inline]
fn places(block: &[u8; 64], needles: [u8; 3]) -> u64 {
    let mut hits = [0_u8; 64];
    for (hit, byte) in hits.iter_mut().zip(block) {
        *hit = u8::from(*byte == needles[0])
            | u8::from(*byte == needles[1])
            | u8::from(*byte == needles[2]);
    }
    let mut bits = 0;
    let (words, _) = hits.as_chunks::<8>();
    for (index, word) in words.iter().enumerate() {
        // Gathers the lowest bit of each of eight bytes into the topmost byte.
        let gathered = u64::from_le_bytes(*word).wrapping_mul(0x0102_0408_1020_4080) >> 56;
        bits |= gathered << (index * 8);
    }
    bits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_place_has_its_bit() {
        for at in 0..64 {
            let mut block = [b'x'; 64];
            block[at] = b',';
            assert_eq!(places(&block, [b',', b'\n', b'\r']), 1 << at);
        }
        assert_eq!(places(&[b'\n'; 64], [b',', b'\n', b'\r']), !0);
    }
}
