//! The expectations, a file a family.

mod aggregates;
mod columns;
mod dates;
mod distinct;
mod divergence;
mod nulls;
mod order;
mod pairs;
mod patterns;
mod queries;
mod sets;
mod table;
mod types;
mod unique;

pub(super) use self::pairs::comparable;
use super::kind::Kind;

/// Every expectation there is.
pub(super) fn all() -> impl Iterator<Item = &'static Kind> {
    [
        nulls::KINDS,
        unique::KINDS,
        sets::KINDS,
        patterns::KINDS,
        types::KINDS,
        table::KINDS,
        aggregates::KINDS,
        distinct::KINDS,
        divergence::KINDS,
        dates::KINDS,
        order::KINDS,
        pairs::KINDS,
        columns::KINDS,
        queries::KINDS,
    ]
    .into_iter()
    .flatten()
}
