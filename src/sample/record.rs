//! One CSV record under construction: its cells as plain bytes, quoted only when they are written.

use super::calendar;

/// The cells of one record, one after the other in a buffer that is used again for the next.
///
/// An empty cell is written as nothing at all, which is null.
#[derive(Debug, Default)]
pub(super) struct Record {
    text: Vec<u8>,
    /// Where each cell ends in `text`.
    ends: Vec<usize>,
}

impl Record {
    pub(super) fn clear(&mut self) {
        self.text.clear();
        self.ends.clear();
    }

    pub(super) fn push(&mut self, cell: &str) {
        self.text.extend_from_slice(cell.as_bytes());
        self.ends.push(self.text.len());
    }

    pub(super) fn push_number(&mut self, number: u64) {
        write_number(&mut self.text, number);
        self.ends.push(self.text.len());
    }

    /// An amount in hundredths, with its two digits behind the point.
    pub(super) fn push_hundredths(&mut self, amount: u64) {
        write_number(&mut self.text, amount / 100);
        let behind = (amount % 100) as u8;
        self.text.extend_from_slice(&[b'.', b'0' + behind / 10, b'0' + behind % 10]);
        self.ends.push(self.text.len());
    }

    /// `YYYY-MM-DD`; `day` counts from [`calendar::FIRST_DAY`].
    pub(super) fn push_date(&mut self, day: i64) {
        self.text.extend_from_slice(&calendar::date(day));
        self.ends.push(self.text.len());
    }

    /// `YYYY-MM-DD HH:MM:SS`, with the date already as text.
    pub(super) fn push_timestamp(&mut self, date: &[u8], second_of_day: u32) {
        self.text.extend_from_slice(date);
        let parts =
            [(b' ', second_of_day / 3600), (b':', second_of_day / 60), (b':', second_of_day)];
        for (index, (separator, number)) in parts.into_iter().enumerate() {
            let number = if index == 0 { number } else { number % 60 } as u8;
            self.text.extend_from_slice(&[separator, b'0' + number / 10, b'0' + number % 10]);
        }
        self.ends.push(self.text.len());
    }

    pub(super) fn cell(&self, index: usize) -> &[u8] {
        let start = if index == 0 { 0 } else { self.ends[index - 1] };
        &self.text[start..self.ends[index]]
    }

    pub(super) fn replace(&mut self, index: usize, cell: &[u8]) {
        let old = self.cell(index).len();
        let start = self.ends[index] - old;
        self.text.splice(start..start + old, cell.iter().copied());
        for end in &mut self.ends[index..] {
            *end = *end - old + cell.len();
        }
    }

    /// Drops the last `count` cells.
    pub(super) fn shorten(&mut self, count: usize) {
        self.ends.truncate(self.ends.len() - count);
        self.text.truncate(self.ends.last().copied().unwrap_or(0));
    }

    /// Appends the record to `out` as RFC 4180 has it, with a newline; returns the lines it takes.
    pub(super) fn write(&self, out: &mut Vec<u8>) -> u64 {
        let mut lines = 1;
        let mut start = 0;
        for (index, &end) in self.ends.iter().enumerate() {
            if index > 0 {
                out.push(b',');
            }
            let cell = &self.text[start..end];
            if cell.iter().any(|byte| matches!(byte, b',' | b'"' | b'\n' | b'\r')) {
                lines += write_quoted(out, cell);
            } else {
                out.extend_from_slice(cell);
            }
            start = end;
        }
        out.push(b'\n');
        lines
    }
}

/// Returns the line breaks in the cell.
fn write_quoted(out: &mut Vec<u8>, cell: &[u8]) -> u64 {
    let mut line_breaks = 0;
    out.push(b'"');
    for &byte in cell {
        if byte == b'"' {
            out.push(b'"');
        }
        line_breaks += u64::from(byte == b'\n');
        out.push(byte);
    }
    out.push(b'"');
    line_breaks
}

fn write_number(out: &mut Vec<u8>, mut number: u64) {
    let mut digits = [0; 20];
    let mut start = digits.len();
    loop {
        start -= 1;
        digits[start] = b'0' + (number % 10) as u8;
        number /= 10;
        if number == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[start..]);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(record: &Record) -> (String, u64) {
        let mut out = Vec::new();
        let lines = record.write(&mut out);
        (String::from_utf8(out).unwrap(), lines)
    }

    #[test]
    fn cells_are_quoted_where_they_must_be() {
        let mut record = Record::default();
        record.push_number(u64::MAX);
        record.push("27\" monitor, black\nboxed");
        record.push("");
        record.push_hundredths(1205);
        record.push_timestamp(b"2024-02-29", 86_399);
        let expected =
            "18446744073709551615,\"27\"\" monitor, black\nboxed\",,12.05,2024-02-29 23:59:59\n";
        assert_eq!(written(&record), (expected.to_owned(), 2));
    }

    #[test]
    fn cells_can_be_replaced_and_dropped() {
        let mut record = Record::default();
        for cell in ["a", "bb", "ccc"] {
            record.push(cell);
        }
        record.replace(1, b"long cell");
        record.replace(2, b"");
        assert_eq!((record.cell(0), record.cell(1)), (&b"a"[..], &b"long cell"[..]));
        record.shorten(1);
        record.push("d");
        assert_eq!(written(&record), ("a,long cell,d\n".to_owned(), 1));
    }
}
