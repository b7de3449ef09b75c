//! The shop's rules and marts once more, written as naively as can be: what the program answers is compared with it.
//!
//! It shares no code with the program: its own CSV parser, its own idea of every type, sums and quotients in whole
//! numbers. Amounts are `i128` in hundredths, or in ten-thousandths where the name says so.
#![allow(dead_code, unreachable_pub, reason = "two test binaries use different parts of it")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// One record of a CSV file, its cells unquoted.
pub struct Record {
    /// 1-based, of its first line.
    pub line: u64,
    pub cells: Vec<Vec<u8>>,
}

/// A row that must be rejected: file, line, and its reasons in the order rule, column.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Reject {
    pub file: String,
    pub line: u64,
    pub reasons: Vec<String>,
}

#[derive(Clone, Debug)]
pub struct Customer {
    pub country: Option<String>,
}

#[derive(Clone, Debug)]
pub struct Product {
    pub name: String,
    pub category: String,
    pub cost: i128,
}

#[derive(Clone, Debug)]
pub struct Order {
    pub customer_id: i64,
    pub product_id: i64,
    /// Days since 1970.
    pub day: i64,
    pub quantity: i128,
    pub unit_price: i128,
    pub discount: i128,
    pub status: String,
}

/// The accepted rows by key, and the rejects of all three files.
#[derive(Debug, Default)]
pub struct Shop {
    pub customers: BTreeMap<i64, Customer>,
    pub products: BTreeMap<i64, Product>,
    pub orders: BTreeMap<i64, Order>,
    pub rejects: Vec<Reject>,
    pub records_read: u64,
}

/// A row of a mart: each value as text, decimals with all their digits, null as `None`.
pub type Row = Vec<Option<String>>;

impl Shop {
    /// Reads and judges `customers.csv`, `products.csv` and `orders.csv` of a folder.
    pub fn read(folder: &Path) -> Self {
        let mut shop = Self::default();
        shop.read_customers(&std::fs::read(folder.join("customers.csv")).unwrap());
        shop.read_products(&std::fs::read(folder.join("products.csv")).unwrap());
        shop.read_orders(&std::fs::read(folder.join("orders.csv")).unwrap());
        shop
    }

    fn read_customers(&mut self, bytes: &[u8]) {
        let mut keys = BTreeSet::new();
        for record in records(bytes) {
            self.records_read += 1;
            let mut judge = Judge::new(&record, 7);
            let key = judge.parsed(0, "customer_id", true, |text| text.parse::<i64>().ok());
            judge.text(1, "email", true, |_| true);
            let two_letters =
                |text: &str| text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_uppercase());
            let country = judge.text(4, "country", false, two_letters);
            judge.parsed(6, "signup_date", false, date);
            judge.primary_key("customer_id", key, &mut keys);
            if judge.accepts("customers.csv", &mut self.rejects) {
                self.customers.insert(key.unwrap(), Customer { country });
            }
        }
    }

    fn read_products(&mut self, bytes: &[u8]) {
        let mut keys = BTreeSet::new();
        for record in records(bytes) {
            self.records_read += 1;
            let mut judge = Judge::new(&record, 6);
            let key = judge.parsed(0, "product_id", true, |text| text.parse::<i64>().ok());
            let name = judge.text(1, "name", true, |_| true);
            let category = judge.text(2, "category", true, |_| true);
            judge.checked(3, "price", |text| decimal(text, 16), |price| price > 0);
            let cost = judge.checked(4, "cost", |text| decimal(text, 16), |cost| cost >= 0);
            judge.parsed(5, "created_at", false, date);
            judge.primary_key("product_id", key, &mut keys);
            if judge.accepts("products.csv", &mut self.rejects) {
                let (name, category) = (name.unwrap(), category.unwrap());
                self.products.insert(key.unwrap(), Product { name, category, cost: cost.unwrap() });
            }
        }
    }

    fn read_orders(&mut self, bytes: &[u8]) {
        let mut keys = BTreeSet::new();
        for record in records(bytes) {
            self.records_read += 1;
            let mut judge = Judge::new(&record, 9);
            let key = judge.parsed(0, "order_id", true, |text| text.parse::<i64>().ok());
            let customer = judge.parsed(1, "customer_id", true, |text| text.parse::<i64>().ok());
            let product = judge.parsed(2, "product_id", true, |text| text.parse::<i64>().ok());
            let day = judge.parsed(3, "order_ts", true, timestamp);
            let whole = |text: &str| text.parse::<i32>().ok().map(i128::from);
            let quantity = judge.checked(4, "quantity", whole, |it| (1..=20).contains(&it));
            let unit_price = judge.checked(5, "unit_price", |text| decimal(text, 16), |it| it > 0);
            let share = |it| (0..=50).contains(&it);
            let discount = judge.checked(6, "discount", |text| decimal(text, 2), share);
            let statuses = ["completed", "shipped", "pending", "cancelled", "returned"];
            let status = judge.text(7, "status", true, |text| statuses.contains(&text));
            let methods = ["card", "paypal", "bank_transfer", "gift_card"];
            judge.text(8, "payment_method", false, |text| methods.contains(&text));
            judge.primary_key("order_id", key, &mut keys);
            judge.reference(1, "customer_id", customer, &self.customers);
            judge.reference(2, "product_id", product, &self.products);
            if judge.accepts("orders.csv", &mut self.rejects) {
                let order = Order {
                    customer_id: customer.unwrap(),
                    product_id: product.unwrap(),
                    day: day.unwrap(),
                    quantity: quantity.unwrap(),
                    unit_price: unit_price.unwrap(),
                    discount: discount.unwrap(),
                    status: status.unwrap(),
                };
                self.orders.insert(key.unwrap(), order);
            }
        }
    }
}

/// Collects what one record breaks.
struct Judge<'a> {
    record: &'a Record,
    /// The rank of the rule, the column, the code.
    reasons: BTreeSet<(u8, usize, String)>,
    /// Nothing else is judged of a record of the wrong shape.
    has_row: bool,
}

impl<'a> Judge<'a> {
    fn new(record: &'a Record, columns: usize) -> Self {
        let mut reasons = BTreeSet::new();
        if record.cells.len() != columns {
            reasons.insert((0, 0, "ragged".to_owned()));
        } else if record.cells.iter().any(|cell| std::str::from_utf8(cell).is_err()) {
            reasons.insert((1, 0, "encoding".to_owned()));
        }
        Self { record, has_row: reasons.is_empty(), reasons }
    }

    fn add(&mut self, rank: u8, column: usize, code: &str, name: &str) {
        self.reasons.insert((rank, column, format!("{code}:{name}")));
    }

    fn parsed<T>(
        &mut self,
        column: usize,
        name: &str,
        not_null: bool,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Option<T> {
        if !self.has_row {
            return None;
        }
        let record = self.record;
        let text = std::str::from_utf8(&record.cells[column]).unwrap();
        if text.is_empty() {
            if not_null {
                self.add(3, column, "not_null", name);
            }
            return None;
        }
        let value = parse(text);
        if value.is_none() {
            self.add(2, column, "type", name);
        }
        value
    }

    fn text(
        &mut self,
        column: usize,
        name: &str,
        not_null: bool,
        holds: impl Fn(&str) -> bool,
    ) -> Option<String> {
        let text = self.parsed(column, name, not_null, |text| Some(text.to_owned()))?;
        if !holds(&text) {
            self.add(4, column, "check", name);
        }
        Some(text)
    }

    fn checked(
        &mut self,
        column: usize,
        name: &str,
        parse: impl Fn(&str) -> Option<i128>,
        holds: impl Fn(i128) -> bool,
    ) -> Option<i128> {
        let value = self.parsed(column, name, true, parse)?;
        if !holds(value) {
            self.add(4, column, "check", name);
        }
        Some(value)
    }

    fn primary_key(&mut self, name: &str, key: Option<i64>, keys: &mut BTreeSet<i64>) {
        if key.is_some_and(|key| !keys.insert(key)) {
            self.add(5, 0, "primary_key", name);
        }
    }

    fn reference<T>(
        &mut self,
        column: usize,
        name: &str,
        key: Option<i64>,
        accepted: &BTreeMap<i64, T>,
    ) {
        if key.is_some_and(|key| !accepted.contains_key(&key)) {
            self.add(6, column, "foreign_key", name);
        }
    }

    fn accepts(self, file: &str, rejects: &mut Vec<Reject>) -> bool {
        let accepted = self.reasons.is_empty();
        if !accepted {
            let reasons = self.reasons.into_iter().map(|(_, _, code)| code).collect();
            rejects.push(Reject { file: file.to_owned(), line: self.record.line, reasons });
        }
        accepted
    }
}

/// The records of a CSV file behind its header: commas, double quotes, `\n`.
pub fn records(bytes: &[u8]) -> Vec<Record> {
    let mut records = Vec::new();
    let (mut line, mut first_line, mut quoted) = (1, 1, false);
    let (mut cells, mut cell) = (Vec::new(), Vec::new());
    let mut bytes = bytes.iter().copied().peekable();
    while let Some(byte) = bytes.next() {
        line += u64::from(byte == b'\n');
        match byte {
            b'"' if quoted && bytes.peek() == Some(&b'"') => cell.extend(bytes.next()),
            b'"' => quoted = !quoted,
            b',' if !quoted => cells.push(std::mem::take(&mut cell)),
            b'\n' if !quoted => {
                cells.push(std::mem::take(&mut cell));
                records.push(Record { line: first_line, cells: std::mem::take(&mut cells) });
                first_line = line;
            }
            _ => cell.push(byte),
        }
    }
    assert!(!quoted && cells.is_empty() && cell.is_empty(), "the last record has no end");
    records.remove(0);
    records
}

/// A number with two digits behind the point, in hundredths.
fn decimal(text: &str, digits_before_point: usize) -> Option<i128> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text),
    };
    let (before, behind) = digits.split_once('.').unwrap_or((digits, ""));
    let plain = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if before.is_empty() || before.len() > digits_before_point || behind.len() > 2 {
        return None;
    }
    if !plain(before) || !plain(behind) {
        return None;
    }
    let value: i128 = format!("{before}{behind:0<2}").parse().ok()?;
    Some(if negative { -value } else { value })
}

/// `YYYY-MM-DD`, in days since 1970.
fn date(text: &str) -> Option<i64> {
    let parts: Vec<&str> = text.split('-').collect();
    let [year, month, day] = parts[..] else { return None };
    let (year, month, day) = (digits(year, 4)?, digits(month, 2)?, digits(day, 2)?);
    let days = 1..=days_in(year, *(1..=12).contains(&month).then_some(&month)?);
    if !days.contains(&day) {
        return None;
    }
    let years: i64 = (1970..year).map(|year| if leap(year) { 366 } else { 365 }).sum();
    let months: i64 = (1..month).map(|month| days_in(year, month)).sum();
    Some(years + months + day - 1)
}

/// `YYYY-MM-DD HH:MM:SS`; its day.
fn timestamp(text: &str) -> Option<i64> {
    let (day, time) = text.split_once(' ')?;
    let parts: Vec<&str> = time.split(':').collect();
    let [hour, minute, second] = parts[..] else { return None };
    let (hour, minute, second) = (digits(hour, 2)?, digits(minute, 2)?, digits(second, 2)?);
    (hour < 24 && minute < 60 && second < 60).then(|| date(day))?
}

fn digits(text: &str, count: usize) -> Option<i64> {
    (text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit()))
        .then(|| text.parse().ok())?
}

fn leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

fn days_in(year: i64, month: i64) -> i64 {
    match month {
        2 => 28 + i64::from(leap(year)),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// The text of a day since 1970.
fn date_text(day: i64) -> String {
    let (mut year, mut month, mut left) = (1970, 1, day);
    while left >= 365 + i64::from(leap(year)) {
        left -= 365 + i64::from(leap(year));
        year += 1;
    }
    while left >= days_in(year, month) {
        left -= days_in(year, month);
        month += 1;
    }
    format!("{year:04}-{month:02}-{:02}", left + 1)
}

/// Sums over valid sales.
#[derive(Default)]
struct Sales {
    orders: i128,
    units: i128,
    gross: i128,
    /// In ten-thousandths.
    discount: i128,
    first_day: Option<i64>,
    last_day: Option<i64>,
    customers: BTreeSet<i64>,
}

impl Sales {
    fn add(&mut self, order: &Order) {
        let gross = order.quantity * order.unit_price;
        self.orders += 1;
        self.units += order.quantity;
        self.gross += gross;
        self.discount += gross * order.discount;
        self.first_day = Some(self.first_day.map_or(order.day, |day| day.min(order.day)));
        self.last_day = self.last_day.max(Some(order.day));
        self.customers.insert(order.customer_id);
    }

    /// In ten-thousandths.
    fn net(&self) -> i128 {
        self.gross * 100 - self.discount
    }
}

fn sales_by<K: Ord>(shop: &Shop, key: impl Fn(&Order) -> K) -> BTreeMap<K, Sales> {
    let mut sales: BTreeMap<K, Sales> = BTreeMap::new();
    for order in shop.orders.values() {
        if order.status == "completed" || order.status == "shipped" {
            sales.entry(key(order)).or_default().add(order);
        }
    }
    sales
}

/// `daily_sales`, by date.
pub fn daily_sales(shop: &Shop) -> Vec<Row> {
    let row = |(day, sales): (i64, Sales)| {
        vec![
            Some(date_text(day)),
            Some(sales.orders.to_string()),
            Some(sales.units.to_string()),
            Some(fixed(sales.gross, 2)),
            Some(fixed(sales.discount, 4)),
            Some(fixed(sales.net(), 4)),
            Some(sales.customers.len().to_string()),
            Some(fixed(quotient(sales.net(), sales.orders), 4)),
        ]
    };
    sales_by(shop, |order| order.day).into_iter().map(row).collect()
}

/// `customer_lifetime_value`, by customer.
pub fn customer_lifetime_value(shop: &Shop) -> Vec<Row> {
    let row = |(customer, sales): (i64, Sales)| {
        let (first, last) = (sales.first_day.unwrap(), sales.last_day.unwrap());
        vec![
            Some(customer.to_string()),
            Some(date_text(first)),
            Some(date_text(last)),
            Some(sales.orders.to_string()),
            Some(sales.units.to_string()),
            Some(fixed(sales.net(), 4)),
            Some(fixed(quotient(sales.net(), sales.orders), 4)),
            Some((last - first + 1).to_string()),
            shop.customers[&customer].country.clone(),
        ]
    };
    sales_by(shop, |order| order.customer_id).into_iter().map(row).collect()
}

/// `product_metrics`, by product.
pub fn product_metrics(shop: &Shop) -> Vec<Row> {
    let sales = sales_by(shop, |order| order.product_id);
    let none = Sales::default();
    let net_of = |id: &i64| sales.get(id).unwrap_or(&none).net();
    let mut returned: BTreeMap<i64, i128> = BTreeMap::new();
    let mut kept: BTreeMap<i64, i128> = BTreeMap::new();
    for order in shop.orders.values() {
        *returned.entry(order.product_id).or_default() += i128::from(order.status == "returned");
        *kept.entry(order.product_id).or_default() += i128::from(order.status != "cancelled");
    }
    let row = |(id, product): (&i64, &Product)| {
        let sold = sales.get(id).unwrap_or(&none);
        let kept = kept.get(id).copied().unwrap_or(0);
        let rate = (kept > 0).then(|| fixed(quotient(returned[id] * 1_000_000, kept), 6));
        let better = shop.products.keys().filter(|other| net_of(other) > sold.net()).count();
        vec![
            Some(id.to_string()),
            Some(product.name.clone()),
            Some(product.category.clone()),
            Some(sold.units.to_string()),
            Some(sold.orders.to_string()),
            Some(fixed(sold.net(), 4)),
            Some(fixed(sold.net() - sold.units * product.cost * 100, 4)),
            rate,
            Some((better + 1).to_string()),
        ]
    };
    shop.products.iter().map(row).collect()
}

/// Rounded half away from zero.
fn quotient(numerator: i128, denominator: i128) -> i128 {
    let doubled = numerator.abs() * 2 + denominator;
    doubled / (denominator * 2) * numerator.signum()
}

/// A whole number of the smallest unit, with `scale` digits behind the point.
fn fixed(value: i128, scale: usize) -> String {
    let digits = format!("{:0>width$}", value.abs(), width = scale + 1);
    let (before, behind) = digits.split_at(digits.len() - scale);
    format!("{}{before}.{behind}", if value < 0 { "-" } else { "" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_days_are_written_as_sql_writes_them() {
        assert_eq!((fixed(-5, 4), fixed(123_456, 2)), ("-0.0005".to_owned(), "1234.56".to_owned()));
        assert_eq!((quotient(5, 2), quotient(-5, 2), quotient(4, 3)), (3, -3, 1));
        for text in ["1970-01-01", "2024-02-29", "2025-12-31"] {
            assert_eq!(date_text(date(text).unwrap()), text);
        }
        assert_eq!(
            (date("2025-02-29"), decimal("1.234", 16), decimal("-1.5", 16)),
            (None, None, Some(-150))
        );
    }

    #[test]
    fn a_small_shop_is_summed_by_hand() {
        let mut shop = Shop::default();
        shop.read_customers(b"h\n1,a@x,,,DE,,\n2,b@x,,,,,\n");
        shop.read_products(
            b"h\n7,Mug,Home,5.00,2.00,\n8,Cup,Home,5.00,2.00,\n9,Jar,Home,5.00,2.00,\n",
        );
        shop.read_orders(
            b"h\n1,1,7,2024-01-01 10:00:00,3,1.01,0.05,completed,\n\
              2,1,7,2024-01-03 10:00:00,1,1.00,0.00,shipped,card\n\
              3,2,7,2024-01-01 11:00:00,1,1.00,0.00,returned,\n\
              4,2,8,2024-01-01 11:00:00,1,1.00,0.00,cancelled,\n\
              5,3,8,2024-01-01 11:00:00,1,1.00,0.60,lost,\n",
        );
        let text = |row: &Row| {
            row.iter().map(|cell| cell.as_deref().unwrap_or("null")).collect::<Vec<_>>().join(" ")
        };
        let days: Vec<String> = daily_sales(&shop).iter().map(text).collect();
        assert_eq!(days[0], "2024-01-01 1 3 3.03 0.1515 2.8785 1 2.8785");
        let customers: Vec<String> = customer_lifetime_value(&shop).iter().map(text).collect();
        assert_eq!(customers, ["1 2024-01-01 2024-01-03 2 4 3.8785 1.9393 3 DE"]);
        let products: Vec<String> = product_metrics(&shop).iter().map(text).collect();
        assert_eq!(products[0], "7 Mug Home 4 2 3.8785 -4.1215 0.333333 1");
        assert_eq!(products[1], "8 Cup Home 0 0 0.0000 0.0000 null 2");
        assert_eq!(products[2], "9 Jar Home 0 0 0.0000 0.0000 null 2");
        let expected = ["check:discount", "check:status", "foreign_key:customer_id"];
        assert_eq!(shop.rejects[0].reasons, expected);
    }
}
