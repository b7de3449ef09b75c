//! When a shop sells: two years of days and hours, each with its share of the orders.

use chrono::{Datelike, NaiveDate};

use super::plan::{Plan, Purpose, TableId};

/// 2024-01-01, in days since 1970-01-01. Days are counted from here.
pub(super) const FIRST_DAY: i64 = 19_723;
/// 2024 and 2025.
pub(super) const DAYS: i64 = 366 + 365;
/// The first day of the second year.
pub(super) const SECOND_YEAR: i64 = 366;
/// How long before [`FIRST_DAY`] the first customers and products came: three years.
const DAYS_BEFORE: u64 = 1095;

/// January to December, in percent of a usual month.
const MONTHS: [u64; 12] = [88, 84, 92, 95, 99, 96, 91, 93, 100, 105, 132, 148];
/// Monday to Sunday.
const WEEKDAYS: [u64; 7] = [98, 93, 94, 99, 107, 113, 104];
/// Midnight to eleven in the evening.
const HOURS: [u64; 24] =
    [6, 3, 2, 1, 1, 2, 6, 14, 26, 38, 46, 50, 52, 50, 48, 47, 48, 52, 60, 70, 76, 66, 40, 18];

/// The text of a day, `YYYY-MM-DD`.
pub(super) fn date(day: i64) -> [u8; 10] {
    let date = civil(day);
    let mut text = *b"0000-00-00";
    let parts = [(0, 1000, date.year() as u32), (5, 10, date.month()), (8, 10, date.day())];
    for (start, unit, number) in parts {
        let mut unit = unit;
        for digit in &mut text[start..] {
            *digit = b'0' + (number / unit % 10) as u8;
            unit /= 10;
            if unit == 0 {
                break;
            }
        }
    }
    text
}

fn civil(day: i64) -> NaiveDate {
    NaiveDate::from_epoch_days((FIRST_DAY + day) as i32).unwrap_or_default()
}

/// The day on which customer or product `row` of `count` came: `early_percent` of them, one after the other, in the
/// years before the first order, the others while orders come in.
pub(super) fn arrival(row: u64, count: u64, early_percent: u64) -> i64 {
    let early = (count * early_percent / 100).max(1);
    match row.checked_sub(early) {
        None => (row * DAYS_BEFORE / early) as i64 - DAYS_BEFORE as i64,
        Some(late) => (late * DAYS as u64 / (count - early)) as i64,
    }
}

/// How sales are spread over days and hours: the start of each hour on a scale where every order takes equal room.
#[derive(Debug)]
pub(super) struct Seasons {
    /// One more than there are hours: the last is the length of the scale.
    hour_starts: Vec<u64>,
    dates: Vec<[u8; 10]>,
}

impl Seasons {
    pub(super) fn new(plan: &Plan) -> Self {
        let mut hour_starts = Vec::with_capacity(DAYS as usize * 24 + 1);
        let mut start = 0;
        for day in 0..DAYS {
            let mut random = plan.random(TableId::Orders, day as u64, Purpose::Day);
            let weight = day_weight(day) * (90 + random.below(21)) / 100;
            for hour in HOURS {
                hour_starts.push(start);
                start += weight * hour;
            }
        }
        hour_starts.push(start);
        Self { hour_starts, dates: (0..DAYS).map(date).collect() }
    }

    /// The day and the second of it at which order `row` of `count` came; `jitter` moves it inside its room. A later
    /// order never has an earlier time.
    pub(super) fn moment(&self, row: u64, count: u64, jitter: u32) -> (i64, u32) {
        let length = self.hour_starts[self.hour_starts.len() - 1];
        let place = (u128::from(row) << 32) | u128::from(jitter);
        let at = (place * u128::from(length) / (u128::from(count) << 32)) as u64;
        let hour = self.hour_starts.partition_point(|&start| start <= at) - 1;
        let (start, end) = (self.hour_starts[hour], self.hour_starts[hour + 1]);
        let second = (at - start) * 3600 / (end - start);
        ((hour / 24) as i64, (hour % 24 * 3600) as u32 + second as u32)
    }

    /// The text of a day of the two years.
    pub(super) fn date(&self, day: i64) -> &[u8; 10] {
        &self.dates[day as usize]
    }
}

/// The shop grows by six tenths over the two years; November's sale brings twice a day's orders, Christmas half.
fn day_weight(day: i64) -> u64 {
    let date = civil(day);
    let weekday = date.weekday().num_days_from_monday() as usize;
    let occasion = match (date.month(), date.day(), weekday) {
        (11, 23..=29, 4) => 220, // the Friday behind the fourth Thursday
        (11, 24..=30, 5 | 6) => 170,
        (12, 24..=26, _) | (1, 1, _) => 50,
        _ => 100,
    };
    let growth = 1000 + day as u64 * 600 / DAYS as u64;
    growth * MONTHS[date.month0() as usize] * WEEKDAYS[weekday] * occasion / 1_000_000
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::plan::tests::plan;

    #[test]
    fn days_are_named_as_the_calendar_names_them() {
        let named = [-1, 0, 59, SECOND_YEAR, DAYS - 1]
            .map(|day| String::from_utf8(date(day).to_vec()).unwrap());
        assert_eq!(named, ["2023-12-31", "2024-01-01", "2024-02-29", "2025-01-01", "2025-12-31"]);
    }

    #[test]
    fn orders_come_in_time_order_over_both_years() {
        let seasons = Seasons::new(&plan(1000, 1, 0.0));
        let moments: Vec<_> =
            (0..1000).map(|row| seasons.moment(row, 1000, (row * 7919) as u32)).collect();
        assert!(moments.is_sorted());
        assert!(moments[0].0 < 3 && moments[999].0 > DAYS - 3);
        assert_eq!(seasons.moment(0, 1, 0).0, 0);
        assert_eq!(seasons.moment(9, 10, u32::MAX).0, DAYS - 1);
    }

    #[test]
    fn arrivals_begin_before_the_first_order_and_end_with_the_last() {
        for count in [1, 2, 100, 1001] {
            let days: Vec<_> = (0..count).map(|row| arrival(row, count, 40)).collect();
            assert!(days.is_sorted() && days[0] < 0 && days[days.len() - 1] < DAYS, "{count}");
        }
    }
}
