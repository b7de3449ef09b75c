//! Seeds: small CSVs of the project, loaded like a source but without mercy for bad rows.

use super::error::LoadError;
use super::files;
use super::input::Input;
use super::{LoadContext, Loaded, load_files};
use crate::project::Seed;

/// Loads a seed into the draft if it is new or changed. Its columns are typed by inference, but for those that
/// `column_types` names.
///
/// # Errors
/// As [`super::load`], and for any row that is ragged, undecodable or not of the types that were set.
pub(crate) async fn load_seed(context: &LoadContext<'_>, seed: &Seed) -> Result<Loaded, LoadError> {
    let file = files::look(seed.info.path.clone(), seed.file.clone())?;
    load_files(context, &Input::of_seed(seed), vec![file]).await
}
