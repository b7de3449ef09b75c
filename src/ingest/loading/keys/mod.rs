//! Sets of keys: what was seen, and what rows refer to.

mod form;
mod integers;
mod mix;
mod ordered;

use arrow::buffer::NullBuffer;

pub(super) use form::{KeyForm, KeyValues};
use integers::Integers;
pub(super) use mix::Mix;
use ordered::Ordered;

/// Distinct keys of one form.
#[derive(Debug)]
pub(super) struct KeySet(Keys);

#[derive(Debug)]
enum Keys {
    Words(Integers),
    Numbers(Ordered<u128>),
}

impl KeySet {
    pub(super) fn new(form: &KeyForm) -> Self {
        Self(match form.is_word() {
            true => Keys::Words(Integers::default()),
            false => Keys::Numbers(Ordered::default()),
        })
    }

    /// Adds keys, nulls left out, and gives the rows whose key was there already, in order.
    pub(super) fn insert(&mut self, keys: &KeyValues) -> Vec<u32> {
        match (&mut self.0, keys) {
            (Keys::Words(set), KeyValues::Words { values, nulls }) => {
                rows_where(values, nulls.as_ref(), |key| !set.insert(key))
            }
            (Keys::Numbers(set), KeyValues::Numbers { values, nulls }) => {
                rows_where(values, nulls.as_ref(), |key| !set.insert(key))
            }
            _ => unreachable!("a set and its keys are made of one form"),
        }
    }

    /// The rows whose key is not null and not in the set, in order.
    pub(super) fn missing(&self, keys: &KeyValues) -> Vec<u32> {
        match (&self.0, keys) {
            (Keys::Words(set), KeyValues::Words { values, nulls }) => {
                rows_where(values, nulls.as_ref(), |key| !set.contains(key))
            }
            (Keys::Numbers(set), KeyValues::Numbers { values, nulls }) => {
                rows_where(values, nulls.as_ref(), |key| !set.contains(key))
            }
            _ => unreachable!("a set and its keys are made of one form"),
        }
    }

    /// The same set, made quick to ask.
    #[must_use]
    pub(super) fn frozen(self) -> Self {
        Self(match self.0 {
            Keys::Words(set) => Keys::Words(set.frozen()),
            Keys::Numbers(set) => Keys::Numbers(set.frozen()),
        })
    }

    /// Memory taken, in bytes.
    pub(super) fn bytes(&self) -> usize {
        match &self.0 {
            Keys::Words(set) => set.bytes(),
            Keys::Numbers(set) => set.bytes(),
        }
    }
}

fn rows_where<K: Copy>(
    values: &[K],
    nulls: Option<&NullBuffer>,
    mut broken: impl FnMut(K) -> bool,
) -> Vec<u32> {
    let rows = (0_u32..).zip(values);
    match nulls.filter(|nulls| nulls.null_count() > 0) {
        None => rows.filter(|(_, key)| broken(**key)).map(|(row, _)| row).collect(),
        Some(nulls) => rows
            .filter(|(row, key)| nulls.is_valid(*row as usize) && broken(**key))
            .map(|(row, _)| row)
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, Int64Array, StringArray};
    use arrow::datatypes::DataType;

    use super::*;

    #[test]
    fn the_first_occurrence_stays_and_nulls_never_repeat() {
        let ids: ArrayRef = Arc::new(Int64Array::from(vec![Some(3), None, Some(1), Some(3), None]));
        let names: ArrayRef =
            Arc::new(StringArray::from(vec![Some("c"), None, Some(""), Some("c"), None]));
        for column in [ids, names] {
            let form = KeyForm::of(&[column.data_type().clone()]);
            let mut set = KeySet::new(&form);
            assert_eq!(set.insert(&form.values(&[Arc::clone(&column)]).unwrap()), [3]);
            assert_eq!(set.insert(&form.values(&[column.slice(2, 1)]).unwrap()), [0]);
            assert!(set.frozen().missing(&form.values(&[column]).unwrap()).is_empty());
        }
    }

    #[test]
    fn what_is_not_there_is_missing() {
        let form = KeyForm::common(&[DataType::Int32], &[DataType::Int64]).unwrap();
        let parents: ArrayRef = Arc::new(Int64Array::from(vec![1, 2]));
        let mut set = KeySet::new(&form);
        set.insert(&form.values(&[parents]).unwrap());
        let children: ArrayRef = Arc::new(Int64Array::from(vec![Some(2), Some(5), None]));
        assert_eq!(set.frozen().missing(&form.values(&[children]).unwrap()), [1]);
    }
}
