//! Which of its forms an answer takes: RFC 9110, section 12, with `?format=` before `Accept`.

use axum::http::{HeaderMap, HeaderName, header};

use crate::api::problem::{Kind, Problem};
use crate::base::suggest;
use crate::engine::output::RowFormat;

/// Every form, the most liked first: the name for `?format=`, the media type that it is sent as, and others that name
/// it in `Accept`.
pub(in crate::api) const FORMATS: &[(RowFormat, &str, &str, &[&str])] = &[
    (RowFormat::Json, "json", "application/json", &[]),
    (
        RowFormat::Ndjson,
        "ndjson",
        "application/x-ndjson",
        &["application/ndjson", "application/jsonl"],
    ),
    (RowFormat::Csv, "csv", "text/csv", &[]),
    (RowFormat::Arrow, "arrow", "application/vnd.apache.arrow.stream", &[]),
    (RowFormat::Parquet, "parquet", "application/vnd.apache.parquet", &[]),
];

/// How the bytes of an answer are coded on their way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(in crate::api) enum Coding {
    Identity,
    Gzip,
    Brotli,
    Zstd,
}

/// Every coding, the most liked first.
const CODINGS: &[(Coding, &str)] = &[
    (Coding::Zstd, "zstd"),
    (Coding::Brotli, "br"),
    (Coding::Gzip, "gzip"),
    (Coding::Identity, "identity"),
];

impl Coding {
    /// Its name in `Content-Encoding`; none for what needs no such header.
    pub(in crate::api) fn name(self) -> Option<&'static str> {
        let named = CODINGS.iter().find(|(coding, _)| *coding == self).map(|(_, name)| *name);
        named.filter(|_| self != Self::Identity)
    }
}

/// What `format` is sent as.
pub(in crate::api) fn media_type(format: RowFormat) -> &'static str {
    let known = FORMATS.iter().find(|(known, ..)| *known == format);
    match known {
        Some((RowFormat::Csv, ..)) => "text/csv; charset=utf-8; header=present",
        Some((_, _, media_type, _)) => media_type,
        None => "application/octet-stream",
    }
}

/// What a form is called where it is asked for.
pub(in crate::api) fn format_name(format: RowFormat) -> &'static str {
    FORMATS.iter().find(|(known, ..)| *known == format).map_or("", |(_, name, ..)| name)
}

/// The form that `asked` (the value of `?format=`) names, else the one that `Accept` likes best.
///
/// # Errors
/// 400 where `asked` is no format, 406 where none is acceptable.
pub(in crate::api) fn format(
    asked: Option<&str>,
    headers: &HeaderMap,
) -> Result<RowFormat, Problem> {
    if let Some(asked) = asked {
        let names = || FORMATS.iter().map(|(_, name, ..)| *name);
        return FORMATS
            .iter()
            .find(|(_, name, ..)| *name == asked)
            .map(|(format, ..)| *format)
            .ok_or_else(|| {
                let detail = match suggest::closest(asked, names()) {
                    Some(close) => format!("it is no format; did you mean `{close}`?"),
                    None => format!("it is one of {}", names().collect::<Vec<_>>().join(", ")),
                };
                Problem::parameter("format", detail)
            });
    }
    let ranges = weighted(headers, &header::ACCEPT);
    if ranges.is_empty() {
        return Ok(RowFormat::Json);
    }
    let weight = |media_types: &mut dyn Iterator<Item = &str>| {
        media_types.map(|media_type| media_weight(&ranges, media_type)).max().unwrap_or(0)
    };
    let weighed = FORMATS.iter().map(|(format, _, media_type, others)| {
        (weight(&mut std::iter::once(*media_type).chain(others.iter().copied())), *format)
    });
    best(weighed).ok_or_else(|| {
        let offered: Vec<&str> = FORMATS.iter().map(|(_, _, media_type, _)| *media_type).collect();
        let detail = format!("`Accept` allows none of the forms there are: {}", offered.join(", "));
        Problem::new(Kind::NotAcceptable, detail)
    })
}

/// The coding that `Accept-Encoding` likes best; none where nothing is asked for or possible.
pub(in crate::api) fn coding(headers: &HeaderMap) -> Coding {
    let codings = weighted(headers, &header::ACCEPT_ENCODING);
    if codings.is_empty() {
        return Coding::Identity;
    }
    let weight = |name: &str| {
        let named = |wanted: &str| {
            codings.iter().find(|(known, _)| known == wanted).map(|(_, weight)| *weight)
        };
        let gzip_too = || (name == "gzip").then(|| named("x-gzip")).flatten();
        named(name).or_else(gzip_too).or_else(|| named("*"))
    };
    let weighed = CODINGS.iter().map(|(coding, name)| match coding {
        // Acceptable unless it is said not to be, and the least liked where nothing is said.
        Coding::Identity => (weight(name).unwrap_or(1), *coding),
        _ => (weight(name).unwrap_or(0), *coding),
    });
    best(weighed).unwrap_or(Coding::Identity)
}

/// The first of those with the greatest weight, if that is not 0.
fn best<T>(weighed: impl Iterator<Item = (u16, T)>) -> Option<T> {
    let mut best: Option<(u16, T)> = None;
    for (weight, form) in weighed {
        if weight > best.as_ref().map_or(0, |(weight, _)| *weight) {
            best = Some((weight, form));
        }
    }
    best.map(|(_, form)| form)
}

/// The weight of the most specific range that covers `media_type`, 0 where none does.
fn media_weight(ranges: &[(String, u16)], media_type: &str) -> u16 {
    let kind = media_type.split('/').next().unwrap_or_default();
    let find = |wanted: &str| ranges.iter().find(|(range, _)| range == wanted).map(|(_, q)| *q);
    find(media_type).or_else(|| find(&format!("{kind}/*"))).or_else(|| find("*/*")).unwrap_or(0)
}

/// The elements of a list header, in lower case without parameters, with their weights in thousandths.
fn weighted(headers: &HeaderMap, name: &HeaderName) -> Vec<(String, u16)> {
    let values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    let elements = values.flat_map(|value| value.split(','));
    elements
        .filter_map(|element| {
            let mut parts = element.split(';').map(str::trim);
            let element = parts.next().filter(|element| !element.is_empty())?;
            let weight = parts.find_map(|part| {
                let (key, value) = part.split_once('=')?;
                key.trim().eq_ignore_ascii_case("q").then(|| thousandths(value.trim()))
            });
            Some((element.to_ascii_lowercase(), weight.unwrap_or(1000)))
        })
        .collect()
}

/// A weight (RFC 9110, 12.4.2); one that is none weighs nothing.
fn thousandths(text: &str) -> u16 {
    match text.parse::<f32>() {
        Ok(weight) if (0.0..=1.0).contains(&weight) => (weight * 1000.0).round() as u16,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: HeaderName, value: &str) -> HeaderMap {
        HeaderMap::from_iter([(name, value.parse().unwrap())])
    }

    #[test]
    fn the_form_is_what_the_client_likes_best() {
        for (accept, expected) in [
            ("*/*", Some(RowFormat::Json)),
            ("application/*", Some(RowFormat::Json)),
            (
                "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
                Some(RowFormat::Json),
            ),
            ("text/csv", Some(RowFormat::Csv)),
            ("TEXT/CSV ; Q=0.5, application/json;q=0.4", Some(RowFormat::Csv)),
            ("text/*", Some(RowFormat::Csv)),
            ("application/json;q=0.2, application/x-ndjson", Some(RowFormat::Ndjson)),
            ("application/jsonl", Some(RowFormat::Ndjson)),
            ("application/vnd.apache.parquet, */*;q=0.1", Some(RowFormat::Parquet)),
            ("application/vnd.apache.arrow.stream;q=1.0", Some(RowFormat::Arrow)),
            ("application/json;q=0, */*", Some(RowFormat::Ndjson)),
            ("text/html", None),
            ("text/csv;q=0", None),
            ("text/csv;q=nonsense", None),
            ("", Some(RowFormat::Json)),
        ] {
            let found = format(None, &headers(header::ACCEPT, accept)).ok();
            assert_eq!(found, expected, "{accept}");
        }
        assert_eq!(format(None, &HeaderMap::new()).ok(), Some(RowFormat::Json));
        let accept = headers(header::ACCEPT, "text/html");
        assert_eq!(format(Some("csv"), &accept).ok(), Some(RowFormat::Csv));
        assert!(format(Some("xml"), &accept).is_err());
    }

    #[test]
    fn the_coding_too() {
        for (accept, expected) in [
            ("gzip, deflate, br, zstd", Coding::Zstd),
            ("gzip, deflate, br", Coding::Brotli),
            ("gzip;q=1.0, br;q=0.5", Coding::Gzip),
            ("x-gzip", Coding::Gzip),
            ("*", Coding::Zstd),
            ("*;q=0.5, zstd;q=0", Coding::Brotli),
            ("deflate", Coding::Identity),
            ("identity", Coding::Identity),
            ("identity;q=1, gzip;q=0.5", Coding::Identity),
            ("identity;q=0.5, gzip;q=0.5", Coding::Gzip),
            ("identity;q=0, *;q=0", Coding::Identity),
            ("", Coding::Identity),
        ] {
            assert_eq!(coding(&headers(header::ACCEPT_ENCODING, accept)), expected, "{accept}");
        }
    }
}
