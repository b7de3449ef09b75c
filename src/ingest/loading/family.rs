//! Tables that refer to themselves: which rows are accepted when each needs others.
//!
//! The answer is the greatest set of rows in which every reference finds its row: rows that refer to each other in a
//! circle stand, rows that hang on a rejected one fall, and so do those that hang on them.

use std::collections::HashMap;

use arrow::array::ArrayRef;
use arrow::error::ArrowError;

use super::judge::{KeyRules, RuleBits, chosen};
use super::keys::Mix;

/// The rows of a table that refers to itself, in the order in which they were read.
pub(super) struct Family {
    references: Vec<Kinship>,
    /// Whether a row breaks no other rule.
    standing: Vec<bool>,
}

/// One reference of the table to itself.
struct Kinship {
    bit: RuleBits,
    /// Keys are numbered as they come.
    numbers: HashMap<u128, u32, Mix>,
    /// Of each row: the number of the key it has, and of the one it refers to; [`NULL`] for none.
    has: Vec<u32>,
    needs: Vec<u32>,
}

const NULL: u32 = u32::MAX;

impl Family {
    /// `None` where the table does not refer to itself.
    pub(super) fn new(rules: &KeyRules) -> Option<Self> {
        let references: Vec<_> = rules
            .to_itself()
            .map(|(bit, _, _)| Kinship {
                bit,
                numbers: HashMap::default(),
                has: Vec::new(),
                needs: Vec::new(),
            })
            .collect();
        (!references.is_empty()).then(|| Self { references, standing: Vec::new() })
    }

    /// Adds rows by their key columns; `standing` tells which break no other rule.
    ///
    /// # Errors
    /// If a value of a reference does not fit the type of what it refers to.
    pub(super) fn add(
        &mut self,
        rules: &KeyRules,
        columns: &[ArrayRef],
        standing: &[bool],
    ) -> Result<(), ArrowError> {
        for (kinship, (_, reference, to)) in self.references.iter_mut().zip(rules.to_itself()) {
            let has = reference.form.values(&chosen(columns, to))?;
            let needs = reference.form.values(&chosen(columns, &reference.columns))?;
            for row in 0..standing.len() {
                let has = kinship.number(has.number(row));
                kinship.has.push(has);
                let needs = kinship.number(needs.number(row));
                kinship.needs.push(needs);
            }
        }
        self.standing.extend_from_slice(standing);
        Ok(())
    }

    /// The references to itself that each row breaks, in the order in which the rows were added.
    pub(super) fn settle(mut self) -> Vec<RuleBits> {
        let mut supports: Vec<Support> = self.references.iter().map(Support::new).collect();
        let mut fallen: Vec<usize> = Vec::new();
        for (row, standing) in self.standing.iter_mut().enumerate() {
            if *standing {
                let kin = self.references.iter().zip(&mut supports);
                kin.for_each(|(kinship, support)| support.add(kinship.has[row]));
            }
        }
        for row in 0..self.standing.len() {
            self.fall_if_alone(row, &supports, &mut fallen);
        }
        while let Some(row) = fallen.pop() {
            for index in 0..supports.len() {
                let key = self.references[index].has[row];
                if supports[index].remove(key) {
                    let orphans = supports[index].take_dependents(key);
                    for orphan in orphans {
                        self.fall_if_alone(orphan as usize, &supports, &mut fallen);
                    }
                }
            }
        }
        let rows = 0..self.standing.len();
        rows.map(|row| broken(&self.references, &supports, row)).collect()
    }

    fn fall_if_alone(&mut self, row: usize, supports: &[Support], fallen: &mut Vec<usize>) {
        if self.standing[row] && broken(&self.references, supports, row) != 0 {
            self.standing[row] = false;
            fallen.push(row);
        }
    }

    /// Memory taken, in bytes, with what settling will take.
    pub(super) fn bytes(&self) -> usize {
        let rows = self.standing.len();
        let numbers: usize =
            self.references.iter().map(|k| k.numbers.capacity() * 24 + 16 * rows).sum();
        numbers + rows * 16
    }
}

impl Kinship {
    fn number(&mut self, key: Option<u128>) -> u32 {
        let next = self.numbers.len() as u32;
        key.map_or(NULL, |key| *self.numbers.entry(key).or_insert(next))
    }
}

/// How many standing rows have each key, and which rows refer to it.
struct Support {
    counts: Vec<u32>,
    /// Rows that refer to key `k`: `rows[starts[k]..starts[k + 1]]`.
    starts: Vec<u32>,
    rows: Vec<u32>,
}

impl Support {
    fn new(kinship: &Kinship) -> Self {
        let keys = kinship.numbers.len();
        let mut starts = vec![0; keys + 1];
        for key in kinship.needs.iter().filter(|key| **key != NULL) {
            starts[*key as usize + 1] += 1;
        }
        for key in 0..keys {
            starts[key + 1] += starts[key];
        }
        let mut rows = vec![0; starts[keys] as usize];
        let mut next = starts.clone();
        for (row, key) in (0_u32..).zip(&kinship.needs).filter(|(_, key)| **key != NULL) {
            rows[next[*key as usize] as usize] = row;
            next[*key as usize] += 1;
        }
        Self { counts: vec![0; keys], starts, rows }
    }

    fn add(&mut self, key: u32) {
        if key != NULL {
            self.counts[key as usize] += 1;
        }
    }

    /// Whether no standing row has the key any more.
    fn remove(&mut self, key: u32) -> bool {
        if key == NULL {
            return false;
        }
        self.counts[key as usize] -= 1;
        self.counts[key as usize] == 0
    }

    fn take_dependents(&self, key: u32) -> Vec<u32> {
        let range = self.starts[key as usize] as usize..self.starts[key as usize + 1] as usize;
        self.rows[range].to_vec()
    }
}

fn broken(references: &[Kinship], supports: &[Support], row: usize) -> RuleBits {
    let kin = references.iter().zip(supports);
    kin.filter(|(kinship, support)| {
        let key = kinship.needs[row];
        key != NULL && support.counts[key as usize] == 0
    })
    .fold(0, |bits, (kinship, _)| bits | kinship.bit)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::Int64Array;
    use arrow::datatypes::{DataType, Field, Schema};
    use proptest::prelude::*;

    use super::*;
    use crate::base::TableName;
    use crate::rules::{ColumnRule, ColumnType, Contract, ForeignKey};

    fn employees() -> KeyRules {
        let column = |name: &str| ColumnRule {
            name: name.to_owned(),
            data_type: ColumnType::BigInt,
            not_null: false,
            format: None,
            null_values: Vec::new(),
        };
        let table: TableName = "hr.employees".parse().unwrap();
        let contract = Contract {
            columns: vec![column("id"), column("reports_to")],
            primary_key: vec!["id".to_owned()],
            foreign_keys: vec![ForeignKey {
                columns: vec!["Reports_To".to_owned()],
                to: table.clone(),
                to_columns: vec!["ID".to_owned()],
            }],
            ..Contract::default()
        };
        let field = |name| Field::new(name, DataType::Int64, true);
        let schema = Schema::new(vec![field("id"), field("reports_to")]);
        KeyRules::new(&table, &contract, &schema, |_, _| unreachable!("only refers to itself"))
            .unwrap()
    }

    fn settled(rows: &[(Option<i64>, Option<i64>, bool)]) -> Vec<bool> {
        let rules = employees();
        let mut family = Family::new(&rules).unwrap();
        for part in rows.chunks(3) {
            let columns: [ArrayRef; 2] = [
                Arc::new(part.iter().map(|row| row.0).collect::<Int64Array>()),
                Arc::new(part.iter().map(|row| row.1).collect::<Int64Array>()),
            ];
            let standing: Vec<bool> = part.iter().map(|row| row.2).collect();
            family.add(&rules, &columns, &standing).unwrap();
        }
        family.settle().into_iter().map(|bits| bits == 0).collect()
    }

    #[test]
    fn rows_that_hang_on_a_rejected_one_fall_with_it() {
        let rows = [
            (Some(1), None, true),
            (Some(2), Some(1), false),
            (Some(3), Some(2), true),
            (Some(4), Some(3), true),
            (Some(5), Some(1), true),
        ];
        assert_eq!(settled(&rows), [true, true, false, false, true]);
    }

    #[test]
    fn a_circle_stands_until_one_of_it_falls() {
        let circle =
            |last| [(Some(1), Some(2), true), (Some(2), Some(3), true), (Some(3), Some(1), last)];
        assert_eq!(settled(&circle(true)), [true, true, true]);
        assert_eq!(settled(&circle(false)), [false, false, false]);
        assert_eq!(settled(&[(Some(7), Some(7), true)]), [true]);
        assert_eq!(settled(&[(Some(7), Some(7), false)]), [false]);
    }

    /// Takes rows away until nothing changes.
    fn by_repetition(rows: &[(Option<i64>, Option<i64>, bool)]) -> Vec<bool> {
        let mut standing: Vec<bool> = rows.iter().map(|row| row.2).collect();
        loop {
            let found: Vec<bool> = rows
                .iter()
                .map(|row| {
                    let is_parent = |(other, stands): (&(Option<i64>, _, _), &bool)| {
                        *stands && other.0 == row.1
                    };
                    row.1.is_none() || rows.iter().zip(&standing).any(is_parent)
                })
                .collect();
            let next: Vec<bool> =
                standing.iter().zip(&found).map(|(stands, found)| *stands && *found).collect();
            if next == standing {
                return found;
            }
            standing = next;
        }
    }

    proptest! {
        #[test]
        fn it_is_the_greatest_fixpoint(
            rows in prop::collection::vec(
                (prop::option::of(0_i64..8), prop::option::of(0_i64..8), prop::bool::weighted(0.8)),
                0..20,
            )
        ) {
            prop_assert_eq!(settled(&rows), by_repetition(&rows));
        }
    }
}
