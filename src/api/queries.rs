//! Where queries run: on threads of their own, so that a heavy one delays neither health checks nor time limits.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::runtime::{Builder, Handle, Runtime};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;

use super::problem::{Kind, Problem};

/// Planning goes as deep as a statement does, in steps of kilobytes; only what is used of it takes memory.
const STACK_BYTES: usize = 128 << 20;
/// Seconds after which there is likely to be a place.
const RETRY_AFTER_SECONDS: u32 = 1;

/// The threads that queries run on; they end when this is dropped, without waiting for what still runs.
pub(super) struct Queries {
    /// Always there but while it is dropped.
    runtime: Option<Runtime>,
    handle: Handle,
    /// One for each query that may run at once.
    places: Arc<Semaphore>,
    waiting: AtomicUsize,
    waiting_max: usize,
}

/// The threads of a server, by who wrote what they run.
pub(super) struct Threads {
    /// The endpoints of the project.
    pub(super) endpoints: Queries,
    /// Queries of clients' own and questions to tables: some may not be stopped at once, and hold up none but each other.
    pub(super) passing: Queries,
}

impl Queries {
    /// Runs at most `at_once` queries, with `waiting_max` more waiting for a place.
    ///
    /// # Errors
    /// If the system gives no threads.
    pub(super) fn new(threads: usize, at_once: usize, waiting_max: usize) -> std::io::Result<Self> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(threads.max(1))
            .thread_name("query")
            .thread_stack_size(STACK_BYTES)
            .enable_all()
            .build()?;
        let handle = runtime.handle().clone();
        let (places, waiting) = (Arc::new(Semaphore::new(at_once.max(1))), AtomicUsize::new(0));
        Ok(Self { runtime: Some(runtime), handle, places, waiting, waiting_max })
    }

    /// Runs `work` to its end, whoever waits for it.
    pub(super) fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        self.handle.spawn(work);
    }

    /// Runs `work` to its end on the calling thread, which must be none of those that answer.
    pub(super) fn block_on<T>(&self, work: impl Future<Output = T>) -> T {
        self.handle.block_on(work)
    }

    /// Runs `work` to its end, once there is a place for it. Dropping the returned future cancels it; what cannot stop at
    /// once keeps its place until it does. A panic in it comes through.
    ///
    /// # Errors
    /// If too many wait already.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> Result<T, Problem> {
        let place = self.place().await?;
        let mut tasks = JoinSet::new();
        let work = async move {
            let _place = place;
            work.await
        };
        tasks.spawn_on(work, &self.handle);
        match tasks.join_next().await {
            Some(Ok(done)) => Ok(done),
            Some(Err(error)) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
            // Cancelled: the server ends, and with it whoever waits here.
            _ => std::future::pending().await,
        }
    }

    async fn place(&self) -> Result<Option<OwnedSemaphorePermit>, Problem> {
        if let Ok(place) = Arc::clone(&self.places).try_acquire_owned() {
            return Ok(Some(place));
        }
        let waiting = Waiting(&self.waiting);
        if self.waiting.fetch_add(1, Ordering::Relaxed) >= self.waiting_max {
            let detail = "too many queries run and wait already; try again";
            return Err(Problem::new(Kind::Overloaded, detail).retry_after(RETRY_AFTER_SECONDS));
        }
        // Nobody closes it.
        let place = Arc::clone(&self.places).acquire_owned().await.ok();
        drop(waiting);
        Ok(place)
    }
}

/// Somebody who waits, until it is dropped.
struct Waiting<'a>(&'a AtomicUsize);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Drop for Queries {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}
