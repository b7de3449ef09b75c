//! Dates and times as cells spell them: ISO 8601, or a format of the user's. Microseconds, nothing rounded.

use chrono::format::{Item, Parsed, StrftimeItems, parse};
use chrono::{NaiveDate, NaiveDateTime, NaiveTime};

use super::number::trim;

const DAY_US: i64 = 86_400_000_000;

/// Days since 1970 of `YYYY-MM-DD`.
#[inline]
pub(super) fn date(bytes: &[u8]) -> Option<i32> {
    let [y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2] = *trim(bytes).as_array::<10>()? else {
        return None;
    };
    let year = two(y1, y2)? * 100 + two(y3, y4)?;
    days(year, two(m1, m2)?, two(d1, d2)?)
}

/// Microseconds since midnight of `HH:MM`, `HH:MM:SS` or `HH:MM:SS.ffffff`.
#[inline]
pub(super) fn time(bytes: &[u8]) -> Option<i64> {
    let bytes = trim(bytes);
    let (clock, fraction) = match bytes.iter().position(|byte| *byte == b'.') {
        Some(8) => (&bytes[..8], micros(&bytes[9..])?),
        Some(_) => return None,
        None => (bytes, 0),
    };
    let (hour, minute, second) = match *clock {
        [h1, h2, b':', m1, m2, b':', s1, s2] => (two(h1, h2)?, two(m1, m2)?, two(s1, s2)?),
        [h1, h2, b':', m1, m2] => (two(h1, h2)?, two(m1, m2)?, 0),
        _ => return None,
    };
    let seconds = i64::from(hour * 3600 + minute * 60 + second);
    (hour < 24 && minute < 60 && second < 60).then_some(seconds * 1_000_000 + fraction)
}

/// Microseconds since 1970 of a date, a blank or `T`, and a time; a date alone is its midnight.
#[inline]
pub(super) fn timestamp(bytes: &[u8]) -> Option<i64> {
    let bytes = trim(bytes);
    let (day, clock) = bytes.split_at_checked(10)?;
    let midnight = i64::from(date(day)?) * DAY_US;
    match clock {
        [] => Some(midnight),
        [b' ' | b'T' | b't', clock @ ..] if clock.first().is_some_and(u8::is_ascii_digit) => {
            Some(midnight + time(clock)?)
        }
        _ => None,
    }
}

/// The same with `Z`, `+HH`, `+HHMM` or `+HH:MM` behind the time; without, it is UTC.
pub(super) fn timestamp_tz(bytes: &[u8]) -> Option<i64> {
    let bytes = trim(bytes);
    let zone = bytes.iter().skip(10).position(|byte| matches!(byte, b'Z' | b'z' | b'+' | b'-'));
    let Some(zone) = zone.map(|place| place + 10) else {
        return timestamp(bytes);
    };
    // A zone belongs to a time, not to a date.
    if zone == 10 {
        return None;
    }
    Some(timestamp(&bytes[..zone])? - offset(&bytes[zone..])?)
}

/// Microseconds east of UTC.
fn offset(zone: &[u8]) -> Option<i64> {
    let (sign, hours, minutes) = match *zone {
        [b'Z' | b'z'] => return Some(0),
        [sign, h1, h2] => (sign, two(h1, h2)?, 0),
        [sign, h1, h2, m1, m2] | [sign, h1, h2, b':', m1, m2] => (sign, two(h1, h2)?, two(m1, m2)?),
        _ => return None,
    };
    let micros = i64::from(hours * 60 + minutes) * 60_000_000;
    (hours < 24 && minutes < 60).then_some(if sign == b'-' { -micros } else { micros })
}

#[inline]
fn two(tens: u8, ones: u8) -> Option<i32> {
    let (tens, ones) = (tens.wrapping_sub(b'0'), ones.wrapping_sub(b'0'));
    (tens < 10 && ones < 10).then(|| i32::from(tens * 10 + ones))
}

/// Digits of a fraction of a second; beyond microseconds only zeros.
fn micros(digits: &[u8]) -> Option<i64> {
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let (kept, beyond) = digits.split_at(digits.len().min(6));
    let number = kept.iter().fold(0, |number, byte| number * 10 + i64::from(byte - b'0'));
    let exact = beyond.iter().all(|byte| *byte == b'0');
    exact.then(|| number * 10_i64.pow(6 - kept.len() as u32))
}

/// Days since 1970 of a day of the years 1 to 9999.
#[inline]
fn days(year: i32, month: i32, day: i32) -> Option<i32> {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let length = match month {
        2 => 28 + i32::from(leap),
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return None,
    };
    if year < 1 || day < 1 || day > length {
        return None;
    }
    // Years that begin in March put the leap day last.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let day_of_year = (153 * month + 2) / 5 + day - 1;
    Some(year * 365 + year / 4 - year / 100 + year / 400 + day_of_year - 719_468)
}

/// A strftime format, read once.
#[derive(Clone, Debug)]
pub(super) struct TimeFormat {
    items: Vec<Item<'static>>,
}

impl TimeFormat {
    /// `None` if `written` is no format.
    pub(super) fn new(written: &str) -> Option<Self> {
        let items = StrftimeItems::new(written).parse_to_owned().ok()?;
        Some(Self { items })
    }

    pub(super) fn date(&self, bytes: &[u8]) -> Option<i32> {
        day(self.parsed(bytes)?.to_naive_date().ok()?)
    }

    pub(super) fn time(&self, bytes: &[u8]) -> Option<i64> {
        of_time(self.parsed(bytes)?.to_naive_time().ok()?)
    }

    /// A format without a time of day gives midnight.
    pub(super) fn timestamp(&self, bytes: &[u8]) -> Option<i64> {
        of_timestamp(naive(&self.parsed(bytes)?)?)
    }

    /// A format without a zone gives UTC.
    pub(super) fn timestamp_tz(&self, bytes: &[u8]) -> Option<i64> {
        let parsed = self.parsed(bytes)?;
        let zoned = parsed.offset().is_some() || parsed.timestamp().is_some();
        match zoned.then(|| parsed.to_datetime()) {
            Some(instant) => of_timestamp(instant.ok()?.naive_utc()),
            None => of_timestamp(naive(&parsed)?),
        }
    }

    fn parsed(&self, bytes: &[u8]) -> Option<Parsed> {
        let text = std::str::from_utf8(trim(bytes)).ok()?;
        let mut parsed = Parsed::new();
        parse(&mut parsed, text, self.items.iter()).ok()?;
        Some(parsed)
    }
}

fn naive(parsed: &Parsed) -> Option<NaiveDateTime> {
    let timed = parsed.hour_mod_12().is_some() || parsed.timestamp().is_some();
    match timed {
        true => parsed.to_naive_datetime_with_offset(0).ok(),
        false => Some(parsed.to_naive_date().ok()?.and_time(NaiveTime::MIN)),
    }
}

fn day(date: NaiveDate) -> Option<i32> {
    use chrono::Datelike;
    days(date.year(), date.month() as i32, date.day() as i32).filter(|_| date.year() <= 9999)
}

fn of_time(time: NaiveTime) -> Option<i64> {
    use chrono::Timelike;
    // Chrono writes a leap second as more than a second of nanoseconds: there is no such instant here.
    let exact = time.nanosecond() < 1_000_000_000 && time.nanosecond().is_multiple_of(1_000);
    let seconds = i64::from(time.num_seconds_from_midnight());
    exact.then(|| seconds * 1_000_000 + i64::from(time.nanosecond() / 1_000))
}

fn of_timestamp(timestamp: NaiveDateTime) -> Option<i64> {
    Some(i64::from(day(timestamp.date())?) * DAY_US + of_time(timestamp.time())?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn instant(text: &str) -> Option<i64> {
        chrono::DateTime::parse_from_rfc3339(text).ok().map(|instant| instant.timestamp_micros())
    }

    #[test]
    fn every_day_is_counted() {
        let mut day = NaiveDate::from_ymd_opt(1, 1, 1).unwrap();
        let epoch = NaiveDate::from_ymd_opt(1970, 1, 1).unwrap();
        while let Some(next) = day.succ_opt().filter(|_| day.format("%Y").to_string().len() == 4) {
            let text = day.format("%Y-%m-%d").to_string();
            assert_eq!(date(text.as_bytes()), Some((day - epoch).num_days() as i32), "{text}");
            day = next + chrono::Days::new(2);
        }
    }

    #[test]
    fn days_that_are_not_in_the_calendar() {
        for text in [
            "2023-02-29",
            "2024-04-31",
            "2024-13-01",
            "2024-00-01",
            "2024-01-00",
            "0000-01-01",
            "2024-1-5",
            "20240105",
            "2024/01/05",
            "2024-01-05 00:00:00",
            "",
        ] {
            assert_eq!(date(text.as_bytes()), None, "{text}");
        }
        assert!(date(b" 2024-02-29 ").is_some());
    }

    #[test]
    fn timestamps_in_iso_8601() {
        let whole = instant("2024-05-06T07:08:09Z");
        for text in [
            "2024-05-06 07:08:09",
            "2024-05-06T07:08:09",
            " 2024-05-06 07:08:09.000 ",
            "2024-05-06 07:08:09.000000000",
        ] {
            assert_eq!(timestamp(text.as_bytes()), whole, "{text}");
        }
        assert_eq!(timestamp(b"2024-05-06 07:08:09.12"), instant("2024-05-06T07:08:09.12Z"));
        assert_eq!(timestamp(b"1969-12-31 23:59:59.999999"), Some(-1));
        assert_eq!(timestamp(b"2024-05-06"), instant("2024-05-06T00:00:00Z"));
        assert_eq!(timestamp(b"2024-05-06 07:08"), instant("2024-05-06T07:08:00Z"));
        for text in [
            "2024-05-06 24:00:00",
            "2024-05-06 07:60:00",
            "2024-05-06 07:08:60",
            "2024-05-06 07:08:09.1234567",
            "2024-05-06 07:08:09Z",
            "2024-05-06 x",
            "2024-05-06  07:08:09",
            "2024-05-06 7:08:09",
            "2024-05-06 07:08:09.",
        ] {
            assert_eq!(timestamp(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn zones_are_taken_off() {
        let noon = instant("2024-05-06T12:00:00Z");
        for text in [
            "2024-05-06 12:00:00",
            "2024-05-06T12:00:00Z",
            "2024-05-06 14:00:00+02",
            "2024-05-06 14:00:00+0200",
            "2024-05-06T06:30:00-05:30",
        ] {
            assert_eq!(timestamp_tz(text.as_bytes()), noon, "{text}");
        }
        for text in [
            "2024-05-06Z",
            "2024-05-06 12:00:00+24",
            "2024-05-06 12:00:00 UTC",
            "2024-05-06 12:00:00+1",
        ] {
            assert_eq!(timestamp_tz(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn formats_of_the_user() {
        let format = |text: &str| TimeFormat::new(text).unwrap();
        let british = format("%d/%m/%Y %H:%M");
        assert_eq!(british.timestamp(b"06/05/2024 07:08"), instant("2024-05-06T07:08:00Z"));
        assert_eq!(british.timestamp(b"31/02/2024 07:08"), None);
        assert_eq!(british.timestamp(b"06/05/2024 07:08 x"), None);
        assert_eq!(format("%d.%m.%Y").date(b"29.02.2024"), date(b"2024-02-29"));
        assert_eq!(format("%d.%m.%Y").timestamp(b"29.02.2024"), timestamp(b"2024-02-29"));
        assert_eq!(format("%I:%M %p").time(b"01:30 PM"), time(b"13:30"));
        let zoned = format("%Y-%m-%dT%H:%M:%S%.f%z");
        assert_eq!(
            zoned.timestamp_tz(b"2024-05-06T14:00:00.5+0200"),
            instant("2024-05-06T12:00:00.5Z")
        );
        assert_eq!(zoned.timestamp_tz(b"2024-05-06T14:00:00.0000001+0200"), None);
        assert_eq!(format("%s").timestamp_tz(b"1714996800"), instant("2024-05-06T12:00:00Z"));
        assert!(TimeFormat::new("%Q").is_none());
    }
}
