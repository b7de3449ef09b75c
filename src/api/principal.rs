//! Who asks, as far as the rest of the API needs to know.

use std::collections::BTreeMap;

use serde_json::Value as Json;

/// The scope that stands for every other.
const ALL: &str = "*";

/// Who a request comes from. It is in the request's extensions behind the layer that authenticates.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Principal {
    /// The token's `sub` or the user's name; empty for one who need not say.
    pub(super) name: String,
    pub(super) scopes: Vec<String>,
    /// The claims of its token, for row filters to bind.
    pub(super) claims: BTreeMap<String, Json>,
}

impl Principal {
    /// Whether it was given `scope`.
    pub(super) fn may(&self, scope: &str) -> bool {
        self.scopes.iter().any(|given| given == scope || given == ALL)
    }
}
