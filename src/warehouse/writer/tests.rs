use std::io;
use std::path::Path;

use arrow::array::{
    ArrayRef, Date32Array, Decimal128Array, Float64Array, Int64Array, StringArray, StringViewArray,
    TimestampMicrosecondArray, TimestampNanosecondArray, new_null_array,
};
use arrow::compute::concat_batches;
use arrow::datatypes::{DataType, Field, SchemaRef};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::basic::Encoding;

use super::super::encode_rows::rows_hash;
use super::super::store::LocalStore;
use super::super::store::simulated::{Failing, SimulatedStore};
use super::super::{ColumnStatistics, TableColumn, content_hash};
use super::*;
use crate::base::hash;

/// So that a few rows make several row groups and files.
const SMALL: Limits =
    Limits { group_rows: 4096, group_bytes: 1 << 20, file_bytes: 256 << 10, sync_bytes: 64 << 10 };

fn orders() -> TableName {
    TableName::new("Shop", "Orders").unwrap()
}

fn on_disk(root: &Path) -> Folder {
    Folder::new(root, Arc::new(LocalStore))
}

fn writer(
    folder: Folder,
    schema: &Schema,
    options: &WriteOptions,
) -> Result<TableWriter, WarehouseError> {
    TableWriter::with_limits((folder, SyncAhead::default()), &orders(), schema, options, SMALL)
}

async fn write(
    folder: Folder,
    batches: &[RecordBatch],
    options: &WriteOptions,
) -> Result<Vec<DataFile>, WarehouseError> {
    let mut writer = writer(folder, &batches[0].schema(), options)?;
    for batch in batches {
        writer.write(batch.clone()).await?;
    }
    writer.finish().await
}

fn read(root: &Path, file: &DataFile) -> RecordBatch {
    let file = std::fs::File::open(root.join(&file.path)).unwrap();
    let builder = ParquetRecordBatchReaderBuilder::try_new(file).unwrap();
    let schema = Arc::clone(builder.schema());
    let batches: Result<Vec<_>, _> = builder.build().unwrap().collect();
    concat_batches(&schema, &batches.unwrap()).unwrap()
}

fn columns<const N: usize>(columns: [(&str, ArrayRef); N]) -> RecordBatch {
    RecordBatch::try_from_iter_with_nullable(columns.map(|(name, column)| (name, column, true)))
        .unwrap()
}

fn numbers(range: std::ops::Range<i64>) -> RecordBatch {
    let texts: StringArray = range.clone().map(|n| Some(format!("text {}", n % 1000))).collect();
    columns([("id", Arc::new(Int64Array::from_iter_values(range))), ("text", Arc::new(texts))])
}

#[tokio::test]
async fn what_is_written_is_read_back_with_its_figures() {
    let folder = tempfile::tempdir().unwrap();
    let money = Decimal128Array::from(vec![Some(1250), None, Some(-5)]);
    let batch = columns([
        ("money", Arc::new(money.with_precision_and_scale(18, 2).unwrap())),
        ("day", Arc::new(Date32Array::from(vec![19_723, 19_724, 19_722]))),
        ("at", Arc::new(TimestampMicrosecondArray::from(vec![0, 1_500_000, 1]))),
        ("text", Arc::new(StringArray::from(vec!["b", "a", "ö"]))),
        ("ratio", Arc::new(Float64Array::from(vec![0.5, f64::NAN, -1.0]))),
        ("long", Arc::new(StringArray::from(vec!["x".repeat(100), "y".into(), "z".into()]))),
        ("none", new_null_array(&DataType::Int64, 3)),
        ("__clearwell_line", Arc::new(Int64Array::from(vec![1, 2, 3]))),
    ]);
    let options = WriteOptions::default();
    let files = write(on_disk(folder.path()), std::slice::from_ref(&batch), &options).await;
    let file = &files.unwrap()[0];

    assert_eq!(read(folder.path(), file), batch);
    assert!(file.path.starts_with("tables/shop/orders/") && file.path.ends_with(".parquet"));
    let bytes = std::fs::read(folder.path().join(&file.path)).unwrap();
    assert_eq!((file.rows, file.bytes), (3, bytes.len() as u64));
    assert_eq!(file.checksum, hash::of(&bytes));
    let figures = serde_json::to_string(&file.columns).unwrap().replace("},", "},\n");
    insta::assert_snapshot!(figures, @r#"
    {"at":{"nulls":0,"min":"1970-01-01T00:00:00","max":"1970-01-01T00:00:01.500"},
    "day":{"nulls":0,"min":"2023-12-31","max":"2024-01-02"},
    "long":{"nulls":0,"max":"z"},
    "money":{"nulls":1,"min":"-0.05","max":"12.50"},
    "none":{"nulls":3},
    "text":{"nulls":0,"min":"a","max":"ö"}}
    "#);
}

#[tokio::test]
async fn engine_types_are_stored_in_their_plain_form() {
    let folder = tempfile::tempdir().unwrap();
    let texts = ["short", "a text of more than twelve bytes", "short"];
    let views = columns([
        ("text", Arc::new(StringViewArray::from_iter_values(texts))),
        ("at", Arc::new(TimestampNanosecondArray::from(vec![1_000, 2_000, 3_000]))),
        ("none", new_null_array(&DataType::Null, 3)),
    ]);
    let plain = columns([
        ("text", Arc::new(StringArray::from_iter_values(texts))),
        ("at", Arc::new(TimestampMicrosecondArray::from(vec![1, 2, 3]))),
        ("none", new_null_array(&DataType::Int32, 3)),
    ]);
    let options = WriteOptions::default();
    let from_views = write(on_disk(folder.path()), &[views], &options).await.unwrap();
    let from_plain = write(on_disk(folder.path()), std::slice::from_ref(&plain), &options).await;
    let from_plain = from_plain.unwrap();
    assert_eq!(read(folder.path(), &from_views[0]), plain);
    assert_eq!(from_views[0].checksum, from_plain[0].checksum, "the same rows, the same bytes");
    assert_eq!(from_views[0].rows_hash, from_plain[0].rows_hash);
}

#[tokio::test]
async fn many_row_groups_are_encoded_at_once_and_stand_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let rows = 3 * SMALL.group_rows as i64 + 17;
    let batches: Vec<_> = (0..rows).step_by(1000).map(|n| numbers(n..rows.min(n + 1000))).collect();
    let options = WriteOptions { distinct: vec!["id".to_owned()], parallel: 3 };
    let files = write(on_disk(folder.path()), &batches, &options).await.unwrap();
    assert_eq!(files.iter().map(|file| file.rows).sum::<u64>(), rows as u64);

    let file = std::fs::File::open(folder.path().join(&files[0].path)).unwrap();
    let builder = ParquetRecordBatchReaderBuilder::try_new(file).unwrap();
    let group = builder.metadata().row_group(0);
    assert_eq!(builder.metadata().num_row_groups(), 4);
    let encodings = |column: usize| group.column(column).encodings().collect::<Vec<_>>();
    assert!(encodings(0).contains(&Encoding::DELTA_BINARY_PACKED), "{:?}", encodings(0));
    assert!(encodings(1).contains(&Encoding::RLE_DICTIONARY), "{:?}", encodings(1));
    let ids = read(folder.path(), &files[0]);
    assert_eq!(ids, numbers(0..rows));

    let alone = WriteOptions { parallel: 1, ..options };
    let again = write(on_disk(folder.path()), &[numbers(0..rows)], &alone).await.unwrap();
    assert_eq!(again[0].rows_hash, files[0].rows_hash);
    let columns = TableColumn::of(&batches[0].schema());
    assert_eq!(content_hash(&columns, &again), content_hash(&columns, &files));
}

#[tokio::test]
async fn a_file_that_has_grown_large_is_followed_by_another() {
    let folder = tempfile::tempdir().unwrap();
    let texts = |range: std::ops::Range<i64>| {
        // Texts that do not compress.
        let texts = range.map(|n| Some(hash::of(&n.to_le_bytes())));
        columns([("text", Arc::new(texts.collect::<StringArray>()))])
    };
    let batches: Vec<_> = (0..30).map(|n| texts(n * 1000..(n + 1) * 1000)).collect();
    let options = WriteOptions { parallel: 2, ..WriteOptions::default() };
    let files = write(on_disk(folder.path()), &batches, &options).await.unwrap();
    assert!(files.len() > 2, "{}", files.len());
    let limit = SMALL.file_bytes as u64;
    assert!(
        files[..files.len() - 1].iter().all(|file| file.bytes >= limit && file.bytes < 3 * limit)
    );
    let read: Vec<_> = files.iter().map(|file| read(folder.path(), file)).collect();
    assert_eq!(concat_batches(&read[0].schema(), &read).unwrap(), texts(0..30_000));
}

#[tokio::test]
async fn figures_are_of_all_row_groups_together() {
    let folder = tempfile::tempdir().unwrap();
    let rows = SMALL.group_rows;
    let group = |number: Option<i64>| {
        columns([("n", Arc::new(std::iter::repeat_n(number, rows).collect::<Int64Array>()))])
    };
    let options = WriteOptions::default();
    let batches = [group(None), group(Some(3)), group(Some(-1)), group(Some(3))];
    let file = write(on_disk(folder.path()), &batches, &options).await.unwrap().remove(0);
    let expected = ColumnStatistics {
        nulls: rows as u64,
        min: Some("-1".to_owned()),
        max: Some("3".to_owned()),
    };
    assert_eq!(file.columns["n"], expected);
    let sum = batches.iter().map(|batch| rows_hash(batch.columns(), rows).unwrap());
    assert_eq!(file.rows_hash, format!("{:032x}", sum.fold(0, u128::wrapping_add)));
}

#[tokio::test]
async fn large_rows_end_a_row_group_early() {
    let folder = tempfile::tempdir().unwrap();
    let large = columns([("text", Arc::new(StringArray::from(vec!["x".repeat(600 << 10)])))]);
    let files = write(on_disk(folder.path()), &vec![large; 6], &WriteOptions::default()).await;
    let file = std::fs::File::open(folder.path().join(&files.unwrap()[0].path)).unwrap();
    let builder = ParquetRecordBatchReaderBuilder::try_new(file).unwrap();
    assert_eq!(builder.metadata().num_row_groups(), 3);
}

#[tokio::test]
async fn hidden_columns_are_stored_and_count_for_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let rows = |line: i64| {
        columns([
            ("id", Arc::new(Int64Array::from(vec![1]))),
            ("__clearwell_line", Arc::new(Int64Array::from(vec![line]))),
        ])
    };
    let mut hashes = Vec::new();
    for line in [1, 2] {
        let files = write(on_disk(folder.path()), &[rows(line)], &WriteOptions::default()).await;
        let file = files.unwrap().remove(0);
        assert_eq!(read(folder.path(), &file), rows(line));
        assert_eq!(file.columns.keys().collect::<Vec<_>>(), ["id"]);
        hashes.push(file.rows_hash);
    }
    assert_eq!(hashes[0], hashes[1]);
    assert_eq!(TableColumn::of(&rows(1).schema()).len(), 1);
}

#[tokio::test]
async fn no_rows_make_no_file() {
    let folder = tempfile::tempdir().unwrap();
    let empty = numbers(0..0);
    assert!(
        write(on_disk(folder.path()), &[empty], &WriteOptions::default()).await.unwrap().is_empty()
    );
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn a_writer_that_is_dropped_takes_its_files_away() {
    let folder = tempfile::tempdir().unwrap();
    let schema: SchemaRef = numbers(0..1).schema();
    let options = WriteOptions { parallel: 1, ..WriteOptions::default() };
    let mut writer = writer(on_disk(folder.path()), &schema, &options).unwrap();
    for start in 0..3 {
        let start = start * SMALL.group_rows as i64;
        writer.write(numbers(start..start + SMALL.group_rows as i64)).await.unwrap();
    }
    let table = folder.path().join("tables/shop/orders");
    while !table.exists() {
        tokio::task::yield_now().await;
    }
    drop(writer);
    // The thread that was appending gives up the file when it is done.
    while std::fs::read_dir(&table).unwrap().count() > 0 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_full_disk_is_an_error_with_a_name_and_leaves_no_file() {
    let root = Path::new("/w");
    let mut failed = 0;
    loop {
        let store = SimulatedStore::default();
        let folder = Folder::new(root, Arc::new(store.clone()));
        store.fail(failed, Failing::Once(io::ErrorKind::StorageFull));
        let written = write(folder.clone(), &[numbers(0..1000)], &WriteOptions::default()).await;
        let Err(error) = written else { break };
        assert!(matches!(error, WarehouseError::NoSpace { .. }), "{failed}: {error}");
        assert!(folder.list("tables/shop/orders").unwrap().is_empty(), "{failed}: {error}");
        failed += 1;
    }
    // Folders, a file in them, and its bytes in several parts.
    assert!(failed > 12, "{failed}");
}

#[tokio::test]
async fn rows_that_do_not_fit_are_refused_and_break_the_writer_off() {
    let folder = tempfile::tempdir().unwrap();
    let id = Arc::new(Field::new("id", DataType::Int64, false));
    let schema = Schema::new(vec![id]);
    let writer = || writer(on_disk(folder.path()), &schema, &WriteOptions::default()).unwrap();
    let message = async |batch: RecordBatch| {
        let mut writer = writer();
        writer.write(batch).await.unwrap();
        writer.finish().await.unwrap_err().to_string()
    };
    let null = columns([("id", Arc::new(Int64Array::from(vec![None])))]);
    insta::assert_snapshot!(message(null).await, @"column `id` of `Shop.Orders` can hold no null, and there is one");
    insta::assert_snapshot!(message(numbers(0..1)).await, @"rows for `Shop.Orders` have 2 columns where it has 1");

    let mut writer = writer();
    writer.write(numbers(0..SMALL.group_rows as i64)).await.unwrap();
    writer.write(numbers(0..SMALL.group_rows as i64)).await.unwrap_err();
    let error = writer.finish().await.unwrap_err();
    insta::assert_snapshot!(error, @"writing `Shop.Orders` was broken off");
}

#[test]
fn a_column_that_no_table_can_hold_is_named() {
    let interval = DataType::Interval(arrow::datatypes::IntervalUnit::MonthDayNano);
    let schema = Schema::new(vec![Field::new("gap", interval, true)]);
    let folder = Folder::new(Path::new("/none"), Arc::new(SimulatedStore::default()));
    let error = writer(folder, &schema, &WriteOptions::default()).err().unwrap();
    insta::assert_snapshot!(error, @"column `gap` of `Shop.Orders` has type Interval(MonthDayNano), which no table can hold");
    insta::assert_snapshot!(error.hints().join("\n"), @"cast it to another type in the model's SQL");
}
