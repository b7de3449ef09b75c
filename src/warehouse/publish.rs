//! Making a draft the next version, at once or not at all; and carrying it over what other runs published meanwhile.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::annex::Annex;
use super::draft::{Contents, Draft};
use super::error::WarehouseError;
use super::manifest::{FORMAT, Manifest, VersionFile};
use super::state::State;
use crate::base::{TableName, Version};

/// How often a publication is carried over another run's before it gives up. Each time, some other run got ahead.
const ATTEMPTS: usize = 256;

/// What a version says of its own making.
#[derive(Clone, Debug)]
pub(crate) struct Publication {
    pub(crate) published: DateTime<Utc>,
    pub(crate) tested: bool,
    /// How many of its checks warned.
    pub(crate) warned: u64,
}

#[must_use]
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum PublishOutcome {
    Published(Version),
    /// Neither a table nor a check's verdict differs from this version.
    Unchanged(Version),
    /// Another run published `by` first, and changed tables that this run wrote, read or checked against.
    Conflict {
        by: Version,
        tables: Vec<TableName>,
    },
}

/// The tables that a draft changes, as they are to be; `None` for those it removes.
type Changes = BTreeMap<TableName, Option<Saved>>;

struct Saved {
    manifest: Arc<Manifest>,
    hash: String,
}

impl Draft {
    /// Makes the draft the next version. The steps, each of which lasts before the next begins: data files, their
    /// folders, manifests, the version's file under a name that nobody reads, its name.
    ///
    /// # Errors
    /// If the disk refuses. Then readers are on the version before; only where nothing but the last step failed (the
    /// folder that holds the version's name cannot be synced) they may be on the new one, which is whole.
    pub(crate) fn publish(
        &self,
        publication: &Publication,
    ) -> Result<PublishOutcome, WarehouseError> {
        let contents = self.contents();
        let changed = self.changed(&contents);
        if let Some(version) = self.parent.number()
            && changed.is_empty()
            && self.changed_annexes(&contents).is_empty()
        {
            return Ok(PublishOutcome::Unchanged(version));
        }
        let mut changes = self.save_changes(changed)?;
        let annexes = self.save_annexes(&self.changed_annexes(&contents))?;
        let relied_on = self.relied_on(&contents);
        let mut publication = publication.clone();
        let mut base = self.parent.clone();
        for _ in 0..ATTEMPTS {
            if self.warehouse.latest_version()? == base.number() {
                let file = self.version_file(&base, &changes, &annexes, &publication);
                if self.warehouse.log.create(&file)? {
                    return Ok(PublishOutcome::Published(file.version));
                }
            }
            let winner = self.warehouse.latest()?.unwrap_or_default();
            // What both made alike is the winner's.
            changes.retain(|table, change| {
                let ours = change.as_ref().map(|saved| &saved.manifest);
                !made_alike(ours, winner.tables.get(table))
            });
            let tables = self.conflicts(&contents, &changes, &relied_on, &winner);
            if !tables.is_empty() {
                let by = winner.number().unwrap_or(Version::FIRST);
                return Ok(PublishOutcome::Conflict { by, tables });
            }
            if let Some(file) = winner.version.as_ref()
                && changes.is_empty()
                && annexes.iter().all(|(annex, hash)| annex.of(file) == Some(hash))
                && (file.tested || !publication.tested)
            {
                return Ok(PublishOutcome::Unchanged(file.version));
            }
            // What the other run left untested stays so: this one checked its own tables only.
            publication.tested &= winner.version.as_ref().is_none_or(|file| file.tested);
            base = winner;
        }
        Err(WarehouseError::TooManyWriters { attempts: ATTEMPTS })
    }

    /// The tables that differ from the parent's.
    fn changed(&self, contents: &Contents) -> BTreeMap<TableName, Option<Arc<Manifest>>> {
        let before = &self.parent.tables;
        let written = contents.written.iter();
        let pairs = written.map(|table| (table, contents.tables.get(table), before.get(table)));
        let differing = pairs.filter(|(_, now, before)| now != before);
        differing.map(|(table, now, _)| (table.clone(), now.cloned())).collect()
    }

    fn save_changes(
        &self,
        changed: BTreeMap<TableName, Option<Arc<Manifest>>>,
    ) -> Result<Changes, WarehouseError> {
        let mut hashes = self.save_tables(changed.values().flatten())?;
        let saved = |(table, manifest): (TableName, Option<Arc<Manifest>>)| {
            let hash = hashes.remove(&table).unwrap_or_default();
            (table, manifest.map(|manifest| Saved { manifest, hash }))
        };
        Ok(changed.into_iter().map(saved).collect())
    }

    /// The version after `base` with this draft's changes.
    fn version_file(
        &self,
        base: &State,
        changes: &Changes,
        annexes: &BTreeMap<Annex, String>,
        publication: &Publication,
    ) -> VersionFile {
        let mut hashes = base.version.as_ref().map(|file| file.tables.clone()).unwrap_or_default();
        let mut manifests = base.tables.as_ref().clone();
        for (table, saved) in changes {
            hashes.remove(table);
            manifests.remove(table);
            if let Some(saved) = saved {
                hashes.insert(saved.manifest.table.clone(), saved.hash.clone());
                manifests.insert(table.clone(), Arc::clone(&saved.manifest));
            }
        }
        let kept = base.version.iter().flat_map(|file| {
            let kept = file.tables.keys().filter(|table| !changes.contains_key(*table));
            kept.map(|table| (table.clone(), file.since(table)))
        });
        let annex = |annex: Annex| {
            let before = base.version.as_ref().and_then(|file| annex.of(file));
            annexes.get(&annex).or(before).cloned()
        };
        let endpoints = annex(Annex::Endpoints);
        let unchanged = base.version.as_ref().filter(|file| file.endpoints == endpoints);
        VersionFile {
            format: FORMAT,
            version: base.number().map_or(Version::FIRST, Version::next),
            parent: base.number(),
            published: publication.published,
            run: self.run.clone(),
            program: env!("CARGO_PKG_VERSION").to_owned(),
            tested: publication.tested,
            rows: manifests.values().filter_map(|manifest| manifest.rows).sum(),
            bytes: manifests.values().map(|manifest| manifest.bytes()).sum(),
            tables: hashes,
            since: kept.collect(),
            endpoints_since: unchanged.map(|file| file.endpoints_since()),
            endpoints,
            verdicts: annex(Annex::Verdicts),
            warned: publication.warned,
        }
    }

    /// Every table whose state this run built on: read, checked against, named as an input by what it wrote, and what
    /// the views among them read.
    fn relied_on(&self, contents: &Contents) -> BTreeSet<TableName> {
        let mut relied_on = contents.relied_on.clone();
        for manifest in contents.written.iter().filter_map(|table| contents.tables.get(table)) {
            let references = manifest.load.iter().flat_map(|load| load.references.keys());
            let inputs = manifest.inputs.keys().chain(references);
            relied_on.extend(inputs.filter_map(|input| input.parse().ok()));
            relied_on.extend(manifest.reads().iter().cloned());
        }
        let mut unseen: Vec<_> = relied_on.iter().cloned().collect();
        while let Some(table) = unseen.pop() {
            let states = [&contents.tables, &self.parent.tables];
            for manifest in states.iter().filter_map(|tables| tables.get(&table)) {
                let new = manifest.reads().iter().filter(|read| relied_on.insert((*read).clone()));
                unseen.extend(new.cloned());
            }
        }
        relied_on
    }

    /// The tables on which this draft and `winner` disagree: changed by both, or changed under what this run read.
    fn conflicts(
        &self,
        contents: &Contents,
        changes: &Changes,
        relied_on: &BTreeSet<TableName>,
        winner: &State,
    ) -> Vec<TableName> {
        let before = &self.parent.tables;
        let written = contents.written.iter().filter(|table| {
            let now = winner.tables.get(*table);
            before.get(*table) != now && !made_alike(contents.tables.get(*table), now)
        });
        let read = relied_on.iter().filter(|table| {
            let states = if contents.written.contains(*table) && !changes.contains_key(*table) {
                &contents.tables
            } else {
                before
            };
            !same_rows(states.get(*table), winner.tables.get(*table))
        });
        written.chain(read).cloned().collect::<BTreeSet<_>>().into_iter().collect()
    }
}

/// Whether two runs made the same of a table, the removal of it included.
fn made_alike(one: Option<&Arc<Manifest>>, other: Option<&Arc<Manifest>>) -> bool {
    match (one, other) {
        (Some(one), Some(other)) => one.same_but_for_bookkeeping(other),
        (one, other) => one.is_none() && other.is_none(),
    }
}

/// Whether a query over the one answers what it answers over the other.
fn same_rows(one: Option<&Arc<Manifest>>, other: Option<&Arc<Manifest>>) -> bool {
    match (one, other) {
        (Some(one), Some(other)) => {
            one.content_hash == other.content_hash && one.columns == other.columns
        }
        (one, other) => one.is_none() && other.is_none(),
    }
}
