//! The report as one page: no script, no network, nothing but its own text.
//!
//! Invariant: every value goes through the template's escaping; only what `charts` draws (numbers) is taken as it is.

mod charts;
mod view;

use minijinja::syntax::SyntaxConfig;
use minijinja::{AutoEscape, Environment, Error, Value, context};

use super::quality::QualityReport;
use crate::base::size::{ByteSize, count};

const PAGE: &str = include_str!("page.html");
const PARTS: &str = include_str!("parts.html");
const STYLE: &str = include_str!("page.css");

/// # Errors
/// If the page cannot be written, which nothing in a report gives cause for.
pub(crate) fn page(report: &QualityReport) -> Result<String, Error> {
    let mut environment = Environment::new();
    environment.set_auto_escape_callback(|_| AutoEscape::Html);
    environment.set_syntax(SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build()?);
    environment.add_filter("count", |number: u64| count(number));
    environment.add_filter("bytes", |number: u64| ByteSize(number).to_string());
    environment.add_filter("percent", percent);
    environment.add_filter("figure", figure);
    environment.add_filter("duration", duration);
    environment.add_filter("moment", |time: String| time.replace('T', " ").replace('Z', " UTC"));
    environment.add_filter("long", |text: String| text.chars().count() > view::CELL_CHARACTERS);
    environment.add_filter("cut", |text: String| {
        text.chars().take(view::CELL_CHARACTERS).collect::<String>()
    });
    environment.add_template("parts.html", PARTS)?;
    environment.add_template("page.html", PAGE)?;
    let style = Value::from_safe_string(compact(STYLE));
    let page = environment.get_template("page.html")?;
    page.render(
        context! { style, page => Value::from(minijinja::value::Serde(view::view(report))) },
    )
}

/// The style without indentation and comments.
fn compact(style: &str) -> String {
    let lines = style.lines().map(str::trim);
    lines.filter(|line| !line.is_empty() && !line.starts_with("/*")).collect::<Vec<_>>().join("\n")
}

/// `12.4 %`; what is little but not nothing is not rounded to it, nor to all.
fn percent(part: f64) -> String {
    let hundredths = part * 100.0;
    match hundredths {
        0.0 => "0 %".to_owned(),
        n if n < 0.01 => "< 0.01 %".to_owned(),
        n if n < 1.0 => format!("{n:.2} %"),
        100.0 => "100 %".to_owned(),
        n if n > 99.9 => "> 99.9 %".to_owned(),
        n => format!("{n:.1} %"),
    }
}

/// A number to about four digits.
fn figure(number: f64) -> String {
    let size = number.abs();
    match size {
        0.0 => "0".to_owned(),
        _ if !(1e-4..1e15).contains(&size) => format!("{number:.3e}"),
        _ if size >= 1_000.0 => {
            let digits = count(size.round() as u64);
            if number < 0.0 { format!("−{digits}") } else { digits }
        }
        _ => {
            let places = if size >= 100.0 {
                1
            } else if size >= 1.0 {
                2
            } else {
                4
            };
            let text = format!("{number:.places$}");
            let text = text.trim_end_matches('0').trim_end_matches('.').to_owned();
            text.replace('-', "−")
        }
    }
}

fn duration(seconds: f64) -> String {
    match seconds {
        s if s < 0.0005 => "< 1 ms".to_owned(),
        s if s < 1.0 => format!("{:.0} ms", s * 1e3),
        s if s < 100.0 => format!("{s:.1} s"),
        s => format!("{} min {:02.0} s", (s / 60.0).floor(), s % 60.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_for_people() {
        assert_eq!(
            [0.0, 0.00001, 0.004, 0.5, 0.9999, 1.0].map(percent).join(", "),
            "0 %, < 0.01 %, 0.40 %, 50.0 %, > 99.9 %, 100 %"
        );
        assert_eq!(
            [0.0, 12345.6, -3.5, 0.125, 1e20].map(figure).join(", "),
            "0, 12,346, −3.5, 0.125, 1.000e20"
        );
        assert_eq!(
            [0.0, 0.25, 3.21, 125.0].map(duration).join(", "),
            "< 1 ms, 250 ms, 3.2 s, 2 min 05 s"
        );
    }
}
