//! The expectations, a file a family.

mod columns;
mod dates;
mod exists;
mod nulls;
mod order;
mod pairs;
mod patterns;
mod sets;
mod types;
mod unique;

use super::kind::Kind;

/// Every expectation there is.
pub(super) fn all() -> impl Iterator<Item = &'static Kind> {
    [
        nulls::KINDS,
        unique::KINDS,
        sets::KINDS,
        patterns::KINDS,
        types::KINDS,
        exists::KINDS,
        dates::KINDS,
        order::KINDS,
        pairs::KINDS,
        columns::KINDS,
    ]
    .into_iter()
    .flatten()
}
