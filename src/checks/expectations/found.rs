//! The unexpected rows of an expectation about single rows, cell by cell.

use arrow::array::{Array as _, ArrayRef, RecordBatch};
use arrow::datatypes::DataType;
use serde_json::Value as Json;

use super::values;
use crate::engine::int_at;

/// Unexpected rows: the number, then `names`.
pub(super) struct Found {
    pub(super) names: Vec<String>,
    pub(super) rows: Option<RecordBatch>,
}

impl Found {
    pub(super) fn len(&self) -> usize {
        self.rows.as_ref().map_or(0, RecordBatch::num_rows)
    }

    pub(super) fn number(&self, row: usize) -> i64 {
        self.rows.as_ref().and_then(|rows| int_at(rows.column(0).as_ref(), row)).unwrap_or(0)
    }

    /// What finds the rows in a frame.
    pub(super) fn query(&self) -> Json {
        let rows: Vec<String> = (0..self.len()).map(|row| self.number(row).to_string()).collect();
        format!("df.filter(items=[{}], axis=0)", rows.join(", ")).into()
    }

    fn column(&self, name: &str) -> Option<&ArrayRef> {
        let place = self.names.iter().position(|known| known == name)?;
        Some(self.rows.as_ref()?.column(place + 1))
    }

    pub(super) fn cell(&self, name: &str, row: usize) -> Json {
        self.column(name).map_or(Json::Null, |column| values::json(column.as_ref(), row))
    }

    pub(super) fn object(&self, names: &[String], row: usize) -> Json {
        let cell = |name: &String| (name.clone(), self.cell_as_object(name, row));
        Json::Object(names.iter().map(cell).collect())
    }

    pub(super) fn cell_as_numpy(&self, name: &str, row: usize) -> Json {
        let data_type = self.column(name).map_or(DataType::Null, |cells| cells.data_type().clone());
        values::numpy(&data_type, self.cell(name, row))
    }

    /// A cell that is taken from its frame alone, where a missing time is pandas' "not a time".
    pub(super) fn cell_as_object(&self, name: &str, row: usize) -> Json {
        let is_time = |data_type: &DataType| matches!(data_type, DataType::Timestamp(..));
        match self.cell(name, row) {
            Json::Null if self.column(name).is_some_and(|column| is_time(column.data_type())) => {
                "NaT".into()
            }
            cell => cell,
        }
    }

    /// Whether the cell is no number among numbers, or no time among times: they stand in no order.
    pub(super) fn is_unordered(&self, cell: &Json, name: &str) -> bool {
        self.column(name).is_some_and(|column| match column.data_type() {
            DataType::Timestamp(..) => cell == "NaT",
            data_type => cell.is_null() && values::is_number(data_type),
        })
    }
}
