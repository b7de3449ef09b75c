//! The memory of one engine: a pool with a limit, reservations from it, and files for what does not fit.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;

use datafusion::common::{DataFusionError, Result};
use datafusion::execution::cache::cache_manager::CacheManagerConfig;
use datafusion::execution::disk_manager::{DiskManager, DiskManagerBuilder, DiskManagerMode};
use datafusion::execution::memory_pool::{
    GreedyMemoryPool, MemoryConsumer, MemoryLimit, MemoryReservation, TrackConsumersPool,
};
use datafusion::execution::runtime_env::{RuntimeEnv, RuntimeEnvBuilder};
use datafusion::execution::{SpillFile, TempFileFactory};

use super::{EngineError, EngineLimits, Reservation};

/// How many consumers an error of the pool names.
const CONSUMERS_NAMED: NonZeroUsize = NonZeroUsize::MIN.saturating_add(2);
/// What footers of Parquet files may take, outside the pool.
const METADATA_CACHE_BYTES: usize = 64 << 20;

/// Builds what queries share: the pool, the spill files, the cache of Parquet footers.
///
/// # Errors
/// If the engine's parts do not fit together.
pub(super) fn runtime(limits: &EngineLimits) -> Result<Arc<RuntimeEnv>, EngineError> {
    let bytes = usize::try_from(limits.memory.0).unwrap_or(usize::MAX);
    // First come, first served: a fair pool hands each operator that could spill an equal share beforehand, and
    // with two models under way those shares are too small for aggregates that cannot spill their partial state.
    let pool = TrackConsumersPool::new(GreedyMemoryPool::new(bytes), CONSUMERS_NAMED);
    let spill = LazySpill { folder: limits.spill.clone(), inner: Default::default() };
    let cache = CacheManagerConfig::default().with_metadata_cache_limit(METADATA_CACHE_BYTES);
    RuntimeEnvBuilder::new()
        .with_memory_pool(Arc::new(pool))
        .with_disk_manager_builder(
            DiskManagerBuilder::default().with_temp_file_factory(Arc::new(spill)),
        )
        .with_cache_manager(cache)
        .build_arc()
        .map_err(|error| EngineError::from_datafusion(&error))
}

/// Makes the spill folder when the first file is needed; the files and what it made go with it.
struct LazySpill {
    folder: PathBuf,
    inner: std::sync::Mutex<Option<Arc<DiskManager>>>,
}

impl LazySpill {
    fn manager(&self) -> Result<Arc<DiskManager>> {
        let mut inner = self.inner.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(manager) = &*inner {
            return Ok(Arc::clone(manager));
        }
        let manager = DiskManagerBuilder::default()
            .with_mode(DiskManagerMode::Directories(vec![self.folder.clone()]))
            .build()
            .map_err(|error| {
                let folder = self.folder.display();
                DataFusionError::Execution(format!("cannot spill to `{folder}`: {error}"))
            })?;
        Ok(Arc::clone(inner.insert(Arc::new(manager))))
    }
}

impl TempFileFactory for LazySpill {
    fn create_temp_file(&self, description: &str) -> Result<Arc<dyn SpillFile>> {
        self.manager()?.create_tmp_file(description)
    }
}

impl Drop for LazySpill {
    fn drop(&mut self) {
        let inner = self.inner.get_mut().unwrap_or_else(std::sync::PoisonError::into_inner);
        if inner.take().is_some() {
            // Fails where another process spills there too: then it is not ours to remove.
            let _ = std::fs::remove_dir(&self.folder);
        }
    }
}

/// What is taken from the pool, and all that there is, in bytes.
pub(super) fn used(runtime: &RuntimeEnv) -> (u64, u64) {
    let limit = match runtime.memory_pool.memory_limit() {
        MemoryLimit::Finite(bytes) => bytes,
        MemoryLimit::Infinite | MemoryLimit::Unknown => usize::MAX,
    };
    (runtime.memory_pool.reserved() as u64, limit as u64)
}

/// Takes `bytes` out of the pool in the name of `who`.
pub(super) fn reserve(
    runtime: &RuntimeEnv,
    who: &str,
    bytes: usize,
) -> Result<Reservation, EngineError> {
    let held = MemoryConsumer::new(who).register(&runtime.memory_pool);
    held.try_grow(bytes).map_err(|error| EngineError::from_datafusion(&error))?;
    Ok(Reservation { held: Held(held) })
}

/// The pool's own reservation.
#[derive(Debug)]
pub(super) struct Held(MemoryReservation);

impl Held {
    pub(super) fn resize(&mut self, bytes: usize) -> Result<(), EngineError> {
        self.0.try_resize(bytes).map_err(|error| EngineError::from_datafusion(&error))
    }
}
