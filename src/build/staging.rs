//! The rows of a query as a table of the draft.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use futures::StreamExt;

use super::Workspace;
use crate::base::TableName;
use crate::engine::{EngineError, Query};
use crate::record::CodeFingerprint;
use crate::warehouse::{
    Draft, FORMAT, Manifest, State, TableColumn, TableContent, WarehouseError, WriteOptions,
    content_hash,
};

/// Why rows could not be staged.
#[derive(Debug, thiserror::Error)]
pub(super) enum WriteError {
    #[error(transparent)]
    Engine(#[from] EngineError),
    #[error(transparent)]
    Warehouse(#[from] WarehouseError),
}

/// What a table shows, and what the user says about it.
pub(super) struct Shape {
    pub(super) description: String,
    pub(super) columns: Vec<TableColumn>,
    /// Of the rows as they are kept: the writer casts what the query gives, and what does not fit is an error.
    pub(super) schema: SchemaRef,
}

/// Runs `query` into files of the draft and stages them as `table`.
pub(super) async fn rows(
    workspace: &Workspace,
    draft: &Draft,
    state: &State,
    table: &TableName,
    shape: Shape,
    query: &Query,
    code: CodeFingerprint,
) -> Result<Arc<Manifest>, WriteError> {
    let options = WriteOptions { distinct: Vec::new(), parallel: workspace.threads };
    let mut writer = draft.writer(table, Arc::clone(&shape.schema), options)?;
    let mut batches = query.stream().await?;
    while let Some(batch) = batches.next().await {
        writer.write(batch?).await?;
    }
    let files = writer.finish().await?;
    let manifest = Manifest {
        format: FORMAT,
        table: table.clone(),
        description: shape.description,
        rows: Some(files.iter().map(|file| file.rows).sum()),
        content_hash: content_hash(&shape.columns, &files),
        columns: shape.columns,
        content: TableContent::Files { files },
        code,
        inputs: inputs(&query.tables(), state),
        load: None,
    };
    let staged = draft.stage(manifest)?;
    note_reads(draft, &staged);
    Ok(staged)
}

/// The content hashes of the tables that are read, by folded name.
pub(super) fn inputs(reads: &BTreeSet<TableName>, state: &State) -> BTreeMap<String, String> {
    let hash = |table: &TableName| Some(state.tables.get(table)?.content_hash.clone());
    reads.iter().filter_map(|table| Some((table.folded().to_owned(), hash(table)?))).collect()
}

/// Whether what a table was built from is what there is.
pub(super) fn inputs_stand(manifest: &Manifest, state: &State) -> bool {
    manifest.inputs.iter().all(|(table, hash)| {
        let now = table.parse().ok().and_then(|table: TableName| state.tables.get(&table));
        now.is_some_and(|now| now.content_hash == *hash)
    })
}

/// Has the draft depend on what a table was built from.
pub(super) fn note_reads(draft: &Draft, manifest: &Manifest) {
    for table in manifest.inputs.keys().filter_map(|name| name.parse().ok()) {
        draft.depend_on(&table);
    }
}
