//! `state/`: what is remembered between runs to save work. Losing it costs time and nothing else.

use serde::{Deserialize, Serialize};

use super::folder::{Durability, Folder};
use super::json;
use super::manifest::FORMAT;
use crate::base::hash;

#[derive(Serialize, Deserialize)]
struct Remembered<'a> {
    format: u32,
    key: std::borrow::Cow<'a, str>,
    value: std::borrow::Cow<'a, str>,
}

/// Puts `value` under `key`. That it could not (a read-only folder, a full disk) is no error.
pub(super) fn remember(folder: &Folder, key: &str, value: &str) {
    if recall(folder, key).as_deref() == Some(value) {
        return;
    }
    let file = file_name(key);
    let entry = Remembered { format: FORMAT, key: key.into(), value: value.into() };
    let written = json::compact(&folder.path(&file), &entry)
        .and_then(|bytes| folder.replace(&file, &bytes, Durability::Unsynced));
    if let Err(error) = written {
        tracing::debug!(%error, "nothing is remembered");
    }
}

/// What was last remembered under `key`, unless it was lost.
pub(super) fn recall(folder: &Folder, key: &str) -> Option<String> {
    let bytes = folder.read(&file_name(key)).ok()??;
    let entry: Remembered<'_> = json::parse(&folder.path(&file_name(key)), &bytes).ok()?;
    (entry.key == key).then(|| entry.value.into_owned())
}

/// Spread over folders, so that none grows large.
fn file_name(key: &str) -> String {
    let hash = hash::of(key.as_bytes());
    format!("state/{}/{}.json", &hash[..2], &hash[2..])
}
