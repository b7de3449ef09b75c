//! Lengths: of texts in characters, of lists in elements.

use std::sync::Arc;

use arrow::array::{AsArray, Int64Array};
use arrow::datatypes::DataType;
use datafusion::common::{Result, ScalarValue};
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs};

use super::{Scalar, wrong_arguments};

pub(super) const LENGTH: Scalar = Scalar {
    name: "length",
    aliases: &["len"],
    usage: "length(text or list)",
    help: "how many characters a text or elements a list has",
    arguments: |found| match found {
        [DataType::List(_) | DataType::LargeList(_) | DataType::FixedSizeList(_, _)] => {
            Ok(found.to_vec())
        }
        [DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View] => Ok(found.to_vec()),
        [DataType::Null] => Ok(vec![DataType::Utf8]),
        [DataType::Dictionary(_, _)] => Ok(vec![DataType::Utf8]),
        _ => wrong_arguments(&LENGTH, found),
    },
    returns: |_, _| Ok(DataType::Int64),
    invoke,
};

fn invoke(call: &ScalarFunctionArgs) -> Result<ColumnarValue> {
    let is_list = call.args[0].data_type().is_nested();
    let constant = matches!(&call.args[0], ColumnarValue::Scalar(_));
    let array = call.args[0].to_array(if constant { 1 } else { call.number_rows })?;
    let lengths = if is_list {
        arrow::compute::kernels::length::length(&array)?
    } else {
        let array = arrow::compute::cast(&array, &DataType::Utf8View)?;
        let counts = array.as_string_view().iter().map(|text| text.map(characters));
        Arc::new(counts.collect::<Int64Array>())
    };
    let lengths = arrow::compute::cast(&lengths, &DataType::Int64)?;
    if constant {
        return Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&lengths, 0)?));
    }
    Ok(ColumnarValue::Array(lengths))
}

fn characters(text: &str) -> i64 {
    // Most texts are ASCII, which is told faster than characters are counted.
    let count = if text.is_ascii() { text.len() } else { text.chars().count() };
    count as i64
}
