//! Queries over small tables, as users write them.

mod answers;
mod bounds;
mod certain;
mod duckdb;
mod lineage;
mod names;
mod parameters;
mod resident;
mod row_filters;

use std::sync::Arc;

use arrow::array::AsArray;
use arrow::array::{ArrayRef, Int32Array, Int64Array, StringArray, TimestampMicrosecondArray};
use arrow::datatypes::{Field, Int64Type, Schema};

use super::world::{World, batch, decimals, rows_of, shown};
use super::*;

/// The shop of the bundled project, small: two of three customers bought, one product was only returned.
fn small_shop() -> World {
    let mut world = World::new();
    let ids = |ids: &[i64]| Arc::new(Int64Array::from(ids.to_vec())) as ArrayRef;
    let texts = |texts: &[&str]| Arc::new(StringArray::from(texts.to_vec())) as ArrayRef;
    let customers =
        batch([("customer_id", ids(&[1, 2, 3])), ("country", texts(&["NL", "DE", "NL"]))]);
    world.table("shop.customers", &[customers]);
    let products = batch([
        ("product_id", ids(&[10, 20, 30])),
        ("name", texts(&["pen", "cup", "hat"])),
        ("cost", decimals(vec![30, 250, 100], 18, 2)),
    ]);
    world.table("shop.products", &[products]);
    let at = |day: i64, hour: i64| (19_723 + day) * 86_400_000_000 + hour * 3_600_000_000;
    let times = [at(0, 1), at(0, 23), at(1, 0), at(3, 5), at(3, 6), at(9, 9)];
    let orders = batch([
        ("order_id", ids(&[1, 2, 3, 4, 5, 6])),
        ("customer_id", ids(&[1, 1, 2, 1, 2, 2])),
        ("product_id", ids(&[10, 20, 10, 20, 30, 10])),
        ("order_ts", Arc::new(TimestampMicrosecondArray::from(times.to_vec()))),
        ("quantity", Arc::new(Int32Array::from(vec![3, 1, 7, 2, 1, 5]))),
        ("unit_price", decimals(vec![99, 500, 99, 333, 1000, 99], 18, 2)),
        ("discount", decimals(vec![5, 0, 33, 10, 0, 0], 4, 2)),
        (
            "status",
            texts(&["completed", "shipped", "completed", "completed", "returned", "cancelled"]),
        ),
    ]);
    world.table("shop.orders", &[orders]);
    world
}
