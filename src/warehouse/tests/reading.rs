//! Versions, times, tags and runs; and what is not there, or not whole.

use super::*;

fn planted(warehouse: &Warehouse, store: &SimulatedStore, path: &str, text: &str) {
    store.plant(&warehouse.folder.path(path), text.as_bytes());
}

fn version_file(number: u64) -> String {
    format!("versions/{number:020}.json")
}

#[test]
fn a_warehouse_that_is_not_there_has_no_version_and_stays_so() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("none");
    let warehouse = Warehouse::open(&root).unwrap();
    assert_eq!(warehouse.latest_version().unwrap(), None);
    assert!(warehouse.latest().unwrap().is_none());
    assert!(warehouse.versions().unwrap().is_empty());
    let error = warehouse.at(&At::Version(Version(1))).unwrap_err();
    insta::assert_snapshot!(error.hints().join("\n"), @"`clearwell build` publishes the first version");
    assert!(error.to_string().ends_with("holds no version yet"), "{error}");
    assert!(!root.exists(), "reading makes no folder");
}

#[test]
fn a_file_is_no_warehouse() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let error = Warehouse::open(file.path()).err().unwrap().to_string();
    assert!(error.starts_with("cannot open `"), "{error}");
}

#[test]
fn every_version_can_be_read() {
    let (_, warehouse) = simulated();
    for minute in 0..3 {
        let draft = warehouse.draft(warehouse.latest().unwrap(), run());
        draft.stage(staged_file(&warehouse, "orders", &minute.to_string())).unwrap();
        let publication = Publication { published: time(10 * minute), ..publication() };
        let published = draft.publish(&publication).unwrap();
        assert_eq!(published, PublishOutcome::Published(Version(u64::from(minute) + 1)));
    }
    let read = |at: &str| {
        let state = warehouse.at(&at.parse().unwrap())?;
        contents(&warehouse, &state).map(|rows| rows["orders"].clone())
    };
    assert_eq!(read("1").unwrap(), "0");
    assert_eq!(read("3").unwrap(), "2");
    assert_eq!(read("2026-01-02T03:10:00Z").unwrap(), "1", "published at that time");
    assert_eq!(read("2026-01-02T03:19:59Z").unwrap(), "1");
    assert_eq!(read("2027-01-01").unwrap(), "2");
    let versions = warehouse.versions().unwrap();
    let numbers: Vec<_> = versions.iter().map(|file| (file.version.0, file.parent)).collect();
    assert_eq!(numbers, [(3, Some(Version(2))), (2, Some(Version(1))), (1, None)]);
    assert_eq!((versions[0].rows, versions[0].bytes), (1, 1));

    insta::assert_snapshot!(read("7").unwrap_err(), @"there is no version 7; there are 1 to 3");
    insta::assert_snapshot!(read("2026-01-01").unwrap_err(), @"nothing was published by 2026-01-01 00:00:00 UTC; version 1, the first, is of 2026-01-02 03:00:00 UTC");
}

#[test]
fn tags_name_versions() {
    let (store, warehouse) = simulated();
    published(&warehouse, &[("orders", "1")]);
    let error = warehouse.at(&"release".parse().unwrap()).unwrap_err();
    insta::assert_snapshot!(error, @"there is no tag `release`");
    planted(&warehouse, &store, "tags/release.json", r#"{"format":1,"version":1}"#);
    // The folder's own entry comes with whatever writes tags; a planted file has none.
    assert_eq!(warehouse.at(&"release".parse().unwrap()).unwrap().number(), Some(Version(1)));
}

#[test]
fn a_close_tag_is_suggested() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("tags")).unwrap();
    std::fs::write(folder.path().join("tags/release.json"), "{}").unwrap();
    let warehouse = Warehouse::open(folder.path()).unwrap();
    let error = warehouse.at(&"relaese".parse().unwrap()).unwrap_err();
    insta::assert_snapshot!(error.hints().join("\n"), @"did you mean `release`?");
}

#[test]
fn the_hint_is_never_trusted_alone() {
    let (store, warehouse) = simulated();
    for number in 1..=5 {
        published(&warehouse, &[("orders", &number.to_string())]);
    }
    for hint in ["", "x", "5\n", "1\n", "4", "99", "-3", "18446744073709551615", "\u{ff}\0"] {
        planted(&warehouse, &store, "latest", hint);
        let opened_anew = Warehouse::on(Path::new(ROOT), Arc::new(store.clone()));
        assert_eq!(opened_anew.latest_version().unwrap(), Some(Version(5)), "{hint:?}");
        assert_eq!(warehouse.latest_version().unwrap(), Some(Version(5)), "{hint:?}");
    }
}

#[test]
fn a_hint_that_is_far_behind_is_caught_up_with() {
    let (store, warehouse) = simulated();
    for number in 1..=150 {
        published(&warehouse, &[("orders", &number.to_string())]);
    }
    planted(&warehouse, &store, "latest", "1");
    let opened_anew = Warehouse::on(Path::new(ROOT), Arc::new(store));
    assert_eq!(opened_anew.latest_version().unwrap(), Some(Version(150)));
}

#[test]
fn a_warehouse_that_was_made_anew_is_seen_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("warehouse");
    let serving = Warehouse::open(&root).unwrap();
    for number in 1..=3 {
        published(&serving, &[("orders", &number.to_string())]);
    }
    std::fs::remove_dir_all(&root).unwrap();
    assert_eq!(serving.latest_version().unwrap(), None);
    published(&Warehouse::open(&root).unwrap(), &[("orders", "new")]);
    assert_eq!(latest_contents(&serving), rows([("orders", "new")]));
}

#[test]
fn names_that_are_no_versions_are_passed_over() {
    let (store, warehouse) = simulated();
    published(&warehouse, &[("orders", "1")]);
    for name in ["7.json", ".x.tmp", "00000000000000000009.json.tmp", "00000000000000000000.json"] {
        planted(&warehouse, &store, &format!("versions/{name}"), "torn {");
    }
    planted(&warehouse, &store, "latest", "9");
    assert_eq!(warehouse.versions().unwrap().len(), 1);
    assert_eq!(warehouse.latest_version().unwrap(), Some(Version(1)));
    let second = publish(&warehouse, &[("orders", "2")]).unwrap();
    assert_eq!(second, PublishOutcome::Published(Version(2)));
}

#[test]
fn a_newer_format_is_told_from_damage() {
    let (store, warehouse) = simulated();
    published(&warehouse, &[("orders", "1")]);
    let message = |text: &str| {
        planted(&warehouse, &store, &version_file(1), text);
        let error = warehouse.latest().unwrap_err();
        format!("{error}\n{}", error.hints().join("\n"))
    };
    insta::assert_snapshot!(message(r#"{"format": 2, "shape": "unheard of"}"#), @"
    `/shop/warehouse/versions/00000000000000000001.json` has format 2; this program reads formats up to 1
    it was written by a newer clearwell: upgrade this one
    ");
    insta::assert_snapshot!(message(r#"{"format": 1, "vers"#), @"
    `/shop/warehouse/versions/00000000000000000001.json` is damaged: EOF while parsing a string at line 1 column 19
    restore the file from a copy, or read another version with `--at`
    ");
    insta::assert_snapshot!(message(""), @"
    `/shop/warehouse/versions/00000000000000000001.json` is damaged: EOF while parsing a value at line 1 column 0
    restore the file from a copy, or read another version with `--at`
    ");
}

#[test]
fn a_version_under_anothers_name_is_damage() {
    let (store, warehouse) = simulated();
    published(&warehouse, &[("orders", "1")]);
    let first = warehouse.folder.read(&version_file(1)).unwrap().unwrap();
    store.plant(&warehouse.folder.path(&version_file(2)), &first);
    let error = warehouse.latest().unwrap_err().to_string();
    assert!(error.ends_with("is damaged: it says that it is version 1"), "{error}");
}

#[test]
fn a_manifest_that_is_not_what_it_is_named_by_is_damage() {
    let (store, warehouse) = simulated();
    published(&warehouse, &[("orders", "1")]);
    let state = warehouse.latest().unwrap().unwrap();
    let hash = state.version.unwrap().tables[&table("orders")].clone();
    let path = format!("manifests/{hash}.json");
    let good = warehouse.folder.read(&path).unwrap().unwrap();
    planted(
        &warehouse,
        &store,
        &path,
        &String::from_utf8(good).unwrap().replace("\"rows\":1", "\"rows\":2"),
    );

    let opened_anew = Warehouse::on(Path::new(ROOT), Arc::new(store.clone()));
    let error = opened_anew.latest().unwrap_err();
    let shown = error.to_string().replace(&hash, "HASH");
    insta::assert_snapshot!(shown, @"`/shop/warehouse/manifests/HASH.json` is damaged: its bytes are not those that it is named by");
    assert!(warehouse.latest().is_ok(), "what was read before is held");
}

#[test]
fn taking_up_a_version_reads_only_new_manifests() {
    let (store, warehouse) = simulated();
    published(&warehouse, &[("orders", "1"), ("customers", "1")]);
    let before = warehouse.latest().unwrap().unwrap();
    let writer = Warehouse::on(Path::new(ROOT), Arc::new(store));
    published(&writer, &[("orders", "2")]);
    let after = warehouse.latest().unwrap().unwrap();
    let same = |name: &str| Arc::ptr_eq(&before.tables[&table(name)], &after.tables[&table(name)]);
    assert!(same("customers") && !same("orders"));
    assert_eq!(contents(&warehouse, &before).unwrap()["orders"], "1", "a reader keeps its state");
}

#[test]
fn a_failed_run_leaves_its_tables_to_be_read() {
    let (_, warehouse) = simulated();
    published(&warehouse, &[("orders", "1"), ("customers", "1")]);
    let id = run();
    let draft = warehouse.draft(warehouse.latest().unwrap(), id.clone());
    draft.stage(staged_file(&warehouse, "orders", "bad")).unwrap();
    let failed = record(&id, RunOutcome::Failed { reason: "a check failed".to_owned() });
    warehouse.write_run(&failed, Some(&draft)).unwrap();

    let state = warehouse.at(&At::Run(id.clone())).unwrap();
    assert_eq!(state.number(), None);
    let expected = rows([("orders", "bad"), ("customers", "1")]);
    assert_eq!(contents(&warehouse, &state).unwrap(), expected);
    let written = warehouse.folder.read(&format!("runs/{id}.json")).unwrap().unwrap();
    assert_eq!(serde_json::from_slice::<RunRecord>(&written).unwrap(), failed);
    assert_eq!(latest_contents(&warehouse), rows([("orders", "1"), ("customers", "1")]));
}

#[test]
fn a_run_is_what_became_of_it() {
    let (_, warehouse) = simulated();
    published(&warehouse, &[("orders", "1")]);
    let write = |outcome: RunOutcome| {
        let id = run();
        warehouse.write_run(&record(&id, outcome), None).unwrap();
        warehouse.at(&At::Run(id))
    };
    let published = write(RunOutcome::Published { version: Version(1) }).unwrap();
    assert_eq!(published.number(), Some(Version(1)));
    let unchanged = write(RunOutcome::Unchanged { version: Version(1) }).unwrap();
    assert_eq!(unchanged.number(), Some(Version(1)));
    let nothing = write(RunOutcome::Failed { reason: "no project".to_owned() }).unwrap_err();
    assert!(matches!(nothing, WarehouseError::NoDraft { .. }), "{nothing}");
    let unknown: At = "run:none".parse().unwrap();
    insta::assert_snapshot!(warehouse.at(&unknown).unwrap_err(), @"there is no run `none`");
}

#[test]
fn what_is_remembered_is_recalled_or_lost_without_harm() {
    let (store, warehouse) = simulated();
    assert_eq!(warehouse.recall("text 1"), None);
    warehouse.remember("text 1", "plan 1");
    warehouse.remember("text 2", "plan 2");
    warehouse.remember("text 1", "plan 3");
    assert_eq!(warehouse.recall("text 1").as_deref(), Some("plan 3"));
    assert_eq!(warehouse.recall("text 2").as_deref(), Some("plan 2"));
    let before = store.operations();
    warehouse.remember("text 2", "plan 2");
    assert_eq!(store.operations(), before, "known already");

    store.fail(0, super::super::store::simulated::Failing::FromThenOn);
    warehouse.remember("text 2", "plan 4");
    assert_eq!(warehouse.recall("text 2").as_deref(), Some("plan 2"));
}
