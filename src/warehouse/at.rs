//! Which state to read.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, NaiveDate, NaiveDateTime, Utc};

use super::error::WarehouseError;
use crate::base::{RunId, Version};

/// Which state to read: `42`, `2026-01-02T03:04:05Z`, a tag, `run:ID`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum At {
    Version(Version),
    /// The newest version published at or before this time.
    Time(DateTime<Utc>),
    Tag(String),
    /// The draft that a failed run left (of a run that published: its version).
    Run(RunId),
}

impl FromStr for At {
    type Err = WarehouseError;

    /// A time without a zone is UTC, a date its first instant.
    fn from_str(written: &str) -> Result<Self, WarehouseError> {
        let text = written.trim();
        let bad = || WarehouseError::BadAt { written: written.to_owned() };
        if let Some(run) = text.strip_prefix("run:") {
            return run.parse().map(Self::Run).map_err(|_| bad());
        }
        if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
            return text.parse().map(|number| Self::Version(Version(number))).map_err(|_| bad());
        }
        if let Some(time) = time(text) {
            return Ok(Self::Time(time));
        }
        if is_tag(text) { Ok(Self::Tag(text.to_owned())) } else { Err(bad()) }
    }
}

impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Version(version) => version.fmt(f),
            Self::Time(time) => f.write_str(&time.to_rfc3339()),
            Self::Tag(tag) => f.write_str(tag),
            Self::Run(run) => write!(f, "run:{run}"),
        }
    }
}

fn time(text: &str) -> Option<DateTime<Utc>> {
    if let Ok(time) = DateTime::parse_from_rfc3339(text) {
        return Some(time.to_utc());
    }
    let forms =
        ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"];
    let local = forms.iter().find_map(|form| NaiveDateTime::parse_from_str(text, form).ok());
    let date = || NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?.and_hms_opt(0, 0, 0);
    local.or_else(date).map(|time| time.and_utc())
}

/// Letters, digits, `_`, `-` and `.`, first a letter: never a version, a time, a run or a path.
pub(super) fn is_tag(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_to_name_a_state() {
        let time = |text: &str| At::Time(text.parse().unwrap());
        let cases = [
            ("42", At::Version(Version(42))),
            ("2026-01-02T03:04:05Z", time("2026-01-02T03:04:05Z")),
            ("2026-01-02T05:04:05+02:00", time("2026-01-02T03:04:05Z")),
            ("2026-01-02 03:04", time("2026-01-02T03:04:00Z")),
            ("2026-01-02", time("2026-01-02T00:00:00Z")),
            ("v1.2-final", At::Tag("v1.2-final".to_owned())),
            (
                "run:20260102T030405Z-1a2b3c4d",
                At::Run("20260102T030405Z-1a2b3c4d".parse().unwrap()),
            ),
        ];
        for (written, expected) in cases {
            let at: At = written.parse().unwrap();
            assert_eq!(at, expected, "{written}");
            assert_eq!(at.to_string().parse::<At>().unwrap(), expected, "{at}");
        }
    }

    #[test]
    fn what_names_no_state_is_told_so() {
        for written in
            ["", "-1", "../x", "run:", "run:a/b", "2026-13-45", "99999999999999999999999"]
        {
            assert!(
                matches!(written.parse::<At>(), Err(WarehouseError::BadAt { .. })),
                "{written}"
            );
        }
        let error = "no such".parse::<At>().unwrap_err();
        insta::assert_snapshot!(error, @"`no such` names no version, time, tag or run");
        insta::assert_snapshot!(error.hints().join("\n"), @"write a version (`42`), a time (`2026-01-02T03:04:05Z`), a tag, or `run:` and a run's id");
    }
}
