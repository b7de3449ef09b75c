//! Tables as DataFusion scans them: explicit lists of immutable Parquet files.
//!
//! Columns stand in lower case here, whatever the files call them; text is read as views, which the engine is faster
//! with.

use std::sync::{Arc, Mutex, PoisonError};

use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::stats::Precision;
use datafusion::common::{DataFusionError, Result, Statistics};
use datafusion::datasource::TableType;
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::parquet::CachedParquetFileReaderFactory;
use datafusion::datasource::physical_plan::{FileGroup, FileScanConfigBuilder, ParquetSource};
use datafusion::datasource::source::DataSourceExec;
use datafusion::execution::object_store::ObjectStoreUrl;
use datafusion::execution::runtime_env::RuntimeEnv;
use datafusion::logical_expr::Expr;
use datafusion::physical_expr::expressions::Column;
use datafusion::physical_plan::empty::EmptyExec;
use datafusion::physical_plan::projection::ProjectionExec;
use datafusion::physical_plan::{ExecutionPlan, PhysicalExpr};
use object_store::path::Path as ObjectPath;

use super::{TableFile, TableFiles};
use crate::base::TableName;

/// One table of a session.
#[derive(Debug)]
pub(super) struct FilesTable {
    pub(super) name: TableName,
    pub(super) files: Arc<TableFiles>,
    /// Lower-case names, text as views.
    schema: SchemaRef,
    log: Option<Arc<ScanLog>>,
}

/// Every scan that a session has planned; each counts its rows as they are read.
#[derive(Debug, Default)]
pub(super) struct ScanLog(Mutex<Vec<(TableName, Arc<dyn ExecutionPlan>)>>);

impl ScanLog {
    /// The table of each scan and the rows that it has read.
    pub(super) fn scans(&self) -> Vec<(TableName, u64)> {
        let scans = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let rows = |scan: &dyn ExecutionPlan| scan.metrics().and_then(|found| found.output_rows());
        scans
            .iter()
            .map(|(table, scan)| (table.clone(), rows(&**scan).unwrap_or(0) as u64))
            .collect()
    }

    fn add(&self, table: &TableName, scan: &Arc<dyn ExecutionPlan>) {
        let mut scans = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        scans.push((table.clone(), Arc::clone(scan)));
    }
}

impl FilesTable {
    pub(super) fn new(name: TableName, files: Arc<TableFiles>, log: Option<Arc<ScanLog>>) -> Self {
        let schema = presented(&files.schema);
        Self { name, files, schema, log }
    }

    fn scan_files(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let groups = balanced(&self.files.files, state.config().target_partitions())?;
        let schema = with_views(&self.files.schema);
        let config = scan_config(state.runtime_env(), &self.files, schema, groups)?
            .with_projection_indices(projection.cloned())?
            .with_limit(limit)
            .build();
        let scan: Arc<dyn ExecutionPlan> = DataSourceExec::from_data_source(config);
        if let Some(log) = &self.log {
            log.add(&self.name, &scan);
        }
        lower_cased(scan)
    }
}

#[async_trait]
impl TableProvider for FilesTable {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    /// Filters stay above the scan in the logical plan; the physical optimiser hands them to the Parquet reader, which
    /// prunes with them.
    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        _filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        if self.files.files.iter().all(|file| file.rows == 0) {
            let schema = match projection {
                Some(columns) => Arc::new(self.schema.project(columns)?),
                None => Arc::clone(&self.schema),
            };
            return Ok(Arc::new(EmptyExec::new(schema)));
        }
        self.scan_files(state, projection, limit)
    }
}

fn scan_config(
    runtime: &Arc<RuntimeEnv>,
    files: &TableFiles,
    schema: SchemaRef,
    groups: Vec<FileGroup>,
) -> Result<FileScanConfigBuilder> {
    let url = ObjectStoreUrl::local_filesystem();
    let store = runtime.object_store(&url)?;
    let metadata = runtime.cache_manager.get_file_metadata_cache();
    let reader = Arc::new(CachedParquetFileReaderFactory::new(store, metadata));
    let rows = files.files.iter().map(|file| file.rows).sum();
    let bytes = files.files.iter().map(|file| file.bytes).sum();
    let statistics = statistics(schema.fields().len(), rows, bytes);
    let source = ParquetSource::new(schema).with_parquet_file_reader_factory(reader);
    Ok(FileScanConfigBuilder::new(url, Arc::new(source))
        .with_file_groups(groups)
        .with_statistics(statistics))
}

fn statistics(columns: usize, rows: u64, bytes: u64) -> Statistics {
    let size = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
    Statistics {
        num_rows: Precision::Exact(size(rows)),
        total_byte_size: Precision::Inexact(size(bytes)),
        column_statistics: vec![Default::default(); columns],
    }
}

fn partitioned(file: &TableFile, columns: usize) -> Result<PartitionedFile> {
    let path = ObjectPath::from_absolute_path(&file.path)
        .map_err(|error| DataFusionError::External(Box::new(error)))?;
    let mut listed = PartitionedFile::new("", file.bytes);
    listed.object_meta.location = path;
    Ok(listed.with_statistics(Arc::new(statistics(columns, file.rows, file.bytes))))
}

/// Deals the files out to at most `groups` groups of about the same size, big ones first; each group keeps the order of
/// the list. A big file is cut into ranges later, where the plan can use more threads than there are files.
fn balanced(files: &[TableFile], groups: usize) -> Result<Vec<FileGroup>> {
    let mut by_size: Vec<usize> = (0..files.len()).filter(|&index| files[index].rows > 0).collect();
    by_size.sort_by_key(|&index| (std::cmp::Reverse(files[index].bytes), index));
    let mut dealt: Vec<(u64, Vec<usize>)> = vec![(0, Vec::new()); groups.clamp(1, by_size.len())];
    for index in by_size {
        if let Some(smallest) = dealt.iter_mut().min_by_key(|(bytes, _)| *bytes) {
            smallest.0 += files[index].bytes.max(1);
            smallest.1.push(index);
        }
    }
    dealt
        .into_iter()
        .map(|(_, mut members)| {
            members.sort_unstable();
            let columns = 0;
            let group = members.iter().map(|&index| partitioned(&files[index], columns));
            Ok(FileGroup::new(group.collect::<Result<_>>()?))
        })
        .collect()
}

/// Puts a renaming projection over a scan whose columns are not all in lower case.
fn lower_cased(scan: Arc<dyn ExecutionPlan>) -> Result<Arc<dyn ExecutionPlan>> {
    let schema = scan.schema();
    if schema.fields().iter().all(|field| *field.name() == field.name().to_lowercase()) {
        return Ok(scan);
    }
    let columns = schema.fields().iter().enumerate().map(|(index, field)| {
        let column: Arc<dyn PhysicalExpr> = Arc::new(Column::new(field.name(), index));
        (column, field.name().to_lowercase())
    });
    Ok(Arc::new(ProjectionExec::try_new(columns.collect::<Vec<_>>(), scan)?))
}

/// The schema as queries see it.
pub(super) fn presented(schema: &Schema) -> SchemaRef {
    let lower = |field: &Field| viewed(field).with_name(field.name().to_lowercase());
    Arc::new(Schema::new(schema.fields().iter().map(|field| lower(field)).collect::<Vec<_>>()))
}

fn with_views(schema: &Schema) -> SchemaRef {
    Arc::new(Schema::new(schema.fields().iter().map(|field| viewed(field)).collect::<Vec<_>>()))
}

fn viewed(field: &Field) -> Field {
    let data_type = match field.data_type() {
        DataType::Utf8 | DataType::LargeUtf8 => DataType::Utf8View,
        DataType::Binary | DataType::LargeBinary => DataType::BinaryView,
        other => other.clone(),
    };
    Field::new(field.name(), data_type, field.is_nullable())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_dealt_out_evenly_and_keep_their_order() {
        let file = |bytes| TableFile { path: "/x".into(), bytes, rows: 1 };
        let files: Vec<TableFile> = [5, 1, 1, 1, 1, 1].map(file).to_vec();
        let groups = balanced(&files, 2).unwrap();
        let sizes = groups.iter().map(|group| group.iter().map(|f| f.object_meta.size).collect());
        assert_eq!(sizes.collect::<Vec<Vec<u64>>>(), [vec![5], vec![1, 1, 1, 1, 1]]);
        assert_eq!(balanced(&files, 100).unwrap().len(), 6);
    }
}
