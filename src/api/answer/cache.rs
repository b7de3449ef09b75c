//! Encoded answers, kept in memory up to a number of bytes. Who asks for one that is being made waits for it.

use std::sync::Arc;

use axum::body::Bytes;
use moka::future::Cache as Moka;

use super::Tag;
use crate::api::problem::Problem;
use crate::base::size::ByteSize;

/// What an entry takes besides its body, about.
const ENTRY_BYTES: usize = 256;

/// An answer, or that it is too long to be kept.
#[derive(Clone)]
pub(in crate::api) enum Cached {
    Whole(Arc<Kept>),
    TooLong,
}

/// A whole answer.
pub(in crate::api) struct Kept {
    pub(in crate::api) body: Bytes,
    pub(in crate::api) rows: u64,
    /// Where the next and the first page are.
    pub(in crate::api) links: Vec<(&'static str, String)>,
}

/// Cheap to clone.
#[derive(Clone)]
pub(in crate::api) struct Cache {
    /// None where nothing is to be kept.
    answers: Option<Moka<Tag, Cached>>,
}

impl Cache {
    /// Keeps answers of `size` together; none if that is 0.
    pub(in crate::api) fn new(size: ByteSize) -> Self {
        let weigh = |_: &Tag, cached: &Cached| {
            let bytes = match cached {
                Cached::Whole(kept) => kept.body.len() + ENTRY_BYTES,
                Cached::TooLong => ENTRY_BYTES,
            };
            u32::try_from(bytes).unwrap_or(u32::MAX)
        };
        let answers =
            (size.0 > 0).then(|| Moka::builder().max_capacity(size.0).weigher(weigh).build());
        Self { answers }
    }

    /// The answer called `tag`, made by `make` if it is not there.
    ///
    /// # Errors
    /// What `make` fails with; that is not kept.
    pub(in crate::api) async fn get(
        &self,
        tag: &Tag,
        make: impl Future<Output = Result<Cached, Problem>>,
    ) -> Result<Cached, Problem> {
        match &self.answers {
            Some(answers) => {
                answers.try_get_with_by_ref(tag, make).await.map_err(Arc::unwrap_or_clone)
            }
            None => make.await,
        }
    }

    /// The whole answer called `tag`, if it is there.
    pub(super) async fn whole(&self, tag: &Tag) -> Option<Arc<Kept>> {
        match self.answers.as_ref()?.get(tag).await? {
            Cached::Whole(kept) => Some(kept),
            Cached::TooLong => None,
        }
    }
}
