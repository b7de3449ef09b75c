//! Puts what was loaded into the draft: the table and its quarantine.
//!
//! Each manifest names its own files for each input file. So they stay right whatever the draft does with a manifest that
//! tells of the same rows as the present one.

use std::collections::BTreeMap;

use super::LoadContext;
use super::error::LoadError;
use super::input::{Input, Layout, Rejects};
use super::quarantine::DESCRIPTIONS;
use super::walk::FileResult;
use crate::base::TableName;
use crate::record::{CodeFingerprint, LoadedFile, SourceLoad};
use crate::rules::ColumnRule;
use crate::warehouse::{DataFile, FORMAT, Manifest, TableColumn, TableContent, content_hash};

/// What a load was made from.
#[derive(Clone, Debug)]
pub(super) struct Origin {
    pub(super) fingerprint: String,
    /// Content hashes of the tables referred to, by folded name.
    pub(super) references: BTreeMap<String, String>,
    /// The columns found in the files, where none were declared.
    pub(super) inferred: Option<Vec<ColumnRule>>,
}

/// Stages the table and, where it has one, its quarantine.
///
/// # Errors
/// If the draft refuses.
pub(super) fn stage(
    context: &LoadContext<'_>,
    input: &Input<'_>,
    layout: &Layout,
    origin: &Origin,
    files: &BTreeMap<String, FileResult>,
) -> Result<(), LoadError> {
    if let Rejects::Quarantine { table, .. } = &input.rejects {
        let rejected = quarantine(table, layout, origin, files);
        let description = format!("Rows of `{}` that its contract rejects.", input.table);
        context.draft.stage(Manifest { description, ..rejected })?;
    }
    let columns = layout.visible().map(|field| TableColumn {
        name: field.name().clone(),
        data_type: field.data_type().clone(),
        nullable: field.is_nullable(),
        description: input.description(field.name()).to_owned(),
    });
    let loaded = files.iter().map(|(name, file)| {
        let loaded = LoadedFile { rejected: Vec::new(), ..file.loaded.clone() };
        (name.clone(), loaded)
    });
    let data = files.values().flat_map(|file| file.accepted.iter().cloned()).collect();
    let contract = &layout.contract;
    let keys = std::iter::once(&contract.primary_key).chain(&contract.unique);
    let unique = keys.filter(|key| !key.is_empty()).cloned().collect();
    let load = SourceLoad { unique, ..source_load(origin, loaded.collect()) };
    let rows = load.rows_accepted();
    let manifest = manifest(input.table, columns.collect(), data, origin, load, rows);
    context.draft.stage(Manifest { description: input.about.to_owned(), ..manifest })?;
    Ok(())
}

/// Stages the table as it stands, with what the user now writes about it.
///
/// # Errors
/// If the draft refuses.
pub(super) fn describe(
    context: &LoadContext<'_>,
    input: &Input<'_>,
    present: &Manifest,
) -> Result<bool, LoadError> {
    let mut manifest = present.clone();
    input.about.clone_into(&mut manifest.description);
    for column in &mut manifest.columns {
        input.description(&column.name).clone_into(&mut column.description);
    }
    let differs = manifest != *present;
    if differs {
        context.draft.stage(manifest)?;
    }
    Ok(differs)
}

fn quarantine(
    table: &TableName,
    layout: &Layout,
    origin: &Origin,
    files: &BTreeMap<String, FileResult>,
) -> Manifest {
    let fields = layout.rejected.fields().iter().zip(DESCRIPTIONS);
    let columns = fields.map(|(field, (name, description))| TableColumn {
        name: name.to_owned(),
        data_type: field.data_type().clone(),
        nullable: true,
        description: description.to_owned(),
    });
    let loaded = files.iter().map(|(name, file)| {
        let loaded = LoadedFile {
            hash: file.loaded.hash.clone(),
            rows_read: file.loaded.rows_rejected,
            rows_accepted: file.loaded.rows_rejected,
            accepted: file.loaded.rejected.clone(),
            ..LoadedFile::default()
        };
        (name.clone(), loaded)
    });
    let data = files.values().flat_map(|file| file.rejected.iter().cloned()).collect();
    let load = source_load(origin, loaded.collect());
    let rows = load.rows_accepted();
    manifest(table, columns.collect(), data, origin, load, rows)
}

fn source_load(origin: &Origin, files: BTreeMap<String, LoadedFile>) -> SourceLoad {
    SourceLoad {
        contract: origin.fingerprint.clone(),
        unique: Vec::new(),
        references: origin.references.clone(),
        warnings: warnings(files.values()),
        inferred: origin.inferred.as_ref().map(|columns| {
            let spelled = |column: &ColumnRule| (column.name.clone(), column.data_type.to_string());
            columns.iter().map(spelled).collect()
        }),
        files,
    }
}

fn manifest(
    table: &TableName,
    columns: Vec<TableColumn>,
    files: Vec<DataFile>,
    origin: &Origin,
    load: SourceLoad,
    rows: u64,
) -> Manifest {
    let fingerprint = origin.fingerprint.clone();
    Manifest {
        format: FORMAT,
        table: table.clone(),
        description: String::new(),
        content_hash: content_hash(&columns, &files),
        columns,
        content: TableContent::Files { files },
        rows: Some(rows),
        code: CodeFingerprint { text: fingerprint.clone(), plan: fingerprint, volatile: false },
        inputs: origin.references.clone(),
        load: Some(load),
    }
}

/// What is said of the files, each once.
pub(super) fn warnings<'a>(files: impl Iterator<Item = &'a LoadedFile>) -> Vec<String> {
    let mut warnings: Vec<String> = files.flat_map(|file| file.warnings.iter().cloned()).collect();
    warnings.sort();
    warnings.dedup();
    warnings
}
