//! Several writers, and readers beside them.

use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering};

use super::*;

/// A warehouse with `orders`, `customers` and a view of the orders, and a draft on top of it.
fn with_draft() -> (Warehouse, Draft) {
    let (_, warehouse) = simulated();
    let first = warehouse.draft(None, run());
    first.stage(staged_file(&warehouse, "orders", "1")).unwrap();
    first.stage(staged_file(&warehouse, "customers", "1")).unwrap();
    first.stage(view("recent", &["orders"])).unwrap();
    assert_eq!(first.publish(&publication()).unwrap(), PublishOutcome::Published(Version(1)));
    let draft = warehouse.draft(warehouse.latest().unwrap(), run());
    (warehouse, draft)
}

fn conflict(names: &[&str]) -> PublishOutcome {
    let tables = names.iter().map(|name| table(name)).collect();
    PublishOutcome::Conflict { by: Version(2), tables }
}

#[test]
fn tables_that_have_nothing_to_do_with_each_other_are_carried_over() {
    let (warehouse, draft) = with_draft();
    draft.stage(staged_file(&warehouse, "orders", "2")).unwrap();
    published(&warehouse, &[("customers", "2"), ("extra", "2")]);
    assert_eq!(draft.publish(&publication()).unwrap(), PublishOutcome::Published(Version(3)));
    let expected = rows([("customers", "2"), ("extra", "2"), ("orders", "2"), ("recent", "")]);
    assert_eq!(latest_contents(&warehouse), expected);
    let file = warehouse.latest().unwrap().unwrap().version.unwrap();
    assert_eq!((file.parent, file.rows), (Some(Version(2)), 3));
}

#[test]
fn a_table_that_both_wrote_is_a_conflict() {
    let (warehouse, draft) = with_draft();
    draft.stage(staged_file(&warehouse, "orders", "2")).unwrap();
    draft.stage(staged_file(&warehouse, "fresh", "2")).unwrap();
    published(&warehouse, &[("orders", "3"), ("fresh", "3")]);
    assert_eq!(draft.publish(&publication()).unwrap(), conflict(&["fresh", "orders"]));
    assert_eq!(latest_contents(&warehouse)["orders"], "3");
}

#[test]
fn so_is_one_that_one_removed() {
    let (warehouse, draft) = with_draft();
    draft.remove(&table("orders"));
    published(&warehouse, &[("orders", "3")]);
    assert_eq!(draft.publish(&publication()).unwrap(), conflict(&["orders"]));
}

#[test]
fn and_one_that_was_checked_against() {
    let (warehouse, draft) = with_draft();
    draft.stage(staged_file(&warehouse, "orders", "2")).unwrap();
    draft.depend_on(&table("customers"));
    published(&warehouse, &[("customers", "3")]);
    assert_eq!(draft.publish(&publication()).unwrap(), conflict(&["customers"]));
}

#[test]
fn and_one_that_was_read_through_a_view() {
    let (warehouse, draft) = with_draft();
    let mut daily = staged_file(&warehouse, "daily", "2");
    daily.inputs = BTreeMap::from([("main.recent".to_owned(), "view".to_owned())]);
    draft.stage(daily).unwrap();
    published(&warehouse, &[("orders", "3")]);
    assert_eq!(draft.publish(&publication()).unwrap(), conflict(&["orders"]));
}

#[test]
fn and_one_that_was_checked_against_through_views_of_views() {
    let (warehouse, _) = with_draft();
    let more = warehouse.draft(warehouse.latest().unwrap(), run());
    more.stage(view("newest", &["recent"])).unwrap();
    assert_eq!(more.publish(&publication()).unwrap(), PublishOutcome::Published(Version(2)));
    let draft = warehouse.draft(warehouse.latest().unwrap(), run());
    draft.stage(staged_file(&warehouse, "daily", "2")).unwrap();
    draft.depend_on(&table("newest"));
    published(&warehouse, &[("orders", "3")]);
    let tables = vec![table("orders")];
    let expected = PublishOutcome::Conflict { by: Version(3), tables };
    assert_eq!(draft.publish(&publication()).unwrap(), expected);
}

#[test]
fn and_one_that_a_new_view_reads() {
    let (warehouse, draft) = with_draft();
    draft.stage(view("names", &["customers"])).unwrap();
    published(&warehouse, &[("customers", "3")]);
    assert_eq!(draft.publish(&publication()).unwrap(), conflict(&["customers"]));
}

#[test]
fn and_one_that_a_load_referred_to() {
    let (warehouse, draft) = with_draft();
    let mut orders = staged_file(&warehouse, "orders", "2");
    let mut load = load("bytes", 1, &orders.files()[0].path);
    load.references = BTreeMap::from([("main.customers".to_owned(), "1".to_owned())]);
    orders.load = Some(load);
    draft.stage(orders).unwrap();
    published(&warehouse, &[("customers", "3")]);
    assert_eq!(draft.publish(&publication()).unwrap(), conflict(&["customers"]));
}

#[test]
fn a_table_that_was_read_and_stands_as_it_was_is_none() {
    let (warehouse, draft) = with_draft();
    draft.stage(staged_file(&warehouse, "orders", "2")).unwrap();
    draft.depend_on(&table("customers"));
    published(&warehouse, &[("customers", "3")]);
    published(&warehouse, &[("customers", "1")]);
    assert_eq!(draft.publish(&publication()).unwrap(), PublishOutcome::Published(Version(4)));
}

#[test]
fn what_another_run_left_untested_stays_so() {
    let (warehouse, draft) = with_draft();
    draft.stage(staged_file(&warehouse, "orders", "2")).unwrap();
    let other = warehouse.draft(warehouse.latest().unwrap(), run());
    other.stage(staged_file(&warehouse, "extra", "2")).unwrap();
    let untested = Publication { tested: false, ..publication() };
    assert_eq!(other.publish(&untested).unwrap(), PublishOutcome::Published(Version(2)));
    assert_eq!(draft.publish(&publication()).unwrap(), PublishOutcome::Published(Version(3)));
    assert!(!warehouse.latest().unwrap().unwrap().version.unwrap().tested);
}

#[test]
fn a_draft_on_nothing_conflicts_with_a_first_version_of_the_same_tables() {
    let (_, warehouse) = simulated();
    let draft = warehouse.draft(None, run());
    draft.stage(staged_file(&warehouse, "orders", "1")).unwrap();
    published(&warehouse, &[("orders", "2")]);
    let tables = vec![table("orders")];
    let expected = PublishOutcome::Conflict { by: Version(1), tables };
    assert_eq!(draft.publish(&publication()).unwrap(), expected);
}

#[test]
fn what_two_runs_made_alike_is_no_conflict() {
    let (_, warehouse) = simulated();
    let draft = warehouse.draft(None, run());
    draft.stage(staged_file(&warehouse, "orders", "1")).unwrap();
    published(&warehouse, &[("orders", "1")]);
    assert_eq!(draft.publish(&publication()).unwrap(), PublishOutcome::Unchanged(Version(1)));

    let draft = warehouse.draft(None, run());
    draft.stage(staged_file(&warehouse, "orders", "1")).unwrap();
    let mut daily = staged_file(&warehouse, "daily", "2");
    daily.inputs = BTreeMap::from([("main.orders".to_owned(), "1".to_owned())]);
    draft.stage(daily).unwrap();
    let before =
        warehouse.latest().unwrap().unwrap().version.unwrap().tables[&table("orders")].clone();
    assert_eq!(draft.publish(&publication()).unwrap(), PublishOutcome::Published(Version(2)));
    assert_eq!(latest_contents(&warehouse), rows([("orders", "1"), ("daily", "2")]));
    let after = warehouse.latest().unwrap().unwrap().version.unwrap();
    assert_eq!(after.tables[&table("orders")], before, "the winner's files stay");

    let draft = warehouse.draft(None, run());
    draft.stage(staged_file(&warehouse, "orders", "1")).unwrap();
    published(&warehouse, &[("orders", "3")]);
    let tables = vec![table("orders")];
    let expected = PublishOutcome::Conflict { by: Version(3), tables };
    assert_eq!(draft.publish(&publication()).unwrap(), expected);
}

#[test]
fn nodes_stage_at_once() {
    let (_, warehouse) = simulated();
    let draft = warehouse.draft(None, run());
    std::thread::scope(|scope| {
        for node in 0..8 {
            let (warehouse, draft) = (&warehouse, &draft);
            scope.spawn(move || {
                for table in 0..10 {
                    let name = format!("t{node}_{table}");
                    draft.stage(staged_file(warehouse, &name, "1")).unwrap();
                }
            });
        }
    });
    assert_eq!(draft.state().tables.len(), 80);
}

/// Each of many writers, on a real disk, publishes its own table several times; all of them begin at once.
#[test]
fn many_writers_all_land_and_no_change_is_lost() {
    const WRITERS: usize = 8;
    const EACH: usize = 5;
    let folder = tempfile::tempdir().unwrap();
    let start = Barrier::new(WRITERS);
    std::thread::scope(|scope| {
        for writer in 0..WRITERS {
            let (root, start) = (folder.path(), &start);
            scope.spawn(move || {
                let warehouse = Warehouse::open(root).unwrap();
                start.wait();
                for round in 0..EACH {
                    let (name, rows) = (format!("t{writer}"), round.to_string());
                    let outcome = publish(&warehouse, &[(&name, &rows)]).unwrap();
                    assert!(matches!(outcome, PublishOutcome::Published(_)), "{outcome:?}");
                }
            });
        }
    });
    let warehouse = Warehouse::open(folder.path()).unwrap();
    let mut before = BTreeMap::new();
    for number in 1..=(WRITERS * EACH) as u64 {
        let state = warehouse.at(&At::Version(Version(number))).unwrap();
        let now = contents(&warehouse, &state).unwrap();
        let parent = state.version.unwrap().parent;
        assert_eq!(parent, Some(Version(number - 1)).filter(|parent| parent.0 > 0), "no gaps");
        let changed = now.iter().filter(|(name, rows)| before.get(*name) != Some(*rows)).count();
        assert_eq!(changed, 1, "version {number} adds its own change to all before");
        assert!(before.keys().all(|name| now.contains_key(name)));
        before = now;
    }
    assert!(before.len() == WRITERS && before.values().all(|rows| *rows == (EACH - 1).to_string()));
    assert_eq!(warehouse.latest_version().unwrap(), Some(Version((WRITERS * EACH) as u64)));
}

/// Readers take up versions while 50 are published, each with all its tables changed.
#[test]
fn a_reader_never_sees_two_versions_mixed() {
    const TABLES: [&str; 3] = ["orders", "customers", "daily"];
    let folder = tempfile::tempdir().unwrap();
    let warehouse = Warehouse::open(folder.path()).unwrap();
    let publish_all = |rows: &str| publish(&warehouse, &TABLES.map(|name| (name, rows))).unwrap();
    assert_eq!(publish_all("0"), PublishOutcome::Published(Version(1)));
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let readers = [(); 2].map(|()| {
            scope.spawn(|| {
                // One reader per process would share nothing; so do these.
                let warehouse = Warehouse::open(folder.path()).unwrap();
                let (mut newest, mut seen) = (0_u64, 0);
                loop {
                    let last = done.load(Ordering::SeqCst);
                    let state = warehouse.latest().unwrap().unwrap();
                    let rows = contents(&warehouse, &state).unwrap();
                    let number = state.number().unwrap().0;
                    let expected = (number - 1).to_string();
                    assert!(
                        rows.len() == 3 && rows.values().all(|rows| *rows == expected),
                        "{rows:?}"
                    );
                    assert!(number >= newest, "time goes forward");
                    seen += u64::from(number > newest);
                    newest = number;
                    if last {
                        return (newest, seen);
                    }
                }
            })
        });
        for round in 1..=50 {
            assert_eq!(
                publish_all(&round.to_string()),
                PublishOutcome::Published(Version(round + 1))
            );
        }
        done.store(true, Ordering::SeqCst);
        for reader in readers {
            let (newest, seen) = reader.join().unwrap();
            assert_eq!(newest, 51);
            assert!(seen > 1, "readers and writer ran at once");
        }
    });
}
