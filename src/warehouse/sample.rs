//! Rows of a table from all over it, without reading the whole: what a profile looks at.

use std::fs::File;

use arrow::array::RecordBatch;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderOptions, ParquetRecordBatchReaderBuilder, RowSelection, RowSelector,
};
use parquet::errors::ParquetError;
use parquet::file::metadata::{PageIndexPolicy, ParquetMetaData};

use super::Warehouse;
use super::error::WarehouseError;
use super::manifest::{DataFile, Manifest};

/// Rows read from one place: half a page of most columns, so that a stretch costs about one page of each.
const STRETCH_ROWS: u64 = 10_000;
const BATCH_ROWS: usize = 8192;

/// How much to read at most.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SampleLimits {
    pub(crate) rows: u64,
    /// Of memory, for the rows that are returned.
    pub(crate) bytes: usize,
}

impl Warehouse {
    /// All rows of a table if these are within the limits, else evenly spaced stretches of it: the same ones every time.
    /// The columns are the manifest's, in its order.
    ///
    /// # Errors
    /// If a file cannot be read.
    pub(crate) fn sample(
        &self,
        manifest: &Manifest,
        limits: &SampleLimits,
    ) -> Result<Vec<RecordBatch>, WarehouseError> {
        let mut sample = Sample { batches: Vec::new(), bytes: 0, bytes_max: limits.bytes };
        let rows: u64 = manifest.files().iter().map(|file| file.rows).sum();
        if rows <= limits.rows {
            for file in manifest.files().iter().filter(|file| file.rows > 0) {
                self.read(manifest, file, None, &mut sample)?;
            }
            return Ok(sample.batches);
        }
        let stretches = (limits.rows / STRETCH_ROWS).max(1);
        for stretch in spread(stretches) {
            // In the middle of its share, so that stretches of a sorted column lie as evenly as the parts of a histogram.
            let row = rows / stretches * stretch + rows / stretches / 2;
            if let Some((file, row)) = locate(manifest.files(), row) {
                self.read(manifest, file, Some(row), &mut sample)?;
            }
        }
        Ok(sample.batches)
    }

    /// A file, or a stretch of it that holds row `around`.
    fn read(
        &self,
        manifest: &Manifest,
        file: &DataFile,
        around: Option<u64>,
        sample: &mut Sample,
    ) -> Result<(), WarehouseError> {
        if sample.is_full() {
            return Ok(());
        }
        let path = self.folder.path(&file.path);
        let damaged = |error: ParquetError| WarehouseError::damaged(&path, error.to_string());
        let opened = File::open(&path).map_err(|error| WarehouseError::io("open", &path, error))?;
        let options = ArrowReaderOptions::new().with_page_index_policy(PageIndexPolicy::Optional);
        let builder = ParquetRecordBatchReaderBuilder::try_new_with_options(opened, options);
        let mut builder = builder.map_err(damaged)?.with_batch_size(BATCH_ROWS);
        let names = manifest.columns.iter().map(|column| column.name.as_str());
        let mask = ProjectionMask::columns(builder.parquet_schema(), names);
        if let Some(row) = around
            && let Some((group, selection)) = stretch(builder.metadata(), row)
        {
            builder = builder.with_row_groups(vec![group]).with_row_selection(selection);
        }
        for batch in builder.with_projection(mask).build().map_err(damaged)? {
            let batch = batch.map_err(|error| damaged(error.into()))?;
            let order: Result<Vec<usize>, _> = manifest
                .columns
                .iter()
                .map(|column| batch.schema_ref().index_of(&column.name))
                .collect();
            let batch = order.and_then(|order| batch.project(&order));
            sample.add(batch.map_err(|error| damaged(error.into()))?);
            if sample.is_full() {
                break;
            }
        }
        Ok(())
    }
}

struct Sample {
    batches: Vec<RecordBatch>,
    bytes: usize,
    bytes_max: usize,
}

impl Sample {
    fn add(&mut self, batch: RecordBatch) {
        self.bytes += batch.get_array_memory_size();
        self.batches.push(batch);
    }

    fn is_full(&self) -> bool {
        self.bytes >= self.bytes_max
    }
}

/// 0 to `count - 1`, so ordered that every beginning of it is spread over the whole: reading may stop early.
fn spread(count: u64) -> Vec<u64> {
    let bits = u64::BITS - count.saturating_sub(1).leading_zeros();
    let reversed = |number: u64| if bits == 0 { 0 } else { number.reverse_bits() >> (64 - bits) };
    (0..1_u64 << bits).map(reversed).filter(|number| *number < count).collect()
}

/// The file that holds `row` of the table, and its number there.
fn locate(files: &[DataFile], row: u64) -> Option<(&DataFile, u64)> {
    let mut before = 0;
    for file in files {
        if row < before + file.rows {
            return Some((file, row - before));
        }
        before += file.rows;
    }
    None
}

/// The row group that holds `row` of the file, and which of its rows to read: those of about one page.
fn stretch(metadata: &ParquetMetaData, row: u64) -> Option<(usize, RowSelection)> {
    let mut before = 0;
    for (index, group) in metadata.row_groups().iter().enumerate() {
        let rows = u64::try_from(group.num_rows()).unwrap_or(0);
        if row < before + rows {
            let start = (row - before) / STRETCH_ROWS * STRETCH_ROWS;
            let length = STRETCH_ROWS.min(rows - start);
            let size = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
            let selectors = vec![RowSelector::skip(size(start)), RowSelector::select(size(length))];
            return Some((index, selectors.into()));
        }
        before += rows;
    }
    None
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{AsArray, Int64Array};
    use arrow::datatypes::{DataType, Field, Int64Type, Schema};
    use chrono::DateTime;

    use super::*;
    use crate::base::{RunId, TableName};
    use crate::record::CodeFingerprint;
    use crate::warehouse::{TableColumn, TableContent, WriteOptions};

    async fn table(warehouse: &Warehouse, rows: i64) -> Manifest {
        let schema = Arc::new(Schema::new(vec![Field::new("n", DataType::Int64, true)]));
        let draft = warehouse.draft(None, RunId::new(DateTime::UNIX_EPOCH));
        let table = TableName::new("main", "t").unwrap();
        let options = WriteOptions::default();
        let mut writer = draft.writer(&table, Arc::clone(&schema), options).unwrap();
        let numbers = Arc::new(Int64Array::from_iter_values(0..rows));
        writer
            .write(RecordBatch::try_new(Arc::clone(&schema), vec![numbers]).unwrap())
            .await
            .unwrap();
        Manifest {
            format: 1,
            table,
            description: String::new(),
            columns: TableColumn::of(&schema),
            content: TableContent::Files { files: writer.finish().await.unwrap() },
            content_hash: String::new(),
            rows: None,
            code: CodeFingerprint::default(),
            inputs: Default::default(),
            load: None,
        }
    }

    fn values(batches: &[RecordBatch]) -> Vec<i64> {
        let column =
            |batch: &RecordBatch| batch.column(0).as_primitive::<Int64Type>().values().to_vec();
        batches.iter().flat_map(column).collect()
    }

    #[tokio::test]
    async fn a_small_table_is_read_whole_and_a_large_one_all_over() {
        let folder = tempfile::tempdir().unwrap();
        let warehouse = Warehouse::open(folder.path()).unwrap();
        let manifest = table(&warehouse, 1_000_000).await;
        let limits = SampleLimits { rows: 1_000_000, bytes: usize::MAX };
        assert_eq!(values(&warehouse.sample(&manifest, &limits).unwrap()).len(), 1_000_000);
        let limits = SampleLimits { rows: 200_000, bytes: usize::MAX };
        let mut some = values(&warehouse.sample(&manifest, &limits).unwrap());
        some.sort_unstable();
        some.dedup();
        assert!((150_000..=200_000).contains(&some.len()), "{}", some.len());
        for tenth in 0..10 {
            let range = tenth * 100_000..(tenth + 1) * 100_000;
            assert!(some.iter().any(|value| range.contains(value)), "{range:?}");
        }
        let limits = SampleLimits { rows: 200_000, bytes: 100_000 };
        assert!(values(&warehouse.sample(&manifest, &limits).unwrap()).len() < 40_000);
    }

    #[test]
    fn what_is_read_first_is_spread_out() {
        assert_eq!(spread(1), [0]);
        assert_eq!(spread(5), [0, 4, 2, 1, 3]);
    }
}
