//! What is loaded: a source or a seed, in the one shape that loading needs.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef};

use super::error::LoadError;
use super::judge::{KeyRules, same_name};
use super::{quarantine, stored};
use crate::base::{TableName, hash};
use crate::engine::{RowPredicate, row_predicate};
use crate::ingest::reading;
use crate::project::{ColumnInfo, Seed, Source};
use crate::rules::{ColumnRule, ColumnType, Contract, OnReject, ReadOptions, RejectLimit};

/// Raised when the same contract over the same files would leave other files behind.
const LOAD_FORMAT: u32 = 1;

/// A table and how its files are read.
#[derive(Clone, Debug)]
pub(super) struct Input<'a> {
    pub(super) table: &'a TableName,
    pub(super) reading: Arc<ReadOptions>,
    /// Without: typed by a scan of all files.
    pub(super) contract: Option<&'a Contract>,
    /// Types of columns that are not inferred, by name.
    pub(super) column_types: BTreeMap<String, ColumnType>,
    pub(super) columns: &'a [ColumnInfo],
    /// What the user wrote about the table.
    pub(super) about: &'a str,
    pub(super) rejects: Rejects,
}

/// What becomes of rejects.
#[derive(Clone, Debug)]
pub(super) enum Rejects {
    /// They go to this table; so many are allowed.
    Quarantine { table: TableName, on_reject: OnReject, max_rejects: Option<RejectLimit> },
    /// The first one is an error.
    Refused,
}

/// How the rows of an input are read, judged and stored.
pub(super) struct Layout {
    pub(super) contract: Arc<Contract>,
    pub(super) predicates: Vec<RowPredicate>,
    /// Accepted rows as they are written: the contract's columns and the offset.
    pub(super) accepted: SchemaRef,
    pub(super) rejected: SchemaRef,
    pub(super) rules: Arc<KeyRules>,
}

impl<'a> Input<'a> {
    pub(super) fn of_source(source: &'a Source) -> Self {
        Self {
            table: &source.table,
            reading: Arc::new(source.reading.clone()),
            contract: source.contract.as_ref(),
            column_types: BTreeMap::new(),
            columns: &source.columns,
            about: &source.info.description,
            rejects: Rejects::Quarantine {
                table: source.quarantine(),
                on_reject: source.on_reject,
                max_rejects: source.max_rejects,
            },
        }
    }

    pub(super) fn of_seed(seed: &'a Seed) -> Self {
        let reading = ReadOptions { delimiter: seed.delimiter.clone(), ..ReadOptions::default() };
        Self {
            table: &seed.table,
            reading: Arc::new(reading),
            contract: None,
            column_types: seed.column_types.clone(),
            columns: &seed.columns,
            about: &seed.info.description,
            rejects: Rejects::Refused,
        }
    }

    /// Where rejects go, if they go anywhere.
    pub(super) fn quarantine(&self) -> Option<&TableName> {
        match &self.rejects {
            Rejects::Quarantine { table, .. } => Some(table),
            Rejects::Refused => None,
        }
    }

    /// The contract that rows are held to: as declared, or of `inferred` columns with the types that the user set.
    ///
    /// # Errors
    /// If there is no column of a name for which a type is set.
    pub(super) fn effective_contract(
        &self,
        inferred: &[ColumnRule],
    ) -> Result<Contract, LoadError> {
        let mut contract = match self.contract {
            Some(contract) => contract.clone(),
            None => Contract {
                columns: inferred.to_vec(),
                ignore_extra_columns: false,
                ..Contract::default()
            },
        };
        for (name, data_type) in &self.column_types {
            let column = contract.columns.iter_mut().find(|column| same_name(&column.name, name));
            let error =
                || LoadError::NoColumn { table: self.table.clone().into(), column: name.clone() };
            column.ok_or_else(error)?.data_type = *data_type;
        }
        // What a primary key means for its columns is said here, so that reading need not know.
        for column in &mut contract.columns {
            column.not_null |= contract.primary_key.iter().any(|key| same_name(key, &column.name));
        }
        Ok(contract)
    }

    /// A name for everything that decides what becomes of given files.
    pub(super) fn fingerprint(&self, contract: &Contract) -> String {
        // Plain data of ours: it has no map with keys that JSON cannot write.
        let json = |value: Result<String, serde_json::Error>| value.unwrap_or_default();
        let parts = [
            LOAD_FORMAT.to_string(),
            json(serde_json::to_string(contract)),
            json(serde_json::to_string(&*self.reading)),
        ];
        hash::of_parts(parts.iter().map(String::as_bytes))
    }

    /// What the user wrote about a column.
    pub(super) fn description(&self, column: &str) -> &str {
        let found = self.columns.iter().find(|info| same_name(&info.name, column));
        found.map_or("", |info| info.description.as_str())
    }
}

impl Layout {
    /// # Errors
    /// If a check of the contract cannot be planned.
    pub(super) fn new(
        table: &TableName,
        contract: Arc<Contract>,
        rules: KeyRules,
    ) -> Result<Self, LoadError> {
        let schema = reading::schema(&contract);
        let predicates = contract.checks.iter().enumerate().map(|(index, check)| {
            row_predicate(&schema, &check.expression).map_err(|source| LoadError::Check {
                table: table.clone().into(),
                name: check.name.clone(),
                check: index,
                source,
            })
        });
        let predicates = predicates.collect::<Result<_, _>>()?;
        let rejected = quarantine::schema(&rules, &schema);
        let accepted = accepted_schema(&contract, &schema);
        Ok(Self { contract, predicates, accepted, rejected, rules: Arc::new(rules) })
    }

    /// The columns of the table as everyone sees it.
    pub(super) fn visible(&self) -> impl Iterator<Item = &Field> {
        self.accepted.fields().iter().take(self.contract.columns.len()).map(AsRef::as_ref)
    }
}

/// Columns that no accepted row leaves null say so.
fn accepted_schema(contract: &Contract, schema: &Schema) -> SchemaRef {
    let columns = schema.fields().iter().zip(&contract.columns);
    let mut fields: Vec<Field> = columns
        .map(|(field, column)| field.as_ref().clone().with_nullable(!column.not_null))
        .collect();
    fields.push(Field::new(stored::OFFSET, DataType::Int64, false));
    Arc::new(Schema::new(fields))
}
