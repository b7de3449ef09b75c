//! Whatever happens at whichever moment, a reader sees the old version or the new one, whole, and the next run publishes.

use super::super::store::simulated::{Failing, PowerCut};
use super::*;
use std::io::ErrorKind;

const CUTS: [PowerCut; 3] = [PowerCut::Strict, PowerCut::NamesOnly, PowerCut::Killed];

fn old() -> BTreeMap<String, String> {
    rows([("customers", "1"), ("orders", "1")])
}

fn new() -> BTreeMap<String, String> {
    rows([("customers", "1"), ("daily", "2"), ("orders", "2")])
}

/// A warehouse at version 1, its disk, and a publication of version 2.
fn at_version_one() -> (SimulatedStore, Warehouse) {
    let (store, warehouse) = simulated();
    published(&warehouse, &[("customers", "1"), ("orders", "1")]);
    (store, warehouse)
}

fn second(warehouse: &Warehouse) -> Result<PublishOutcome, WarehouseError> {
    publish(warehouse, &[("orders", "2"), ("daily", "2")])
}

/// What a reader sees on a disk, and that the next run succeeds without help.
fn seen_and_mended(store: &SimulatedStore) -> BTreeMap<String, String> {
    let warehouse = Warehouse::on(Path::new(ROOT), Arc::new(store.clone()));
    let seen = latest_contents(&warehouse);
    for version in warehouse.versions().unwrap() {
        let state = warehouse.at(&At::Version(version.version)).unwrap();
        contents(&warehouse, &state).unwrap();
    }
    let next = publish(&warehouse, &[("orders", "3")]).unwrap();
    assert!(matches!(next, PublishOutcome::Published(_)), "{next:?}");
    assert_eq!(latest_contents(&warehouse)["orders"], "3");
    seen
}

#[test]
fn a_power_cut_at_any_moment_leaves_the_old_version_or_the_new_one() {
    let (store, warehouse) = at_version_one();
    let start = store.operations();
    assert!(matches!(second(&warehouse).unwrap(), PublishOutcome::Published(_)));
    let operations = store.operations() - start;
    assert!(operations > 20, "{operations}");

    for cut in CUTS {
        let mut outcomes = Vec::new();
        for moment in 0..=operations {
            let (store, warehouse) = at_version_one();
            store.fail(moment, Failing::FromThenOn);
            let acknowledged = matches!(second(&warehouse), Ok(PublishOutcome::Published(_)));
            let seen = seen_and_mended(&store.after(cut));
            assert!(seen == old() || seen == new(), "{cut:?} at {moment}: {seen:?}");
            assert!(!acknowledged || seen == new(), "{cut:?} at {moment}: acknowledged, and lost");
            outcomes.push(seen == new());
        }
        // Old up to some moment, new from then on: never back.
        assert!(outcomes.is_sorted() && outcomes.contains(&false) && outcomes.contains(&true));
    }
}

#[test]
fn a_power_cut_during_the_first_publication_leaves_nothing_or_all() {
    let (store, warehouse) = simulated();
    assert!(matches!(second(&warehouse).unwrap(), PublishOutcome::Published(_)));
    for cut in CUTS {
        for moment in 0..=store.operations() {
            let (store, warehouse) = simulated();
            store.fail(moment, Failing::FromThenOn);
            let acknowledged = second(&warehouse).is_ok();
            let after = Warehouse::on(Path::new(ROOT), Arc::new(store.after(cut)));
            match after.latest().unwrap() {
                Some(state) => assert_eq!(contents(&after, &state).unwrap().len(), 2),
                None => assert!(!acknowledged, "{cut:?} at {moment}: acknowledged, and lost"),
            }
            assert!(matches!(
                second(&after).unwrap(),
                PublishOutcome::Published(_) | PublishOutcome::Unchanged(_)
            ));
        }
    }
}

#[test]
fn any_one_operation_that_fails_leaves_a_warehouse_that_works_on() {
    let (store, warehouse) = at_version_one();
    let start = store.operations();
    assert!(matches!(second(&warehouse).unwrap(), PublishOutcome::Published(_)));
    for moment in 0..store.operations() - start {
        let (store, warehouse) = at_version_one();
        store.fail(moment, Failing::Once(ErrorKind::StorageFull));
        let outcome = second(&warehouse);
        // The same process goes on, with what it holds in memory.
        let seen = latest_contents(&warehouse);
        match outcome {
            Ok(_) => assert_eq!(seen, new(), "{moment}"),
            Err(error) => {
                assert!(matches!(error, WarehouseError::NoSpace { .. }), "{moment}: {error}");
                assert!(seen == old() || seen == new(), "{moment}: {seen:?}");
            }
        }
        let temporaries = ["versions", "manifests", "", "runs"].map(|folder| {
            let names = warehouse.folder.list(folder).unwrap();
            names.iter().filter(|name| name.ends_with(".tmp")).count()
        });
        assert!(temporaries.iter().sum::<usize>() <= 1, "{moment}: at most one cannot be removed");
        assert_eq!(seen_and_mended(&store), seen);
    }
}

#[test]
fn the_record_of_a_failed_run_is_whole_or_absent_and_lasts_once_written() {
    let id = run();
    let failed = record(&id, RunOutcome::Failed { reason: "a check failed".to_owned() });
    let write = |warehouse: &Warehouse| {
        let draft = warehouse.draft(warehouse.latest()?, id.clone());
        draft.stage(staged_file(warehouse, "orders", "bad"))?;
        Ok::<_, WarehouseError>(draft)
    };
    for cut in CUTS {
        for moment in 0.. {
            let (store, warehouse) = at_version_one();
            let draft = write(&warehouse).unwrap();
            store.fail(moment, Failing::FromThenOn);
            let written = warehouse.write_run(&failed, Some(&draft)).is_ok();
            let after = Warehouse::on(Path::new(ROOT), Arc::new(store.after(cut)));
            match after.at(&At::Run(id.clone())) {
                Ok(state) => assert_eq!(contents(&after, &state).unwrap()["orders"], "bad"),
                Err(error) => {
                    assert!(!written, "{cut:?} at {moment}: acknowledged, and lost");
                    assert!(matches!(error, WarehouseError::NoRun { .. }), "{error}");
                }
            }
            assert_eq!(latest_contents(&after), old());
            if written {
                break;
            }
        }
    }
}
