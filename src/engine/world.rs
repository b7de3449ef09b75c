//! Tables for tests: Parquet files in a folder of their own, and an engine over them.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, Date32Array, Decimal128Array, Int32Array, Int64Array, RecordBatch, StringArray,
    TimestampMicrosecondArray,
};
use arrow::datatypes::Schema;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use parquet::arrow::ArrowWriter;

use super::{
    Engine, EngineLimits, Relation, Session, SqlError, TableFile, TableFiles, TableSet, sql_name,
};
use crate::base::size::ByteSize;

/// A folder with Parquet files, an engine, and a session over both.
pub(crate) struct World {
    pub(super) folder: tempfile::TempDir,
    pub(crate) engine: Engine,
    pub(crate) tables: TableSet,
}

impl World {
    pub(crate) fn new() -> Self {
        Self::with_limits(ByteSize(64 << 20), 2)
    }

    pub(crate) fn with_limits(memory: ByteSize, threads: usize) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let spill = folder.path().join("spill");
        let engine =
            Engine::new(&EngineLimits { memory, threads, spill, for_clients: true }).unwrap();
        Self { folder, engine, tables: TableSet::default() }
    }

    /// Two customers with odd cases, four orders, in two files.
    pub(crate) fn shop() -> Self {
        let mut world = Self::new();
        let orders = |ids: Vec<i64>, totals: Vec<i128>, days: Vec<i32>, who: Vec<Option<&str>>| {
            let seconds = days.iter().map(|day| i64::from(*day) * 86_400_000_000 + 1_500_000);
            batch([
                ("OrderID", Arc::new(Int64Array::from(ids)) as ArrayRef),
                ("Total", decimals(totals, 18, 2)),
                ("day", Arc::new(Date32Array::from(days.clone()))),
                ("At", Arc::new(TimestampMicrosecondArray::from_iter_values(seconds))),
                ("customer", Arc::new(StringArray::from(who))),
            ])
        };
        world.table(
            "shop.Orders",
            &[
                orders(vec![1, 2], vec![1050, 2000], vec![19723, 19724], vec![Some("Ann"), None]),
                orders(
                    vec![3, 4],
                    vec![-5, 333],
                    vec![19800, 19801],
                    vec![Some("Bob"), Some("Ann")],
                ),
            ],
        );
        let regions: ArrayRef = Arc::new(StringArray::from(vec!["N", "S"]));
        let names: ArrayRef = Arc::new(StringArray::from(vec!["Ann", "Bob"]));
        let age: ArrayRef = Arc::new(Int32Array::from(vec![Some(40), None]));
        world.table(
            "shop.customers",
            &[batch([("Name", names), ("REGION", regions), ("age", age)])],
        );
        world
    }

    /// Adds a table of one file a batch.
    pub(crate) fn table(&mut self, name: &str, batches: &[RecordBatch]) {
        let files = batches.iter().enumerate().map(|(index, batch)| {
            let path = self.folder.path().join(format!("{name}-{index}.parquet"));
            let file = std::fs::File::create(&path).unwrap();
            let mut writer = ArrowWriter::try_new(file, batch.schema(), None).unwrap();
            writer.write(batch).unwrap();
            writer.close().unwrap();
            let bytes = path.metadata().unwrap().len();
            TableFile { path, bytes, rows: batch.num_rows() as u64 }
        });
        let files = TableFiles { schema: batches[0].schema(), files: files.collect() };
        self.tables.relations.insert(name.parse().unwrap(), Relation::Files(Arc::new(files)));
    }

    pub(crate) async fn view(&mut self, name: &str, sql: &str) {
        let schema = self.session().plan(sql).await.unwrap().schema();
        self.tables
            .relations
            .insert(name.parse().unwrap(), Relation::View { sql: sql.into(), schema });
    }

    pub(crate) fn session(&self) -> Session {
        self.engine.session(Arc::new(self.tables.clone()))
    }

    /// `header | row | row`, cells apart by commas; an error as its message.
    pub(crate) async fn ask(&self, sql: &str) -> String {
        let query = match self.session().plan(sql).await {
            Ok(query) => query,
            Err(error) => return shown(&error),
        };
        match query.collect().await {
            Ok(batches) => rows_of(&query.schema(), &batches),
            Err(error) => format!("failed: {error}"),
        }
    }

    /// The rows only.
    pub(crate) async fn rows(&self, sql: &str) -> String {
        let answer = self.ask(sql).await;
        answer.split_once(" | ").map_or(answer.clone(), |(_, rows)| rows.to_owned())
    }

    /// The type of an expression and its value.
    pub(crate) async fn value(&self, expression: &str) -> String {
        let sql = format!("select {expression} as x");
        match self.session().plan(&sql).await {
            Ok(query) => {
                let name = sql_name(query.schema().field(0).data_type());
                format!("{name} {}", self.rows(&sql).await)
            }
            Err(error) => shown(&error),
        }
    }
}

pub(crate) fn shown(error: &SqlError) -> String {
    let place = error
        .position
        .map_or(String::new(), |(line, column)| format!("{line}:{column}+{} ", error.length));
    let hints: Vec<String> = error.hints.iter().map(|hint| format!("; {hint}")).collect();
    format!("{place}{error}{}", hints.concat())
}

pub(crate) fn batch<const N: usize>(columns: [(&str, ArrayRef); N]) -> RecordBatch {
    RecordBatch::try_from_iter_with_nullable(columns.map(|(name, array)| (name, array, true)))
        .unwrap()
}

pub(crate) fn decimals(values: Vec<i128>, precision: u8, scale: i8) -> ArrayRef {
    let array = Decimal128Array::from(values).with_precision_and_scale(precision, scale).unwrap();
    Arc::new(array)
}

pub(crate) fn rows_of(schema: &Schema, batches: &[RecordBatch]) -> String {
    let options = FormatOptions::default().with_null("null");
    let header: Vec<&str> = schema.fields().iter().map(|f| f.name().as_str()).collect();
    let mut lines = vec![header.join(",")];
    for batch in batches {
        let columns: Vec<_> =
            batch.columns().iter().map(|c| ArrayFormatter::try_new(c, &options).unwrap()).collect();
        for row in 0..batch.num_rows() {
            let cells: Vec<String> = columns.iter().map(|c| c.value(row).to_string()).collect();
            lines.push(cells.join(","));
        }
    }
    lines.join(" | ")
}
