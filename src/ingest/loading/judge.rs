//! Keys and references: which rows of a source break which rule, over all of its files in order.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch};
use arrow::datatypes::{DataType, Schema};
use arrow::error::ArrowError;

use super::error::LoadError;
use super::keys::{KeyForm, KeySet};
use crate::base::TableName;
use crate::ingest::Rule;
use crate::rules::{Contract, ForeignKey};

/// The rules of one source that are about more than one row.
///
/// A rule is known by its bit: keys first, in the order below, then references.
#[derive(Debug)]
pub(super) struct KeyRules {
    /// The columns that keys and references have, as indexes of the contract's, ascending. "Key columns" below.
    pub(super) columns: Vec<usize>,
    /// The primary key, then the unique sets by their columns.
    pub(super) keys: Vec<KeyRule>,
    /// By their columns.
    pub(super) references: Vec<Reference>,
}

/// Columns whose values differ from row to row.
#[derive(Debug)]
pub(super) struct KeyRule {
    pub(super) rule: Rule,
    /// Indexes of the key columns.
    pub(super) columns: Vec<usize>,
    form: KeyForm,
}

/// Columns whose values are a key of an accepted row.
#[derive(Debug)]
pub(super) struct Reference {
    pub(super) rule: Rule,
    /// Indexes of the key columns.
    pub(super) columns: Vec<usize>,
    pub(super) to: TableName,
    pub(super) form: KeyForm,
    pub(super) target: Target,
}

#[derive(Debug)]
pub(super) enum Target {
    /// The keys of the other table's accepted rows.
    Table(Arc<KeySet>),
    /// The source itself: the columns referred to, as indexes of the key columns.
    Itself(Vec<usize>),
}

/// Rules that one row breaks, as bits.
pub(super) type RuleBits = u64;

/// A row of a batch and the rules it breaks, never none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Broken {
    pub(super) row: u32,
    pub(super) rules: RuleBits,
}

/// The keys seen so far.
pub(super) struct Judge {
    rules: Arc<KeyRules>,
    seen: Vec<KeySet>,
}

impl KeyRules {
    /// The rules of `contract`, whose columns have the types of `schema`. `parent` gives the keys of the table that a
    /// reference is to, and how they are compared with cells of the given types.
    ///
    /// # Errors
    /// If a reference compares what cannot be compared, or there are more rules than bits.
    pub(super) fn new(
        table: &TableName,
        contract: &Contract,
        schema: &Schema,
        mut parent: impl FnMut(&ForeignKey, &[DataType]) -> Result<(KeyForm, Arc<KeySet>), LoadError>,
    ) -> Result<Self, LoadError> {
        let used = UsedColumns::new(table, contract, schema)?;
        let mut unique = contract
            .unique
            .iter()
            .map(|names| used.key(Rule::Unique { columns: names.clone() }, names))
            .collect::<Result<Vec<_>, _>>()?;
        unique.sort_by(|left, right| left.columns.cmp(&right.columns));
        let mut keys = Vec::new();
        if !contract.primary_key.is_empty() {
            let columns = contract.primary_key.clone();
            keys.push(used.key(Rule::PrimaryKey { columns }, &contract.primary_key)?);
        }
        keys.append(&mut unique);
        let mut references = Vec::new();
        for reference in &contract.foreign_keys {
            references.push(used.reference(reference, &mut parent)?);
        }
        references.sort_by(|left, right| left.columns.cmp(&right.columns));
        let rules = keys.len() + references.len();
        if rules > RuleBits::BITS as usize {
            return Err(LoadError::TooManyRules { table: table.clone(), rules });
        }
        Ok(Self { columns: used.indexes, keys, references })
    }

    /// The bit of reference `index`.
    pub(super) fn reference_bit(&self, index: usize) -> RuleBits {
        1 << (self.keys.len() + index)
    }

    /// The references of the table to itself, with their columns and those they are to.
    pub(super) fn to_itself(&self) -> impl Iterator<Item = (RuleBits, &Reference, &[usize])> {
        self.references.iter().enumerate().filter_map(|(index, reference)| {
            match &reference.target {
                Target::Itself(to) => Some((self.reference_bit(index), reference, &to[..])),
                Target::Table(_) => None,
            }
        })
    }

    /// The bits of references to tables of which `chosen` is true.
    pub(super) fn references_to(&self, chosen: impl Fn(&TableName) -> bool) -> RuleBits {
        let references = self.references.iter().enumerate();
        references
            .filter(|(_, reference)| chosen(&reference.to))
            .fold(0, |bits, (index, _)| bits | self.reference_bit(index))
    }

    /// The key columns that rules other than `spared` need, as flags.
    pub(super) fn columns_needed(&self, spared: RuleBits) -> Vec<bool> {
        let mut needed = vec![false; self.columns.len()];
        for rule in &self.keys {
            rule.columns.iter().for_each(|column| needed[*column] = true);
        }
        for (index, reference) in self.references.iter().enumerate() {
            if spared & self.reference_bit(index) == 0 {
                let to: &[usize] = match &reference.target {
                    Target::Itself(to) => to,
                    Target::Table(_) => &[],
                };
                reference.columns.iter().chain(to).for_each(|column| needed[*column] = true);
            }
        }
        needed
    }

    /// The key columns of a batch of the contract's columns.
    pub(super) fn key_columns(&self, batch: &RecordBatch) -> Vec<ArrayRef> {
        self.columns.iter().map(|column| Arc::clone(batch.column(*column))).collect()
    }
}

/// The columns of a contract that keys and references have, while these are made.
struct UsedColumns<'a> {
    table: &'a TableName,
    contract: &'a Contract,
    schema: &'a Schema,
    /// Of the contract's columns, ascending.
    indexes: Vec<usize>,
}

impl<'a> UsedColumns<'a> {
    fn new(
        table: &'a TableName,
        contract: &'a Contract,
        schema: &'a Schema,
    ) -> Result<Self, LoadError> {
        let mut names: Vec<&String> = contract.primary_key.iter().collect();
        names.extend(contract.unique.iter().flatten());
        for reference in &contract.foreign_keys {
            names.extend(&reference.columns);
            if reference.to == *table {
                names.extend(&reference.to_columns);
            }
        }
        let mut used = Self { table, contract, schema, indexes: Vec::new() };
        let indexes = names.into_iter().map(|name| used.index(name));
        let mut indexes = indexes.collect::<Result<Vec<_>, _>>()?;
        indexes.sort_unstable();
        indexes.dedup();
        used.indexes = indexes;
        Ok(used)
    }

    fn index(&self, name: &str) -> Result<usize, LoadError> {
        let found = self.contract.columns.iter().position(|column| same_name(&column.name, name));
        let error = || LoadError::NoColumn { table: self.table.clone(), column: name.to_owned() };
        found.ok_or_else(error)
    }

    /// Names as indexes of the key columns.
    fn places(&self, names: &[String]) -> Result<Vec<usize>, LoadError> {
        let place = |index| self.indexes.partition_point(|at| *at < index);
        names.iter().map(|name| Ok(place(self.index(name)?))).collect()
    }

    fn types(&self, places: &[usize]) -> Vec<DataType> {
        let field = |place: &usize| self.schema.field(self.indexes[*place]);
        places.iter().map(|place| field(place).data_type().clone()).collect()
    }

    fn key(&self, rule: Rule, names: &[String]) -> Result<KeyRule, LoadError> {
        let columns = self.places(names)?;
        Ok(KeyRule { rule, form: KeyForm::of(&self.types(&columns)), columns })
    }

    fn reference(
        &self,
        reference: &ForeignKey,
        parent: &mut impl FnMut(&ForeignKey, &[DataType]) -> Result<(KeyForm, Arc<KeySet>), LoadError>,
    ) -> Result<Reference, LoadError> {
        let columns = self.places(&reference.columns)?;
        let own_types = self.types(&columns);
        let (form, target) = if reference.to == *self.table {
            let to = self.places(&reference.to_columns)?;
            let form = KeyForm::common(&own_types, &self.types(&to))
                .ok_or_else(|| LoadError::reference_types(self.table, reference))?;
            (form, Target::Itself(to))
        } else {
            let (form, keys) = parent(reference, &own_types)?;
            (form, Target::Table(keys))
        };
        let rule = Rule::ForeignKey { columns: reference.columns.clone() };
        Ok(Reference { rule, columns, to: reference.to.clone(), form, target })
    }
}

impl Judge {
    pub(super) fn new(rules: &Arc<KeyRules>) -> Self {
        let seen = rules.keys.iter().map(|rule| KeySet::new(&rule.form)).collect();
        Self { rules: Arc::clone(rules), seen }
    }

    /// Judges rows that follow those judged before by their key columns, and remembers their keys. References to the
    /// table itself are left to [`super::family`], those in `spared` to whoever knows better (their columns may be
    /// anything).
    ///
    /// # Errors
    /// If a value of a reference does not fit the type of what it refers to.
    pub(super) fn judge(
        &mut self,
        columns: &[ArrayRef],
        spared: RuleBits,
    ) -> Result<Vec<Broken>, ArrowError> {
        let mut found = Vec::new();
        let keys = self.rules.keys.iter().zip(&mut self.seen).enumerate();
        for (index, (rule, seen)) in keys {
            let values = rule.form.values(&chosen(columns, &rule.columns))?;
            found.push((1 << index, seen.insert(&values)));
        }
        for (index, reference) in self.rules.references.iter().enumerate() {
            let bit = self.rules.reference_bit(index);
            if let Target::Table(parents) = &reference.target
                && spared & bit == 0
            {
                let values = reference.form.values(&chosen(columns, &reference.columns))?;
                found.push((bit, parents.missing(&values)));
            }
        }
        Ok(by_row(found))
    }

    /// Memory taken by the keys seen, in bytes.
    pub(super) fn bytes(&self) -> usize {
        self.seen.iter().map(KeySet::bytes).sum()
    }
}

pub(super) fn chosen(columns: &[ArrayRef], indexes: &[usize]) -> Vec<ArrayRef> {
    indexes.iter().map(|index| Arc::clone(&columns[*index])).collect()
}

pub(super) fn same_name(left: &str, right: &str) -> bool {
    left == right || left.to_lowercase() == right.to_lowercase()
}

/// Rows by rule turned into rules by row.
fn by_row(found: Vec<(RuleBits, Vec<u32>)>) -> Vec<Broken> {
    let mut broken: Vec<Broken> = found
        .into_iter()
        .flat_map(|(rules, rows)| rows.into_iter().map(move |row| Broken { row, rules }))
        .collect();
    broken.sort_by_key(|broken| broken.row);
    broken.dedup_by(|next, kept| {
        let same = next.row == kept.row;
        kept.rules |= if same { next.rules } else { 0 };
        same
    });
    broken
}
