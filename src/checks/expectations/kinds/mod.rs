//! The expectations, a file a family.

mod exists;

use super::kind::Kind;

/// Every expectation there is.
pub(super) fn all() -> impl Iterator<Item = &'static Kind> {
    [exists::KINDS].into_iter().flatten()
}
