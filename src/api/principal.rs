//! Who asks, as far as the rest of the API needs to know.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use super::problem::{Kind, Problem};

/// The scope that stands for every other.
const ALL: &str = "*";

/// Who a request comes from. It is in the request's extensions behind the layer that authenticates.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Principal {
    /// The token's `sub` or the user's name; empty for one who need not say.
    pub(crate) name: String,
    pub(crate) scopes: Vec<String>,
    /// The claims of its token, for row filters to bind.
    pub(crate) claims: BTreeMap<String, Json>,
}

impl Principal {
    /// Who asks where nobody has to say: may do everything.
    pub(super) fn everyone() -> Self {
        Self { scopes: vec![ALL.to_owned()], ..Self::default() }
    }

    /// Whether it was given `scope`.
    pub(super) fn may(&self, scope: &str) -> bool {
        self.scopes.iter().any(|given| given == scope || given == ALL)
    }

    /// Holds that it was given `scope`, which `what` requires.
    ///
    /// # Errors
    /// 403 with the scope. RFC 6750, 3.1.
    pub(super) fn require(&self, scope: &str, what: &str) -> Result<(), Problem> {
        if self.may(scope) {
            return Ok(());
        }
        let challenge =
            format!("Bearer realm=\"clearwell\", error=\"insufficient_scope\", scope=\"{scope}\"");
        let detail = format!("{what} requires the scope `{scope}`");
        Err(Problem::new(Kind::Forbidden, detail).challenge(&challenge))
    }
}
