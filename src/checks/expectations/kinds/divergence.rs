//! How far the frequencies of a column's values are from those of a partition: the Kullback-Leibler divergence.
//!
//! Source: GX's `ExpectColumnKLDivergenceToBeLessThan._validate` on pandas, and scipy's `stats.entropy`.

use arrow::datatypes::Field;
use serde_json::{Value as Json, json};

use super::super::arguments::{Arguments, quoted};
use super::super::kind::{Compiled, Judged, Kind};
use super::super::literal::{self, Class};
use super::super::{Problem, coerced};
use super::distinct::{counted, counts, same};
use crate::checks::form::{Ask, Measure};

pub(super) const KINDS: &[Kind] = &[Kind {
    name: "expect_column_kl_divergence_to_be_less_than",
    help: "the frequencies of values are near those of `partition_object`: of `values`, or between `bins`",
    arguments: &[
        "column",
        "partition_object",
        "threshold",
        "bucketize_data",
        "tail_weight_holdout",
        "internal_weight_holdout",
        "min_value",
        "max_value",
    ],
    compile: divergence,
}];

/// More bins than this are not made: they tell nothing.
const BINS_MAX: f64 = 10_000.0;
const TAILS_TWICE: &str =
    "tail_weight_holdout must be 0 when using tail_weights in partition object";

/// What holds of both kinds of partition.
#[derive(Clone, Copy)]
struct Limits {
    /// What is observed may diverge so far; without one everything may.
    threshold: Option<f64>,
    /// The share kept for what the partition does not know.
    tail: f64,
    /// The share kept for bins of weight 0.
    internal: f64,
}

fn divergence(arguments: &Arguments<'_>) -> Result<Compiled, Problem> {
    let invalid = || Problem::new("Invalid partition object.");
    let Some(partition) = arguments.get("partition_object") else {
        return of_itself(arguments);
    };
    let list = |key: &str| partition.get(key).and_then(Json::as_array);
    let numbers = |key: &str| -> Result<Option<Vec<f64>>, Problem> {
        let numbers = list(key).map(|numbers| numbers.iter().map(Json::as_f64).collect());
        numbers.map(|numbers: Option<Vec<f64>>| numbers.ok_or_else(invalid)).transpose()
    };
    let weights = numbers("weights")?.ok_or_else(invalid)?;
    let tails = numbers("tail_weights")?;
    let total: f64 = weights.iter().sum();
    let is_one = |total: f64| (total - 1.0).abs() <= 1e-8 + 1e-5;
    let categories = list("values").filter(|all| all.len() == weights.len() && is_one(total));
    let bins = numbers("bins")?.filter(|bins| {
        let tails = tails.as_ref();
        bins.len() == weights.len() + 1
            && bins.is_sorted_by(|one, next| one < next)
            && tails.is_none_or(|tails| tails.len() == 2)
            && is_one(total + tails.map_or(0.0, |tails| tails.iter().sum()))
    });
    if categories.is_none() && bins.is_none() {
        return Err(invalid());
    }
    let limits = limits(arguments)?;
    if limits.tail != 0.0 && partition.get("tail_weights").is_some() {
        return Err(Problem::new(TAILS_TWICE));
    }
    match (categories, bins) {
        (Some(categories), _) => {
            if limits.internal > 0.0 {
                let message = "Internal weight holdout cannot be used for discrete data.";
                return Err(Problem::new(message));
            }
            let ask = counts(arguments, "n desc, v")?;
            let categories = categories.clone();
            Ok(Compiled::aggregate(ask, move |answers| {
                let counted = counted(answers.queries.first())?;
                Ok(divergent(&categories, &weights, &counted, limits.tail, limits.threshold))
            }))
        }
        (None, Some(bins)) => binned(arguments, Partition { bins, weights, tails }, limits),
        (None, None) => Err(invalid()),
    }
}

/// Without a partition the column is held against its own values, or against the bins that numpy calls "auto".
fn of_itself(arguments: &Arguments<'_>) -> Result<Compiled, Problem> {
    let limits = limits(arguments)?;
    if arguments.get("bucketize_data").is_none() || arguments.boolean("bucketize_data")? {
        return of_its_own_bins(arguments, limits);
    }
    if limits.internal > 0.0 {
        let message = "Internal weight holdout cannot be used for discrete data.";
        return Err(Problem::new(message));
    }
    Ok(Compiled::aggregate(counts(arguments, "n desc, v")?, move |answers| {
        let counted = counted(answers.queries.first())?;
        let total: u64 = counted.iter().map(|(_, count)| count).sum();
        if total == 0 {
            return Err(Problem::new("Invalid partition object."));
        }
        let (values, weights): (Vec<Json>, Vec<f64>) = counted
            .iter()
            .map(|(value, count)| (value.clone(), *count as f64 / total as f64))
            .unzip();
        Ok(divergent(&values, &weights, &counted, limits.tail, limits.threshold))
    }))
}

/// Source: GX's metric `column.partition` with bins "auto": as many as Sturges or Freedman and Diaconis ask for, the more.
fn of_its_own_bins(arguments: &Arguments<'_>, limits: Limits) -> Result<Compiled, Problem> {
    number_column(arguments)?;
    Ok(Compiled::aggregate(counts(arguments, "v")?, move |answers| {
        let counted = counted(answers.queries.first())?;
        // Truths are the numbers 0 and 1.
        let number = |value: &Json| coerced::number(value);
        let counted: Vec<(f64, u64)> =
            counted.iter().filter_map(|(value, count)| Some((number(value)?, *count))).collect();
        let all: u64 = counted.iter().map(|(_, count)| count).sum();
        if all == 0 {
            // numpy's one bin around nothing, which nothing diverges from.
            let tails = Some(vec![0.5, 0.5]);
            let nothing = Partition { bins: vec![f64::NAN], weights: Vec::new(), tails };
            return Ok(continuous(&nothing, &[], (0, 0), 0, limits));
        }
        let bins = own_bins(&counted, all);
        if bins.len() < 2 || !bins.is_sorted_by(|one, next| one < next) {
            return Err(Problem::new("Invalid partition object."));
        }
        let last = bins.len() - 2;
        let mut found = vec![0; bins.len() - 1];
        for (value, count) in counted {
            let bin = bins.partition_point(|edge| *edge <= value).saturating_sub(1);
            found[bin.min(last)] += count;
        }
        let weights: Vec<f64> = found.iter().map(|count| *count as f64 / all as f64).collect();
        let tail = (1.0 - weights.iter().sum::<f64>()) / 2.0;
        if limits.tail != 0.0 {
            return Err(Problem::new(TAILS_TWICE));
        }
        let partition = Partition { bins, weights, tails: Some(vec![tail, tail]) };
        Ok(continuous(&partition, &found, (0, 0), all, limits))
    }))
}

/// Edges of bins of one width over values in order, each with its count.
fn own_bins(counted: &[(f64, u64)], all: u64) -> Vec<f64> {
    let (Some((first, _)), Some((last, _))) = (counted.first(), counted.last()) else {
        return Vec::new();
    };
    let quartile = |share: f64| {
        let place = (share * (all - 1) as f64).round_ties_even();
        let mut before = 0;
        let value = counted.iter().find(|(_, count)| {
            before += count;
            before as f64 > place
        });
        value.map_or(*last, |(value, _)| *value)
    };
    let range = quartile(0.75) - quartile(0.25);
    let sturges = (all as f64 + 1.0).log2().ceil();
    let width = 2.0 * range / (all as f64).powf(1.0 / 3.0);
    let bins = match range < 1e-10 {
        true => sturges,
        false => sturges.max(((last - first) / width).ceil()),
    };
    if bins > BINS_MAX {
        return Vec::new();
    }
    let step = (last - first) / bins;
    let edge = |place: u32| f64::from(place) * step + first;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a few bins")]
    let edges = (0..bins as u32).map(edge);
    edges.chain([*last]).collect()
}

fn limits(arguments: &Arguments<'_>) -> Result<Limits, Problem> {
    let threshold = arguments.number("threshold")?;
    if threshold.is_some_and(|threshold| threshold < 0.0) {
        return Err(Problem::new("Threshold must be specified, greater than or equal to zero."));
    }
    let share = |key: &str| {
        let share = arguments.number(key)?.unwrap_or(0.0);
        let wrong = || Problem::new(format!("{key} must be between zero and one."));
        (0.0..=1.0).contains(&share).then_some(share).ok_or_else(wrong)
    };
    let (tail, internal) = (share("tail_weight_holdout")?, share("internal_weight_holdout")?);
    Ok(Limits { threshold, tail, internal })
}

/// A partition of numbers: `bins` ascends and is one longer than `weights`. All are finite, for JSON has no infinity.
struct Partition {
    bins: Vec<f64>,
    weights: Vec<f64>,
    /// Below the first bin, above the last.
    tails: Option<Vec<f64>>,
}

/// Bins are open above, but for the last.
fn binned(
    arguments: &Arguments<'_>,
    partition: Partition,
    limits: Limits,
) -> Result<Compiled, Problem> {
    let (field, column) = number_column(arguments)?;
    if arguments.get("bucketize_data").is_some() && !arguments.boolean("bucketize_data")? {
        let message = "KL Divergence cannot be computed with a continuous partition object and the bucketize_data parameter set to false.";
        return Err(Problem::new(message));
    }
    let present = literal::present(field);
    let count = |condition: String| Measure::Count(format!("{present} and {condition}"));
    let compared = |sign: &str, bound: f64| format!("{column} {sign} cast('{bound}' as double)");
    let bins = &partition.bins;
    let (Some(&first), Some(&last)) = (bins.first(), bins.last()) else {
        return Err(Problem::new("Invalid partition object."));
    };
    let mut measures = vec![
        Measure::Count(present.clone()),
        count(compared("<", first)),
        count(compared(">", last)),
    ];
    measures.extend(bins.windows(2).map(|ends| {
        let below = if ends[1] == last { "<=" } else { "<" };
        count(format!("{} and {}", compared(">=", ends[0]), compared(below, ends[1])))
    }));
    let ask = Ask::measures(arguments.subject(), measures);
    Ok(Compiled::aggregate(ask, move |answers| {
        let found: Vec<u64> =
            (0..partition.weights.len()).map(|bin| answers.count(bin + 3)).collect();
        let outside = (answers.count(1), answers.count(2));
        Ok(continuous(&partition, &found, outside, answers.count(0), limits))
    }))
}

/// The column that is put in bins, and its values as SQL.
fn number_column<'a>(arguments: &Arguments<'a>) -> Result<(&'a Field, String), Problem> {
    let field = arguments.column("column")?;
    let column = quoted(field.name());
    match literal::class(field) {
        Class::Number => Ok((field, format!("cast({column} as double)"))),
        Class::Boolean => Ok((field, format!("cast(cast({column} as bigint) as double)"))),
        _ => Err(Problem::new(format!("`{}` holds no numbers to put in bins", field.name()))),
    }
}

/// What was counted in each bin and outside of them, of `all`, against the partition.
fn continuous(
    partition: &Partition,
    found: &[u64],
    (below, above): (u64, u64),
    all: u64,
    limits: Limits,
) -> Judged {
    let Partition { bins, weights, tails } = partition;
    let expected = held_out(weights, limits);
    let expected_tails = tails.clone().unwrap_or_else(|| vec![limits.tail / 2.0; 2]);
    let share = |count: u64| count as f64 / all as f64;
    let observed: Vec<f64> = found.iter().map(|count| share(*count)).collect();
    let observed_tails = vec![share(below), share(above)];
    let whole = |tails: &[f64], weights: &[f64]| [&tails[..1], weights, &tails[1..]].concat();
    let divergence =
        entropy(&whole(&observed_tails, &observed), &whole(&expected_tails, &expected));
    let mut judged = judged(divergence, limits.threshold);
    let details = json!({
        "observed_partition": {"bins": bins, "weights": observed, "tail_weights": observed_tails},
        "expected_partition": {"bins": bins, "weights": expected, "tail_weights": expected_tails},
    });
    judged.result.insert("details".to_owned(), details);
    judged
}

/// The weights with what is held out taken off; bins of weight 0 share what is held out for them.
fn held_out(weights: &[f64], limits: Limits) -> Vec<f64> {
    let kept = 1.0 - limits.tail - limits.internal;
    let scaled: Vec<f64> = weights.iter().map(|weight| weight * kept).collect();
    let empty = scaled.iter().filter(|weight| **weight == 0.0).count();
    let filled = |weight: f64| match weight == 0.0 && limits.internal > 0.0 {
        true => limits.internal / empty as f64,
        false => weight,
    };
    scaled.into_iter().map(filled).collect()
}

/// Both are scaled to a sum of 1 first. Infinite where something is observed that is not expected at all; no number
/// where nothing is observed.
fn entropy(observed: &[f64], expected: &[f64]) -> f64 {
    let (all_observed, all_expected) = (observed.iter().sum::<f64>(), expected.iter().sum::<f64>());
    let part = |(observed, expected): (&f64, &f64)| {
        let (p, q) = (observed / all_observed, expected / all_expected);
        match p == 0.0 {
            true if q < 0.0 => f64::INFINITY,
            true => 0.0,
            false => p * (p / q).ln(),
        }
    };
    observed.iter().zip(expected).map(part).sum()
}

/// No number and infinity are observed as nothing, and are less than no threshold.
fn judged(divergence: f64, threshold: Option<f64>) -> Judged {
    let success = threshold.is_none_or(|threshold| divergence <= threshold);
    let value = if divergence.is_finite() { json!(divergence) } else { Json::Null };
    Judged::observed(success, value)
}

fn divergent(
    categories: &[Json],
    weights: &[f64],
    counted: &[(Json, u64)],
    holdout: f64,
    threshold: Option<f64>,
) -> Judged {
    let total: u64 = counted.iter().map(|(_, count)| count).sum();
    let share = |count: u64| if total == 0 { 0.0 } else { count as f64 / total as f64 };
    let mut names: Vec<Json> = categories.to_vec();
    let found = |name: &Json| counted.iter().find(|(value, _)| same(value, name));
    let mut observed: Vec<f64> =
        names.iter().map(|name| found(name).map_or(0.0, |(_, count)| share(*count))).collect();
    let mut expected: Vec<f64> = weights.to_vec();
    let others: Vec<&(Json, u64)> = counted
        .iter()
        .filter(|(value, _)| !categories.iter().any(|known| same(known, value)))
        .collect();
    if !others.is_empty() {
        expected.iter_mut().for_each(|weight| *weight *= 1.0 - holdout);
    }
    for (value, count) in &others {
        names.push(value.clone());
        observed.push(share(*count));
        expected.push(holdout / others.len() as f64);
    }
    let mut judged = judged(entropy(&observed, &expected), threshold);
    let details = json!({
        "observed_partition": {"values": names, "weights": observed},
        "expected_partition": {"values": names, "weights": expected},
    });
    judged.result.insert("details".to_owned(), details);
    judged
}

#[cfg(test)]
mod tests {
    use super::{Limits, entropy, held_out};

    #[test]
    fn the_divergence_is_that_of_scipy() {
        assert_eq!(entropy(&[0.5, 0.5], &[0.5, 0.5]), 0.0);
        assert!((entropy(&[0.25, 0.75], &[1.0, 1.0]) - 0.130_812_035_941_137_3).abs() < 1e-15);
        assert_eq!(entropy(&[0.5, 0.5], &[1.0, 0.0]), f64::INFINITY);
        assert!(entropy(&[f64::NAN], &[1.0]).is_nan());
    }

    #[test]
    fn what_is_held_out_goes_to_empty_bins() {
        let limits = Limits { threshold: None, tail: 0.0, internal: 0.1 };
        assert_eq!(held_out(&[0.5, 0.0, 0.5, 0.0], limits), [0.45, 0.05, 0.45, 0.05]);
    }
}
