//! What is to be generated: how many rows of each table, and which of them are broken.

use super::random::Random;
use super::{GenerateError, Request};

/// The three tables of the shop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TableId {
    Customers,
    Products,
    Orders,
}

/// What a row's random numbers are drawn for; each purpose has its own stream, so that breaking a row changes no other
/// row and not the rest of its own cells.
#[derive(Clone, Copy, Debug)]
pub(super) enum Purpose {
    Values,
    Fault,
    Day,
}

/// The arguments, checked. Everything in the files is a function of it and of a row's number.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    seed: u64,
    orders: u64,
    /// A row is broken where its draw is below this.
    threshold: u64,
}

impl Plan {
    /// # Errors
    /// If the bad rate is not between 0 and 1.
    pub(super) fn new(request: &Request) -> Result<Self, GenerateError> {
        if !(0.0..=1.0).contains(&request.bad_rate) {
            return Err(GenerateError::BadRate(request.bad_rate));
        }
        // Scaling by 2^64 is exact, and the cast saturates: 1.0 breaks every row.
        let threshold = (request.bad_rate * 18_446_744_073_709_551_616.0) as u64;
        Ok(Self { seed: request.seed, orders: request.orders, threshold })
    }

    pub(super) fn rows(&self, table: TableId) -> u64 {
        match table {
            TableId::Customers => (self.orders / 10).max(1),
            TableId::Products => (self.orders / 1000).max(100),
            TableId::Orders => self.orders,
        }
    }

    pub(super) fn random(&self, table: TableId, row: u64, purpose: Purpose) -> Random {
        Random::new([self.seed, table as u64, row, purpose as u64])
    }

    /// The stream that decides how `row` is broken, if it is. A pure function, so that an order knows about its
    /// customer without looking.
    pub(super) fn fault(&self, table: TableId, row: u64) -> Option<Random> {
        let mut random = self.random(table, row, Purpose::Fault);
        (random.bits() < self.threshold).then_some(random)
    }

    pub(super) fn is_broken(&self, table: TableId, row: u64) -> bool {
        self.fault(table, row).is_some()
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in crate::sample) fn plan(orders: u64, seed: u64, bad_rate: f64) -> Plan {
        Plan::new(&Request { orders, seed, bad_rate, out: "unused".into() }).unwrap()
    }

    #[test]
    fn tables_keep_their_proportions() {
        let rows = |orders| {
            let plan = plan(orders, 1, 0.0);
            [TableId::Customers, TableId::Products, TableId::Orders].map(|table| plan.rows(table))
        };
        assert_eq!(rows(10_000_000), [1_000_000, 10_000, 10_000_000]);
        assert_eq!(rows(10_000), [1_000, 100, 10_000]);
        assert_eq!(rows(0), [1, 100, 0]);
    }

    #[test]
    fn the_bad_rate_is_kept() {
        let broken = |rate| {
            let plan = plan(1, 7, rate);
            (0..100_000).filter(|&row| plan.is_broken(TableId::Orders, row)).count()
        };
        assert_eq!((broken(0.0), broken(1.0)), (0, 100_000));
        assert!((900..1100).contains(&broken(0.01)));
    }

    #[test]
    fn an_impossible_rate_is_refused() {
        for bad_rate in [-0.1, 1.1, f64::NAN] {
            let request = Request { orders: 1, seed: 1, bad_rate, out: "unused".into() };
            assert!(Plan::new(&request).is_err(), "{bad_rate}");
        }
    }
}
