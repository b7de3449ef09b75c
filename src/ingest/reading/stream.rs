//! The blocks of one file, read in parallel on guesses, put right in order.
//!
//! Each block is read as if a record started with it. In order, each is then held against how the one before it ended: if
//! that left a record open, what it left is read again together with the block. So the chunks are the same whatever
//! the size of the blocks and however many are read at once.

use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};

use futures::stream::{self, BoxStream, Stream, StreamExt};
use tokio::sync::mpsc;
use tokio::task::spawn_blocking;

use super::blocks::{Block, Blocks};
use super::bytes::StoredWhole;
use super::chunk::{Failure, Parsed, Reader};
use super::error::ReadError;
use crate::ingest::Chunk;
use crate::record::FileIdentity;

/// Blocks that wait to be read, and chunks that wait to be taken.
const WAITING_MAX: usize = 1;

/// The chunks of a file, in its order. Must be read to the end for the file to be known whole.
pub(crate) struct FileStream {
    chunks: mpsc::Receiver<Result<Chunk, ReadError>>,
    summary: Arc<OnceLock<FileSummary>>,
}

/// What is known of a file that was read to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FileSummary {
    /// As the file was before and after.
    pub(crate) identity: FileIdentity,
    /// BLAKE3 of the bytes as stored.
    pub(crate) hash: String,
    pub(crate) stored_bytes: u64,
    /// With or without a row.
    pub(crate) records: u64,
    /// About the file as a whole, e.g. columns left out.
    pub(crate) warnings: Vec<String>,
}

impl FileStream {
    /// Once the stream has ended without an error.
    pub(crate) fn summary(&self) -> Option<&FileSummary> {
        self.summary.get()
    }
}

impl Stream for FileStream {
    type Item = Result<Chunk, ReadError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.chunks.poll_recv(context)
    }
}

/// Everything that reading a file needs once its header is read.
pub(super) struct Work {
    pub(super) file: String,
    pub(super) reader: Arc<Reader>,
    pub(super) first: Block,
    pub(super) blocks: Blocks,
    /// Line breaks before the first block.
    pub(super) lines: u64,
    pub(super) parallel: usize,
    pub(super) warnings: Vec<String>,
}

/// Starts reading, ahead of who takes the chunks by a bounded number of them.
pub(super) fn start(work: Work) -> FileStream {
    let (sender, chunks) = mpsc::channel(WAITING_MAX);
    let summary = Arc::new(OnceLock::new());
    let file = work.file.clone();
    let finished = Arc::clone(&summary);
    tokio::spawn(async move {
        let sent = sender.clone();
        // A panic below is the bug of one file's reading; it must not look like the file's end.
        let driven = tokio::spawn(drive(work, sent, finished)).await;
        if driven.is_err() {
            sender.send(Err(ReadError::Stopped { file })).await.ok();
        }
    });
    FileStream { chunks, summary }
}

/// Reads the whole file, or until nobody wants more.
async fn drive(
    work: Work,
    sender: mpsc::Sender<Result<Chunk, ReadError>>,
    summary: Arc<OnceLock<FileSummary>>,
) {
    let Work { file, reader, first, blocks, lines, parallel, warnings } = work;
    let mut ordered =
        Ordered { file: file.clone(), reader: Arc::clone(&reader), open: None, lines, records: 0 };
    let (whole, blocks) = produce(file.clone(), first, blocks);
    let speculate = move |block: Result<Block, ReadError>| {
        let (file, reader) = (file.clone(), Arc::clone(&reader));
        async move {
            let block = block?;
            blocking(&file, move || (reader.read(&block), block)).await
        }
    };
    let mut guesses = blocks.map(speculate).buffered(parallel.max(1));
    while let Some(guess) = guesses.next().await {
        let chunk = match guess {
            Ok((guess, block)) => ordered.settle(guess, block).await,
            Err(error) => Err(error),
        };
        let failed = chunk.is_err();
        if let Some(chunk) = chunk.transpose()
            && (sender.send(chunk).await.is_err() || failed)
        {
            return;
        }
    }
    if let Some(StoredWhole { identity, hash, bytes }) = whole.get() {
        let (identity, hash) = (identity.clone(), hash.clone());
        let records = ordered.records;
        let _ =
            summary.set(FileSummary { identity, hash, stored_bytes: *bytes, records, warnings });
    }
}

/// Reads blocks on a thread of its own. The first answer is set once all of them are read.
fn produce(
    file: String,
    first: Block,
    mut blocks: Blocks,
) -> (Arc<OnceLock<StoredWhole>>, BoxStream<'static, Result<Block, ReadError>>) {
    let (sender, receiver) = mpsc::channel(WAITING_MAX);
    let whole = Arc::new(OnceLock::new());
    let set = Arc::clone(&whole);
    let reading = spawn_blocking(move || {
        let read = || -> Result<(), ReadError> {
            let mut next = Some(first);
            while let Some(block) = next {
                if sender.blocking_send(Ok(block)).is_err() {
                    return Ok(());
                }
                next = blocks.next()?;
            }
            let _ = set.set(blocks.finish()?);
            Ok(())
        };
        if let Err(error) = read() {
            sender.blocking_send(Err(error)).ok();
        }
    });
    let received = stream::unfold(receiver, async |mut receiver| {
        receiver.recv().await.map(|block| (block, receiver))
    });
    // Waits for the thread, so that its panic is not taken for the file's end.
    let ended = stream::once(reading).filter_map(move |ended| {
        let file = file.clone();
        async move { ended.err().map(|_| Err(ReadError::Stopped { file })) }
    });
    (whole, received.chain(ended).boxed())
}

/// Runs `work` on a thread that may be kept busy.
async fn blocking<T: Send + 'static>(
    file: &str,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, ReadError> {
    spawn_blocking(work).await.map_err(|_| ReadError::Stopped { file: file.to_owned() })
}

/// Settles guesses in the file's order.
struct Ordered {
    file: String,
    reader: Arc<Reader>,
    open: Option<OpenRecord>,
    /// Line breaks before the next record.
    lines: u64,
    records: u64,
}

/// Bytes from the start of a record that is not told yet.
struct OpenRecord {
    bytes: Vec<u8>,
    start: u64,
    stored_bytes: u64,
    /// Reading it again is worth while from this length on: doubling keeps the work in proportion to the bytes.
    retry_bytes: usize,
}

impl Ordered {
    /// The chunk of `block`, or none if it only prolongs an open record.
    async fn settle(
        &mut self,
        guess: Result<Parsed, Failure>,
        block: Block,
    ) -> Result<Option<Chunk>, ReadError> {
        let Some(mut open) = self.open.take() else {
            return self.accept(guess, &block).map(Some);
        };
        open.bytes.extend_from_slice(&block.bytes);
        open.stored_bytes += block.stored_bytes;
        if open.bytes.len() < open.retry_bytes && !block.last {
            self.open = Some(open);
            return Ok(None);
        }
        let joined = Block {
            bytes: Arc::from(open.bytes),
            start: open.start,
            stored_bytes: open.stored_bytes,
            last: block.last,
        };
        let reader = Arc::clone(&self.reader);
        let (parsed, joined) = blocking(&self.file, move || (reader.read(&joined), joined)).await?;
        self.accept(parsed, &joined).map(Some)
    }

    /// Takes over what was read from a record's start on.
    fn accept(
        &mut self,
        parsed: Result<Parsed, Failure>,
        block: &Block,
    ) -> Result<Chunk, ReadError> {
        let Parsed { mut chunk, lines, rest_bytes } =
            parsed.map_err(|failure| self.error(failure))?;
        let first = self.lines + 1;
        chunk.positions.iter_mut().for_each(|position| position.line += first);
        chunk.rejects.iter_mut().for_each(|reject| reject.position.line += first);
        self.lines += lines;
        self.records += chunk.records;
        debug_assert!(rest_bytes == 0 || !block.last, "the last block is told to its end");
        if rest_bytes > 0 {
            let rest = &block.bytes[block.bytes.len() - rest_bytes..];
            let start = block.start + (block.bytes.len() - rest_bytes) as u64;
            let retry_bytes = if rest_bytes == block.bytes.len() { 2 * rest_bytes } else { 0 };
            self.open =
                Some(OpenRecord { bytes: rest.to_vec(), start, stored_bytes: 0, retry_bytes });
        }
        Ok(chunk)
    }

    fn error(&self, failure: Failure) -> ReadError {
        let file = self.file.clone();
        match failure {
            Failure::TooLong { lines } => ReadError::RecordTooLong {
                file,
                line: self.lines + lines + 1,
                limit_bytes: self.reader.dialect.record_bytes_max,
            },
            Failure::Arrow(source) => ReadError::Arrow { file, source },
        }
    }
}
