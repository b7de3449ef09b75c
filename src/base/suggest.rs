//! `did you mean …?`

/// The one of `known` that `written` was probably meant to be, if any is close.
pub(crate) fn closest<'a>(
    written: &str,
    known: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let folded = written.to_lowercase();
    let distance = |name: &str| strsim::damerau_levenshtein(&folded, &name.to_lowercase());
    let allowed = (written.chars().count() / 3).max(1);
    known
        .into_iter()
        .map(|name| (distance(name), name))
        .filter(|(distance, _)| *distance <= allowed)
        .min()
        .map(|(_, name)| name)
}
