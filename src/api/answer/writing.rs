//! Rows to the bytes of an answer: whole where they are few, else as a stream that ends with the client.

use arrow::datatypes::SchemaRef;
use axum::body::{Body, Bytes};
use futures::{StreamExt as _, TryStreamExt as _};
use tokio::sync::mpsc;

use super::compress::Compressor;
use super::negotiate::Coding;
use crate::api::problem::Problem;
use crate::api::queries::Queries;
use crate::engine::BatchStream;
use crate::engine::output::{Encoder, JsonRows, OutputError, RowFormat};

/// An answer with more bytes than this is streamed.
const WHOLE_BYTES_MAX: usize = 1 << 20;
/// How many chunks wait for a client that reads slowly.
const CHUNKS_WAITING: usize = 4;

/// Rows to be written.
pub(in crate::api) struct Rows {
    pub(in crate::api) schema: SchemaRef,
    pub(in crate::api) batches: BatchStream,
    /// What follows them in a JSON answer: `"page":…,"meta":…`, without braces.
    pub(in crate::api) tail: Vec<u8>,
}

/// An answer, as far as it is written.
pub(in crate::api) enum Written {
    Whole(Bytes),
    Begun(Box<Begun>),
}

/// The beginning of a long answer, and what it takes to go on.
pub(in crate::api) struct Begun {
    head: Vec<u8>,
    batches: BatchStream,
    writer: Writer,
}

impl Rows {
    /// Writes rows until there are none left or the answer turns out to be a long one.
    ///
    /// # Errors
    /// If the query fails until then.
    pub(in crate::api) async fn write(
        self,
        format: RowFormat,
        coding: Coding,
    ) -> Result<Written, Problem> {
        let Self { schema, mut batches, tail } = self;
        let mut writer = Writer::new(format, coding, &schema, tail).map_err(failed)?;
        let mut head = Vec::new();
        while let Some(batch) = batches.try_next().await.map_err(|error| failed(error.into()))? {
            head.extend(writer.append(&batch).map_err(failed)?);
            if head.len() > WHOLE_BYTES_MAX {
                return Ok(Written::Begun(Box::new(Begun { head, batches, writer })));
            }
        }
        head.extend(writer.finish().map_err(failed)?);
        Ok(Written::Whole(head.into()))
    }
}

impl Begun {
    /// The body: rows are read on the threads of `queries` as the client takes them. A failure breaks it off, so that
    /// nobody takes a part for the whole.
    pub(in crate::api) fn body(self: Box<Self>, queries: &Queries) -> Body {
        let (send, receive) = mpsc::channel::<Result<Bytes, OutputError>>(CHUNKS_WAITING);
        queries.spawn(async move {
            let Self { head, mut batches, mut writer } = *self;
            let mut chunk = Ok(head);
            loop {
                let failed = chunk.is_err();
                // Nobody is there to take it: the client has left.
                if send.send(chunk.map(Bytes::from)).await.is_err() || failed {
                    return;
                }
                chunk = match batches.next().await {
                    Some(Ok(batch)) => writer.append(&batch),
                    Some(Err(error)) => Err(error.into()),
                    None => break,
                };
            }
            let _ = send.send(writer.finish().map(Bytes::from)).await;
        });
        let chunks = futures::stream::unfold(receive, async |mut receive| {
            let chunk = receive.recv().await?;
            if let Err(error) = &chunk {
                tracing::error!(%error, "an answer was broken off");
            }
            Some((chunk, receive))
        });
        Body::from_stream(chunks.filter(|chunk| {
            let empty = chunk.as_ref().is_ok_and(Bytes::is_empty);
            std::future::ready(!empty)
        }))
    }
}

/// Writes one answer: its format, the frame of a JSON answer around it, and the coding.
struct Writer {
    rows: RowsWriter,
    compressor: Compressor,
}

enum RowsWriter {
    /// `{"data":[…],…}`
    Framed {
        rows: JsonRows,
        begun: bool,
        tail: Vec<u8>,
    },
    Plain(Encoder),
}

impl Writer {
    fn new(
        format: RowFormat,
        coding: Coding,
        schema: &SchemaRef,
        tail: Vec<u8>,
    ) -> Result<Self, OutputError> {
        let rows = match format {
            RowFormat::Json => {
                RowsWriter::Framed { rows: JsonRows::new(schema), begun: false, tail }
            }
            other => RowsWriter::Plain(Encoder::new(other, schema)?),
        };
        Ok(Self { rows, compressor: Compressor::new(coding)? })
    }

    fn append(&mut self, batch: &arrow::array::RecordBatch) -> Result<Vec<u8>, OutputError> {
        let written = match &mut self.rows {
            RowsWriter::Framed { rows, begun, .. } => {
                let mut written = frame_head(begun);
                rows.append(batch, &mut written)?;
                written
            }
            RowsWriter::Plain(encoder) => {
                encoder.append(batch)?;
                encoder.take()
            }
        };
        Ok(self.compressor.push(written)?)
    }

    fn finish(self) -> Result<Vec<u8>, OutputError> {
        let Self { rows, mut compressor } = self;
        let rest = match rows {
            RowsWriter::Framed { mut begun, tail, .. } => {
                let mut rest = frame_head(&mut begun);
                rest.extend_from_slice(b"],");
                rest.extend(tail);
                rest.push(b'}');
                rest
            }
            RowsWriter::Plain(encoder) => encoder.finish()?,
        };
        let mut written = compressor.push(rest)?;
        written.extend(compressor.finish()?);
        Ok(written)
    }
}

fn frame_head(begun: &mut bool) -> Vec<u8> {
    let mut head = Vec::with_capacity(4096);
    if !std::mem::replace(begun, true) {
        head.extend_from_slice(b"{\"data\":[");
    }
    head
}

/// What the client is told of a query that failed.
pub(in crate::api) fn failed(error: OutputError) -> Problem {
    match error {
        OutputError::Engine(error) => Problem::from(error),
        other => Problem::internal(other.to_string()),
    }
}
