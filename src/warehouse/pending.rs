//! The rows of the next row group, gathered until they are enough.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::{BinaryViewType, DataType, StringViewType};

/// The rows of the next row group.
#[derive(Default)]
pub(super) struct Pending {
    pub(super) batches: Vec<RecordBatch>,
    pub(super) rows: usize,
    pub(super) bytes: usize,
}

impl Pending {
    pub(super) fn push(&mut self, batch: RecordBatch) {
        let batch = compacted(batch);
        self.rows += batch.num_rows();
        self.bytes += batch.columns().iter().map(bytes_in_use).sum::<usize>();
        self.batches.push(batch);
    }
}

/// The bytes of the array's own rows, whatever buffers it shares.
fn bytes_in_use(array: &ArrayRef) -> usize {
    match view_bytes(array) {
        Some((used, _)) => used + 16 * array.len(),
        None => array.to_data().get_slice_memory_size().unwrap_or(0),
    }
}

/// Of an array of views: bytes that its rows use of its buffers, and bytes that these have.
fn view_bytes(array: &ArrayRef) -> Option<(usize, usize)> {
    let (used, buffers) = match array.data_type() {
        DataType::Utf8View => {
            let array = array.as_byte_view::<StringViewType>();
            (array.total_buffer_bytes_used(), array.data_buffers())
        }
        DataType::BinaryView => {
            let array = array.as_byte_view::<BinaryViewType>();
            (array.total_buffer_bytes_used(), array.data_buffers())
        }
        _ => return None,
    };
    Some((used, buffers.iter().map(arrow::buffer::Buffer::capacity).sum()))
}

/// The batch without the buffers of which its views use little: a few rows of a filtered page would hold all of it.
fn compacted(batch: RecordBatch) -> RecordBatch {
    let wasteful = |array: &ArrayRef| {
        view_bytes(array).is_some_and(|(used, held)| held > 2 * used + (64 << 10))
    };
    if !batch.columns().iter().any(wasteful) {
        return batch;
    }
    let columns = batch.columns().iter().map(|column| match column.data_type() {
        DataType::Utf8View if wasteful(column) => {
            Arc::new(column.as_byte_view::<StringViewType>().gc()) as ArrayRef
        }
        DataType::BinaryView if wasteful(column) => {
            Arc::new(column.as_byte_view::<BinaryViewType>().gc()) as ArrayRef
        }
        _ => Arc::clone(column),
    });
    // The same types and lengths as before, so this does not fail.
    RecordBatch::try_new(batch.schema(), columns.collect()).unwrap_or(batch)
}

#[cfg(test)]
mod tests {
    use arrow::array::StringViewArray;

    use super::*;

    #[test]
    fn a_view_does_not_hold_on_to_bytes_that_it_does_not_show() {
        let texts = (0..10_000).map(|n| format!("a text of more than twelve bytes, number {n}"));
        let texts: ArrayRef = Arc::new(StringViewArray::from_iter_values(texts));
        let all = RecordBatch::try_from_iter([("text", texts)]).unwrap();
        let few = all.slice(5, 2);
        let compact = compacted(few.clone());
        assert_eq!(compact, few);
        let (used, held) = view_bytes(compact.column(0)).unwrap();
        assert!(held <= 2 * used + (64 << 10), "{held} for {used}");
        assert!(view_bytes(few.column(0)).unwrap().1 > 100_000);
    }
}
