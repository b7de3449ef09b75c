//! The files of a source, judged as a set, into the draft.
//!
//! What is accepted is a function of the set of files, not of the order in which they came. Files that are as they were
//! at the last load are not parsed again: their rows are judged by the keys that were stored with them, and only a file
//! with a row whose verdict changed is parsed once more.

mod changes;
mod error;
mod family;
mod feed;
mod files;
mod input;
mod judge;
mod keys;
mod limit;
mod output;
mod parents;
mod quarantine;
mod seed;
mod stage;
mod stored;
mod survey;
#[cfg(test)]
mod tests;
mod walk;
mod writing;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use crate::base::TableName;
use crate::base::progress::Progress;
use crate::base::size::count;
use crate::engine::{Engine, Reservation};
use crate::ingest::reading;
use crate::project::Source;
use crate::record::{InputCount, LoadedFile};
use crate::rules::{ColumnRule, Contract};
use crate::warehouse::{Draft, State, Warehouse};
use changes::{Changes, Previous};
pub(crate) use error::LoadError;
use files::InputFile;
use input::{Input, Layout, Rejects};
use judge::KeyRules;
pub(crate) use limit::TooManyRejects;
use parents::Parents;
pub(crate) use seed::load_seed;
use stage::Origin;
use walk::{FileResult, Walk};

/// Where a load takes place.
pub(crate) struct LoadContext<'a> {
    pub(crate) warehouse: &'a Warehouse,
    pub(crate) draft: &'a Draft,
    pub(crate) engine: &'a Engine,
    /// The base of relative locations.
    pub(crate) base_dir: &'a Path,
    pub(crate) progress: &'a dyn Progress,
    pub(crate) threads: usize,
    /// Parse every file again, whatever stands.
    pub(crate) full_refresh: bool,
}

/// What a load did.
#[derive(Clone, Debug)]
#[must_use]
pub(crate) struct Loaded {
    pub(crate) count: InputCount,
    /// Whether the draft has another table or quarantine than before.
    pub(crate) changed: bool,
    /// What every reader of the run should see, e.g. a column that nobody declared.
    pub(crate) warnings: Vec<String>,
    /// Set where there were more rejects than are allowed: then nothing may be published.
    pub(crate) failure: Option<TooManyRejects>,
}

/// Loads the files of `source` that are new or changed into the draft, with the tables that it refers to as the draft
/// has them: they are loaded first.
///
/// # Errors
/// If there is no file, one cannot be read, the contract does not fit, or the warehouse cannot be written. The draft is
/// then as it was.
pub(crate) async fn load(context: &LoadContext<'_>, source: &Source) -> Result<Loaded, LoadError> {
    let Some(location) = &source.location else { return standing(context, source) };
    let files = files::find(&source.table, location, context.base_dir)?;
    load_files(context, &Input::of_source(source), files).await
}

async fn load_files(
    context: &LoadContext<'_>,
    input: &Input<'_>,
    files: Vec<InputFile>,
) -> Result<Loaded, LoadError> {
    let state = context.draft.state();
    let previous = match context.full_refresh {
        true => None,
        false => Previous::find(&state, input.table, input.quarantine()),
    };
    let mut changes =
        changes::compare(context.warehouse, input.table, files, previous.as_ref()).await?;
    let inferred = infer(context, input, &changes, previous.as_ref()).await?;
    let contract = input.effective_contract(inferred.as_deref().unwrap_or_default())?;
    let origin = Origin {
        fingerprint: input.fingerprint(&contract),
        references: parents::content_hashes(input.table, &contract, &state)?,
        inferred,
    };
    for reference in contract.foreign_keys.iter().filter(|reference| reference.to != *input.table) {
        context.draft.depend_on(&reference.to);
    }
    if previous.as_ref().is_some_and(|previous| previous.load.contract != origin.fingerprint) {
        changes.forget();
    }
    if let Some(previous) = &previous
        && changes.all_unchanged()
        && previous.load.references == origin.references
    {
        return unchanged(context, input, &changes, previous);
    }
    let (layout, reserved) = lay_out(context, input, contract, &state).await?;
    let files =
        judge_and_write(context, input, &layout, &origin, previous.as_ref(), &changes).await?;
    drop(reserved);
    stage::stage(context, input, &layout, &origin, &files)?;
    let loaded = files.values().any(|file| file.parsed);
    let files = files.iter().map(|(name, file)| (name.as_str(), &file.loaded));
    conclude(context, input, &state, files, loaded)
}

/// The rules of a contract, with the keys of the tables that it refers to and the memory that these take.
async fn lay_out(
    context: &LoadContext<'_>,
    input: &Input<'_>,
    contract: Contract,
    state: &State,
) -> Result<(Layout, Vec<Reservation>), LoadError> {
    let mut parents = Parents {
        table: input.table.clone(),
        root: context.warehouse.root().to_owned(),
        state: state.clone(),
        engine: context.engine.clone(),
        reserved: Vec::new(),
    };
    let work = move || {
        let table = parents.table.clone();
        let schema = reading::schema(&contract);
        let rules = KeyRules::new(&table, &contract, &schema, |reference, own_types| {
            parents.keys(reference, own_types)
        })?;
        Ok((Layout::new(&table, Arc::new(contract), rules)?, parents.reserved))
    };
    tokio::task::spawn_blocking(work).await.map_err(|_| LoadError::Worker)?
}

async fn judge_and_write(
    context: &LoadContext<'_>,
    input: &Input<'_>,
    layout: &Layout,
    origin: &Origin,
    previous: Option<&Previous>,
    changes: &Changes,
) -> Result<BTreeMap<String, FileResult>, LoadError> {
    let to_parse = changes.files.values().filter(|(_, loaded)| loaded.is_none());
    let bytes = to_parse.map(|(file, _)| file.identity.bytes).sum();
    let task = context.progress.start(&format!("load {}", input.table), Some(bytes));
    let spared = layout.rules.references_to(|to| {
        let now = origin.references.get(to.folded());
        now.is_some() && now == previous.and_then(|p| p.load.references.get(to.folded()))
    });
    let walk = Walk { context, input, layout, previous, changes, spared, task: &*task };
    let files = walk::walk(&walk).await;
    let rows = |files: &BTreeMap<String, FileResult>| {
        files.values().map(|file| file.loaded.rows_accepted).sum::<u64>()
    };
    task.finish(&match &files {
        Ok(files) => format!("{} rows", count(rows(files))),
        Err(_) => "failed".to_owned(),
    });
    files
}

/// The columns of files whose columns nobody declared. They are looked for in all files, unless these are the same.
async fn infer(
    context: &LoadContext<'_>,
    input: &Input<'_>,
    changes: &Changes,
    previous: Option<&Previous>,
) -> Result<Option<Vec<ColumnRule>>, LoadError> {
    if input.contract.is_some() {
        return Ok(None);
    }
    let known = previous.filter(|_| changes.all_unchanged());
    match known.and_then(Previous::inferred) {
        Some(columns) => Ok(Some(columns)),
        None => {
            let files = changes.files.values().map(|(file, _)| file);
            feed::infer(files, &input.reading, context.threads).await.map(Some)
        }
    }
}

/// Nothing is parsed and nothing written, except what the user now says about the columns.
fn unchanged(
    context: &LoadContext<'_>,
    input: &Input<'_>,
    changes: &Changes,
    previous: &Previous,
) -> Result<Loaded, LoadError> {
    if changes.touched {
        changes::remember(context.warehouse, input.table, changes);
    }
    let state = context.draft.state();
    stage::describe(context, input, &previous.manifest)?;
    let files = changes
        .files
        .iter()
        .filter_map(|(name, (_, loaded))| Some((name.as_str(), loaded.as_ref()?)));
    conclude(context, input, &state, files, false)
}

/// Counts what came in and holds it against the limits; `before` is the draft as it was.
fn conclude<'a>(
    context: &LoadContext<'_>,
    input: &Input<'_>,
    before: &State,
    files: impl Iterator<Item = (&'a str, &'a LoadedFile)>,
    loaded: bool,
) -> Result<Loaded, LoadError> {
    let files: Vec<&LoadedFile> = files.map(|(_, file)| file).collect();
    let count = input_count(input.table, &files, loaded);
    let state = context.draft.state();
    let differs = |table: &TableName| state.tables.get(table) != before.tables.get(table);
    let mut changed = differs(input.table);
    let mut failure = None;
    if let Rejects::Quarantine { table, on_reject, max_rejects } = &input.rejects {
        changed |= differs(table);
        if let Some(allowed) = limit::exceeded(*on_reject, *max_rejects, &count)
            && let Some(quarantine) = state.tables.get(table)
        {
            let root = context.warehouse.root();
            failure = Some(limit::report(root, input.table, quarantine, allowed, &count)?);
        }
    }
    let warnings = stage::warnings(files.into_iter());
    Ok(Loaded { count, changed, warnings, failure })
}

fn input_count(table: &TableName, files: &[&LoadedFile], loaded: bool) -> InputCount {
    let mut reasons = BTreeMap::new();
    for (reason, rows) in files.iter().flat_map(|file| &file.reasons) {
        *reasons.entry(reason.clone()).or_default() += rows;
    }
    let sum = |of: fn(&LoadedFile) -> u64| files.iter().map(|file| of(file)).sum();
    InputCount {
        table: table.to_string(),
        quarantine: String::new(),
        files: files.len() as u64,
        bytes: sum(|file| file.identity.bytes),
        rows_read: sum(|file| file.rows_read),
        rows_accepted: sum(|file| file.rows_accepted),
        rows_rejected: sum(|file| file.rows_rejected),
        reasons,
        loaded,
    }
}

/// A source without a location: its table is somebody else's work.
fn standing(context: &LoadContext<'_>, source: &Source) -> Result<Loaded, LoadError> {
    let state = context.draft.state();
    if !state.tables.contains_key(&source.table) {
        return Err(LoadError::NoLocation { table: source.table.clone().into() });
    }
    context.draft.depend_on(&source.table);
    let count = input_count(&source.table, &[], false);
    Ok(Loaded { count, changed: false, warnings: Vec::new(), failure: None })
}
