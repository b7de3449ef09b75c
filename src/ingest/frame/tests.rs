//! Files as pandas would have them.

use arrow::util::display::{ArrayFormatter, FormatOptions};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use super::*;
use crate::base::clock::SystemClock;
use crate::engine::sql_name;
use crate::rules::ReadOptions;

struct Loaded {
    columns: Vec<String>,
    rows: Vec<String>,
}

async fn load_text(text: &[u8], options: ReadOptions) -> Result<Loaded, FrameError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.csv");
    std::fs::write(&path, text).unwrap();
    let file = TextFile {
        path,
        name: "a.csv".to_owned(),
        options: Arc::new(options),
        parallel: 2,
        clock: Arc::new(SystemClock),
    };
    let table = load(&file, &Nulls::default(), folder.path(), |_| true).await?;
    let named = |field: &Arc<Field>| format!("{} {}", field.name(), sql_name(field.data_type()));
    let columns = table.schema.fields().iter().map(named).collect();
    let opened = std::fs::File::open(&table.files[0].path).unwrap();
    let batches = ParquetRecordBatchReaderBuilder::try_new(opened).unwrap().build().unwrap();
    let options = FormatOptions::default().with_null("null");
    let mut rows = Vec::new();
    for batch in batches {
        let batch = batch.unwrap();
        let cells = batch.columns().iter();
        let cells: Vec<_> =
            cells.map(|column| ArrayFormatter::try_new(column, &options).unwrap()).collect();
        for row in 0..batch.num_rows() {
            let row: Vec<String> = cells.iter().map(|cell| cell.value(row).to_string()).collect();
            rows.push(row.join("|"));
        }
    }
    assert_eq!(table.files[0].rows, rows.len() as u64);
    Ok(Loaded { columns, rows })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_typed_by_all_of_it_and_keeps_its_order() {
    let text = b",id,price,name,ok\n0,1,1.50,\"NA\",true\n1,2,3,\" x\",FALSE\n2,3,,\"\",true\n";
    let loaded = load_text(text, ReadOptions::default()).await.unwrap();
    assert_eq!(
        loaded.columns,
        ["Unnamed: 0 bigint", "id bigint", "price double", "name text", "ok boolean"]
    );
    assert_eq!(loaded.rows, ["0|1|1.5|null|true", "1|2|3.0| x|false", "2|3|null|null|true"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_late_value_changes_the_type_of_a_long_file() {
    let mut text = "a\n".to_owned();
    (0..600_000).for_each(|number| text += &format!("{number}\n"));
    text += "last\n";
    let loaded = load_text(text.as_bytes(), ReadOptions::default()).await.unwrap();
    assert_eq!(loaded.columns, ["a text"]);
    assert_eq!(loaded.rows.len(), 600_001);
    assert_eq!((loaded.rows[0].as_str(), loaded.rows[599_999].as_str()), ("0", "599999"));
}

#[tokio::test(flavor = "multi_thread")]
async fn records_without_a_row_are_told_by_line() {
    let error = load_text(b"a,b\n1,2\n3\n4,5,6\n", ReadOptions::default()).await;
    let error = error.err().unwrap().to_string();
    insta::assert_snapshot!(error, @r"
    2 records cannot be read
      a.csv:3: 1 cell instead of 2
      a.csv:4: 3 cells instead of 2
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn columns_without_a_header_are_numbered() {
    let options = ReadOptions { header: false, ..ReadOptions::default() };
    let loaded = load_text(b"1,x\n2,y\n", options).await.unwrap();
    assert_eq!(loaded.columns, ["column0 bigint", "column1 text"]);
    assert_eq!(loaded.rows, ["1|x", "2|y"]);
}
