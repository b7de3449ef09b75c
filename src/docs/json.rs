//! The report as JSON: what the page shows, for programs.

use super::quality::QualityReport;

/// Indented, as people open it too.
///
/// # Errors
/// If it cannot be written, which none of its parts give cause for.
pub(crate) fn text(report: &QualityReport) -> Result<String, serde_json::Error> {
    serde_json::to_string_pretty(report).map(|text| text + "\n")
}
