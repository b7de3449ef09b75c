//! The shape of scanned records: where their cells stand in the text, before anything is typed.

/// Where one cell stands, and what must be done to read it.
///
/// Texts are shorter than 2^30 bytes, so the upper bits of `end` are free to hold the two facts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cell {
    start: u32,
    end: u32,
}

const QUOTED: u32 = 1 << 31;
const ESCAPED: u32 = 1 << 30;

impl Cell {
    /// An unquoted cell that stands for itself.
    #[inline]
    pub(super) fn plain(start: usize, end: usize) -> Self {
        Self { start: start as u32, end: end as u32 }
    }

    /// A quoted cell that stands for itself; `start..end` lies between the quotes.
    #[inline]
    pub(super) fn quoted(start: usize, end: usize) -> Self {
        Self { start: start as u32, end: end as u32 | QUOTED }
    }

    /// A cell to be unescaped; `start..end` has its quotes, if it is quoted.
    pub(super) fn escaped(start: usize, end: usize, quoted: bool) -> Self {
        let quoted = if quoted { QUOTED } else { 0 };
        Self { start: start as u32, end: end as u32 | ESCAPED | quoted }
    }

    #[inline]
    pub(super) fn is_quoted(self) -> bool {
        self.end & QUOTED != 0
    }

    #[inline]
    pub(super) fn is_escaped(self) -> bool {
        self.end & ESCAPED != 0
    }

    #[inline]
    pub(super) fn raw(self, text: &[u8]) -> &[u8] {
        &text[self.start as usize..(self.end & !(QUOTED | ESCAPED)) as usize]
    }
}

/// Where a record stands in the text, without its terminator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) start: u32,
    pub(super) end: u32,
    /// Line breaks of the text before it.
    pub(super) line: u32,
}

/// A record that has no row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Odd {
    pub(super) span: Span,
    pub(super) why: Why,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Why {
    /// It has this many cells.
    Cells(usize),
    /// A quoted cell in it does not end before the file does, or within the longest record. It is its
    /// first line alone; reading goes on behind that line.
    Unclosed,
    /// The byte of the text where it stops being text in the source's encoding.
    Undecodable(usize),
}

/// Scanned records. Rows all have `width` cells; what does not is odd.
#[derive(Clone, Debug, Default)]
pub(super) struct Records {
    /// `None`: as wide as the first record turns out to be.
    pub(super) width: Option<usize>,
    /// `width` for each row.
    pub(super) cells: Vec<Cell>,
    pub(super) rows: Vec<Span>,
    pub(super) odd: Vec<Odd>,
    /// Line breaks of the text before what has not been scanned.
    pub(super) line: u32,
}

impl Records {
    pub(super) fn of_width(width: Option<usize>) -> Self {
        Self { width, ..Self::default() }
    }

    /// Forgets the records, not the line.
    pub(super) fn clear(&mut self) {
        self.cells.clear();
        self.rows.clear();
        self.odd.clear();
    }

    /// With or without a row.
    pub(super) fn count(&self) -> usize {
        self.rows.len() + self.odd.len()
    }

    #[inline]
    pub(super) fn push_cell(&mut self, cell: Cell) {
        self.cells.push(cell);
    }

    /// Ends the record under way, whose bytes are `start..end`; `lines` line breaks stand in it and its terminator.
    #[inline]
    pub(super) fn end_record(&mut self, start: usize, end: usize, lines: u32) {
        let whole = self.whole_cells();
        let cells = self.cells.len() - whole;
        let width = *self.width.get_or_insert(cells);
        let span = Span { start: start as u32, end: end as u32, line: self.line };
        self.line += lines;
        if cells == width {
            self.rows.push(span);
        } else {
            self.cells.truncate(whole);
            self.odd.push(Odd { span, why: Why::Cells(cells) });
        }
    }

    /// Ends the record under way as one that cannot be told into cells.
    pub(super) fn end_unclosed(&mut self, start: usize, end: usize, lines: u32) {
        self.abandon();
        let span = Span { start: start as u32, end: end as u32, line: self.line };
        self.line += lines;
        self.odd.push(Odd { span, why: Why::Unclosed });
    }

    /// Passes text that is no record.
    pub(super) fn skip(&mut self, lines: u32) {
        self.abandon();
        self.line += lines;
    }

    /// Forgets the cells of the record under way.
    pub(super) fn abandon(&mut self) {
        let whole = self.whole_cells();
        self.cells.truncate(whole);
    }

    /// Moves the rows for which `why` answers to the odd records.
    pub(super) fn banish(&mut self, mut why: impl FnMut(&Span) -> Option<Why>) {
        let width = self.width.unwrap_or(0);
        let mut kept = 0;
        for index in 0..self.rows.len() {
            let span = self.rows[index];
            if let Some(why) = why(&span) {
                self.odd.push(Odd { span, why });
                continue;
            }
            self.rows[kept] = span;
            self.cells.copy_within(index * width..(index + 1) * width, kept * width);
            kept += 1;
        }
        self.rows.truncate(kept);
        self.cells.truncate(kept * width);
        self.odd.sort_by_key(|odd| odd.span.start);
    }

    #[inline]
    fn whole_cells(&self) -> usize {
        self.rows.len() * self.width.unwrap_or(0)
    }
}
