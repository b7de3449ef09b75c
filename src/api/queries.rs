//! Where queries run: on threads of their own, so that a heavy one delays neither health checks nor time limits.

use tokio::runtime::{Builder, Handle, Runtime};
use tokio::task::JoinSet;

/// The threads that queries run on; they end when this is dropped, without waiting for what still runs.
pub(super) struct Queries {
    /// Always there but while it is dropped.
    runtime: Option<Runtime>,
    handle: Handle,
}

impl Queries {
    /// # Errors
    /// If the system gives no threads.
    pub(super) fn new(threads: usize) -> std::io::Result<Self> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(threads.max(1))
            .thread_name("query")
            .enable_all()
            .build()?;
        let handle = runtime.handle().clone();
        Ok(Self { runtime: Some(runtime), handle })
    }

    /// Runs `work` to its end, whoever waits for it.
    pub(super) fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        self.handle.spawn(work);
    }

    /// Runs `work` to its end on the calling thread, which must be none of those that answer.
    pub(super) fn block_on<T>(&self, work: impl Future<Output = T>) -> T {
        self.handle.block_on(work)
    }

    /// Runs `work` to its end. Dropping the returned future cancels it; a panic in it comes through.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> T {
        let mut tasks = JoinSet::new();
        tasks.spawn_on(work, &self.handle);
        match tasks.join_next().await {
            Some(Ok(done)) => done,
            Some(Err(error)) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
            // Cancelled: the server ends, and with it whoever waits here.
            _ => std::future::pending().await,
        }
    }
}

impl Drop for Queries {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}
