//! The bundled project: what it builds equals a fold written without any of the program's code, and rejects equal what the
//! generator says it broke.

use std::collections::BTreeSet;
use std::path::Path;

use proptest::prelude::*;

use crate::shop_reference::{
    Reject, Row, Shop, customer_lifetime_value, daily_sales, product_metrics, records,
};
use crate::support::{Ran, copy_folder, root, run_in};

/// The bundled project over data of its own.
struct TestShop {
    folder: tempfile::TempDir,
}

impl TestShop {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        copy_folder(&root().join("sql"), &folder.path().join("sql"));
        std::fs::copy(root().join("clearwell.toml"), folder.path().join("clearwell.toml")).unwrap();
        Self { folder }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn run(&self, arguments: &[&str]) -> Ran {
        run_in(self.path(), arguments)
    }

    /// The answer as rows of text, nulls apart.
    fn rows(&self, sql: &str) -> Vec<Row> {
        let answer = self.run(&["query", sql, "-f", "ndjson"]).success().stdout;
        let text = |value: &serde_json::Value| match value {
            serde_json::Value::Null => None,
            serde_json::Value::String(text) => Some(text.clone()),
            other => Some(other.to_string()),
        };
        answer
            .lines()
            .map(|line| {
                let row: serde_json::Map<String, serde_json::Value> =
                    serde_json::from_str(line).unwrap();
                row.values().map(text).collect()
            })
            .collect()
    }

    fn quarantined(&self) -> BTreeSet<Reject> {
        let tables = ["customers", "products", "orders"];
        let sql = tables.map(|table| {
            format!(
                "select file, line, array_to_string(reasons, ';') as reasons \
                 from quarantine.shop_{table}"
            )
        });
        let rows = self.rows(&sql.join(" union all "));
        rows.into_iter()
            .map(|row| {
                let [Some(file), Some(line), Some(reasons)] = row.as_slice() else {
                    panic!("{row:?}");
                };
                reject(file.trim_start_matches("data/"), line, reasons)
            })
            .collect()
    }
}

/// Reasons without their order, which is the rules' in the one and the columns' in the other.
fn reject(file: &str, line: &str, reasons: &str) -> Reject {
    let mut reasons: Vec<String> = reasons.split(';').map(str::to_owned).collect();
    reasons.sort();
    Reject { file: file.to_owned(), line: line.parse().unwrap(), reasons }
}

fn sidecar(folder: &Path) -> BTreeSet<Reject> {
    let text = |cell: &[u8]| String::from_utf8(cell.to_vec()).unwrap();
    records(&std::fs::read(folder.join("rejects.csv")).unwrap())
        .iter()
        .map(|record| {
            let cells: Vec<String> = record.cells.iter().map(|cell| text(cell)).collect();
            reject(&cells[0], &cells[1], &cells[2])
        })
        .collect()
}

fn assert_marts(shop: &TestShop, reference: &Shop) {
    let marts: [(&str, &str, Vec<Row>); 3] = [
        ("daily_sales", "order_date", daily_sales(reference)),
        ("customer_lifetime_value", "customer_id", customer_lifetime_value(reference)),
        ("product_metrics", "product_id", product_metrics(reference)),
    ];
    for (mart, key, expected) in marts {
        let mut expected = expected;
        expected.sort_by_key(|row| row[0].as_ref().map(|key| (key.len(), key.clone())));
        let found = shop.rows(&format!("select * from {mart} order by {key}"));
        assert_eq!(found.len(), expected.len(), "{mart}");
        for (found, expected) in found.iter().zip(&expected) {
            assert_eq!(found, expected, "{mart}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 6, ..ProptestConfig::default() })]

    #[test]
    fn marts_and_rejects_equal_a_plain_fold(
        orders in 1_u64..1_500,
        seed in 0_u64..1_000_000,
        bad in prop::sample::select(vec!["0", "0.01", "0.2"]),
    ) {
        let shop = TestShop::new();
        let (orders, seed) = (orders.to_string(), seed.to_string());
        let generate = ["generate", "--orders", &orders, "--seed", &seed, "--bad-rate", bad, "--out", "data"];
        shop.run(&generate).success();
        shop.run(&["build"]).success();
        let data = shop.path().join("data");
        let reference = Shop::read(&data);
        assert_marts(&shop, &reference);
        let quarantined = shop.quarantined();
        prop_assert_eq!(&quarantined, &sidecar(&data));
        let accepted = "select (select count(*) from shop.customers) + (select count(*) from shop.products) \
             + (select count(*) from shop.orders) as n";
        let accepted: u64 = shop.rows(accepted)[0][0].as_ref().unwrap().parse().unwrap();
        prop_assert_eq!(reference.records_read, accepted + quarantined.len() as u64);
    }
}

#[test]
fn the_bundled_data_builds_as_the_readme_says() {
    let shop = TestShop::new();
    copy_folder(&root().join("data"), &shop.path().join("data"));
    shop.run(&["build"])
        .success()
        .says("loaded    11,100 rows of 3 files: 11,045 accepted, 55 rejected")
        .says("published version 1")
        .says("clearwell serve");
    assert_marts(&shop, &Shop::read(&shop.path().join("data")));
    assert_eq!(shop.quarantined(), sidecar(&shop.path().join("data")));
}
