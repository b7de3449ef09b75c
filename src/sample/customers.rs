//! `customers.csv`: who buys.

use super::calendar;
use super::faults::{Column, ColumnKind, Reason, Table, key};
use super::plan::{Plan, Purpose, TableId};
use super::record::Record;
use super::words::{DOMAINS, LOCALES, Locale, fold};

/// Of a hundred customers, how many had signed up before the first order.
const EARLY_PERCENT: u64 = 40;

pub(super) const COLUMNS: [Column; 7] = [
    Column {
        name: "customer_id",
        kind: ColumnKind::Key,
        not_null: true,
        unparsable: &["C-1001", "17.5", "9223372036854775808", "n/a", "１２"],
        refused: &[],
    },
    Column { name: "email", kind: ColumnKind::Text, not_null: true, unparsable: &[], refused: &[] },
    Column {
        name: "first_name",
        kind: ColumnKind::Text,
        not_null: false,
        unparsable: &[],
        refused: &[],
    },
    Column {
        name: "last_name",
        kind: ColumnKind::Text,
        not_null: false,
        unparsable: &[],
        refused: &[],
    },
    Column {
        name: "country",
        kind: ColumnKind::Text,
        not_null: false,
        unparsable: &[],
        refused: &["de", "DEU", "United Kingdom", "F", "F1", "ÖS", "U S"],
    },
    Column { name: "city", kind: ColumnKind::Text, not_null: false, unparsable: &[], refused: &[] },
    Column {
        name: "signup_date",
        kind: ColumnKind::Plain,
        not_null: false,
        unparsable: &["2023-02-29", "2024-13-01", "31.12.2023", "unknown", "2023-06-00"],
        refused: &[],
    },
];

/// The customers of a plan.
pub(super) struct Customers<'a> {
    plan: &'a Plan,
    count: u64,
}

impl<'a> Customers<'a> {
    pub(super) fn new(plan: &'a Plan) -> Self {
        Self { plan, count: plan.rows(TableId::Customers) }
    }
}

/// The day on which customer `row` of `count` signed up, counted from [`calendar::FIRST_DAY`].
pub(super) fn signup_day(row: u64, count: u64) -> i64 {
    calendar::arrival(row, count, EARLY_PERCENT)
}

impl Table for Customers<'_> {
    fn id(&self) -> TableId {
        TableId::Customers
    }

    fn file(&self) -> &'static str {
        "customers.csv"
    }

    fn columns(&self) -> &'static [Column] {
        &COLUMNS
    }

    fn fill(&self, row: u64, record: &mut Record) -> Vec<Reason> {
        let mut random = self.plan.random(TableId::Customers, row, Purpose::Values);
        let locale: &Locale = random.weighted(&LOCALES, |locale| locale.weight);
        let (first, last) = (*random.pick(locale.first_names), *random.pick(locale.last_names));
        let domain = *random.pick(&DOMAINS);
        let (city, gaps) = (*random.pick(locale.cities), random.bits());
        // A few people leave a field out: one bit pattern in 64 each, drawn at once.
        let known = |field: u32, cell: &'static str| {
            if (gaps >> (6 * field)) & 63 == 0 { "" } else { cell }
        };
        record.push_number(key(row));
        record.push(&format!("{}.{}{}@{domain}", fold(first), fold(last), key(row)));
        record.push(known(0, first));
        record.push(known(1, last));
        record.push(known(2, locale.country));
        record.push(known(3, city));
        match known(4, "signed up") {
            "" => record.push(""),
            _ => record.push_date(signup_day(row, self.count)),
        }
        Vec::new()
    }
}
