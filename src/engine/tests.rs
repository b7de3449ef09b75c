//! Queries over small tables.

#[test]
fn placeholder() {}
