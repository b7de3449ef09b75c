//! W3C Trace Context: which trace a request is part of. <https://www.w3.org/TR/trace-context-1/>

use std::sync::atomic::{AtomicU64, Ordering};

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use uuid::Uuid;

/// What clients and collectors pass on.
pub(super) const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// Names that nothing else has: a random beginning of this process, and a number. Cheaper than a random name for each.
pub(super) struct Names {
    beginning: u64,
    next: AtomicU64,
}

impl Names {
    pub(super) fn new() -> Self {
        let (beginning, first) = Uuid::new_v4().as_u64_pair();
        Self { beginning, next: AtomicU64::new(first) }
    }

    /// Of 8 bytes, not all of them 0.
    fn short(&self) -> u64 {
        // An odd factor: each number has a name of its own, and neighbours look nothing alike.
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        number.wrapping_mul(0x9E37_79B9_7F4A_7C15).max(1)
    }

    /// Of 16 bytes.
    fn wide(&self) -> u128 {
        u128::from(self.beginning) << 64 | u128::from(self.short())
    }

    /// 32 hexadecimal digits.
    pub(super) fn long(&self) -> String {
        digits(self.wide())
    }
}

/// A span of a trace: ours, for one request.
pub(super) struct Trace {
    id: u128,
    span: u64,
    flags: u8,
}

impl Trace {
    /// A span of the trace that the headers name, where they name one: none is begun here, where nobody would collect it.
    pub(super) fn of(headers: &HeaderMap, names: &Names) -> Option<Self> {
        let mut given = headers.get_all(&TRACEPARENT).iter();
        let (only, None) = (given.next()?, given.next()) else { return None };
        let (id, flags) = parse(only.to_str().ok()?)?;
        Some(Self { id, span: names.short(), flags })
    }

    /// 32 hexadecimal digits.
    pub(super) fn id(&self) -> String {
        digits(self.id)
    }

    /// For the answer, with our span.
    pub(super) fn header(&self) -> Option<HeaderValue> {
        let Self { id, span, flags } = self;
        HeaderValue::try_from(format!("00-{id:032x}-{span:016x}-{flags:02x}")).ok()
    }
}

fn digits(number: u128) -> String {
    // Many times as fast as `{:032x}`.
    Uuid::from_u128(number).simple().to_string()
}

/// Trace id and flags of `version-traceid-parentid-flags`.
fn parse(text: &str) -> Option<(u128, u8)> {
    let mut parts = text.splitn(5, '-');
    let hex = |part: &str, digits: usize| {
        let plain = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
        let number = u128::from_str_radix(part, 16).ok()?;
        (part.len() == digits && part.bytes().all(plain)).then_some(number)
    };
    let version = hex(parts.next()?, 2)?;
    let (id, parent) = (hex(parts.next()?, 32)?, hex(parts.next()?, 16)?);
    let flags = u8::try_from(hex(parts.next()?, 2)?).ok()?;
    let more = parts.next().is_some();
    let valid = version != 0xff && !(version == 0 && more) && id != 0 && parent != 0;
    valid.then_some((id, flags))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_valid_trace_goes_on_and_an_invalid_one_is_none() {
        let id = "4bf92f3577b34da6a3ce929d0e0e4736";
        let of = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(TRACEPARENT, value.parse().unwrap());
            Trace::of(&headers, &Names::new())
        };
        let trace = of(&format!("00-{id}-00f067aa0ba902b7-01")).unwrap();
        assert_eq!(trace.id(), id);
        let header = trace.header().unwrap();
        let parts: Vec<&str> = header.to_str().unwrap().split('-').collect();
        assert_eq!((parts[0], parts[1], parts[2].len(), parts[3]), ("00", id, 16, "01"));
        assert_ne!(parts[2], "00f067aa0ba902b7");
        let future = of(&format!("cc-{id}-00f067aa0ba902b7-01-what-comes"));
        assert_eq!(future.unwrap().id(), id);
        for bad in [
            format!("00-{id}-00f067aa0ba902b7-01-more"),
            format!("ff-{id}-00f067aa0ba902b7-01"),
            format!("00-{}-00f067aa0ba902b7-01", "0".repeat(32)),
            format!("00-{id}-0000000000000000-01"),
            format!("00-{}-00f067aa0ba902b7-01", id.to_uppercase()),
            format!("00-{id}-+0f067aa0ba902b7-01"),
            "nonsense".to_owned(),
        ] {
            assert!(of(&bad).is_none(), "{bad}");
        }
    }
}
