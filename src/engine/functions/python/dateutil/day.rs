//! Year, month and day: which of up to three numbers is which.

use chrono::NaiveDate;

/// The numbers in the order in which they stand, and which of them is known to be what.
#[derive(Default)]
pub(super) struct Day {
    numbers: Vec<i64>,
    year: Option<usize>,
    month: Option<usize>,
    /// A year that is written in full is not of this century.
    is_in_full: bool,
}

impl Day {
    pub(super) fn len(&self) -> usize {
        self.numbers.len()
    }

    pub(super) fn add_month(&mut self, month: u32) -> Option<()> {
        if self.month.replace(self.numbers.len()).is_some() {
            return None;
        }
        self.numbers.push(month.into());
        Some(())
    }

    /// Digits as they stand: of more than two it is a year.
    pub(super) fn add_text(&mut self, digits: &str) -> Option<()> {
        let number = digits.parse().ok()?;
        match digits.len() > 2 || number > 100 {
            true => self.add_year(number, true),
            false => self.push(number),
        }
    }

    /// Digits that are a year, by their place.
    pub(super) fn add_year_text(&mut self, digits: &str) -> Option<()> {
        self.add_year(digits.parse().ok()?, digits.len() > 2)
    }

    /// A year that a word announces.
    pub(super) fn add_year_of(&mut self, year: i64) -> Option<()> {
        self.add_year(year, year > 99)
    }

    /// A number whose digits do not matter.
    pub(super) fn add(&mut self, number: i64) -> Option<()> {
        match number > 100 {
            true => self.add_year(number, true),
            false => self.push(number),
        }
    }

    fn add_year(&mut self, year: i64, is_in_full: bool) -> Option<()> {
        self.is_in_full |= is_in_full;
        if self.year.replace(self.numbers.len()).is_some() {
            return None;
        }
        self.push(year)
    }

    fn push(&mut self, number: i64) -> Option<()> {
        self.numbers.push(number);
        Some(())
    }

    pub(super) fn could_be_day(&self, value: f64) -> bool {
        let known = |place: Option<usize>| place.and_then(|place| self.numbers.get(place)).copied();
        let year = known(self.year).and_then(|year| i32::try_from(year).ok());
        let month = known(self.month).and_then(|month| u32::try_from(month).ok());
        let last = month.map_or(Some(31), |month| days_of(year.unwrap_or(2000), month));
        last.is_some_and(|last| (1.0..=f64::from(last)).contains(&value))
    }

    /// Year, month and day, those that are there; `None` where there are too many. `this_year` tells the century of two digits.
    pub(super) fn resolve(
        &self,
        this_year: i32,
    ) -> Option<(Option<i64>, Option<i64>, Option<i64>)> {
        let (year, month, day) = self.places()?;
        let at = |place: Option<usize>| place.and_then(|place| self.numbers.get(place)).copied();
        let year = at(year).map(|year| match year < 100 && !self.is_in_full {
            true => near(year, this_year.into()),
            false => year,
        });
        Some((year, at(month), at(day)))
    }

    fn places(&self) -> Option<(Option<usize>, Option<usize>, Option<usize>)> {
        let over_31 = |place: usize| self.numbers.get(place).is_some_and(|number| *number > 31);
        let over_12 = |place: usize| self.numbers.get(place).is_some_and(|number| *number > 12);
        let other = |known: usize| (0..2).find(|place| *place != known);
        Some(match (self.numbers.len(), self.year, self.month) {
            (0, ..) => (None, None, None),
            (1, Some(year), _) => (Some(year), None, None),
            (1, None, Some(month)) => (None, Some(month), None),
            (1, None, None) if over_31(0) => (Some(0), None, None),
            (1, None, None) => (None, None, Some(0)),
            (2, Some(year), Some(month)) => (Some(year), Some(month), None),
            (2, _, Some(month)) => match other(month) {
                Some(other) if over_31(other) => (Some(other), Some(month), None),
                other => (None, Some(month), other),
            },
            (2, _, None) if over_31(0) => (Some(0), Some(1), None),
            (2, _, None) if over_31(1) => (Some(1), Some(0), None),
            (2, _, None) => (None, Some(0), Some(1)),
            (3, Some(year), Some(month)) => (Some(year), Some(month), Some(3 - year - month)),
            (3, _, Some(0)) if over_31(1) => (Some(1), Some(0), Some(2)),
            (3, _, Some(0)) => (Some(2), Some(0), Some(1)),
            (3, _, Some(1)) if over_31(0) => (Some(0), Some(1), Some(2)),
            (3, _, Some(1)) => (Some(2), Some(1), Some(0)),
            (3, _, Some(_)) if over_31(1) => (Some(1), Some(2), Some(0)),
            (3, _, Some(_)) => (Some(0), Some(2), Some(1)),
            (3, year, None) if over_31(0) || year == Some(0) => (Some(0), Some(1), Some(2)),
            (3, _, None) if over_12(0) => (Some(2), Some(1), Some(0)),
            (3, _, None) => (Some(2), Some(0), Some(1)),
            _ => return None,
        })
    }
}

/// The year of two digits that is less than fifty years away.
fn near(year: i64, this_year: i64) -> i64 {
    match this_year / 100 * 100 + year {
        year if year >= this_year + 50 => year - 100,
        year if year < this_year - 50 => year + 100,
        year => year,
    }
}

pub(super) fn days_of(year: i32, month: u32) -> Option<u32> {
    let first = NaiveDate::from_ymd_opt(year, month, 1)?;
    let next = first.checked_add_months(chrono::Months::new(1))?;
    u32::try_from((next - first).num_days()).ok()
}
