//! Rows of endpoints that are kept in memory, so that a request costs its conditions alone. Bounded in bytes.

use std::sync::Arc;

use moka::sync::Cache as Moka;

use crate::api::queries::Queries;
use crate::api::versions::ServedEndpoint;
use crate::base::size::ByteSize;
use crate::engine::Resident;

/// What an entry takes besides its rows, about.
const ENTRY_BYTES: usize = 1024;
/// One endpoint's rows take no more than this part of the memory for all.
const SHARE: u64 = 4;

/// Cheap to clone.
#[derive(Clone)]
pub(in crate::api) struct Residents {
    /// By what the rows depend on: a publish that does not touch them leaves them here. None where nothing is to be kept.
    entries: Option<Moka<String, Entry>>,
    bytes_max: usize,
}

#[derive(Clone)]
enum Entry {
    Rows(Arc<Resident>),
    /// They are being computed, or cannot be kept: requests run their own query.
    Away,
}

impl Residents {
    /// Keeps rows of `size` together; none if that is 0.
    pub(in crate::api) fn new(size: ByteSize) -> Self {
        let weigh = |_: &String, entry: &Entry| {
            let bytes = match entry {
                Entry::Rows(resident) => resident.bytes() + ENTRY_BYTES,
                Entry::Away => ENTRY_BYTES,
            };
            u32::try_from(bytes >> 10).unwrap_or(u32::MAX).max(1)
        };
        let entries =
            (size.0 > 0).then(|| Moka::builder().max_capacity(size.0 >> 10).weigher(weigh).build());
        Self { entries, bytes_max: usize::try_from(size.0 / SHARE).unwrap_or(usize::MAX) }
    }

    /// The endpoint's rows, if they are here; who asks first has them computed for those who come later.
    pub(in crate::api) fn get(
        &self,
        endpoint: &Arc<ServedEndpoint>,
        queries: &Queries,
    ) -> Option<Arc<Resident>> {
        let entries = self.entries.as_ref().filter(|_| endpoint.stays)?;
        match entries.get(&endpoint.depends_on) {
            Some(Entry::Rows(resident)) => Some(resident),
            Some(Entry::Away) => None,
            None => {
                entries.insert(endpoint.depends_on.clone(), Entry::Away);
                let (residents, endpoint) = (self.clone(), Arc::clone(endpoint));
                queries.spawn(async move { residents.compute(&endpoint).await });
                None
            }
        }
    }

    /// Whether the endpoint's rows are here.
    pub(in crate::api) fn has(&self, endpoint: &ServedEndpoint) -> bool {
        let entry = self.entries.as_ref().and_then(|entries| entries.get(&endpoint.depends_on));
        matches!(entry, Some(Entry::Rows(_)))
    }

    /// Computes the endpoint's rows and keeps them, if they can be.
    pub(in crate::api) async fn compute(&self, endpoint: &ServedEndpoint) {
        let Some(entries) = &self.entries else { return };
        let entry = match endpoint.planned.resident(self.bytes_max).await {
            Ok(Some(resident)) => Entry::Rows(Arc::new(resident)),
            Ok(None) => Entry::Away,
            Err(error) => {
                let endpoint = endpoint.planned.name();
                tracing::debug!(endpoint, %error, "its rows cannot be kept in memory");
                Entry::Away
            }
        };
        entries.insert(endpoint.depends_on.clone(), entry);
    }
}
