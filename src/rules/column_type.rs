//! The types that a column can be declared with, spelled as SQL spells them.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The type of a column. Timestamps are microseconds throughout.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub(crate) enum ColumnType {
    Boolean,
    TinyInt,
    SmallInt,
    Integer,
    BigInt,
    Real,
    Double,
    /// 1 to 38 digits, `scale` of them behind the point.
    Decimal {
        precision: u8,
        scale: u8,
    },
    Text,
    Date,
    Time,
    /// Without a zone.
    Timestamp,
    /// An instant; UTC when shown.
    TimestampTz,
    /// Bytes.
    Blob,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TypeError {
    #[error("unknown column type `{0}`")]
    Unknown(String),
    #[error("`{0}`: a decimal has 1 to 38 digits, and no more behind the point than in all")]
    Decimal(String),
}

/// Every spelling that is understood, besides `decimal(p,s)`.
const SPELLINGS: &[(&str, ColumnType)] = &[
    ("boolean", ColumnType::Boolean),
    ("bool", ColumnType::Boolean),
    ("logical", ColumnType::Boolean),
    ("tinyint", ColumnType::TinyInt),
    ("int1", ColumnType::TinyInt),
    ("smallint", ColumnType::SmallInt),
    ("int2", ColumnType::SmallInt),
    ("short", ColumnType::SmallInt),
    ("integer", ColumnType::Integer),
    ("int", ColumnType::Integer),
    ("int4", ColumnType::Integer),
    ("signed", ColumnType::Integer),
    ("bigint", ColumnType::BigInt),
    ("int8", ColumnType::BigInt),
    ("int64", ColumnType::BigInt),
    ("long", ColumnType::BigInt),
    ("real", ColumnType::Real),
    ("float4", ColumnType::Real),
    ("float", ColumnType::Real),
    ("double", ColumnType::Double),
    ("double precision", ColumnType::Double),
    ("float8", ColumnType::Double),
    ("float64", ColumnType::Double),
    ("decimal", ColumnType::Decimal { precision: 18, scale: 3 }),
    ("numeric", ColumnType::Decimal { precision: 18, scale: 3 }),
    ("text", ColumnType::Text),
    ("varchar", ColumnType::Text),
    ("char", ColumnType::Text),
    ("bpchar", ColumnType::Text),
    ("nvarchar", ColumnType::Text),
    ("string", ColumnType::Text),
    ("character varying", ColumnType::Text),
    ("date", ColumnType::Date),
    ("time", ColumnType::Time),
    ("timestamp", ColumnType::Timestamp),
    ("datetime", ColumnType::Timestamp),
    ("timestamp without time zone", ColumnType::Timestamp),
    ("timestamptz", ColumnType::TimestampTz),
    ("timestamp with time zone", ColumnType::TimestampTz),
    ("blob", ColumnType::Blob),
    ("bytea", ColumnType::Blob),
    ("binary", ColumnType::Blob),
    ("varbinary", ColumnType::Blob),
];

impl ColumnType {
    /// The spellings a person may have meant.
    pub(crate) fn spellings() -> impl Iterator<Item = &'static str> {
        SPELLINGS.iter().map(|(spelling, _)| *spelling)
    }
}

impl FromStr for ColumnType {
    type Err = TypeError;

    /// Reads DuckDB's and PostgreSQL's spellings, without regard to case. The length of a
    /// `varchar(n)` is accepted and, as in DuckDB, not enforced.
    fn from_str(written: &str) -> Result<Self, TypeError> {
        let text = written.trim().to_ascii_lowercase();
        let (name, arguments) = match text.split_once('(') {
            Some((name, rest)) => (name.trim_end(), rest.trim_end().strip_suffix(')')),
            None => (text.as_str(), None),
        };
        let unknown = || TypeError::Unknown(written.to_owned());
        let found = SPELLINGS.iter().find(|(spelling, _)| *spelling == name).ok_or_else(unknown)?.1;
        match (found, arguments) {
            (Self::Decimal { .. }, Some(arguments)) => decimal(written, arguments),
            (Self::Text, Some(_)) | (_, None) if !text.contains('(') || arguments.is_some() => {
                Ok(found)
            }
            _ => Err(unknown()),
        }
    }
}

fn decimal(written: &str, arguments: &str) -> Result<ColumnType, TypeError> {
    let error = || TypeError::Decimal(written.to_owned());
    let mut numbers = arguments.split(',').map(|number| number.trim().parse::<u8>());
    let precision = numbers.next().and_then(Result::ok).ok_or_else(error)?;
    let scale = numbers.next().unwrap_or(Ok(0)).map_err(|_| error())?;
    if numbers.next().is_some() || !(1..=38).contains(&precision) || scale > precision {
        return Err(error());
    }
    Ok(ColumnType::Decimal { precision, scale })
}

impl fmt::Display for ColumnType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Boolean => "boolean",
            Self::TinyInt => "tinyint",
            Self::SmallInt => "smallint",
            Self::Integer => "integer",
            Self::BigInt => "bigint",
            Self::Real => "real",
            Self::Double => "double",
            Self::Decimal { precision, scale } => return write!(f, "decimal({precision},{scale})"),
            Self::Text => "text",
            Self::Date => "date",
            Self::Time => "time",
            Self::Timestamp => "timestamp",
            Self::TimestampTz => "timestamptz",
            Self::Blob => "blob",
        })
    }
}

impl From<ColumnType> for String {
    fn from(column_type: ColumnType) -> Self {
        column_type.to_string()
    }
}

impl TryFrom<String> for ColumnType {
    type Error = TypeError;

    fn try_from(written: String) -> Result<Self, TypeError> {
        written.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_round_trip() {
        for spelling in ColumnType::spellings() {
            let parsed: ColumnType = spelling.parse().unwrap();
            assert_eq!(parsed.to_string().parse(), Ok(parsed), "{spelling}");
        }
        let money = ColumnType::Decimal { precision: 18, scale: 2 };
        assert_eq!("NUMERIC( 18 , 2 )".parse(), Ok(money));
        assert_eq!("varchar(255)".parse(), Ok(ColumnType::Text));
    }

    #[test]
    fn impossible_types_are_refused() {
        for written in
            ["decimal(39,2)", "decimal(2,3)", "decimal(1,2,3)", "int(4)", "money", "text("]
        {
            assert!(written.parse::<ColumnType>().is_err(), "{written}");
        }
    }
}
