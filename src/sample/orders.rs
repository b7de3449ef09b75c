//! `orders.csv`: who bought what, when and for how much.

use super::calendar::{self, Seasons};
use super::customers::signup_day;
use super::faults::{Column, ColumnKind, Reason, Table, key};
use super::plan::{Plan, Purpose, TableId};
use super::products::Products;
use super::random::{Random, Scatter};
use super::record::Record;

pub(super) const COLUMNS: [Column; 9] = [
    Column {
        name: "order_id",
        kind: ColumnKind::Key,
        not_null: true,
        unparsable: &["O-1001", "1001.5", "9223372036854775808", "#12", "１２"],
        refused: &[],
    },
    Column {
        name: "customer_id",
        kind: ColumnKind::Reference(TableId::Customers),
        not_null: true,
        unparsable: &["guest", "12.0", "18446744073709551616"],
        refused: &[],
    },
    Column {
        name: "product_id",
        kind: ColumnKind::Reference(TableId::Products),
        not_null: true,
        unparsable: &["SKU-9", "9.0", "9;10"],
        refused: &[],
    },
    Column {
        name: "order_ts",
        kind: ColumnKind::Plain,
        not_null: true,
        unparsable: &[
            "2024-02-30 10:00:00",
            "2025-02-29 12:00:00",
            "2025-06-15 24:30:00",
            "2025-06-15 10:61:00",
            "15/06/2025 10:00:00",
            "yesterday",
        ],
        refused: &[],
    },
    Column {
        name: "quantity",
        kind: ColumnKind::Plain,
        not_null: true,
        unparsable: &["3.0", "two", "2147483648", "0x10", "1,000"],
        refused: &["0", "21", "-1", "1000", "2147483647"],
    },
    Column {
        name: "unit_price",
        kind: ColumnKind::Plain,
        not_null: true,
        unparsable: &["12.345", "19,99", "$19.99", "free", "99999999999999999.99"],
        refused: &["0.00", "-19.99", "-0.01"],
    },
    Column {
        name: "discount",
        kind: ColumnKind::Plain,
        not_null: true,
        unparsable: &["0.125", "10%", "123.45", "none"],
        refused: &["0.51", "-0.01", "1.00", "99.99"],
    },
    Column {
        name: "status",
        kind: ColumnKind::Text,
        not_null: true,
        unparsable: &[],
        refused: &["complete", "COMPLETED", "shiped", "refunded", " completed", "0"],
    },
    Column {
        name: "payment_method",
        kind: ColumnKind::Text,
        not_null: false,
        unparsable: &[],
        refused: &["visa", "Card", "bitcoin", "bank transfer", "card "],
    },
];

/// Quantities with their weights; the rare large order is drawn apart.
const QUANTITIES: [(u64, u64); 6] = [(1, 60), (2, 20), (3, 9), (4, 5), (5, 3), (0, 3)];
/// Discounts in hundredths.
const DISCOUNTS: [(u64, u64); 8] =
    [(0, 800), (5, 50), (10, 70), (15, 25), (20, 30), (25, 10), (30, 10), (50, 5)];
const STATUSES: [(&str, u64); 5] =
    [("completed", 86), ("shipped", 3), ("returned", 6), ("cancelled", 4), ("pending", 1)];
/// Of the last days, whose parcels are still under way.
const RECENT_STATUSES: [(&str, u64); 5] =
    [("completed", 30), ("shipped", 40), ("returned", 1), ("cancelled", 4), ("pending", 25)];
const RECENT_DAYS: i64 = 7;
const PAYMENTS: [(&str, u64); 5] =
    [("card", 62), ("paypal", 22), ("bank_transfer", 10), ("gift_card", 5), ("", 1)];

/// How often another customer or product is drawn where one does not suit.
const TRIES: u32 = 64;

/// The orders of a plan.
pub(super) struct Orders<'a> {
    plan: &'a Plan,
    products: &'a Products<'a>,
    seasons: Seasons,
    count: u64,
    customers: Popularity,
    best_sellers: Popularity,
}

impl<'a> Orders<'a> {
    pub(super) fn new(plan: &'a Plan, products: &'a Products<'a>) -> Self {
        Self {
            plan,
            products,
            seasons: Seasons::new(plan),
            count: plan.rows(TableId::Orders),
            customers: Popularity::new(plan.rows(TableId::Customers), 40),
            best_sellers: Popularity::new(products.count(), 80),
        }
    }

    /// A customer who had signed up by `day`, with whether the row is broken: as good as never.
    fn customer(&self, day: i64, random: &mut Random) -> (u64, bool) {
        let count = self.customers.count;
        self.parent(TableId::Customers, &self.customers, random, |row| {
            signup_day(row, count) <= day
        })
    }

    fn product(&self, day: i64, random: &mut Random) -> (u64, bool) {
        let sold = |row| self.products.launch_day(row) <= day;
        self.parent(TableId::Products, &self.best_sellers, random, sold)
    }

    fn parent(
        &self,
        table: TableId,
        popularity: &Popularity,
        random: &mut Random,
        suits: impl Fn(u64) -> bool,
    ) -> (u64, bool) {
        let mut row = popularity.draw(random);
        for _ in 0..TRIES {
            if suits(row) && !self.plan.is_broken(table, row) {
                return (row, false);
            }
            row = popularity.draw(random);
        }
        (row, self.plan.is_broken(table, row))
    }
}

impl Table for Orders<'_> {
    fn id(&self) -> TableId {
        TableId::Orders
    }

    fn file(&self) -> &'static str {
        "orders.csv"
    }

    fn columns(&self) -> &'static [Column] {
        &COLUMNS
    }

    fn fill(&self, row: u64, record: &mut Record) -> Vec<Reason> {
        let mut random = self.plan.random(TableId::Orders, row, Purpose::Values);
        let (day, second) = self.seasons.moment(row, self.count, random.bits() as u32);
        let customer = self.customer(day, &mut random);
        let product = self.product(day, &mut random);
        record.push_number(key(row));
        record.push_number(key(customer.0));
        record.push_number(key(product.0));
        record.push_timestamp(self.seasons.date(day), second);
        record.push_number(quantity(&mut random));
        record.push_hundredths(self.products.price_on(product.0, day));
        record.push_hundredths(of(&DISCOUNTS, &mut random));
        let recent = day >= calendar::DAYS - RECENT_DAYS;
        record.push(of(if recent { &RECENT_STATUSES } else { &STATUSES }, &mut random));
        record.push(of(&PAYMENTS, &mut random));
        let parents = [(1, customer.1), (2, product.1)];
        let broken = parents.into_iter().filter(|(_, broken)| *broken);
        broken.map(|(column, _)| Reason::foreign_key(&COLUMNS, column)).collect()
    }
}

fn of<T: Copy>(weighted: &[(T, u64)], random: &mut Random) -> T {
    random.weighted(weighted, |(_, weight)| *weight).0
}

fn quantity(random: &mut Random) -> u64 {
    match of(&QUANTITIES, random) {
        0 => 6 + random.below(15),
        usual => usual,
    }
}

/// Who is drawn how often: a share evenly from all, the rest by Zipf and Mandelbrot's law.
#[derive(Debug)]
struct Popularity {
    count: u64,
    /// Of a hundred draws, how many follow the law.
    skewed_percent: u64,
    head: u64,
    scatter: Scatter,
}

impl Popularity {
    fn new(count: u64, skewed_percent: u64) -> Self {
        Self { count, skewed_percent, head: 3 + count / 200, scatter: Scatter::new(count) }
    }

    fn draw(&self, random: &mut Random) -> u64 {
        if random.below(100) < self.skewed_percent {
            self.scatter.place(random.skewed(self.count, self.head))
        } else {
            random.below(self.count)
        }
    }
}
