//! A table's shape, and its rows encoded to Parquet row groups: work for one thread each, shared by nothing.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{DataType, Field, Float32Type, Float64Type, Schema, SchemaRef};
use parquet::arrow::arrow_writer::{
    ArrowColumnChunk, ArrowColumnWriter, ArrowRowGroupWriterFactory, compute_leaves,
};
use parquet::arrow::{ArrowSchemaConverter, add_encoded_arrow_schema_to_metadata};
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterPropertiesPtr};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::{ColumnPath, TypePtr};

use super::columns::{is_hidden, stored_schema, unstorable};
use super::encode_rows::rows_hash;
use super::error::WarehouseError;
use super::writer::WriteOptions;
use crate::base::TableName;

/// How a table's files look; the same for all of them.
pub(super) struct Shape {
    pub(super) table: TableName,
    /// Stored types, hidden columns included.
    pub(super) schema: SchemaRef,
    pub(super) root: TypePtr,
    pub(super) properties: WriterPropertiesPtr,
    factory: ArrowRowGroupWriterFactory,
    /// Makes row groups that say nothing of the bounds of floating numbers: those of Parquet leave NaN out, which is greater
    /// than any number here, and readers would pass over it.
    factory_of_nan: ArrowRowGroupWriterFactory,
}

/// Rows on their way into a file.
pub(super) struct RowGroup {
    pub(super) chunks: Vec<ArrowColumnChunk>,
    pub(super) rows: u64,
    /// Sum of the hashes of the rows, without hidden columns.
    pub(super) rows_hash: u128,
}

impl Shape {
    /// # Errors
    /// If no file can hold `schema`.
    pub(super) fn new(
        table: &TableName,
        schema: &Schema,
        options: &WriteOptions,
    ) -> Result<Self, WarehouseError> {
        let schema = Arc::new(stored_schema(table, schema)?);
        for field in schema.fields() {
            let alone = Schema::new(vec![Arc::clone(field)]);
            let storable = layout(&alone, options, false).and_then(|(.., factory)| {
                let empty = arrow::array::new_empty_array(field.data_type());
                rows_hash(&[empty], 0)?;
                factory.create_column_writers(0)
            });
            storable.map_err(|_| unstorable(table, field))?;
        }
        let encode = |source| WarehouseError::Encode { table: table.clone(), source };
        let (root, properties, factory) = layout(&schema, options, false).map_err(encode)?;
        let (.., factory_of_nan) = layout(&schema, options, true).map_err(encode)?;
        Ok(Self { table: table.clone(), schema, root, properties, factory, factory_of_nan })
    }

    /// Encodes rows to a row group, and adds up their hashes meanwhile.
    ///
    /// # Errors
    /// If the batches do not fit the shape.
    pub(super) fn encode(&self, batches: &[RecordBatch]) -> Result<RowGroup, WarehouseError> {
        let failed = |source| self.failed(source);
        let has_nan = batches.iter().flat_map(RecordBatch::columns).any(has_nan);
        let factory = if has_nan { &self.factory_of_nan } else { &self.factory };
        let mut writers = factory.create_column_writers(0).map_err(failed)?;
        let (mut rows, mut sum) = (0, 0_u128);
        for batch in batches {
            let columns = self.stored_columns(batch)?;
            let named = self.schema.fields().iter().zip(&columns);
            let visible = named.filter(|(field, _)| !is_hidden(field.name()));
            let visible: Vec<_> = visible.map(|(_, column)| Arc::clone(column)).collect();
            let hash = rows_hash(&visible, batch.num_rows());
            sum = sum.wrapping_add(hash.map_err(|error| failed(error.into()))?);
            self.write(&mut writers, &columns).map_err(failed)?;
            rows += batch.num_rows() as u64;
        }
        let chunks = writers.into_iter().map(ArrowColumnWriter::close);
        let chunks = chunks.collect::<Result<_, _>>().map_err(failed)?;
        Ok(RowGroup { chunks, rows, rows_hash: sum })
    }

    fn write(
        &self,
        writers: &mut [ArrowColumnWriter],
        columns: &[ArrayRef],
    ) -> Result<(), ParquetError> {
        let mut writers = writers.iter_mut();
        for (field, column) in self.schema.fields().iter().zip(columns) {
            for (leaf, writer) in compute_leaves(field, column)?.iter().zip(writers.by_ref()) {
                writer.write(leaf)?;
            }
        }
        Ok(())
    }

    /// The batch's columns with their stored types. Text and bytes stay views where they are: Parquet's writer and the
    /// row hash take them as they are, with the same outcome.
    fn stored_columns(&self, batch: &RecordBatch) -> Result<Vec<ArrayRef>, WarehouseError> {
        let (expected, found) = (self.schema.fields().len(), batch.num_columns());
        if expected != found {
            return Err(WarehouseError::ColumnCount { table: self.table.clone(), expected, found });
        }
        let pairs = self.schema.fields().iter().zip(batch.columns());
        pairs.map(|(field, column)| self.stored_column(field, column)).collect()
    }

    fn stored_column(&self, field: &Field, column: &ArrayRef) -> Result<ArrayRef, WarehouseError> {
        if !field.is_nullable() && column.logical_null_count() > 0 {
            let (table, column) = (self.table.clone(), field.name().clone());
            return Err(WarehouseError::UnexpectedNull { table, column });
        }
        let as_it_is = match (column.data_type(), field.data_type()) {
            (DataType::Utf8View, DataType::Utf8) | (DataType::BinaryView, DataType::Binary) => true,
            (found, stored) => found == stored,
        };
        if as_it_is {
            return Ok(Arc::clone(column));
        }
        let exact = CastOptions { safe: false, ..CastOptions::default() };
        cast_with_options(column, field.data_type(), &exact)
            .map_err(|error| self.failed(error.into()))
    }

    pub(super) fn failed(&self, source: ParquetError) -> WarehouseError {
        WarehouseError::Encode { table: self.table.clone(), source }
    }
}

fn has_nan(column: &ArrayRef) -> bool {
    let doubles = column.as_primitive_opt::<Float64Type>();
    let reals = column.as_primitive_opt::<Float32Type>();
    doubles.is_some_and(|column| column.values().iter().any(|value| value.is_nan()))
        || reals.is_some_and(|column| column.values().iter().any(|value| value.is_nan()))
}

fn layout(
    schema: &Schema,
    options: &WriteOptions,
    of_nan: bool,
) -> Result<(TypePtr, WriterPropertiesPtr, ArrowRowGroupWriterFactory), ParquetError> {
    let mut properties = properties(schema, options, of_nan)?;
    add_encoded_arrow_schema_to_metadata(schema, &mut properties);
    let properties = Arc::new(properties);
    let root = ArrowSchemaConverter::new().convert(schema)?.root_schema_ptr();
    // A file that goes nowhere: the factory is made from one.
    let file = SerializedFileWriter::new(std::io::sink(), root.clone(), properties.clone())?;
    let factory = ArrowRowGroupWriterFactory::new(&file, Arc::new(schema.clone()));
    Ok((root, properties, factory))
}

/// Zstandard at its fastest level, statistics by page, dictionaries but for columns whose values hardly repeat: those
/// hold the differences of numbers that follow each other.
fn properties(
    schema: &Schema,
    options: &WriteOptions,
    of_nan: bool,
) -> Result<WriterProperties, ParquetError> {
    let program = concat!("clearwell version ", env!("CARGO_PKG_VERSION"));
    let mut builder = WriterProperties::builder()
        .set_created_by(program.to_owned())
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(1)?));
    for field in schema.fields().iter().filter(|field| of_nan && field.data_type().is_floating()) {
        let path = ColumnPath::new(vec![field.name().clone()]);
        builder = builder.set_column_statistics_enabled(path, EnabledStatistics::None);
    }
    for field in schema.fields() {
        if !options.distinct.iter().any(|column| column == field.name()) {
            continue;
        }
        let path = ColumnPath::new(vec![field.name().clone()]);
        builder = builder.set_column_dictionary_enabled(path.clone(), false);
        if stored_as_integer(field.data_type()) {
            builder = builder.set_column_encoding(path, Encoding::DELTA_BINARY_PACKED);
        }
    }
    Ok(builder.build())
}

fn stored_as_integer(data_type: &DataType) -> bool {
    match data_type {
        DataType::Date32 | DataType::Time64(_) | DataType::Timestamp(..) => true,
        DataType::Decimal128(precision, _) => *precision <= 18,
        other => other.is_integer(),
    }
}
