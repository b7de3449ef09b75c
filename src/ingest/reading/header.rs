//! The first record's names and the contract's columns, brought together.

use super::error::ReadError;
use crate::base::suggest;
use crate::rules::Contract;

/// Where the contract's columns stand in each record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Layout {
    /// The cell of each column, in the contract's order.
    pub(super) cells: Vec<usize>,
    /// Cells of a record that is not ragged.
    pub(super) width: usize,
    /// What was left out, for everyone to see.
    pub(super) warnings: Vec<String>,
}

impl Layout {
    /// Without a header, cells stand in the contract's order.
    pub(super) fn of_contract(contract: &Contract) -> Self {
        let width = contract.columns.len();
        Self { cells: (0..width).collect(), width, warnings: Vec::new() }
    }

    /// Finds the contract's columns among `names`, without regard to case and to blanks around them.
    ///
    /// # Errors
    /// If a column of the contract is missing or stands there twice, or if there are further columns and the contract
    /// does not ignore them.
    pub(super) fn of_header(
        file: &str,
        names: &[String],
        contract: &Contract,
    ) -> Result<Self, ReadError> {
        let names = named(names);
        let folded: Vec<String> = names.iter().map(|name| fold(name)).collect();
        let found: Vec<Vec<usize>> =
            contract.columns.iter().map(|column| places(&folded, &fold(&column.name))).collect();
        duplicates(file, &names, &found)?;
        let extra: Vec<String> = (0..names.len())
            .filter(|place| !found.iter().any(|places| places.contains(place)))
            .map(|place| names[place].clone())
            .collect();
        let missing: Vec<String> = std::iter::zip(&contract.columns, &found)
            .filter(|(_, places)| places.is_empty())
            .map(|(column, _)| column.name.clone())
            .collect();
        if let Some(first) = missing.first() {
            let known = extra.iter().map(String::as_str);
            let suggestion = suggest::closest(first, known).map(str::to_owned);
            return Err(ReadError::MissingColumns {
                file: file.to_owned(),
                columns: missing,
                others: extra,
                suggestion,
            });
        }
        if !extra.is_empty() && !contract.ignore_extra_columns {
            return Err(ReadError::ExtraColumns { file: file.to_owned(), columns: extra });
        }
        let warnings = match extra.is_empty() {
            true => Vec::new(),
            false => vec![left_out(file, &extra)],
        };
        Ok(Self { cells: found.into_iter().flatten().collect(), width: names.len(), warnings })
    }
}

/// The names of columns for a file whose columns nobody declared: as the header has them, `column0` and so on where a
/// name is empty or there is no header.
///
/// # Errors
/// If two names differ in nothing but case.
pub(super) fn names(file: &str, header: &[String]) -> Result<Vec<String>, ReadError> {
    let names = named(header);
    let folded: Vec<String> = names.iter().map(|name| fold(name)).collect();
    let found: Vec<Vec<usize>> = folded.iter().map(|name| places(&folded, name)).collect();
    duplicates(file, &names, &found)?;
    Ok(names)
}

/// The names of a header without the blanks around them; where nothing is left, the place names the column.
fn named(header: &[String]) -> Vec<String> {
    let name = |(index, name): (usize, &String)| match name.trim() {
        "" => numbered(index, header.len()),
        name => name.to_owned(),
    };
    header.iter().enumerate().map(name).collect()
}

/// `column0` of up to ten columns, `column00` of more, as DuckDB names them.
pub(super) fn numbered(index: usize, columns: usize) -> String {
    let digits = columns.saturating_sub(1).to_string().len();
    format!("column{index:0digits$}")
}

fn fold(name: &str) -> String {
    name.trim().to_lowercase()
}

fn places(folded: &[String], name: &str) -> Vec<usize> {
    (0..folded.len()).filter(|index| folded[*index] == name).collect()
}

fn duplicates(file: &str, names: &[String], found: &[Vec<usize>]) -> Result<(), ReadError> {
    match found.iter().find(|places| places.len() > 1) {
        None => Ok(()),
        Some(places) => Err(ReadError::DuplicateColumns {
            file: file.to_owned(),
            names: places.iter().map(|place| names[*place].trim().to_owned()).collect(),
        }),
    }
}

fn left_out(file: &str, extra: &[String]) -> String {
    let names: Vec<String> = extra.iter().map(|name| format!("`{name}`")).collect();
    format!("{file}: left out what the contract does not name: {}", names.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::{ColumnRule, ColumnType};

    fn contract(names: &[&str], ignore_extra_columns: bool) -> Contract {
        let column = |name: &&str| ColumnRule {
            name: (*name).to_owned(),
            data_type: ColumnType::Text,
            not_null: false,
            format: None,
            null_values: Vec::new(),
        };
        let columns = names.iter().map(column).collect();
        Contract { columns, ignore_extra_columns, ..Contract::default() }
    }

    fn layout(header: &[&str], contract: &Contract) -> Result<Layout, ReadError> {
        let names: Vec<String> = header.iter().map(|name| (*name).to_owned()).collect();
        Layout::of_header("orders.csv", &names, contract)
    }

    #[test]
    fn columns_are_found_in_any_order_and_case() {
        let found = layout(&["B", " Order_ID ", "x"], &contract(&["order_id", "b"], true)).unwrap();
        assert_eq!((&found.cells[..], found.width), (&[1, 0][..], 3));
        insta::assert_snapshot!(found.warnings.join("\n"), @"orders.csv: left out what the contract does not name: `x`");
    }

    #[test]
    fn a_header_that_does_not_fit_is_an_error() {
        let error = |header: &[&str], contract: &Contract| {
            let error = layout(header, contract).unwrap_err();
            format!("{error}; {}", error.hint().unwrap_or_default())
        };
        let strict = contract(&["id", "price"], false);
        insta::assert_snapshot!(error(&["id", "prise"], &strict), @"orders.csv: the header lacks `price`; did you mean `prise`?");
        insta::assert_snapshot!(error(&["id", "price", "Price"], &strict), @"orders.csv: the header has more than one column called `price` and `Price`; ");
        insta::assert_snapshot!(error(&["id", "price", "x", "y"], &strict), @"orders.csv: the header has columns that the contract does not name: `x` and `y`; name them among the source's columns, or declare the others and have `extra_columns: ignore`");
        insta::assert_snapshot!(error(&["x"], &strict), @"orders.csv: the header lacks `id` and `price`; it has `x` besides");
    }

    #[test]
    fn duplicates_that_nobody_asked_for_do_no_harm() {
        let found = layout(&["x", "id", "X"], &contract(&["id"], true)).unwrap();
        assert_eq!(found.cells, [1]);
    }

    #[test]
    fn columns_without_a_name_are_numbered() {
        let header: Vec<String> = ["", "a"].map(str::to_owned).into();
        assert_eq!(names("a.csv", &header).unwrap(), ["column0", "a"]);
        assert_eq!(numbered(3, 12), "column03");
    }
}
