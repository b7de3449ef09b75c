//! Whether a column is there.

use serde_json::Value as Json;

use super::super::Problem;
use super::super::arguments::Arguments;
use super::super::kind::{Compiled, Judged, Kind};
use crate::checks::form::Ask;

pub(super) const KINDS: &[Kind] = &[Kind {
    name: "expect_column_to_exist",
    help: "the table has the column, at `column_index` (from 0) where one is given",
    arguments: &["column", "column_index"],
    compile: to_exist,
}];

fn to_exist(arguments: &Arguments<'_>) -> Result<Compiled, Problem> {
    let column = arguments.required_text("column")?;
    let index = arguments.whole("column_index")?;
    let found = arguments.schema.fields().iter().position(|field| *field.name() == column);
    let success = match (found, index) {
        (None, _) => false,
        (Some(_), None) => true,
        (Some(found), Some(index)) => i64::try_from(found) == Ok(index),
    };
    let judged = Judged { success, result: serde_json::Map::<String, Json>::new() };
    Ok(Compiled::aggregate(Ask::default(), move |_| Ok(judged.clone())))
}
