//! Loads one after another: what is accepted depends on the files alone, and what stands is not parsed again.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

/// Customers refer to each other (`via`), orders to customers.
fn customers() -> Source {
    let source = source("customers", "customers/*.csv", &["id", "email text", "via"]);
    let source = with_keys(source, &["id"], &[&["email"]]);
    with_reference(source, "via", "customers", "id")
}

fn orders() -> Source {
    let source = source("orders", "orders/*.csv", &["id", "customer_id", "line"]);
    let source = with_keys(source, &["id", "line"], &[]);
    with_reference(source, "customer_id", "customers", "id")
}

fn parquet_of(state: &State, table: &TableName, file: &str) -> Vec<String> {
    state.tables[table].load.as_ref().unwrap().files[file].accepted.clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_files_change_nothing() {
    let place = Place::new();
    place.write("customers/a.csv", "id,email,via\n1,,\n2,,9\n");
    place.write("orders/a.csv", "id,customer_id,line\n1,1,1\n1,2,2\n");
    let (customers, orders) = (customers(), orders());
    let (_, published) = place.build(&[&customers, &orders]).await;
    assert_eq!(published, PublishOutcome::Published(Version(1)));
    for again in 0..2 {
        if again == 1 {
            // Touched: the same bytes under another time.
            let file = std::fs::File::options()
                .append(true)
                .open(place.folder.path().join("orders/a.csv"))
                .unwrap();
            file.set_modified(std::time::SystemTime::UNIX_EPOCH).unwrap();
        }
        let (loaded, published) = place.build(&[&customers, &orders]).await;
        assert!(loaded.iter().all(|loaded| !loaded.changed && !loaded.count.loaded));
        assert_eq!(loaded[0].count.reasons, [("foreign_key:via".to_owned(), 1)].into());
        assert_eq!(published, PublishOutcome::Unchanged(Version(1)));
    }
    // Now the touched file is known by its looks: its hash is asked for no more.
    let changes = {
        let state = place.draft().state();
        let previous = Previous::find(&state, &orders.table, Some(&orders.quarantine())).unwrap();
        let files = files::find(&orders.table, "orders/*.csv", place.folder.path()).unwrap();
        changes::compare(&place.warehouse, &orders.table, files, Some(&previous)).await.unwrap()
    };
    assert!(changes.all_unchanged() && !changes.touched);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_file_is_parsed_alone_unless_it_changes_a_verdict() {
    let place = Place::new();
    let source = with_keys(source("things", "t/*.csv", &["id"]), &["id"], &[]);
    place.write("t/b.csv", "id\n1\n2\n");
    place.write("t/d.csv", "id\n3\n");
    _ = place.build(&[&source]).await;
    let before = place.warehouse.latest().unwrap().unwrap();
    place.write("t/a.csv", "id\n3\n");
    _ = place.build(&[&source]).await;
    let after = place.warehouse.latest().unwrap().unwrap();
    let parquet = |state, file| parquet_of(state, &source.table, file);
    assert_eq!(parquet(&before, "t/b.csv"), parquet(&after, "t/b.csv"));
    assert!(parquet(&after, "t/d.csv").is_empty());
    let rejects = place.rejects(&after, &source);
    assert_eq!((rejects[0].file.as_str(), rejects.len()), ("t/d.csv", 1));
    place.remove("t/a.csv");
    _ = place.build(&[&source]).await;
    let last = place.warehouse.latest().unwrap().unwrap();
    assert_eq!(parquet(&before, "t/b.csv"), parquet(&last, "t/b.csv"));
    assert_eq!(place.rows(&last, &source.table), ["1", "2", "3"]);
    assert!(place.rejects(&last, &source).is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_parent_that_appears_brings_its_children_back() {
    let place = Place::new();
    let (customers, orders) = (customers(), orders());
    place.write("customers/a.csv", "id,email,via\n1,,\n");
    place.write("orders/a.csv", "id,customer_id,line\n1,1,1\n");
    place.write("orders/b.csv", "id,customer_id,line\n2,2,1\n");
    _ = place.build(&[&customers, &orders]).await;
    let before = place.warehouse.latest().unwrap().unwrap();
    assert_eq!(place.rows(&before, &orders.table), ["1,1,1"]);
    place.write("customers/b.csv", "id,email,via\n2,,1\n");
    _ = place.build(&[&customers, &orders]).await;
    let after = place.warehouse.latest().unwrap().unwrap();
    assert_eq!(place.rows(&after, &orders.table), ["1,1,1", "2,2,1"]);
    let parquet = |state| parquet_of(state, &orders.table, "orders/a.csv");
    assert_eq!(parquet(&before), parquet(&after));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_contract_loads_everything_again() {
    let place = Place::new();
    place.write("t/a.csv", "id,name\n1,x\n1,y\n");
    let plain = source("things", "t/*.csv", &["id", "name text"]);
    _ = place.build(&[&plain]).await;
    let keyed = with_keys(plain.clone(), &["id"], &[]);
    let (loaded, _) = place.build(&[&keyed]).await;
    assert_eq!((loaded[0].count.rows_rejected, loaded[0].count.loaded), (1, true));
    // A key over what was stored without one.
    let unique = with_keys(plain, &[], &[&["name"]]);
    let (loaded, _) = place.build(&[&unique]).await;
    assert_eq!((loaded[0].count.rows_rejected, loaded[0].count.loaded), (0, true));
    place.write("t/0.csv", "id,name\n7,y\n");
    let (loaded, _) = place.build(&[&unique]).await;
    assert_eq!(loaded[0].count.reasons, [("unique:name".to_owned(), 1)].into());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_description_is_staged_without_a_load() {
    let place = Place::new();
    place.write("t/a.csv", "id\n1\n");
    let mut source = source("things", "t/*.csv", &["id"]);
    _ = place.build(&[&source]).await;
    source.columns = vec![crate::project::ColumnInfo {
        name: "ID".to_owned(),
        description: "What it is known by".to_owned(),
        data_type: None,
    }];
    let (loaded, published) = place.build(&[&source]).await;
    assert!(loaded[0].changed && !loaded[0].count.loaded);
    assert_eq!(published, PublishOutcome::Published(Version(2)));
    let state = place.warehouse.latest().unwrap().unwrap();
    assert_eq!(state.tables[&source.table].columns[0].description, "What it is known by");
}

/// What happens to a file between two builds: it gets these records, or leaves.
type Change = (bool, usize, Option<Vec<String>>);

fn cell() -> impl Strategy<Value = String> {
    prop_oneof![
        8 => (0_u8..7).prop_map(|number| number.to_string()),
        2 => Just(String::new()),
        1 => Just("x".to_owned()),
    ]
}

fn record() -> impl Strategy<Value = String> {
    prop_oneof![
        12 => prop::collection::vec(cell(), 3).prop_map(|cells| cells.join(",")),
        1 => Just("1,2".to_owned()),
    ]
}

fn change() -> impl Strategy<Value = Change> {
    let records = prop::collection::vec(record(), 0..5);
    (any::<bool>(), 0_usize..4, prop::option::weighted(0.8, records))
}

const HEADERS: [&str; 2] = ["id,email,via", "id,customer_id,line"];

fn apply(place: &Place, (is_order, file, records): &Change) {
    let folder = if *is_order { "orders" } else { "customers" };
    let name = format!("{folder}/{file}.csv");
    match records {
        Some(records) => {
            let mut text = format!("{}\n", HEADERS[usize::from(*is_order)]);
            records.iter().for_each(|record| text.push_str(&format!("{record}\n")));
            place.write(&name, &text);
        }
        None if place.folder.path().join(&name).exists() => place.remove(&name),
        None => {}
    }
}

/// A rejected record: file, line and reasons.
type Reject = (String, i64, Vec<String>);

/// The rules once more, row by row over the whole set: rows accepted, and rejects with their reasons.
fn expected(
    files: &BTreeMap<String, Vec<String>>,
    is_order: bool,
    customers: &BTreeSet<i64>,
) -> (Vec<Vec<Option<i64>>>, Vec<Reject>) {
    struct Row {
        place: (String, i64),
        cells: Vec<Option<i64>>,
        reasons: Vec<String>,
    }
    let columns: Vec<&str> = HEADERS[usize::from(is_order)].split(',').collect();
    let text = |column: &str| column == "email";
    let mut rows = Vec::new();
    for (file, records) in files {
        for (index, record) in records.iter().enumerate() {
            let place = (file.clone(), index as i64 + 2);
            let cells: Vec<&str> = record.split(',').collect();
            let mut row = Row { place, cells: Vec::new(), reasons: Vec::new() };
            if cells.len() != 3 {
                row.reasons.push("ragged".to_owned());
                rows.push(row);
                continue;
            }
            let mut nulls = Vec::new();
            for (cell, column) in cells.iter().zip(&columns) {
                let number =
                    if *cell == "x" && text(column) { Some(1_000) } else { cell.parse().ok() };
                row.cells.push(number);
                if *cell == "x" && !text(column) {
                    row.reasons.push(format!("type:{column}"));
                }
                let is_key = *column == "id" || *column == "line";
                if cell.is_empty() && is_key {
                    nulls.push(format!("not_null:{column}"));
                }
            }
            row.reasons.append(&mut nulls);
            rows.push(row);
        }
    }
    let keys: &[(&str, &[usize])] = match is_order {
        false => &[("primary_key:id", &[0]), ("unique:email", &[1])],
        true => &[("primary_key:id,line", &[0, 2])],
    };
    for (code, columns) in keys {
        let mut seen = BTreeSet::new();
        for row in rows.iter_mut().filter(|row| row.cells.len() == 3) {
            let key: Option<Vec<i64>> = columns.iter().map(|column| row.cells[*column]).collect();
            if key.is_some_and(|key| !seen.insert(key)) {
                row.reasons.push((*code).to_owned());
            }
        }
    }
    let mut parents = customers.clone();
    let (code, column) =
        if is_order { ("foreign_key:customer_id", 1) } else { ("foreign_key:via", 2) };
    let orphan = |row: &Row, parents: &BTreeSet<i64>| {
        row.cells.get(column).copied().flatten().is_some_and(|parent| !parents.contains(&parent))
    };
    if !is_order {
        let mut standing: Vec<&Row> = rows.iter().filter(|row| row.reasons.is_empty()).collect();
        loop {
            parents = standing.iter().filter_map(|row| row.cells[0]).collect();
            let before = standing.len();
            standing.retain(|row| !orphan(row, &parents));
            if standing.len() == before {
                break;
            }
        }
    }
    for row in &mut rows {
        if orphan(row, &parents) {
            row.reasons.push(code.to_owned());
        }
    }
    let (good, bad): (Vec<Row>, Vec<Row>) =
        rows.into_iter().partition(|row| row.reasons.is_empty());
    let bad = bad.into_iter().map(|row| (row.place.0, row.place.1, row.reasons));
    (good.into_iter().map(|row| row.cells).collect(), bad.collect())
}

fn check_against_rules(
    place: &Place,
    state: &State,
    sources: [&Source; 2],
    changes: &[Change],
) -> Result<(), TestCaseError> {
    let mut files: [BTreeMap<String, Vec<String>>; 2] = Default::default();
    for (is_order, file, records) in changes {
        let folder = if *is_order { "orders" } else { "customers" };
        let name = format!("{folder}/{file}.csv");
        match records {
            Some(records) => _ = files[usize::from(*is_order)].insert(name, records.clone()),
            None => _ = files[usize::from(*is_order)].remove(&name),
        }
    }
    let mut customers = BTreeSet::new();
    for (is_order, files) in files.iter().enumerate() {
        let (good, bad) = expected(files, is_order == 1, &customers);
        let show = |cell: &Option<i64>| match cell {
            Some(1_000) => "x".to_owned(),
            Some(number) => number.to_string(),
            None => String::new(),
        };
        let mut rows: Vec<String> =
            good.iter().map(|cells| cells.iter().map(show).collect::<Vec<_>>().join(",")).collect();
        rows.sort();
        prop_assert_eq!(place.rows(state, &sources[is_order].table), rows);
        let rejects = place.rejects(state, sources[is_order]).into_iter();
        let mut bad = bad;
        bad.sort();
        prop_assert_eq!(rejects.map(|r| (r.file, r.line, r.reasons)).collect::<Vec<_>>(), bad);
        customers = good.iter().filter_map(|cells| cells[0]).collect();
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, ..ProptestConfig::default() })]

    /// Whatever happened before, the last version is what loading the last files at once gives, and what the rules say.
    #[test]
    fn what_is_accepted_is_a_function_of_the_files(
        steps in prop::collection::vec(prop::collection::vec(change(), 1..4), 1..5)
    ) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
        let place = Place::new();
        // Each table keeps one file, so that its glob always finds one.
        let mut changes: Vec<Change> = vec![(false, 9, Some(Vec::new())), (true, 9, Some(Vec::new()))];
        changes.iter().for_each(|change| apply(&place, change));
        let (customers, orders) = (customers(), orders());
        // Each draft stands on the one before, unpublished: publishing syncs, which is not what this is about.
        let mut step_by_step = State::default();
        for step in &steps {
            step.iter().for_each(|change| apply(&place, change));
            changes.extend(step.iter().cloned());
            step_by_step = runtime.block_on(place.build_on(step_by_step, [&customers, &orders]));
        }
        check_against_rules(&place, &step_by_step, [&customers, &orders], &changes)?;

        let at_once = Place::new();
        changes.iter().for_each(|change| apply(&at_once, change));
        let state = runtime.block_on(at_once.build_on(State::default(), [&customers, &orders]));
        for source in [&customers, &orders] {
            for table in [&source.table, &source.quarantine()] {
                let hashes = [&state, &step_by_step].map(|state| &state.tables[table].content_hash);
                prop_assert_eq!(hashes[0], hashes[1], "{}", table);
            }
            prop_assert_eq!(
                at_once.rejects(&state, source),
                place.rejects(&step_by_step, source)
            );
        }
    }
}
