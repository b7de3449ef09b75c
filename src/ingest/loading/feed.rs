//! Files being read ahead of whoever judges them.

use std::collections::VecDeque;
use std::sync::Arc;

use futures::StreamExt;
use tokio::sync::{mpsc, oneshot};

use super::error::LoadError;
use super::files::InputFile;
use super::input::Layout;
use crate::ingest::Chunk;
use crate::ingest::reading;
use crate::record::FileIdentity;
use crate::rules::{ColumnRule, ReadOptions};

/// Chunks of one file that wait to be judged.
const CHUNKS_AHEAD: usize = 1;
/// Files are opened before their turn while they are no more than this …
const FILES_AHEAD: usize = 32;
/// … and hold no more than this together, as stored.
const BYTES_AHEAD: u64 = 16 << 20;

/// A file that is being parsed in the background.
pub(super) struct ParsedFile {
    chunks: mpsc::Receiver<Result<Chunk, LoadError>>,
    end: oneshot::Receiver<FileEnd>,
}

/// What is known of a file once all of it was read.
#[derive(Clone, Debug)]
pub(super) struct FileEnd {
    pub(super) identity: FileIdentity,
    pub(super) hash: String,
    pub(super) warnings: Vec<String>,
}

impl ParsedFile {
    /// The next chunk; `None` behind the last.
    ///
    /// # Errors
    /// If the file cannot be read or parsed.
    pub(super) async fn next(&mut self) -> Result<Option<Chunk>, LoadError> {
        self.chunks.recv().await.transpose()
    }

    /// # Errors
    /// If the file's end was not reached.
    pub(super) async fn end(self) -> Result<FileEnd, LoadError> {
        self.end.await.map_err(|_| LoadError::Worker)
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
    /// If a file cannot be opened, or there is none.
    pub(super) fn next(
        &mut self,
        parse: impl Fn(&InputFile) -> Result<ParsedFile, LoadError>,
    ) -> Result<ParsedFile, LoadError> {
        while self.open.len() < 2
            || (self.open.len() <= FILES_AHEAD && self.bytes_open < BYTES_AHEAD)
        {
            let Some(file) = self.waiting.pop_front() else { break };
            self.open.push_back((file.identity.bytes, parse(file)?));
            self.bytes_open += file.identity.bytes;
        }
        let (bytes, file) = self.open.pop_front().ok_or(LoadError::Worker)?;
        self.bytes_open -= bytes;
        Ok(file)
    }
}

/// Types the columns of files by a scan of all of them.
pub(super) async fn infer(
    files: impl Iterator<Item = &InputFile>,
    options: &ReadOptions,
) -> Result<Vec<ColumnRule>, LoadError> {
    let _ = (files, options);
    unimplemented!()
}

impl ParsedFile {
    pub(super) fn open(
        file: &InputFile,
        options: &ReadOptions,
        layout: &Layout,
        parallel: usize,
    ) -> Result<Self, LoadError> {
        let _ = (file, options, layout, parallel);
        unimplemented!()
    }
}
