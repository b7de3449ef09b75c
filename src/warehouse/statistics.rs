//! What a finished Parquet file says of its columns, as text.

use std::collections::BTreeMap;

use arrow::array::{Array, ArrayRef, BooleanArray, Scalar, UInt64Array};
use arrow::compute::kernels::cmp;
use arrow::datatypes::{Field, Schema};
use arrow::error::ArrowError;
use arrow::util::display::array_value_to_string;
use parquet::arrow::arrow_reader::statistics::StatisticsConverter;
use parquet::errors::ParquetError;
use parquet::file::metadata::ParquetMetaData;

use super::columns::is_hidden;
use super::manifest::ColumnStatistics;

/// Statistics of each column that a table shows. Nested columns have none, nor have columns with NaN; minimum and maximum
/// are absent where a text is longer than Parquet keeps.
pub(super) fn of_file(
    schema: &Schema,
    metadata: &ParquetMetaData,
) -> Result<BTreeMap<String, ColumnStatistics>, ParquetError> {
    let groups = metadata.row_groups();
    let is_told = |field: &Field| {
        let mut columns = groups.iter().flat_map(|group| group.columns());
        columns.all(|column| {
            column.statistics().is_some() || column.column_path().parts() != [field.name().as_str()]
        })
    };
    let flat = |field: &&Field| {
        !is_hidden(field.name()) && !field.data_type().is_nested() && is_told(field)
    };
    let fields = schema.fields().iter().map(AsRef::as_ref).filter(flat);
    fields.map(|field| Ok((field.name().clone(), of_column(field, schema, metadata)?))).collect()
}

fn of_column(
    field: &Field,
    schema: &Schema,
    metadata: &ParquetMetaData,
) -> Result<ColumnStatistics, ParquetError> {
    let parquet_schema = metadata.file_metadata().schema_descr();
    let column = StatisticsConverter::try_new(field.name(), schema, parquet_schema)?;
    let groups = metadata.row_groups();
    let nulls = column.row_group_null_counts(groups)?;
    let rows = groups.iter().map(|group| group.num_rows() as u64).collect();
    let group = Groups { nulls: &nulls, rows };
    let (least, greatest) = (column.row_group_mins(groups)?, column.row_group_maxes(groups)?);
    let least_exact = column.row_group_is_min_value_exact(groups)?;
    let greatest_exact = column.row_group_is_max_value_exact(groups)?;
    Ok(ColumnStatistics {
        nulls: nulls.iter().flatten().sum(),
        min: group.extreme(&least, &least_exact, cmp::lt)?,
        max: group.extreme(&greatest, &greatest_exact, cmp::gt)?,
    })
}

struct Groups<'a> {
    nulls: &'a UInt64Array,
    rows: Vec<u64>,
}

type Compare =
    fn(&dyn arrow::array::Datum, &dyn arrow::array::Datum) -> Result<BooleanArray, ArrowError>;

impl Groups<'_> {
    /// The value that goes before all others of the row groups, as text; `None` where a group's is not known.
    fn extreme(
        &self,
        values: &ArrayRef,
        exact: &BooleanArray,
        before: Compare,
    ) -> Result<Option<String>, ArrowError> {
        let mut found: Option<usize> = None;
        for group in 0..self.rows.len() {
            if self.nulls.is_valid(group) && self.nulls.value(group) == self.rows[group] {
                continue;
            }
            if values.is_null(group) || !(exact.is_valid(group) && exact.value(group)) {
                return Ok(None);
            }
            let one = |at: usize| Scalar::new(values.slice(at, 1));
            let wins = match found {
                Some(at) => before(&one(group), &one(at))?.value(0),
                None => true,
            };
            found = if wins { Some(group) } else { found };
        }
        found.map(|at| array_value_to_string(values, at)).transpose()
    }
}
