//! Files being read ahead of whoever judges them.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use futures::StreamExt;
use tokio::task::JoinHandle;

use super::error::LoadError;
use super::files::InputFile;
use super::input::Layout;
use crate::base::clock::{Clock, SystemClock};
use crate::ingest::Chunk;
use crate::ingest::reading::{
    self, FileInput, FileStream, FileSummary, InferredFile, ReadError, ReadSizes,
};
use crate::rules::{ColumnRule, ReadOptions};

/// Files are opened before their turn while they are no more than this …
const FILES_AHEAD: usize = 32;
/// … and hold no more than this together, as stored.
const BYTES_AHEAD: u64 = 16 << 20;

/// A file that is opened and parsed in the background.
pub(super) struct ParsedFile {
    name: String,
    opening: Option<JoinHandle<Result<FileStream, ReadError>>>,
    stream: Option<FileStream>,
}

impl ParsedFile {
    /// Begins to open and parse `file`; what goes wrong comes with the chunks.
    pub(super) fn open(
        file: &InputFile,
        options: &Arc<ReadOptions>,
        layout: &Layout,
        parallel: usize,
    ) -> Self {
        let input = FileInput {
            path: file.path.clone(),
            name: file.name.clone(),
            options: Arc::clone(options),
            contract: Arc::clone(&layout.contract),
            predicates: layout.predicates.clone(),
            parallel,
            clock: Arc::new(SystemClock),
            sizes: ReadSizes::default(),
        };
        let opening = Some(tokio::spawn(reading::read(input)));
        Self { name: file.name.clone(), opening, stream: None }
    }

    /// The next chunk; `None` behind the last.
    ///
    /// # Errors
    /// If the file cannot be opened, read or parsed.
    pub(super) async fn next(&mut self) -> Result<Option<Chunk>, LoadError> {
        if let Some(opening) = self.opening.take() {
            self.stream = Some(opening.await.map_err(|_| LoadError::Worker)??);
        }
        match &mut self.stream {
            Some(stream) => Ok(stream.next().await.transpose()?),
            None => Ok(None),
        }
    }

    /// What is known of the file once its last chunk has come.
    ///
    /// # Errors
    /// If it has not.
    pub(super) fn end(self) -> Result<FileSummary, LoadError> {
        let summary = self.stream.as_ref().and_then(FileStream::summary);
        summary.cloned().ok_or(LoadError::Unfinished { file: self.name })
    }
}

/// Files in their order, some of them opened before their turn: at least one, so that nobody waits between two big
/// files, and more of small ones.
pub(super) struct ReadAhead<'a> {
    waiting: VecDeque<&'a InputFile>,
    open: VecDeque<(u64, ParsedFile)>,
    bytes_open: u64,
}

impl<'a> ReadAhead<'a> {
    pub(super) fn new(files: impl Iterator<Item = &'a InputFile>) -> Self {
        Self { waiting: files.collect(), open: VecDeque::new(), bytes_open: 0 }
    }

    /// The next file; those behind it are opened as far as they may be.
    ///
    /// # Errors
    /// If there is none.
    pub(super) fn next(
        &mut self,
        parse: impl Fn(&InputFile) -> ParsedFile,
    ) -> Result<ParsedFile, LoadError> {
        while self.open.len() < 2
            || (self.open.len() <= FILES_AHEAD && self.bytes_open < BYTES_AHEAD)
        {
            let Some(file) = self.waiting.pop_front() else { break };
            self.open.push_back((file.identity.bytes, parse(file)));
            self.bytes_open += file.identity.bytes;
        }
        let (bytes, file) = self.open.pop_front().ok_or(LoadError::Worker)?;
        self.bytes_open -= bytes;
        Ok(file)
    }
}

/// The columns of a table that stands in `files`, typed by a scan of all of them.
///
/// # Errors
/// If a file cannot be read, or does not have the columns of the first.
pub(super) async fn infer(
    files: impl Iterator<Item = &InputFile>,
    options: &Arc<ReadOptions>,
    parallel: usize,
) -> Result<Vec<ColumnRule>, LoadError> {
    let files: Vec<InferredFile> = files
        .map(|file| InferredFile { path: file.path.clone(), name: file.name.clone() })
        .collect();
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    Ok(reading::infer(&files, options, &BTreeMap::new(), parallel, &clock).await?)
}
