//! Where a page ended, as a text that clients hand back.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::base::Version;

/// The longest text that is looked at.
const CHARACTERS_MAX: usize = 8 << 10;

/// The place between two pages of one version. Opaque to clients: base64url of JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Cursor {
    /// The version that the walk is about.
    #[serde(rename = "v")]
    pub(crate) version: Version,
    /// Names what the answers of its endpoint are made of: a version with the same goes on as well.
    #[serde(rename = "d", default, skip_serializing_if = "String::is_empty")]
    pub(crate) depends_on: String,
    /// The last row's values of the columns that order the answer, as JSON spells them; empty where only the number of
    /// rows tells where it ended.
    #[serde(rename = "k")]
    pub(crate) key: Vec<Json>,
    /// How many rows with just this key have been given.
    #[serde(rename = "s", default, skip_serializing_if = "is_zero")]
    pub(crate) seen: u64,
    /// How many rows have been given altogether.
    #[serde(rename = "n")]
    pub(crate) rows: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_zero(value: &u64) -> bool {
    *value == 0
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Numbers and JSON values: there is nothing in it that JSON cannot hold.
        f.write_str(&URL_SAFE_NO_PAD.encode(serde_json::to_vec(self).unwrap_or_default()))
    }
}

impl FromStr for Cursor {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let bytes = (text.len() <= CHARACTERS_MAX).then(|| URL_SAFE_NO_PAD.decode(text).ok());
        let cursor = bytes.flatten().and_then(|bytes| serde_json::from_slice(&bytes).ok());
        cursor.ok_or_else(|| {
            "it is no cursor of this API; take it from `page.next` as it is".to_owned()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_comes_back_as_it_was() {
        let key = vec![Json::from("12.5000"), Json::Null, Json::from(7)];
        let cursor =
            Cursor { version: Version(42), depends_on: "0a".into(), key, seen: 3, rows: 200 };
        let text = cursor.to_string();
        assert!(text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)));
        assert_eq!(text.parse(), Ok(cursor));
        for other in ["", "x", "e30", &text[1..], &"A".repeat(9000), "é"] {
            assert!(other.parse::<Cursor>().is_err(), "{other}");
        }
    }
}
