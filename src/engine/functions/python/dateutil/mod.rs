//! Texts as dates and times, as Python's `dateutil.parser.parse` reads them: whatever order people write them in.

mod day;
mod tokens;
mod words;

use chrono::{Datelike as _, Days, NaiveDate, NaiveDateTime, NaiveTime};

use self::day::Day;
use self::tokens::tokens;

/// The time that the text says, on the clock that it was written by; what it leaves out is taken from `today`.
///
/// # Errors
/// If it is no date or time, in dateutil's words.
pub(super) fn parse(text: &str, today: NaiveDate) -> Result<NaiveDateTime, String> {
    let unknown = || format!("Unknown string format: {text}");
    let tokens = tokens(text);
    let mut reader = Reader { tokens: &tokens, day: Day::default(), said: Said::default() };
    reader.read().ok_or_else(unknown)?;
    let Reader { day, said, .. } = reader;
    let (year, month, of_month) = day.resolve(today.year()).ok_or_else(unknown)?;
    let has_date = [year, month, of_month].iter().any(Option::is_some);
    if !has_date && said == Said::default() {
        return Err(format!("String does not contain a date: {text}"));
    }
    let date = date((year, month, of_month), said.weekday, today).ok_or_else(unknown)?;
    let part = |part: Option<i64>| u32::try_from(part.unwrap_or(0)).ok();
    let time = part(said.hour).zip(part(said.minute)).zip(part(said.second));
    let time = time.and_then(|((hour, minute), second)| {
        NaiveTime::from_hms_micro_opt(hour, minute, second, part(said.microsecond)?)
    });
    Ok(date.and_time(time.ok_or_else(unknown)?))
}

/// The day, in this month and year where they are not said. One that is left out ends with the month; a weekday is the next.
fn date(
    (year, month, day): (Option<i64>, Option<i64>, Option<i64>),
    weekday: Option<u32>,
    today: NaiveDate,
) -> Option<NaiveDate> {
    let year = i32::try_from(year.unwrap_or(today.year().into())).ok()?;
    let month = u32::try_from(month.unwrap_or(today.month().into())).ok()?;
    let of_month = match day {
        Some(day) => u32::try_from(day).ok()?,
        None => today.day().min(day::days_of(year, month)?),
    };
    let years_of_python = (1..=9999).contains(&year);
    let date = NaiveDate::from_ymd_opt(year, month, of_month).filter(|_| years_of_python)?;
    match weekday.filter(|_| day.is_none()) {
        None => Some(date),
        Some(weekday) => {
            let ahead = (7 + weekday - date.weekday().num_days_from_monday()) % 7;
            date.checked_add_days(Days::new(ahead.into()))
        }
    }
}

/// What a text says besides the day of the month.
#[derive(Debug, Default, PartialEq)]
struct Said {
    /// From Monday.
    weekday: Option<u32>,
    hour: Option<i64>,
    minute: Option<i64>,
    second: Option<i64>,
    microsecond: Option<i64>,
    is_afternoon: Option<bool>,
    zone: Option<String>,
    has_offset: bool,
}

/// Reads tokens from left to right; `None` anywhere means that the text is no date.
struct Reader<'a> {
    tokens: &'a [String],
    day: Day,
    said: Said,
}

impl<'a> Reader<'a> {
    fn read(&mut self) -> Option<()> {
        let mut at = 0;
        while let Some(token) = self.token(at) {
            at = match token.starts_with(|first: char| first.is_ascii_digit()) {
                true => self.number(at)?,
                false => self.word(at)?,
            } + 1;
        }
        Some(())
    }

    fn token(&self, at: usize) -> Option<&'a str> {
        let tokens: &'a [String] = self.tokens;
        tokens.get(at).map(String::as_str)
    }

    fn is(&self, at: usize, wanted: &str) -> bool {
        self.token(at) == Some(wanted)
    }

    /// Reads the word or sign at the place, and gives the place of the last token that belongs to it.
    fn word(&mut self, at: usize) -> Option<usize> {
        let token = self.token(at)?;
        if let Some(weekday) = words::weekday(token) {
            self.said.weekday = Some(weekday);
            return Some(at);
        }
        if let Some(month) = words::month(token) {
            self.day.add_month(month)?;
            return self.after_month(at);
        }
        if let Some(is_afternoon) = words::half(token) {
            let hour = self.said.hour.filter(|hour| (0..=12).contains(hour))?;
            self.said.hour = Some(on_24_hours(hour, is_afternoon));
            self.said.is_afternoon = Some(is_afternoon);
            return Some(at);
        }
        if self.may_be_zone(token) {
            self.said.has_offset = words::is_utc(token);
            // In `GMT+3` what counts is the offset that follows.
            if self.is(at + 1, "+") || self.is(at + 1, "-") {
                self.said.has_offset = false;
                self.said.zone = (!words::is_utc(token)).then(|| token.to_owned());
            } else {
                self.said.zone = Some(token.to_owned());
            }
            return Some(at);
        }
        if self.said.hour.is_some() && matches!(token, "+" | "-") {
            return self.offset(at);
        }
        words::is_filler(token).then_some(at)
    }

    /// `Jan-01-99`, `Jan of 01`
    fn after_month(&mut self, at: usize) -> Option<usize> {
        if self.is(at + 1, "-") || self.is(at + 1, "/") {
            let separator = self.token(at + 1)?;
            self.day.add_text(self.token(at + 2)?)?;
            if self.is(at + 3, separator) {
                self.day.add_text(self.token(at + 4)?)?;
                return Some(at + 4);
            }
            return Some(at + 2);
        }
        let is_spaced = self.is(at + 1, " ") && self.is(at + 3, " ");
        let says_of = self.token(at + 2).is_some_and(words::is_of);
        match self.token(at + 4).filter(|_| is_spaced && says_of) {
            Some(year) => {
                if let Ok(year) = year.parse() {
                    self.day.add_year_of(year)?;
                }
                Some(at + 4)
            }
            None => Some(at),
        }
    }

    fn may_be_zone(&self, token: &str) -> bool {
        self.said.hour.is_some()
            && self.said.zone.is_none()
            && !self.said.has_offset
            && token.chars().count() <= 5
            && (token.chars().all(|letter| letter.is_ascii_uppercase()) || words::is_utc(token))
    }

    /// `+0200`, `+02:00`, `+2`, with a zone in brackets or none.
    fn offset(&mut self, at: usize) -> Option<usize> {
        let digits = self.token(at + 1)?;
        let mut last = at + 1;
        match digits.chars().count() {
            4 => drop(digits.parse::<u32>().ok()?),
            _ if self.is(at + 2, ":") => {
                digits.parse::<u32>().ok()?;
                self.token(at + 3)?.parse::<u32>().ok()?;
                last = at + 3;
            }
            1 | 2 => drop(digits.parse::<u32>().ok()?),
            _ => return None,
        }
        self.said.has_offset = true;
        let is_bracketed = self.token(last + 1).is_some_and(words::is_filler)
            && self.is(last + 2, "(")
            && self.is(last + 4, ")");
        if is_bracketed && let Some(zone) = self.token(last + 3) {
            let is_name = (3..=5).contains(&zone.len())
                && zone.chars().all(|letter| letter.is_ascii_uppercase());
            if is_name && self.said.zone.is_none() {
                self.said.zone = Some(zone.to_owned());
                last += 4;
            }
        }
        Some(last)
    }

    /// Reads the number at the place, and gives the place of the last token that belongs to it.
    fn number(&mut self, at: usize) -> Option<usize> {
        let token = self.token(at)?;
        let value: f64 = token.parse().ok()?;
        let length = token.chars().count();
        let ends = self.token(at + 1).is_none();
        let is_at_end = ends || self.is(at + 1, " ");
        let next_is_unit = self.token(at + 1).is_some_and(|next| words::unit(next).is_some());
        // 19990101T23[59]
        if self.day.len() == 3
            && matches!(length, 2 | 4)
            && self.said.hour.is_none()
            && (is_at_end || next_is_unit)
        {
            self.said.hour = Some(whole(token.get(..2)?)?);
            if length == 4 {
                self.said.minute = Some(whole(&token[2..])?);
            }
            return Some(at);
        }
        // YYMMDD or HHMMSS[.ss]
        if length == 6 || (length > 6 && token.find('.') == Some(6)) {
            if self.day.len() == 0 && !token.contains('.') {
                for part in [&token[..2], &token[2..4], &token[4..]] {
                    self.day.add_text(part)?;
                }
            } else {
                self.said.hour = Some(whole(&token[..2])?);
                self.said.minute = Some(whole(&token[2..4])?);
                self.seconds(&token[4..])?;
            }
            return Some(at);
        }
        // YYYYMMDD[hhmm[ss]]
        if matches!(length, 8 | 12 | 14) {
            self.day.add_year_text(&token[..4])?;
            self.day.add_text(&token[4..6])?;
            self.day.add_text(&token[6..8])?;
            if length > 8 {
                self.said.hour = Some(whole(&token[8..10])?);
                self.said.minute = Some(whole(&token[10..12])?);
            }
            if length > 12 {
                self.said.second = Some(whole(&token[12..])?);
            }
            return Some(at);
        }
        if let Some((unit, last)) = self.unit_of(at) {
            self.with_unit(token, value, unit)?;
            return Some(last);
        }
        if self.is(at + 1, ":") && self.token(at + 2).is_some() {
            return self.clock(at, value);
        }
        if ["-", "/", "."].iter().any(|separator| self.is(at + 1, separator)) {
            return self.separated(at, token);
        }
        self.plain(at, value, ends)
    }

    /// A number that stands for itself: `12 am`, a year, a month or a day.
    fn plain(&mut self, at: usize, value: f64, ends: bool) -> Option<usize> {
        let half = |token: Option<&str>| token.and_then(words::half);
        if ends || self.token(at + 1).is_some_and(words::is_filler) {
            match half(self.token(at + 2)) {
                Some(is_afternoon) => {
                    self.said.hour = Some(on_24_hours(floor(value), is_afternoon));
                    return Some(at + 2);
                }
                None => self.day.add(floor(value))?,
            }
            return Some(at + 1);
        }
        if let Some(is_afternoon) = half(self.token(at + 1)).filter(|_| value < 24.0) {
            self.said.hour = Some(on_24_hours(floor(value), is_afternoon));
            return Some(at + 1);
        }
        match self.day.could_be_day(value) {
            true => self.day.add(floor(value)).map(|()| at),
            false => None,
        }
    }

    /// The unit (0: hours, 1: minutes, 2: seconds) that the number has by the word behind or before it, and the last token of
    /// the two. One before it names the unit of another number, and the next is meant.
    fn unit_of(&self, at: usize) -> Option<(u32, usize)> {
        let unit = |place: usize| self.token(place).and_then(words::unit);
        if let Some(unit) = unit(at + 1) {
            return Some((unit, at + 1));
        }
        if let Some(unit) = unit(at + 2).filter(|_| self.is(at + 1, " ")) {
            return Some((unit, at + 2));
        }
        if let Some(unit) = at.checked_sub(1).and_then(unit) {
            return Some((unit + 1, at));
        }
        let is_last = at + 1 == self.tokens.len();
        let before = at.checked_sub(2).filter(|_| is_last && self.is(at - 1, " "));
        before.and_then(unit).map(|unit| (unit + 1, at))
    }

    fn with_unit(&mut self, token: &str, value: f64, unit: u32) -> Option<()> {
        match unit {
            0 => {
                self.said.hour = Some(floor(value));
                if value.fract() != 0.0 {
                    self.said.minute = Some(floor(60.0 * value.fract()));
                }
            }
            1 => self.minutes(value),
            2 => self.seconds(token)?,
            _ => {}
        }
        Some(())
    }

    /// `HH:MM[:SS[.ss]]`
    fn clock(&mut self, at: usize, value: f64) -> Option<usize> {
        self.said.hour = Some(floor(value));
        let minutes =
            self.token(at + 2)?.parse().ok().filter(|minutes: &f64| minutes.is_finite())?;
        self.minutes(minutes);
        if self.is(at + 3, ":") && self.token(at + 4).is_some() {
            self.seconds(self.token(at + 4)?)?;
            return Some(at + 4);
        }
        Some(at + 2)
    }

    /// `01-Jan-2024`, `1/2`, `1.2.2024`
    fn separated(&mut self, at: usize, token: &str) -> Option<usize> {
        let separator = self.token(at + 1)?;
        self.day.add_text(token)?;
        let Some(second) = self.token(at + 2).filter(|next| !words::is_filler(next)) else {
            return Some(at + 1);
        };
        match second.bytes().all(|byte| byte.is_ascii_digit()) {
            true => self.day.add_text(second)?,
            false => self.day.add_month(words::month(second)?)?,
        }
        if !self.is(at + 3, separator) {
            return Some(at + 2);
        }
        let third = self.token(at + 4)?;
        match words::month(third) {
            Some(month) => self.day.add_month(month)?,
            None => self.day.add_text(third)?,
        }
        Some(at + 4)
    }

    fn minutes(&mut self, value: f64) {
        self.said.minute = Some(floor(value));
        if value.fract() != 0.0 {
            self.said.second = Some(floor(60.0 * value.fract()));
        }
    }

    fn seconds(&mut self, token: &str) -> Option<()> {
        let (seconds, fraction) = token.split_once('.').unwrap_or((token, "0"));
        self.said.second = Some(whole(seconds)?);
        let micros: String = fraction.chars().chain("000000".chars()).take(6).collect();
        self.said.microsecond = Some(whole(&micros)?);
        Some(())
    }
}

/// The hour that stands before `am` or `pm`.
fn on_24_hours(hour: i64, is_afternoon: bool) -> i64 {
    match (hour, is_afternoon) {
        (12, false) => 0,
        (hour, true) if hour < 12 => hour + 12,
        _ => hour,
    }
}

fn whole(digits: &str) -> Option<i64> {
    digits.parse().ok()
}

fn floor(value: f64) -> i64 {
    #[expect(clippy::cast_possible_truncation, reason = "what is too great for it is no date")]
    let whole = value.floor() as i64;
    whole
}

#[cfg(test)]
mod tests {
    use chrono::NaiveDate;

    use super::parse;

    fn read(text: &str) -> String {
        let today = NaiveDate::from_ymd_opt(2026, 11, 27).unwrap();
        parse(text, today).map_or_else(|error| error, |time| time.to_string())
    }

    /// What dateutil 2.9 makes of each on 27 November 2026, a Friday.
    #[test]
    fn dates_are_read_as_dateutil_reads_them() {
        for (text, expected) in [
            ("5", "2026-11-05 00:00:00"),
            ("-3", "2026-11-03 00:00:00"),
            ("32", "2032-11-27 00:00:00"),
            ("99", "1999-11-27 00:00:00"),
            ("100", "0100-11-27 00:00:00"),
            ("10am", "2026-11-27 10:00:00"),
            ("Monday", "2026-11-30 00:00:00"),
            ("Jan", "2026-01-27 00:00:00"),
            ("2024-01", "2024-01-27 00:00:00"),
            ("03/06/09", "2009-03-06 00:00:00"),
            ("23 April 1973", "1973-04-23 00:00:00"),
            ("3rd of May 2001", "2001-05-03 00:00:00"),
            ("20240101T101112", "2024-01-01 10:11:12"),
            ("2024-01-01 10:00:00.5+02:00 (CEST)", "2024-01-01 10:00:00.500"),
            ("Sat, 3 Feb 2024 10:20 PM", "2024-02-03 22:20:00"),
            ("10h30m5.25s", "2026-11-27 10:30:05.250"),
            ("12/31", "2026-12-31 00:00:00"),
        ] {
            assert_eq!(read(text), expected, "{text}");
        }
    }

    #[test]
    fn what_is_no_date_is_told() {
        assert_eq!(read("-"), "String does not contain a date: -");
        for text in [
            "31",
            "0",
            "0.5",
            "49000004632",
            "13/13",
            "2024-02-30",
            "12:61",
            "1e5",
            "nan",
            "pm",
            "5 ",
            "1/",
            "Jan-",
        ] {
            let is_date = matches!(text, "5 " | "1/");
            assert_eq!(read(text).starts_with("Unknown string format"), !is_date, "{text}");
        }
    }
}
