//! A validation result (Great Expectations' JSON) as a table for people.

use std::fmt::Write as _;

use serde_json::Value as Json;

use crate::base::size::{count, counted};

/// How many failing values a line shows.
const VALUES_SHOWN: usize = 8;
/// The longest text of one value, and of an observed value.
const VALUE_CHARACTERS_MAX: usize = 40;

const HEADINGS: [&str; 7] =
    ["result", "expectation", "column", "checked", "failing", "share", "observed"];
/// Columns of numbers stand to the right.
const TO_THE_RIGHT: [bool; 7] = [false, false, false, true, true, true, false];

/// What one expectation came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Met,
    /// Not met, in the words of its severity.
    Failed,
    Warning,
    Info,
    /// It could not be looked at.
    Error,
}

impl Outcome {
    fn of(result: &Json) -> Self {
        if result["success"] == true {
            return Self::Met;
        }
        if exception(result).is_some() {
            return Self::Error;
        }
        match result["expectation_config"]["severity"].as_str() {
            Some("warning") => Self::Warning,
            Some("info") => Self::Info,
            _ => Self::Failed,
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::Met => "ok",
            Self::Failed => "FAILED",
            Self::Warning => "warning",
            Self::Info => "info",
            Self::Error => "ERROR",
        }
    }

    fn is_bad(self) -> bool {
        matches!(self, Self::Failed | Self::Error)
    }
}

/// Whether a critical expectation was not met, or one could not be looked at.
pub(super) fn has_failed(validation: &Json) -> bool {
    results(validation).any(|result| Outcome::of(result).is_bad())
}

/// One line for each expectation, with the values that failed below it, and what it comes to.
pub(super) fn table(file: &str, validation: &Json) -> String {
    let lines: Vec<([String; 7], Option<String>)> =
        results(validation).map(|result| (cells(result), remark(result))).collect();
    let width = |column: usize| {
        let cells = lines.iter().map(|(cells, _)| cells[column].chars().count());
        cells.chain([HEADINGS[column].len()]).max().unwrap_or(0)
    };
    let widths: [usize; 7] = std::array::from_fn(width);
    let mut out = format!("{file}\n");
    line(&mut out, &HEADINGS.map(str::to_owned), &widths);
    for (cells, remark) in &lines {
        line(&mut out, cells, &widths);
        if let Some(remark) = remark {
            let indent = widths[0] + 6;
            out.extend(remark.lines().flat_map(|text| [" ".repeat(indent), format!("{text}\n")]));
        }
    }
    out + &summary(validation)
}

fn line(out: &mut String, cells: &[String; 7], widths: &[usize; 7]) {
    let mut text = String::new();
    for (column, cell) in cells.iter().enumerate() {
        let fill = " ".repeat(widths[column] - cell.chars().count());
        let padded = if TO_THE_RIGHT[column] { fill + cell } else { format!("{cell}{fill}") };
        // Writing to a text cannot fail.
        let _ = write!(text, "  {padded}");
    }
    out.push_str(text.trim_end());
    out.push('\n');
}

/// `12 of 14 expectations met: 1 failed, 1 warning`
fn summary(validation: &Json) -> String {
    let outcomes: Vec<Outcome> = results(validation).map(Outcome::of).collect();
    let met = outcomes.iter().filter(|outcome| **outcome == Outcome::Met).count();
    let mut parts = Vec::new();
    let named = [
        (Outcome::Failed, "failed"),
        (Outcome::Error, "could not be looked at"),
        (Outcome::Warning, "warned"),
        (Outcome::Info, "for information"),
    ];
    for (outcome, word) in named {
        let number = outcomes.iter().filter(|found| **found == outcome).count();
        if number > 0 {
            parts.push(format!("{number} {word}"));
        }
    }
    let all = counted(outcomes.len() as u64, "expectation");
    let rest = if parts.is_empty() { String::new() } else { format!(": {}", parts.join(", ")) };
    format!("{met} of {all} met{rest}\n")
}

fn results(validation: &Json) -> impl Iterator<Item = &Json> {
    validation["results"].as_array().into_iter().flatten()
}

fn cells(result: &Json) -> [String; 7] {
    let (config, found) = (&result["expectation_config"], &result["result"]);
    let kwargs = &config["kwargs"];
    let number = |key: &str| found[key].as_u64().map(count).unwrap_or_default();
    let share = found["unexpected_percent"].as_f64().filter(|percent| *percent > 0.0);
    let columns = match (&kwargs["column"], &kwargs["column_A"], &kwargs["column_list"]) {
        (Json::String(column), ..) => column.clone(),
        (_, Json::String(first), _) => {
            format!("{first}, {}", kwargs["column_B"].as_str().unwrap_or_default())
        }
        (.., Json::Array(columns)) => {
            columns.iter().filter_map(Json::as_str).collect::<Vec<_>>().join(", ")
        }
        _ => String::new(),
    };
    [
        Outcome::of(result).word().to_owned(),
        config["type"].as_str().unwrap_or_default().to_owned(),
        columns,
        number("element_count"),
        number("unexpected_count"),
        share.map(percent).unwrap_or_default(),
        found.get("observed_value").map(shown).unwrap_or_default(),
    ]
}

/// Two digits; what is more than nothing does not look like nothing.
fn percent(share: f64) -> String {
    if share < 0.01 { "<0.01%".to_owned() } else { format!("{share:.2}%") }
}

/// What stands below the line of an expectation that was not met.
fn remark(result: &Json) -> Option<String> {
    if result["success"] == true {
        return None;
    }
    if let Some(message) = exception(result) {
        return Some(message);
    }
    let found = &result["result"];
    let values = found["partial_unexpected_counts"].as_array().filter(|counts| {
        counts.iter().all(|entry| entry.get("value").is_some() && entry["count"].is_u64())
    });
    let mut shown: Vec<String> = match (values, found["partial_unexpected_list"].as_array()) {
        (Some(counts), _) if !counts.is_empty() => counts
            .iter()
            .map(|entry| match entry["count"].as_u64() {
                Some(times) if times > 1 => {
                    format!("{} ({} times)", self::shown(&entry["value"]), count(times))
                }
                _ => self::shown(&entry["value"]),
            })
            .collect(),
        (_, Some(values)) if !values.is_empty() => values.iter().map(self::shown).collect(),
        _ => return None,
    };
    let all = shown.len();
    shown.truncate(VALUES_SHOWN);
    if all > VALUES_SHOWN {
        shown.push("…".to_owned());
    }
    Some(format!("among them: {}", shown.join(", ")))
}

/// Why an expectation could not be looked at: GX tells of one exception, or of one for each metric.
fn exception(result: &Json) -> Option<String> {
    let info = result["exception_info"].as_object()?;
    let raised = |info: &Json| {
        (info["raised_exception"] == true)
            .then(|| info["exception_message"].as_str().unwrap_or("no reason given").to_owned())
    };
    let whole = raised(&Json::Object(info.clone()));
    whole.or_else(|| info.values().find_map(raised))
}

/// A value on one line, of bounded length.
fn shown(value: &Json) -> String {
    let text = match value {
        Json::Null => "null".to_owned(),
        other => other.to_string(),
    };
    let mut characters = text.chars();
    let front: String = characters.by_ref().take(VALUE_CHARACTERS_MAX).collect();
    if characters.next().is_some() { front + "…" } else { front }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn validation() -> Json {
        json!({"success": false, "results": [
            {"success": true, "expectation_config": {"type": "expect_column_values_to_be_unique",
                "kwargs": {"column": "id"}, "severity": "critical"},
             "result": {"element_count": 12345, "unexpected_count": 0, "unexpected_percent": 0.0},
             "exception_info": {"raised_exception": false}},
            {"success": false, "expectation_config": {"type": "expect_column_values_to_be_between",
                "kwargs": {"column": "quantity"}, "severity": "critical"},
             "result": {"element_count": 12345, "unexpected_count": 3, "unexpected_percent": 0.0243,
                "partial_unexpected_list": [0, 0, -1],
                "partial_unexpected_counts": [{"value": 0, "count": 2}, {"value": -1, "count": 1}]},
             "exception_info": {"raised_exception": false}},
            {"success": false, "expectation_config": {"type": "expect_column_max_to_be_between",
                "kwargs": {"column": "price"}, "severity": "warning"},
             "result": {"observed_value": 99.5}},
            {"success": false, "expectation_config": {"type": "expect_column_pair_values_to_be_equal",
                "kwargs": {"column_A": "a", "column_B": "b"}, "severity": "info"}, "result": {},
             "exception_info": {"('x', 'y')": {"raised_exception": true, "exception_message": "no column `b`"}}}
        ]})
    }

    #[test]
    fn every_expectation_is_a_line_with_what_failed_below() {
        insta::assert_snapshot!(table("orders.csv", &validation()), @r"
        orders.csv
          result   expectation                            column    checked  failing  share  observed
          ok       expect_column_values_to_be_unique      id         12,345        0
          FAILED   expect_column_values_to_be_between     quantity   12,345        3  0.02%
                     among them: 0 (2 times), -1
          warning  expect_column_max_to_be_between        price                              99.5
          ERROR    expect_column_pair_values_to_be_equal  a, b
                     no column `b`
        1 of 4 expectations met: 1 failed, 1 could not be looked at, 1 warned
        ");
    }

    #[test]
    fn warnings_alone_are_no_failure() {
        let mut validation = validation();
        assert!(has_failed(&validation));
        let all = validation["results"].take();
        let one = |index: usize| json!({"results": [all[index]]});
        assert_eq!([0, 1, 2, 3].map(|index| has_failed(&one(index))), [false, true, false, true]);
    }
}
