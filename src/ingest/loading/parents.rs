//! The keys of the accepted rows of tables that a source refers to.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use arrow::array::ArrayRef;
use arrow::datatypes::DataType;

use super::error::LoadError;
use super::judge::same_name;
use super::keys::{KeyForm, KeySet};
use super::stored;
use crate::base::TableName;
use crate::engine::{Engine, Reservation};
use crate::rules::{Contract, ForeignKey};
use crate::warehouse::{Manifest, State, TableContent};

/// Where the tables of the draft are read.
pub(super) struct Parents {
    pub(super) table: TableName,
    pub(super) root: PathBuf,
    pub(super) state: State,
    pub(super) engine: Engine,
    /// Memory of the key sets made; theirs while this lives.
    pub(super) reserved: Vec<Reservation>,
}

/// Content hashes of the tables that `contract` refers to, by folded name, itself left out.
///
/// # Errors
/// If one of them does not stand in `state`.
pub(super) fn content_hashes(
    table: &TableName,
    contract: &Contract,
    state: &State,
) -> Result<BTreeMap<String, String>, LoadError> {
    let others = contract.foreign_keys.iter().filter(|reference| reference.to != *table);
    others
        .map(|reference| {
            let parent = manifest(table, &reference.to, state)?;
            Ok((reference.to.folded().to_owned(), parent.content_hash.clone()))
        })
        .collect()
}

impl Parents {
    /// The keys that `reference` may have, and the form in which they are compared with cells of `own_types`.
    ///
    /// # Errors
    /// If there is no such table or column, types that cannot be compared, no memory, or a damaged file.
    pub(super) fn keys(
        &mut self,
        reference: &ForeignKey,
        own_types: &[DataType],
    ) -> Result<(KeyForm, Arc<KeySet>), LoadError> {
        let parent = manifest(&self.table, &reference.to, &self.state)?;
        let columns = self.columns(&parent, reference)?;
        let types: Vec<DataType> = columns.iter().map(|(_, data_type)| data_type.clone()).collect();
        let form = KeyForm::common(own_types, &types)
            .ok_or_else(|| LoadError::reference_types(&self.table, reference))?;
        let names: Vec<String> = columns.into_iter().map(|(name, _)| name).collect();
        let set = self.read(&parent, &names, &form)?;
        Ok((form, Arc::new(set)))
    }

    fn columns(
        &self,
        parent: &Manifest,
        reference: &ForeignKey,
    ) -> Result<Vec<(String, DataType)>, LoadError> {
        let find = |name: &String| {
            let found = parent.columns.iter().find(|column| same_name(&column.name, name));
            let error = || LoadError::NoParentColumn {
                table: self.table.clone().into(),
                to: reference.to.clone().into(),
                column: name.clone(),
            };
            found.map(|column| (column.name.clone(), column.data_type.clone())).ok_or_else(error)
        };
        reference.to_columns.iter().map(find).collect()
    }

    fn read(
        &mut self,
        parent: &Manifest,
        names: &[String],
        form: &KeyForm,
    ) -> Result<KeySet, LoadError> {
        let TableContent::Files { files } = &parent.content else {
            return Err(self.missing(&parent.table));
        };
        let memory = |source| LoadError::Memory { table: parent.table.clone().into(), source };
        let who = format!("keys of {}", parent.table);
        let mut reservation = self.engine.reserve(&who, 0).map_err(memory)?;
        let mut set = KeySet::new(form);
        for file in files {
            let path = self.root.join(&file.path);
            let (reader, places) = stored::open(&path, names)?;
            for batch in reader {
                let batch = batch.map_err(|error| LoadError::stored(&path)(error.into()))?;
                let columns: Vec<ArrayRef> =
                    places.iter().map(|place| Arc::clone(batch.column(*place))).collect();
                set.insert(&form.values(&columns).map_err(LoadError::keys(&parent.table))?);
                reservation.resize(set.bytes()).map_err(memory)?;
            }
        }
        let set = set.frozen();
        reservation.resize(set.bytes()).map_err(memory)?;
        self.reserved.push(reservation);
        Ok(set)
    }

    fn missing(&self, to: &TableName) -> LoadError {
        LoadError::NoParent { table: self.table.clone().into(), to: to.clone().into() }
    }
}

fn manifest(table: &TableName, to: &TableName, state: &State) -> Result<Arc<Manifest>, LoadError> {
    let found = state.tables.get(to).cloned();
    found.ok_or_else(|| LoadError::NoParent { table: table.clone().into(), to: to.clone().into() })
}
