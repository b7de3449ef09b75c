//! `products.csv`: what is sold.

use super::calendar;
use super::faults::{Column, ColumnKind, Reason, Table, key};
use super::plan::{Plan, Purpose, TableId};
use super::random::Random;
use super::record::Record;
use super::words::{BRANDS, CATEGORIES, Category};

/// Of a hundred products, how many were there before the first order.
const EARLY_PERCENT: u64 = 85;

pub(super) const COLUMNS: [Column; 6] = [
    Column {
        name: "product_id",
        kind: ColumnKind::Key,
        not_null: true,
        unparsable: &["P-77", "77.0", "-9223372036854775809", "SKU 77"],
        refused: &[],
    },
    Column { name: "name", kind: ColumnKind::Text, not_null: true, unparsable: &[], refused: &[] },
    Column {
        name: "category",
        kind: ColumnKind::Text,
        not_null: true,
        unparsable: &[],
        refused: &[],
    },
    Column {
        name: "price",
        kind: ColumnKind::Plain,
        not_null: true,
        unparsable: &["12.345", "19,99", "$19.99", "free", "99999999999999999.99"],
        refused: &["0.00", "-5.00", "-0.01", "0"],
    },
    Column {
        name: "cost",
        kind: ColumnKind::Plain,
        not_null: true,
        unparsable: &["7.125", "7,50", "EUR 7.50", "n/a", "1 000.00"],
        refused: &["-1.00", "-0.01"],
    },
    Column {
        name: "created_at",
        kind: ColumnKind::Plain,
        not_null: false,
        unparsable: &["2024-02-30", "2022-00-10", "June 2022", "01/06/2022"],
        refused: &[],
    },
];

/// The products of a plan.
pub(super) struct Products<'a> {
    plan: &'a Plan,
    /// What each product costs in the shop in the second year, in hundredths.
    prices: Vec<u64>,
}

impl<'a> Products<'a> {
    pub(super) fn new(plan: &'a Plan) -> Self {
        let rows = 0..plan.rows(TableId::Products);
        Self { plan, prices: rows.map(|row| Kind::of(plan, row).price()).collect() }
    }

    pub(super) fn count(&self) -> u64 {
        self.prices.len() as u64
    }

    pub(super) fn launch_day(&self, row: u64) -> i64 {
        calendar::arrival(row, self.count(), EARLY_PERCENT)
    }

    /// The price at which a product is sold on `day`, in hundredths: prices rose by four percent with the second year.
    pub(super) fn price_on(&self, row: u64, day: i64) -> u64 {
        let price = self.prices[row as usize];
        if day < calendar::SECOND_YEAR { (price * 96 + 50) / 100 } else { price }
    }
}

impl Table for Products<'_> {
    fn id(&self) -> TableId {
        TableId::Products
    }

    fn file(&self) -> &'static str {
        "products.csv"
    }

    fn columns(&self) -> &'static [Column] {
        &COLUMNS
    }

    fn fill(&self, row: u64, record: &mut Record) -> Vec<Reason> {
        let mut kind = Kind::of(self.plan, row);
        let price = kind.price();
        let name = kind.name();
        record.push_number(key(row));
        record.push(&name);
        record.push(kind.category.name);
        record.push_hundredths(price);
        record.push_hundredths(price * (45 + kind.random.below(36)) / 100);
        match kind.random.below(64) {
            0 => record.push(""),
            _ => record.push_date(self.launch_day(row)),
        }
        Vec::new()
    }
}

/// A product's category, and the stream that its further properties come from, price first.
struct Kind {
    category: &'static Category,
    random: Random,
}

impl Kind {
    fn of(plan: &Plan, row: u64) -> Self {
        let mut random = plan.random(TableId::Products, row, Purpose::Values);
        Self { category: random.weighted(&CATEGORIES, |category| category.weight), random }
    }

    /// Cheap things are more common than dear ones, and prices end as shops like them to.
    fn price(&mut self) -> u64 {
        let (low, high) = self.category.prices;
        let skew = self.random.below(1000);
        let whole = low + (high - low) * skew * skew / 1_000_000;
        whole * 100 + *self.random.pick(&[99, 99, 95, 90, 49, 0])
    }

    fn name(&mut self) -> String {
        let (brand, noun) = (*self.random.pick(&BRANDS), *self.random.pick(self.category.nouns));
        let quality = *self.random.pick(self.category.qualities);
        match self.random.below(40) {
            0 => format!("{brand} {quality} {noun}\n(gift box)"),
            1..9 => {
                format!("{brand} {quality} {noun}, {}", self.random.pick(self.category.variants))
            }
            _ => format!("{brand} {quality} {noun}"),
        }
    }
}
