//! Generated files are judged by a validator that knows nothing of the generator.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use proptest::prelude::*;

use super::*;
use crate::base::progress::Silent;

#[path = "../../tests/it/shop_reference.rs"]
mod shop_reference;
use shop_reference::{Reject, Shop, records};

/// The arguments with which `data/` was made; data/README.md names them too.
const BUNDLED: (u64, u64, f64) = (10_000, 21, 0.004);

fn generated(
    orders: u64,
    seed: u64,
    bad_rate: f64,
    threads: usize,
) -> (tempfile::TempDir, Summary) {
    let folder = tempfile::tempdir().unwrap();
    let request = Request { orders, seed, bad_rate, out: folder.path().to_owned() };
    let summary = generate(&request, &Silent, threads).unwrap();
    (folder, summary)
}

fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap())
        .map(|entry| {
            (entry.file_name().into_string().unwrap(), std::fs::read(entry.path()).unwrap())
        })
        .collect()
}

fn sidecar(folder: &Path) -> Vec<Reject> {
    let text = |cell: &[u8]| String::from_utf8(cell.to_vec()).unwrap();
    let reject = |record: shop_reference::Record| Reject {
        file: text(&record.cells[0]),
        line: text(&record.cells[1]).parse().unwrap(),
        reasons: text(&record.cells[2]).split(';').map(ToOwned::to_owned).collect(),
    };
    records(&std::fs::read(folder.join(REJECTS_FILE)).unwrap()).into_iter().map(reject).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn the_sidecar_is_what_a_validator_finds(
        seed: u64,
        orders in 0_u64..2_000,
        bad_rate in prop_oneof![Just(0.0), 0.0..0.3, Just(0.9), Just(1.0)],
    ) {
        let (folder, summary) = generated(orders, seed, bad_rate, 2);
        let shop = Shop::read(folder.path());
        prop_assert_eq!(&shop.rejects, &sidecar(folder.path()));
        prop_assert_eq!(shop.records_read, summary.files.iter().map(|file| file.rows).sum::<u64>());
        let broken: u64 = summary.files.iter().map(|file| file.rows_broken).sum();
        prop_assert_eq!(broken, shop.rejects.len() as u64);
    }
}

#[test]
fn every_rule_of_the_contract_is_broken_alone_and_with_others() {
    let (folder, _) = generated(20_000, 3, 0.2, 2);
    let rejects = sidecar(folder.path());
    let alone: BTreeSet<String> = rejects
        .iter()
        .filter(|reject| reject.reasons.len() == 1)
        .map(|reject| format!("{} {}", reject.file, reject.reasons[0]))
        .collect();
    for (file, columns) in [
        ("customers.csv", &customers::COLUMNS[..]),
        ("products.csv", &products::COLUMNS[..]),
        ("orders.csv", &orders::COLUMNS[..]),
    ] {
        let mut expected = vec!["ragged".to_owned(), "encoding".to_owned()];
        expected.push(format!("primary_key:{}", columns[0].name));
        for column in columns {
            let is_reference = matches!(column.kind, faults::ColumnKind::Reference(_));
            let rules = [
                ("type", !column.unparsable.is_empty()),
                ("not_null", column.not_null),
                ("check", !column.refused.is_empty()),
                ("foreign_key", is_reference),
            ];
            let named = rules.iter().filter(|(_, applies)| *applies);
            expected.extend(named.map(|(rule, _)| format!("{rule}:{}", column.name)));
        }
        for reason in expected {
            // A hundred products cannot be broken in every way.
            let seen = alone.contains(&format!("{file} {reason}"));
            assert!(seen || file == "products.csv", "{file}: {reason}");
        }
    }
    assert!(rejects.iter().any(|reject| reject.reasons.len() >= 3));
}

#[test]
fn no_row_is_broken_where_none_shall_be() {
    let (folder, summary) = generated(3_000, 5, 0.0, 1);
    assert_eq!(std::fs::read(summary.rejects).unwrap(), b"file,line,reasons\n");
    let shop = Shop::read(folder.path());
    assert_eq!((shop.customers.len(), shop.products.len(), shop.orders.len()), (300, 100, 3_000));
    let days: Vec<i64> = shop.orders.values().map(|order| order.day).collect();
    assert!(days.is_sorted(), "a later order has a later time");
}

#[test]
fn the_number_of_threads_changes_no_byte() {
    let (one, _) = generated(150_000, 9, 0.01, 1);
    let (three, _) = generated(150_000, 9, 0.01, 3);
    assert!(files(one.path()) == files(three.path()), "the files differ");
    let (other_seed, _) = generated(150_000, 10, 0.01, 3);
    assert!(files(one.path())["orders.csv"] != files(other_seed.path())["orders.csv"]);
}

#[test]
fn sales_are_skewed_as_a_shop_s_are() {
    let (folder, _) = generated(50_000, 1, 0.0, 2);
    let shop = Shop::read(folder.path());
    let mut by_product: BTreeMap<i64, u64> = BTreeMap::new();
    for order in shop.orders.values() {
        *by_product.entry(order.product_id).or_default() += 1;
    }
    let mut counts: Vec<u64> = by_product.into_values().collect();
    counts.sort_unstable_by(|a, b| b.cmp(a));
    let fifth: u64 = counts[..counts.len() / 5].iter().sum();
    assert!((22_000..40_000).contains(&fifth), "the best fifth sells {fifth} of 50,000");
    let completed = shop.orders.values().filter(|order| order.status == "completed").count();
    assert!((40_000..46_000).contains(&completed), "{completed}");
    let discounted = shop.orders.values().filter(|order| order.discount > 0).count();
    assert!((5_000..15_000).contains(&discounted), "{discounted}");
}

#[test]
fn a_failed_run_leaves_what_was_there() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("customers.csv"), "mine").unwrap();
    std::fs::create_dir(folder.path().join("orders.csv")).unwrap();
    std::fs::write(folder.path().join("orders.csv/keep"), "").unwrap();
    let request = Request { orders: 10, seed: 1, bad_rate: 2.0, out: folder.path().to_owned() };
    let error = generate(&request, &Silent, 1).unwrap_err();
    insta::assert_snapshot!(error, @"a bad rate is between 0 and 1, not 2");
    assert_eq!(std::fs::read(folder.path().join("customers.csv")).unwrap(), b"mine");

    // A folder stands where a file must go: the error names it, and no partial file remains.
    let request = Request { bad_rate: 0.5, ..request };
    let error = generate(&request, &Silent, 1).unwrap_err().to_string();
    assert!(error.starts_with("cannot write `") && error.contains("orders.csv"), "{error}");
    let left = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name());
    let left: Vec<String> = left.map(|name| name.into_string().unwrap()).collect();
    assert!(!left.iter().any(|name| name.ends_with(".partial")), "{left:?}");
}

#[test]
fn what_a_killed_run_left_goes_and_what_another_is_writing_stays() {
    let folder = tempfile::tempdir().unwrap();
    let [left, busy, foreign] =
        [".orders.csv.1.partial", ".orders.csv.2.partial", ".orders.csv.old"]
            .map(|name| folder.path().join(name));
    for path in [&left, &busy, &foreign] {
        std::fs::write(path, "order_id\n1").unwrap();
    }
    let writer = std::fs::File::open(&busy).unwrap();
    writer.lock().unwrap();
    let request = Request { orders: 10, seed: 1, bad_rate: 0.0, out: folder.path().to_owned() };
    generate(&request, &Silent, 1).unwrap();
    assert_eq!((left.exists(), busy.exists(), foreign.exists()), (false, true, true));
}

#[test]
fn the_bundled_data_is_what_the_generator_makes() {
    let bundled = Path::new(env!("CARGO_MANIFEST_DIR")).join("data");
    let (folder, _) = generated(BUNDLED.0, BUNDLED.1, BUNDLED.2, 2);
    for (name, bytes) in files(folder.path()) {
        assert!(std::fs::read(bundled.join(&name)).unwrap() == bytes, "data/{name} differs");
    }
    let (orders, seed, bad_rate) = BUNDLED;
    let command =
        format!("clearwell generate --orders {orders} --seed {seed} --bad-rate {bad_rate}");
    let readme = std::fs::read_to_string(bundled.join("README.md")).unwrap();
    assert!(readme.contains(&command), "data/README.md names another command than {command}");
    let broken = sidecar(&bundled).len();
    assert!((24..=72).contains(&broken), "a few dozen bad rows, not {broken}");
}

/// Makes `data/` again after a change to the generator: `cargo test --lib remake_the_bundled_data -- --ignored`.
#[test]
#[ignore = "writes into the repository"]
fn remake_the_bundled_data() {
    let (orders, seed, bad_rate) = BUNDLED;
    let out = Path::new(env!("CARGO_MANIFEST_DIR")).join("data");
    generate(&Request { orders, seed, bad_rate, out }, &Silent, 1).unwrap();
}
