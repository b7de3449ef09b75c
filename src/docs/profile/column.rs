//! One column's values, sorted once: how many differ, which are frequent, how they spread.

use std::cmp::Reverse;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, StringArray};
use arrow::compute::{SortOptions, cast, concat, partition, sort, sort_to_indices};
use arrow::datatypes::{DataType, Float64Type};
use arrow::error::ArrowError;
use arrow::util::display::{ArrayFormatter, FormatOptions};

use super::{ColumnProfile, Figure, Histogram, Lengths, TableProfile, TopValue};
use crate::warehouse::{Manifest, TableColumn};

const QUANTILES: [u8; 5] = [5, 25, 50, 75, 95];
const TOP_VALUES: usize = 8;
/// No more than there are stretches in a sample, which would show as gaps in a sorted column.
const BINS: usize = 20;
/// How much of a value is kept, in characters.
const VALUE_CHARACTERS: usize = 120;

/// The profile of a table of which `batches` were read. `rows` is how many it has, where that is known.
pub(super) fn profile(
    manifest: &Manifest,
    batches: &[RecordBatch],
    rows: Option<u64>,
) -> TableProfile {
    let rows_read = batches.iter().map(|batch| batch.num_rows() as u64).sum();
    let sampled = Sampled { rows, rows_read };
    let columns = manifest.columns.iter().enumerate().filter_map(|(index, column)| {
        let parts: Vec<&dyn Array> = batches
            .iter()
            .filter_map(|batch| batch.columns().get(index))
            .map(AsRef::as_ref)
            .collect();
        // A column that cannot be looked at has no profile; the others have theirs.
        let mut profile = sampled.column(&parts).ok()?;
        sampled.take_known(&mut profile, manifest, column);
        Some((column.name.clone(), profile))
    });
    TableProfile { rows, rows_read, missing: None, columns: columns.collect() }
}

/// How much of the table was read.
struct Sampled {
    rows: Option<u64>,
    rows_read: u64,
}

impl Sampled {
    fn is_whole(&self) -> bool {
        self.rows == Some(self.rows_read)
    }

    /// What a count among the rows that were read comes to among all.
    fn scaled(&self, count: u64) -> u64 {
        match self.rows {
            Some(rows) if self.rows_read > 0 && rows != self.rows_read => {
                (count as f64 / self.rows_read as f64 * rows as f64).round() as u64
            }
            _ => count,
        }
    }

    fn column(&self, parts: &[&dyn Array]) -> Result<ColumnProfile, ArrowError> {
        let mut profile = ColumnProfile::default();
        if parts.is_empty() {
            profile.nulls.exact = self.is_whole();
            profile.range_exact = self.is_whole();
            return Ok(profile);
        }
        let values = concat(parts)?;
        let nulls = values.logical_null_count() as u64;
        profile.nulls = Figure { count: self.scaled(nulls), exact: self.is_whole() };
        if values.data_type().is_nested() {
            return Ok(profile);
        }
        let first = SortOptions { descending: false, nulls_first: true };
        let sorted = sort(&values, Some(first))?;
        let start = sorted.logical_null_count();
        let sorted = sorted.slice(start, sorted.len() - start);
        self.fill(&mut profile, &sorted)?;
        Ok(profile)
    }

    /// What sorted values without nulls tell.
    fn fill(&self, profile: &mut ColumnProfile, sorted: &ArrayRef) -> Result<(), ArrowError> {
        profile.range_exact = self.is_whole();
        let count = sorted.len();
        if count == 0 {
            profile.distinct = Some(Figure { count: 0, exact: self.is_whole() });
            return Ok(());
        }
        let options = FormatOptions::default()
            .with_timestamp_format(Some("%Y-%m-%d %H:%M:%S%.f"))
            .with_timestamp_tz_format(Some("%Y-%m-%d %H:%M:%S%.f%:z"));
        let text = ArrayFormatter::try_new(sorted.as_ref(), &options)?;
        let text = |row: usize| shortened(&text.value(row).to_string());
        let runs = partition(std::slice::from_ref(sorted))?.ranges();
        profile.distinct = Some(self.distinct(&runs, count));
        profile.min = Some(text(0));
        profile.max = Some(text(count - 1));
        profile.top = top(&runs, count, &text);
        if is_ordered(sorted.data_type()) {
            let at = |percent: u8| (count - 1) * usize::from(percent) / 100;
            profile.quantiles =
                QUANTILES.iter().map(|percent| (*percent, text(at(*percent)))).collect();
            self.spread(profile, sorted, &text)?;
        }
        profile.lengths = lengths(sorted)?;
        Ok(())
    }

    /// How many values differ; of a part of the rows, Chao's estimate from how many were met once and twice.
    fn distinct(&self, runs: &[std::ops::Range<usize>], values: usize) -> Figure {
        let seen = runs.len() as u64;
        if self.is_whole() {
            return Figure { count: seen, exact: true };
        }
        let met = |times: usize| runs.iter().filter(|run| run.len() == times).count() as f64;
        let (once, twice) = (met(1), met(2));
        let unseen = once * (once - 1.0).max(0.0) / (2.0 * (twice + 1.0));
        let all = self.scaled(values as u64).max(seen);
        Figure { count: (seen + unseen.round() as u64).min(all), exact: false }
    }

    /// Mean and deviation of numbers, and the histogram.
    fn spread(
        &self,
        profile: &mut ColumnProfile,
        sorted: &ArrayRef,
        text: &impl Fn(usize) -> String,
    ) -> Result<(), ArrowError> {
        let numbers = as_numbers(sorted)?;
        let numbers = numbers.as_primitive::<Float64Type>().values();
        let finite: Vec<f64> =
            numbers.iter().copied().filter(|number| number.is_finite()).collect();
        if finite.is_empty() {
            return Ok(());
        }
        if sorted.data_type().is_numeric() {
            let count = finite.len() as f64;
            let mean = finite.iter().sum::<f64>() / count;
            let squares: f64 = finite.iter().map(|number| (number - mean).powi(2)).sum();
            profile.mean = Some(mean);
            profile.deviation = (finite.len() > 1).then(|| (squares / (count - 1.0)).sqrt());
        }
        // Sorted: what is not finite stands at the ends.
        let before = numbers.iter().take_while(|number| !number.is_finite()).count();
        let whole = sorted.data_type().is_integer() || *sorted.data_type() == DataType::Date32;
        let counts = bins(&finite, whole);
        let (from, to) = (text(before), text(before + finite.len() - 1));
        profile.histogram = Some(Histogram { from, to, counts });
        Ok(())
    }

    /// What the manifest knows of all rows.
    fn take_known(&self, profile: &mut ColumnProfile, manifest: &Manifest, column: &TableColumn) {
        let files = manifest.files();
        let known: Option<Vec<_>> =
            files.iter().map(|file| Some((file.rows, file.columns.get(&column.name)?))).collect();
        let Some(known) = known.filter(|known| !known.is_empty()) else { return };
        let nulls = known.iter().map(|(_, statistics)| statistics.nulls).sum();
        profile.nulls = Figure { count: nulls, exact: true };
        let values: Vec<_> =
            known.iter().filter(|(rows, statistics)| statistics.nulls < *rows).collect();
        let least: Option<Vec<&str>> = values.iter().map(|(_, s)| s.min.as_deref()).collect();
        let greatest: Option<Vec<&str>> = values.iter().map(|(_, s)| s.max.as_deref()).collect();
        if let (false, Some(least), Some(greatest)) = (self.is_whole(), least, greatest)
            && let Some(min) = extreme(&least, &column.data_type, false)
            && let Some(max) = extreme(&greatest, &column.data_type, true)
        {
            let plain = |value: String| {
                shortened(&value).replacen('T', " ", usize::from(is_time(&column.data_type)))
            };
            profile.min = Some(plain(min));
            profile.max = Some(plain(max));
            profile.range_exact = true;
        }
    }
}

fn is_time(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Timestamp(..))
}

/// The smallest or largest of values that stand as text.
fn extreme(values: &[&str], data_type: &DataType, largest: bool) -> Option<String> {
    let typed = cast(&StringArray::from(values.to_vec()), data_type).ok()?;
    let options = SortOptions { descending: largest, nulls_first: false };
    let first = sort_to_indices(&typed, Some(options), Some(1)).ok()?;
    let index = *first.values().first()?;
    typed.is_valid(index as usize).then(|| values.get(index as usize).map(|v| (*v).to_owned()))?
}

/// Whether quantiles and a histogram say something of such values.
fn is_ordered(data_type: &DataType) -> bool {
    data_type.is_numeric() || data_type.is_temporal()
}

fn as_numbers(values: &ArrayRef) -> Result<ArrayRef, ArrowError> {
    let whole = match values.data_type() {
        DataType::Date32 | DataType::Time32(_) => {
            cast(&cast(values, &DataType::Int32)?, &DataType::Int64)?
        }
        other if other.is_temporal() => cast(values, &DataType::Int64)?,
        _ => ArrayRef::clone(values),
    };
    cast(&whole, &DataType::Float64)
}

/// How many of the sorted values lie in each part of their range. Few different whole numbers get a part each.
fn bins(sorted: &[f64], whole: bool) -> Vec<u64> {
    let (Some(&from), Some(&to)) = (sorted.first(), sorted.last()) else { return Vec::new() };
    let range = to - from;
    if range <= 0.0 || !range.is_finite() {
        return vec![sorted.len() as u64];
    }
    let (parts, width) = match whole && range < BINS as f64 {
        true => (range as usize + 1, 1.0),
        false => (BINS, range / BINS as f64),
    };
    let mut counts = vec![0; parts];
    for value in sorted {
        counts[(((value - from) / width) as usize).min(parts - 1)] += 1;
    }
    counts
}

/// The most frequent values; none where none repeats.
fn top(
    runs: &[std::ops::Range<usize>],
    values: usize,
    text: &impl Fn(usize) -> String,
) -> Vec<TopValue> {
    let mut by_rows: Vec<&std::ops::Range<usize>> =
        runs.iter().filter(|run| run.len() > 1).collect();
    if runs.len() == 1 {
        by_rows = runs.iter().collect();
    }
    let frequent_first = |run: &&std::ops::Range<usize>| (Reverse(run.len()), run.start);
    if by_rows.len() > TOP_VALUES {
        by_rows.select_nth_unstable_by_key(TOP_VALUES, frequent_first);
        by_rows.truncate(TOP_VALUES);
    }
    by_rows.sort_by_key(frequent_first);
    let of = |run: &std::ops::Range<usize>| TopValue {
        value: text(run.start),
        rows: run.len() as u64,
        share: run.len() as f64 / values as f64,
    };
    by_rows.into_iter().map(of).collect()
}

fn lengths(values: &ArrayRef) -> Result<Option<Lengths>, ArrowError> {
    let is_text =
        matches!(values.data_type(), DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View);
    if !is_text {
        return Ok(None);
    }
    let texts = cast(values, &DataType::Utf8View)?;
    let characters =
        texts.as_string_view().iter().flatten().map(|text| text.chars().count() as u64);
    let (mut min, mut max, mut sum, mut count) = (u64::MAX, 0, 0, 0_u64);
    for length in characters {
        (min, max, sum, count) = (min.min(length), max.max(length), sum + length, count + 1);
    }
    Ok((count > 0).then(|| Lengths { min, mean: sum as f64 / count as f64, max }))
}

fn shortened(value: &str) -> String {
    match value.char_indices().nth(VALUE_CHARACTERS) {
        None => value.to_owned(),
        Some((end, _)) => format!("{}…", &value[..end]),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{Decimal128Array, Int64Array};

    use super::*;

    fn whole(rows: u64) -> Sampled {
        Sampled { rows: Some(rows), rows_read: rows }
    }

    #[test]
    fn numbers_are_counted_ranked_and_binned() {
        let values = Int64Array::from(vec![Some(3), None, Some(1), Some(3), Some(2), Some(3)]);
        let profile = whole(6).column(&[&values]).unwrap();
        assert_eq!(profile.nulls, Figure { count: 1, exact: true });
        assert_eq!(profile.distinct, Some(Figure { count: 3, exact: true }));
        assert_eq!((profile.min.as_deref(), profile.max.as_deref()), (Some("1"), Some("3")));
        assert_eq!(profile.mean, Some(2.4));
        assert_eq!(profile.quantiles[&50], "3");
        assert_eq!(profile.histogram.unwrap().counts, [1, 1, 3]);
        assert_eq!(profile.top.len(), 1);
        assert_eq!((profile.top[0].value.as_str(), profile.top[0].rows), ("3", 3));
    }

    #[test]
    fn decimals_keep_their_digits_and_text_its_lengths() {
        let money = Decimal128Array::from(vec![1050_i128, 999]).with_precision_and_scale(18, 2);
        let profile = whole(2).column(&[&money.unwrap()]).unwrap();
        assert_eq!(profile.min.as_deref(), Some("9.99"));
        let text = StringArray::from(vec!["ä", "", "日本語"]);
        let profile = whole(3).column(&[&text]).unwrap();
        assert_eq!(profile.lengths, Some(Lengths { min: 0, mean: 4.0 / 3.0, max: 3 }));
        assert!(profile.top.is_empty() && profile.histogram.is_none());
    }

    #[test]
    fn nothing_and_nulls_only_have_profiles_too() {
        assert_eq!(whole(0).column(&[]).unwrap().distinct, None);
        let nulls: ArrayRef = Arc::new(Int64Array::from(vec![None, None]));
        let profile = whole(2).column(&[&nulls]).unwrap();
        assert_eq!(profile.nulls, Figure { count: 2, exact: true });
        assert_eq!((profile.min, profile.top.len()), (None, 0));
    }

    #[test]
    fn a_part_of_the_rows_gives_estimates() {
        let sampled = Sampled { rows: Some(1_000), rows_read: 100 };
        let keys = Int64Array::from_iter_values(0..100);
        let profile = sampled.column(&[&keys]).unwrap();
        assert_eq!(profile.distinct, Some(Figure { count: 1_000, exact: false }));
        let flags = Int64Array::from_iter_values((0..100).map(|number| number % 4));
        let profile = sampled.column(&[&flags]).unwrap();
        assert_eq!(profile.distinct, Some(Figure { count: 4, exact: false }));
        assert!(!profile.range_exact);
    }

    #[test]
    fn extremes_are_found_by_type() {
        let of = |values: &[&str], data_type: &DataType| extreme(values, data_type, true);
        assert_eq!(of(&["9", "10"], &DataType::Int64).as_deref(), Some("10"));
        assert_eq!(of(&["9", "10"], &DataType::Utf8).as_deref(), Some("9"));
        assert_eq!(of(&["9.50", "10.25"], &DataType::Decimal128(9, 2)).as_deref(), Some("10.25"));
    }
}
