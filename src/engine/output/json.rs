//! stub
use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
pub(crate) struct JsonRows(bool);
impl JsonRows {
    pub(crate) fn new(_schema: &SchemaRef) -> Self {
        Self(false)
    }
    pub(crate) fn append(&mut self, batch: &RecordBatch, out: &mut Vec<u8>) {
        use arrow::util::display::array_value_to_string;
        for row in 0..batch.num_rows() {
            if self.0 {
                out.push(b',');
            }
            self.0 = true;
            out.push(b'{');
            for (i, f) in batch.schema().fields().iter().enumerate() {
                let c = batch.column(i);
                if i > 0 {
                    out.push(b',');
                }
                let v = array_value_to_string(c, row).unwrap();
                let v = if c.is_null(row) {
                    serde_json::Value::Null
                } else if f.data_type().is_integer() {
                    serde_json::from_str(&v).unwrap()
                } else {
                    v.into()
                };
                out.extend(format!("\"{}\":{v}", f.name()).bytes());
            }
            out.push(b'}');
        }
    }
}
