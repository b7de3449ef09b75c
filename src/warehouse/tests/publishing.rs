//! What makes a version, what does not, and in which order its files are made to last.

use super::super::store::simulated::Failing;
use super::*;
use std::io::ErrorKind;

fn next(warehouse: &Warehouse, manifest: Manifest) -> PublishOutcome {
    let draft = warehouse.draft(warehouse.latest().unwrap(), run());
    draft.stage(manifest).unwrap();
    draft.publish(&publication()).unwrap()
}

fn latest_table(warehouse: &Warehouse, name: &str) -> Arc<Manifest> {
    Arc::clone(warehouse.latest().unwrap().unwrap().tables.get(&table(name)).unwrap())
}

#[test]
fn each_step_lasts_before_the_next_begins() {
    let (store, warehouse) = simulated();
    published(&warehouse, &[("customers", "1")]);
    let draft = warehouse.draft(warehouse.latest().unwrap(), run());
    draft.stage(staged_file(&warehouse, "orders", "1")).unwrap();
    store.take_log();
    let outcome = draft.publish(&publication()).unwrap();
    assert_eq!(outcome, PublishOutcome::Published(Version(2)));
    let log = store.take_log().join("\n");
    insta::with_settings!({ filters => vec![
        (r"[0-9a-f-]{32,36}\.parquet", "FILE.parquet"),
        (r"[0-9a-f]{64}\.json", "HASH.json"),
        (r"\.[0-9a-f]{32}\.tmp", "TEMPORARY"),
    ]}, { insta::assert_snapshot!(log, @"
    sync_file /shop/warehouse/tables/main/orders/FILE.parquet
    sync_dir /shop/warehouse/tables/main/orders
    sync_dir /shop/warehouse/tables/main
    sync_dir /shop/warehouse/tables
    sync_dir /shop/warehouse
    create /shop/warehouse/manifests/TEMPORARY
    write /shop/warehouse/manifests/TEMPORARY
    sync_file /shop/warehouse/manifests/TEMPORARY
    rename /shop/warehouse/manifests/TEMPORARY -> /shop/warehouse/manifests/HASH.json
    sync_dir /shop/warehouse/manifests
    sync_dir /shop/warehouse
    create /shop/warehouse/versions/TEMPORARY
    write /shop/warehouse/versions/TEMPORARY
    sync_file /shop/warehouse/versions/TEMPORARY
    link /shop/warehouse/versions/TEMPORARY -> /shop/warehouse/versions/00000000000000000002.json
    sync_dir /shop/warehouse/versions
    remove /shop/warehouse/versions/TEMPORARY
    create /shop/warehouse/TEMPORARY
    write /shop/warehouse/TEMPORARY
    rename /shop/warehouse/TEMPORARY -> /shop/warehouse/latest
    ") });
}

#[test]
fn the_first_version_has_the_names_of_its_folders_last() {
    let (store, warehouse) = simulated();
    published(&warehouse, &[("orders", "1")]);
    let after = store.after(super::super::store::simulated::PowerCut::Strict);
    let after = Warehouse::on(Path::new(ROOT), Arc::new(after));
    assert_eq!(latest_contents(&after), rows([("orders", "1")]));
}

#[test]
fn the_first_version_is_published_even_without_tables() {
    let (_, warehouse) = simulated();
    assert_eq!(publish(&warehouse, &[]).unwrap(), PublishOutcome::Published(Version(1)));
    assert_eq!(publish(&warehouse, &[]).unwrap(), PublishOutcome::Unchanged(Version(1)));
}

#[test]
fn the_same_rows_again_are_no_new_version_unless_checks_fare_otherwise() {
    let (store, warehouse) = simulated();
    published(&warehouse, &[("orders", "1")]);
    let before = latest_table(&warehouse, "orders");

    let draft = warehouse.draft(warehouse.latest().unwrap(), run());
    let staged = draft.stage(staged_file(&warehouse, "orders", "1")).unwrap();
    assert!(Arc::ptr_eq(&staged, &before), "its manifest stands");
    store.take_log();
    assert_eq!(draft.publish(&publication()).unwrap(), PublishOutcome::Unchanged(Version(1)));
    assert_eq!(store.take_log(), [""; 0], "nothing is written");

    draft.stage_annex(Annex::Verdicts, b"another check");
    assert_eq!(draft.publish(&publication()).unwrap(), PublishOutcome::Published(Version(2)));
    let hashes =
        |version| warehouse.at(&At::Version(version)).unwrap().version.unwrap().tables.clone();
    assert_eq!(hashes(Version(1)), hashes(Version(2)));
}

#[test]
fn a_touched_input_and_reformatted_sql_are_no_new_version() {
    let (_, warehouse) = simulated();
    let mut orders = staged_file(&warehouse, "orders", "1");
    let path = orders.files()[0].path.clone();
    orders.code.text = "text 1".to_owned();
    orders.code.plan = "plan 1".to_owned();
    orders.load = Some(load("bytes 1", 1, &path));
    assert_eq!(next(&warehouse, orders.clone()), PublishOutcome::Published(Version(1)));

    let touched = Manifest { load: Some(load("bytes 1", 2, &path)), ..orders.clone() };
    assert_eq!(next(&warehouse, touched), PublishOutcome::Unchanged(Version(1)));
    let mut reformatted = orders.clone();
    reformatted.code.text = "text 2".to_owned();
    assert_eq!(next(&warehouse, reformatted), PublishOutcome::Unchanged(Version(1)));
    let mut loaded_again = staged_file(&warehouse, "orders", "1");
    loaded_again.code = orders.code.clone();
    loaded_again.load = Some(load("bytes 1", 1, &loaded_again.files()[0].path));
    assert_eq!(next(&warehouse, loaded_again), PublishOutcome::Unchanged(Version(1)));

    let mut other_plan = orders.clone();
    other_plan.code.plan = "plan 2".to_owned();
    assert_eq!(next(&warehouse, other_plan), PublishOutcome::Published(Version(2)));
    let mut described = latest_table(&warehouse, "orders").as_ref().clone();
    described.columns[0].description = "what identifies an order".to_owned();
    assert_eq!(next(&warehouse, described), PublishOutcome::Published(Version(3)));
}

#[test]
fn the_same_rows_made_otherwise_keep_their_files() {
    let (_, warehouse) = simulated();
    published(&warehouse, &[("daily", "1")]);
    let before = latest_table(&warehouse, "daily");
    let mut rebuilt = staged_file(&warehouse, "daily", "1");
    rebuilt.code.plan = "plan 2".to_owned();
    assert_eq!(next(&warehouse, rebuilt), PublishOutcome::Published(Version(2)));
    let after = latest_table(&warehouse, "daily");
    assert_eq!(after.files(), before.files());
    assert_eq!(after.code.plan, "plan 2");
}

#[test]
fn a_load_that_names_new_files_keeps_them() {
    let (_, warehouse) = simulated();
    published(&warehouse, &[("orders", "1")]);
    let mut reloaded = staged_file(&warehouse, "orders", "1");
    let path = reloaded.files()[0].path.clone();
    reloaded.load = Some(load("other bytes", 1, &path));
    assert_eq!(next(&warehouse, reloaded), PublishOutcome::Published(Version(2)));
    assert_eq!(latest_table(&warehouse, "orders").files()[0].path, path);
}

#[test]
fn going_back_before_publishing_is_no_change() {
    let (_, warehouse) = simulated();
    published(&warehouse, &[("orders", "1"), ("extra", "1")]);
    let draft = warehouse.draft(warehouse.latest().unwrap(), run());
    draft.stage(staged_file(&warehouse, "orders", "2")).unwrap();
    draft.stage(staged_file(&warehouse, "orders", "1")).unwrap();
    let extra = latest_table(&warehouse, "extra");
    draft.remove(&table("extra"));
    assert!(draft.state().tables.get(&table("extra")).is_none());
    draft.stage(extra.as_ref().clone()).unwrap();
    assert_eq!(draft.publish(&publication()).unwrap(), PublishOutcome::Unchanged(Version(1)));
}

#[test]
fn a_removed_table_leaves_the_next_version_only() {
    let (_, warehouse) = simulated();
    published(&warehouse, &[("orders", "1"), ("extra", "1")]);
    let draft = warehouse.draft(warehouse.latest().unwrap(), run());
    draft.remove(&table("EXTRA"));
    assert_eq!(draft.publish(&publication()).unwrap(), PublishOutcome::Published(Version(2)));
    assert_eq!(latest_contents(&warehouse), rows([("orders", "1")]));
    let first = warehouse.at(&At::Version(Version(1))).unwrap();
    assert_eq!(first.tables.len(), 2);
    assert!(draft.publish(&publication()).is_ok(), "its files are there still");
}

#[test]
fn files_that_only_a_load_names_last_too() {
    let (store, warehouse) = simulated();
    let mut orders = staged_file(&warehouse, "orders", "1");
    let mut load = load("bytes", 1, &orders.files()[0].path);
    let keys = "tables/main/orders/keys.parquet";
    warehouse.folder.create(keys).unwrap().write_all(b"keys").unwrap();
    load.files.get_mut("orders.csv").unwrap().rejected_keys.push(keys.to_owned());
    orders.load = Some(load);
    assert_eq!(next(&warehouse, orders), PublishOutcome::Published(Version(1)));
    let after = store.after(super::super::store::simulated::PowerCut::Strict);
    let after = Warehouse::on(Path::new(ROOT), Arc::new(after));
    assert_eq!(after.folder.read(keys).unwrap().as_deref(), Some(&b"keys"[..]));
}

#[test]
fn a_staged_file_that_is_gone_fails_the_publication() {
    let (_, warehouse) = simulated();
    let draft = warehouse.draft(None, run());
    draft.stage(manifest("orders", "1", "tables/main/orders/gone.parquet")).unwrap();
    let error = draft.publish(&publication()).unwrap_err();
    insta::assert_snapshot!(error, @"cannot sync `/shop/warehouse/tables/main/orders/gone.parquet`: entity not found");
    assert!(warehouse.latest().unwrap().is_none());
}

/// A system tells of a lost write once: the sync that heard it must be the one that counts.
#[test]
fn a_sync_that_failed_while_writing_fails_the_publication() {
    let (store, warehouse) = simulated();
    let draft = warehouse.draft(None, run());
    let orders = staged_file(&warehouse, "orders", "1");
    store.fail(0, Failing::Once(ErrorKind::StorageFull));
    draft.sync_ahead.begin(&warehouse.folder, &orders.files()[0].path);
    draft.stage(orders).unwrap();
    let error = draft.publish(&publication()).unwrap_err();
    assert!(matches!(error, WarehouseError::NoSpace { .. }), "{error}");
    assert!(warehouse.latest().unwrap().is_none());
}

#[test]
fn what_the_disk_refuses_has_a_name() {
    let message = |kind: ErrorKind| {
        let (store, warehouse) = simulated();
        let draft = warehouse.draft(None, run());
        draft.stage(staged_file(&warehouse, "orders", "1")).unwrap();
        store.fail(0, Failing::Once(kind));
        let error = draft.publish(&publication()).unwrap_err();
        let file = draft.state().tables.get(&table("orders")).unwrap().files()[0].path.clone();
        format!("{error}\n{}", error.hints().join("\n")).replace(&file, "FILE")
    };
    insta::assert_snapshot!(message(ErrorKind::StorageFull), @"
    cannot sync `/shop/warehouse/FILE`: no space is left
    free some space and run the command again; the published versions are untouched
    ");
    insta::assert_snapshot!(message(ErrorKind::ReadOnlyFilesystem), @"
    cannot sync `/shop/warehouse/FILE`: it is read-only
    choose another place with `--warehouse`, or mount it writable
    ");
    insta::assert_snapshot!(message(ErrorKind::PermissionDenied), @"
    cannot sync `/shop/warehouse/FILE`: permission denied
    run as a user who may write there, or choose another place with `--warehouse`
    ");
}

#[test]
fn columns_of_one_name_are_not_staged() {
    let (_, warehouse) = simulated();
    let draft = warehouse.draft(None, run());
    let mut orders = manifest("orders", "1", "x");
    orders.columns.push(column("ID"));
    let error = draft.stage(orders).unwrap_err();
    insta::assert_snapshot!(error, @"`main.orders` has two columns named `ID`");
}

#[test]
fn a_version_file_is_the_same_bytes_each_time_and_reads_well() {
    let (_, warehouse) = simulated();
    let id: RunId = "20260102T030405Z-1a2b3c4d".parse().unwrap();
    let draft = warehouse.draft(None, id);
    draft.stage(view("second", &["first"])).unwrap();
    draft.stage(view("first", &[])).unwrap();
    assert_eq!(draft.publish(&publication()).unwrap(), PublishOutcome::Published(Version(1)));
    let text =
        |path: &str| String::from_utf8(warehouse.folder.read(path).unwrap().unwrap()).unwrap();
    let version = text("versions/00000000000000000001.json");
    insta::with_settings!({ filters => vec![(r#""program": ".*""#, r#""program": "PROGRAM""#)] }, {
        insta::assert_snapshot!(version, @r#"
    {
      "format": 1,
      "version": 1,
      "parent": null,
      "published": "2026-01-02T03:00:00Z",
      "run": "20260102T030405Z-1a2b3c4d",
      "program": "PROGRAM",
      "tested": true,
      "rows": 0,
      "bytes": 0,
      "tables": {
        "main.first": "4cb77e7978e9da553bf9309ac9e5225935a2d0b88beaab63fb75fc3fa40b1bdd",
        "main.second": "1b141d319dfe95fb442f2890c4e2c4405d73f7b2e88447c779e5a92bb28c8764"
      }
    }
    "#);
    });
    let hash =
        warehouse.latest().unwrap().unwrap().version.unwrap().tables[&table("second")].clone();
    insta::assert_snapshot!(text(&format!("manifests/{hash}.json")), @r#"{"format":1,"table":"main.second","columns":[{"name":"id","data_type":"Int64","nullable":true}],"content":{"kind":"view","sql":"select 1","reads":["main.first"]},"content_hash":"view","rows":null,"code":{"text":"","plan":"","volatile":false},"inputs":{}}"#);
}
