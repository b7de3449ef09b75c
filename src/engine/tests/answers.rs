//! What comes out of a query: rows, order, files, errors.

use super::*;
use crate::engine::output::{Format, RowFormat};

#[tokio::test]
async fn columns_of_the_files_that_the_table_does_not_have_are_not_seen() {
    let mut world = World::new();
    let part = |from: i64| {
        let ids: ArrayRef = Arc::new(Int64Array::from_iter_values(from..from + 20_000));
        let offsets: ArrayRef =
            Arc::new(Int64Array::from_iter_values((from..from + 20_000).map(|x| -x)));
        batch([("Id", ids), ("__clearwell_offset", offsets)])
    };
    world.table("a.big", &[part(0), part(20_000), part(40_000)]);
    let name: TableName = "a.big".parse().unwrap();
    let Some(Relation::Files(files)) = world.tables.relations.get(&name) else { panic!("files") };
    let visible = TableFiles {
        schema: Arc::new(files.schema.project(&[0]).unwrap()),
        files: files.files.clone(),
    };
    world.tables.relations.insert(name, Relation::Files(Arc::new(visible)));
    insta::assert_snapshot!(world.ask("select * from big where id = 59999").await, @"Id | 59999");
    insta::assert_snapshot!(world.ask("select count(*), sum(id), max(id) from big where id < 50000").await, @"count_star(),sum(id),max(id) | 50000,1249975000,49999");
}

#[tokio::test]
async fn a_table_without_files_is_empty() {
    let mut world = World::shop();
    let schema = Arc::new(Schema::new(vec![Field::new("X", DataType::Utf8, true)]));
    let files = TableFiles { schema, files: Vec::new() };
    world.tables.relations.insert("a.none".parse().unwrap(), Relation::Files(Arc::new(files)));
    assert_eq!(world.ask("select * from none").await, "X");
    assert_eq!(world.rows("select count(*), max(x) from none").await, "0,null");
}

#[tokio::test]
async fn too_little_memory_is_an_error_that_says_who_took_it() {
    let world = World::with_limits(ByteSize(1 << 20), 1);
    let held = world.engine.reserve("the test", 900_000).unwrap();
    let error = world.engine.reserve("another", 900_000).unwrap_err();
    assert!(matches!(&error, EngineError::Memory(text) if text.contains("the test")), "{error}");
    drop(held);
    let mut held = world.engine.reserve("another", 900_000).unwrap();
    held.resize(10).unwrap();
    assert!(held.resize(10 << 20).is_err());
    assert!(!world.folder.path().join("spill").exists(), "nothing was spilled");
}

#[tokio::test]
async fn what_does_not_fit_is_spilled_and_cleared_away() {
    let mut world = World::with_limits(ByteSize(12 << 20), 1);
    let numbers = (0..400_000_i64).map(|x| x * 7919 % 400_000);
    let texts = numbers.clone().map(|x| format!("a text of some length: {x}"));
    let texts: ArrayRef = Arc::new(StringArray::from_iter_values(texts));
    let numbers: ArrayRef = Arc::new(Int64Array::from_iter_values(numbers));
    world.table("a.big", &[batch([("x", numbers), ("y", texts)])]);
    let sql = "select count(*) from (select x, y, row_number() over (order by x) as n from big) \
               where x + 1 <> n or y <> 'a text of some length: ' || x";
    assert_eq!(world.rows(sql).await, "0");
    let World { engine, folder, .. } = world;
    assert!(folder.path().join("spill").exists(), "it did not fit");
    drop(engine);
    assert!(!folder.path().join("spill").exists());
}

#[tokio::test]
async fn a_failure_in_the_middle_is_an_error_of_the_stream() {
    let world = World::shop();
    insta::assert_snapshot!(world.ask("select cast(customer as int) from orders").await, @"failed: cannot cast 'Ann' to integer");
    insta::assert_snapshot!(world.ask("select orderid // 0 from orders").await, @"failed: division by zero");
}

/// One row of every type that leaves the engine, and one of nulls.
async fn kinds() -> (World, Query) {
    let mut world = World::new();
    let bytes: ArrayRef =
        Arc::new(arrow::array::BinaryArray::from(vec![Some(b"a\x00\xff\\".as_slice()), None]));
    world.table("a.bytes", &[batch([("Blob", bytes)])]);
    let sql = "select 1::bigint as i, -0.05::decimal(18,4) as \"Dec\", 1.5::double as d, 'nan'::double as nan, \
               'a \"b\", \\ \n' as s, '' as empty, true as b, date '2024-01-31' as day, \
               timestamp '2024-01-31 10:00:00' as ts, timestamp '1969-12-31 23:59:59.25' as f, \
               to_timestamp(0) as tz, [1, null] as l, {'k': 1.50} as st, blob from bytes where blob is not null \
               union all select null, null, null, null, null, null, null, null, null, null, null, null, null, null \
               order by 1";
    let query = world.session().plan(sql).await.unwrap();
    (world, query)
}

async fn written(query: &Query, format: Format) -> Vec<u8> {
    let mut out = Vec::new();
    let stream = query.stream().await.unwrap();
    output::write(stream, &query.schema(), format, &mut out).await.unwrap();
    out
}

#[tokio::test]
async fn values_have_one_spelling() {
    let (_world, query) = kinds().await;
    let text = async |format| String::from_utf8(written(&query, format).await).unwrap();
    insta::assert_snapshot!(text(Format::Rows(RowFormat::Json)).await, @r#"[{"i":1,"Dec":"-0.0500","d":1.5,"nan":null,"s":"a \"b\", \\ \n","empty":"","b":true,"day":"2024-01-31","ts":"2024-01-31T10:00:00","f":"1969-12-31T23:59:59.25","tz":"1970-01-01T00:00:00Z","l":[1,null],"st":{"k":"1.50"},"Blob":"a\\x00\\xFF\\x5C"},{"i":null,"Dec":null,"d":null,"nan":null,"s":null,"empty":null,"b":null,"day":null,"ts":null,"f":null,"tz":null,"l":null,"st":null,"Blob":null}]"#);
    insta::assert_snapshot!(text(Format::Rows(RowFormat::Ndjson)).await.lines().count(), @"2");
    insta::assert_snapshot!(text(Format::Rows(RowFormat::Csv)).await, @r#"i,Dec,d,nan,s,empty,b,day,ts,f,tz,l,st,Blob
1,-0.0500,1.5,nan,"a ""b"", \ 
","",true,2024-01-31,2024-01-31 10:00:00,1969-12-31 23:59:59.25,1970-01-01 00:00:00+00,"[1, NULL]",{'k': 1.50},a\x00\xFF\x5C
,,,,,,,,,,,,,"#);
    let read: Vec<serde_json::Value> =
        serde_json::from_str(&text(Format::Rows(RowFormat::Json)).await).unwrap();
    assert_eq!(read[0]["Dec"], "-0.0500");
    assert_eq!(read[0]["s"], "a \"b\", \\ \n");
}

#[tokio::test]
async fn a_table_is_a_box() {
    let world = World::shop();
    let query = world.session().plan("select name, age, 1.5 as x from customers order by 1").await;
    let text = written(&query.unwrap(), Format::Table).await;
    let expected = "\
┌──────┬─────────┬──────────────┐
│ Name │   age   │      x       │
│ text │ integer │ decimal(2,1) │
├──────┼─────────┼──────────────┤
│ Ann  │      40 │          1.5 │
│ Bob  │    NULL │          1.5 │
└──────┴─────────┴──────────────┘
2 rows
";
    assert_eq!(String::from_utf8(text).unwrap(), expected);
}

#[tokio::test]
async fn files_of_answers_read_back() {
    let (world, query) = kinds().await;
    let rows = query.collect().await.unwrap();
    let rows = arrow::compute::concat_batches(&query.schema(), &rows).unwrap();
    let arrow = written(&query, Format::Rows(RowFormat::Arrow)).await;
    let read = arrow::ipc::reader::StreamReader::try_new(arrow.as_slice(), None).unwrap();
    let read: Vec<RecordBatch> = read.map(Result::unwrap).collect();
    // Not a number is not equal to itself, so texts are compared.
    let shown = |batch: &RecordBatch| format!("{batch:?}");
    assert_eq!(
        shown(&arrow::compute::concat_batches(&query.schema(), &read).unwrap()),
        shown(&rows)
    );
    let parquet = written(&query, Format::Rows(RowFormat::Parquet)).await;
    let path = world.folder.path().join("answer.parquet");
    std::fs::write(&path, parquet).unwrap();
    let reader = parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder::try_new(
        std::fs::File::open(path).unwrap(),
    );
    assert_eq!(reader.unwrap().metadata().file_metadata().num_rows(), 2);
}

#[tokio::test]
async fn an_order_outlives_the_projection_above_it() {
    let mut world = World::new();
    let rows = 200_000_i64;
    // Far from sorted, and enough for several threads.
    let ids = (0..rows).map(|row| row * 7_919 % rows);
    let names = (0..rows).map(|row| format!("name {row}"));
    let ids: ArrayRef = Arc::new(Int64Array::from_iter_values(ids));
    let names: ArrayRef = Arc::new(StringArray::from_iter_values(names));
    world.table("main.people", &[batch([("id", ids), ("name", names)])]);
    for _ in 0..5 {
        for sql in [
            "select id, name from people order by id",
            "select id, upper(name) || '!' as loud from people order by id",
        ] {
            let batches = world.session().plan(sql).await.unwrap().collect().await.unwrap();
            let found = batches
                .iter()
                .flat_map(|batch| batch.column(0).as_primitive::<Int64Type>().values());
            assert!(found.copied().eq(0..rows), "{sql}");
        }
    }
}
