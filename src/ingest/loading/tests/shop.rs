//! What one load does.

use super::*;
use crate::ingest::{Chunk, Position};

fn customers() -> Source {
    with_keys(source("customers", "customers.csv", &["id", "email text"]), &["id"], &[&["email"]])
}

fn orders() -> Source {
    let orders = source("orders", "orders/*.csv", &["id", "customer_id"]);
    with_reference(with_keys(orders, &["id"], &[]), "customer_id", "customers", "id")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_goes_into_its_table_or_into_quarantine_with_all_its_reasons() {
    let place = Place::new();
    place.write("customers.csv", "id,email\n1,a@x\n2,a@x\n1,\nx,b@x\n,c@x\n5,\n");
    place.write("orders/1.csv", "id,customer_id\n1,1\n2,2\n2,9\n3\n4,\n5,y\n");
    let (customers, orders) = (customers(), orders());
    let draft = place.draft();
    let loaded = place.load(&draft, &customers).await.unwrap();
    assert_eq!((loaded.count.rows_read, loaded.count.rows_rejected), (6, 4));
    let loaded = place.load(&draft, &orders).await.unwrap();
    assert!(loaded.changed && loaded.count.loaded && loaded.failure.is_none());
    let state = draft.state();
    assert_eq!(place.rows(&state, &customers.table), ["1,a@x", "5,"]);
    assert_eq!(place.rows(&state, &orders.table), ["1,1", "4,"]);
    let shown = |source| {
        let rejects = place.rejects(&state, source).into_iter();
        let line = |r: Rejected| {
            format!("{}:{} @{} {:?} {}", r.file, r.line, r.offset, r.raw, r.reasons.join(" "))
        };
        rejects.map(line).collect::<Vec<_>>().join("\n")
    };
    insta::assert_snapshot!(shown(&customers), @r#"
    customers.csv:3 @15 "2,a@x" unique:email
    customers.csv:4 @21 "1," primary_key:id
    customers.csv:5 @24 "x,b@x" type:id
    customers.csv:6 @30 ",c@x" not_null:id
    "#);
    insta::assert_snapshot!(shown(&orders), @r#"
    orders/1.csv:3 @19 "2,2" foreign_key:customer_id
    orders/1.csv:4 @23 "2,9" primary_key:id foreign_key:customer_id
    orders/1.csv:5 @27 "3" ragged
    orders/1.csv:7 @32 "5,y" type:customer_id
    "#);
    let messages = place.batches(&state, &orders.quarantine());
    let messages = messages[0].column(5).as_list::<i32>().value(1);
    let messages: Vec<_> = messages.as_string::<i32>().iter().flatten().collect();
    assert_eq!(
        messages,
        [
            "id: '2' stands in a row before it",
            "customer_id: '9' refers to no accepted row of s.customers"
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn too_many_rejects_are_told_and_kept() {
    let place = Place::new();
    place.write("customers.csv", "id,email\n1,\n1,\nx,\n");
    let mut source = customers();
    for (on_reject, max_rejects, fails) in [
        (OnReject::Fail, None, true),
        (OnReject::Quarantine, Some(RejectLimit::Rows(2)), false),
        (OnReject::Quarantine, Some(RejectLimit::Rows(1)), true),
        (OnReject::Quarantine, Some(RejectLimit::Percent(70.0)), false),
    ] {
        source.on_reject = on_reject;
        source.max_rejects = max_rejects;
        let draft = place.draft();
        let loaded = place.load(&draft, &source).await.unwrap();
        assert_eq!(loaded.failure.is_some(), fails, "{on_reject:?} {max_rejects:?}");
        assert_eq!(place.rejects(&draft.state(), &source).len(), 2);
        if let Some(failure) = loaded.failure {
            assert_eq!(failure.first[0].line, 3);
            assert_eq!(failure.reasons[0], ("primary_key:id".to_owned(), 1));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_also_hold_for_files_that_stand() {
    let place = Place::new();
    place.write("customers.csv", "id,email\n1,\n1,\n");
    let mut source = customers();
    let (_, published) = place.build(&[&source]).await;
    assert_eq!(published, PublishOutcome::Published(Version(1)));
    source.on_reject = OnReject::Fail;
    let loaded = place.load(&place.draft(), &source).await.unwrap();
    assert!(!loaded.count.loaded && !loaded.changed);
    insta::assert_snapshot!(loaded.failure.unwrap(), @r"
    source `s.customers`: 1 of 2 rows were rejected, and `on_reject: fail` allows none
      reasons: primary_key:id (1)
      customers.csv:3: id: '1' stands in a row before it
      all of them stand in quarantine.s_customers
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn references_that_cannot_be_judged_are_errors() {
    let place = Place::new();
    place.write("customers.csv", "id,email\n1,\n");
    place.write("orders/1.csv", "id,customer_id\n1,1\n");
    let error = place.load(&place.draft(), &orders()).await.unwrap_err();
    insta::assert_snapshot!(error, @"source `s.orders` refers to `s.customers`, which has no rows to look into");
    let draft = place.draft();
    _ = place.load(&draft, &customers()).await.unwrap();
    let to = |column| {
        let orders = source("orders", "orders/*.csv", &["id", "customer_id"]);
        with_reference(orders, "customer_id", "customers", column)
    };
    let error = place.load(&draft, &to("ident")).await.unwrap_err();
    insta::assert_snapshot!(error, @"source `s.orders` refers to column `ident` of `s.customers`, which it does not have");
    let error = place.load(&draft, &to("email")).await.unwrap_err();
    insta::assert_snapshot!(error, @"source `s.orders`: (customer_id) cannot refer to (email) of `s.customers`: their types differ");
}

#[tokio::test(flavor = "multi_thread")]
async fn columns_that_nobody_declared_are_inferred_over_all_files() {
    let place = Place::new();
    place.write("d/a.csv", "id,when\n1,2024-01-01\n2,2024-02-01\n");
    let mut source = source("things", "d/*.csv", &[]);
    source.contract = None;
    place.build(&[&source]).await.1.clone_into(&mut PublishOutcome::Unchanged(Version(0)));
    let types = |state: &State| -> Vec<String> {
        state.tables[&source.table].columns.iter().map(|c| c.data_type.to_string()).collect()
    };
    assert_eq!(types(&place.warehouse.latest().unwrap().unwrap()), ["Int64", "Date32"]);
    let loaded = place.load(&place.draft(), &source).await.unwrap();
    assert!(!loaded.count.loaded && !loaded.changed);
    place.write("d/b.csv", "id,when\n7,soon\n");
    let draft = place.draft();
    _ = place.load(&draft, &source).await.unwrap();
    assert_eq!(types(&draft.state()), ["Int64", "Utf8"]);
    assert_eq!(
        place.rows(&draft.state(), &source.table),
        ["1,2024-01-01", "2,2024-02-01", "7,soon"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_seed_is_typed_and_refuses_a_bad_row() {
    let place = Place::new();
    let mut seed = Seed {
        info: info("seed", "countries"),
        table: TableName::new("main", "countries").unwrap(),
        file: place.folder.path().join("seeds/countries.csv"),
        delimiter: ";".to_owned(),
        column_types: [("Code".to_owned(), ColumnType::Text)].into(),
        columns: Vec::new(),
    };
    place.write("seeds/countries.csv", "code;people\n1;5\n");
    let draft = place.draft();
    let loaded = load_seed(&place.context(&draft), &seed).await.unwrap();
    assert_eq!((loaded.count.rows_accepted, loaded.changed), (1, true));
    let types: Vec<String> = draft.state().tables[&seed.table]
        .columns
        .iter()
        .map(|column| column.data_type.to_string())
        .collect();
    assert_eq!(types, ["Utf8", "Int64"]);
    assert_eq!(publish(&draft), PublishOutcome::Published(Version(1)));
    seed.column_types.clear();
    let draft = place.draft();
    assert!(load_seed(&place.context(&draft), &seed).await.unwrap().changed);

    place.write("seeds/countries.csv", "code;people\n1;5\n2\n");
    let error = load_seed(&place.context(&place.draft()), &seed).await.unwrap_err();
    assert!(matches!(error, LoadError::SeedRow { line: 3, .. }), "{error}");
    seed.column_types.insert("continent".to_owned(), ColumnType::Text);
    let error = load_seed(&place.context(&place.draft()), &seed).await.unwrap_err();
    insta::assert_snapshot!(error, @"`main.countries` has no column `continent`");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_without_files_is_an_error_and_one_without_location_stands() {
    let place = Place::new();
    let mut source = customers();
    let error = place.load(&place.draft(), &source).await.unwrap_err();
    assert!(matches!(error, LoadError::NoFile { .. }), "{error}");
    source.location = None;
    let error = place.load(&place.draft(), &source).await.unwrap_err();
    assert!(matches!(error, LoadError::NoLocation { .. }), "{error}");
    place.write("customers.csv", "id,email\n1,\n");
    place.build(&[&customers()]).await.1.clone_into(&mut PublishOutcome::Unchanged(Version(0)));
    assert!(!place.load(&place.draft(), &source).await.unwrap().changed);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_files_of_all_sizes_come_in_their_order() {
    let place = Place::new();
    let mut expected = 0;
    for file in 0..60_u64 {
        let rows = if file % 20 == 7 { 60_000 } else { 3 };
        let mut text = "id,email\n".to_owned();
        for row in 0..rows {
            // Every file begins with a key of the file before it.
            let id = if row == 0 && file > 0 { (file - 1) * 100_000 } else { file * 100_000 + row };
            text.push_str(&format!("{id},\n"));
        }
        expected += rows - u64::from(file > 0);
        place.write(&format!("c/{file:03}.csv"), &text);
    }
    let mut source = customers();
    source.location = Some("c/*.csv".to_owned());
    let draft = place.draft();
    let loaded = place.load(&draft, &source).await.unwrap();
    // The first row of file 1 repeats file 0's first; that of file 2 is the first occurrence of the key that file 1
    // did not have, and so on.
    assert_eq!(loaded.count.files, 60);
    assert_eq!(loaded.count.rows_rejected, 1);
    assert_eq!(loaded.count.rows_accepted, expected + 58);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_of_the_contract_rejects_by_its_name() {
    let place = Place::new();
    place.write("customers.csv", "id,email\n1,a\n-2,b\n-2,\n");
    let mut source = customers();
    let check = |expression: &str| RowCheck {
        name: "positive".to_owned(),
        column: Some("id".to_owned()),
        expression: expression.to_owned(),
    };
    source.contract.as_mut().unwrap().checks = vec![check("ID > 0")];
    let draft = place.draft();
    let loaded = place.load(&draft, &source).await.unwrap();
    let expected = [("check:positive".to_owned(), 2), ("primary_key:id".to_owned(), 1)];
    assert_eq!(loaded.count.reasons, expected.into());
    let rejects = place.rejects(&draft.state(), &source);
    assert_eq!(rejects[1].reasons, ["check:positive", "primary_key:id"]);

    source.contract.as_mut().unwrap().checks = vec![check("idd > 0")];
    let error = place.load(&place.draft(), &source).await.unwrap_err();
    assert!(matches!(&error, LoadError::Check { name, .. } if name == "positive"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_beyond_the_memory_limit_are_an_error_with_a_hint() {
    let mut place = Place::new();
    let limits = EngineLimits {
        memory: ByteSize(1 << 20),
        threads: 2,
        spill: place.folder.path().join("spill"),
        for_clients: false,
    };
    place.engine = Engine::new(&limits).unwrap();
    let mut text = "id,email\n".to_owned();
    (0..60_000).for_each(|row| text.push_str(&format!("{row},{row}@a-rather-long-name.example\n")));
    place.write("customers.csv", &text);
    let error = place.load(&place.draft(), &customers()).await.unwrap_err();
    assert!(matches!(error, LoadError::Memory { .. }), "{error}");
    assert!(error.hints()[0].contains("--memory-limit"));
    assert!(error.to_string().starts_with("the keys of `s.customers` do not fit into memory: "));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_is_neither_accepted_nor_rejected_is_an_error() {
    let place = Place::new();
    let draft = place.draft();
    let source = source("things", "t.csv", &["id"]);
    let input = Input::of_source(&source);
    let contract = input.effective_contract(&[]).unwrap();
    let (layout, _) =
        lay_out(&place.context(&draft), &input, contract, &draft.state()).await.unwrap();
    let ids: arrow::array::ArrayRef = Arc::new(arrow::array::Int64Array::from(vec![1, 2]));
    let position = |line: u64| Position { line, bytes: line * 2..line * 2 + 1 };
    let chunk = Chunk {
        batch: RecordBatch::try_new(reading::schema(&layout.contract), vec![ids]).unwrap(),
        positions: vec![position(1), position(2)],
        rejects: Vec::new(),
        bytes: Arc::from(&b"..1\n2\n"[..]),
        bytes_start: 0,
        records: 3,
        stored_bytes: 4,
    };
    let mut output = output::FileOutput::new("t.csv", &source.table);
    output.write(&draft, &input, &layout, &chunk, &[], 1).await.unwrap();
    let error = output.finish().await.unwrap_err();
    insta::assert_snapshot!(error, @"internal error: `t.csv` has 3 records, of which 2 were accepted and 0 rejected");
}
