//! Numbers and booleans as cells spell them. Blanks around them are allowed, nothing is rounded.

/// `bytes` without the spaces and tabs around them.
#[inline]
pub(super) fn trim(mut bytes: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] = bytes {
        bytes = rest;
    }
    while let [rest @ .., b' ' | b'\t'] = bytes {
        bytes = rest;
    }
    bytes
}

/// `true`, `t`, `yes`, `1` and their opposites, in any case.
pub(super) fn boolean(bytes: &[u8]) -> Option<bool> {
    let bytes = trim(bytes);
    let spelled =
        |words: [&str; 4]| words.iter().any(|word| bytes.eq_ignore_ascii_case(word.as_bytes()));
    if spelled(["true", "t", "yes", "1"]) {
        Some(true)
    } else {
        spelled(["false", "f", "no", "0"]).then_some(false)
    }
}

/// Digits with a sign or none, within the bounds of `T`.
#[inline]
pub(super) fn integer<T: TryFrom<i64>>(bytes: &[u8]) -> Option<T> {
    let (negative, digits) = signed(trim(bytes));
    let number = match digits.len() {
        0 => return None,
        // Cannot overflow.
        1..=18 => {
            let number = short(digits)? as i64;
            if negative { -number } else { number }
        }
        _ => {
            let number = long(digits)?;
            i64::try_from(if negative { -number } else { number }).ok()?
        }
    };
    T::try_from(number).ok()
}

/// A number with `scale` digits behind the point, as a count of its smallest unit. Further digits must be zeros,
/// since nothing is rounded; no exponents.
#[inline]
pub(super) fn decimal(bytes: &[u8], precision: u8, scale: u8) -> Option<i128> {
    let (negative, digits) = signed(trim(bytes));
    let point = digits.iter().position(|byte| *byte == b'.');
    let (whole, fraction) = match point {
        Some(point) => (&digits[..point], &digits[point + 1..]),
        None => (digits, &[][..]),
    };
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let scale = usize::from(scale);
    let fraction = match fraction.get(scale..) {
        Some(beyond) if beyond.iter().all(|byte| *byte == b'0') => &fraction[..scale],
        Some(_) => return None,
        None => fraction,
    };
    let filled = scale - fraction.len();
    let number = if whole.len() + scale <= 18 {
        let whole = short(whole)? * POWERS[fraction.len()];
        i128::from((whole + short(fraction)?) * POWERS[filled])
    } else {
        let power = |exponent: usize| 10_i128.pow(exponent as u32);
        let whole = long(whole)?.checked_mul(power(fraction.len()))?;
        whole.checked_add(long(fraction)?)?.checked_mul(power(filled))?
    };
    // Leading zeros do not count: the value must fit, not the text.
    let fits =
        whole.len() + scale <= usize::from(precision) || number < 10_i128.pow(u32::from(precision));
    fits.then_some(if negative { -number } else { number })
}

const POWERS: [u64; 19] = {
    let mut powers = [1; 19];
    let mut index = 1;
    while index < 19 {
        powers[index] = powers[index - 1] * 10;
        index += 1;
    }
    powers
};

/// A floating point number as Rust and DuckDB read it: `1e5`, `.5`, `inf`, `nan`. A number too large is none.
pub(super) fn double(bytes: &[u8]) -> Option<f64> {
    let text = std::str::from_utf8(trim(bytes)).ok()?;
    let number: f64 = text.parse().ok()?;
    (number.is_finite() || !has_digit(text)).then_some(number)
}

/// The same with less precision.
pub(super) fn real(bytes: &[u8]) -> Option<f32> {
    let text = std::str::from_utf8(trim(bytes)).ok()?;
    let number: f32 = text.parse().ok()?;
    (number.is_finite() || !has_digit(text)).then_some(number)
}

fn has_digit(text: &str) -> bool {
    text.bytes().any(|byte| byte.is_ascii_digit())
}

#[inline]
fn signed(bytes: &[u8]) -> (bool, &[u8]) {
    match bytes {
        [b'-', digits @ ..] => (true, digits),
        [b'+', digits @ ..] => (false, digits),
        digits => (false, digits),
    }
}

/// At most 18 digits. None is zero.
#[inline]
fn short(digits: &[u8]) -> Option<u64> {
    let mut number = 0;
    let mut bad = 0;
    for byte in digits {
        let digit = byte.wrapping_sub(b'0');
        bad |= u8::from(digit > 9);
        number = number * 10 + u64::from(digit);
    }
    (bad == 0).then_some(number)
}

/// Any number of digits that makes at most 38 without leading zeros.
fn long(digits: &[u8]) -> Option<i128> {
    let zeros = digits.iter().take_while(|byte| **byte == b'0').count();
    let digits = &digits[zeros..];
    if digits.len() > 38 {
        return None;
    }
    digits.iter().try_fold(0_i128, |number, byte| {
        byte.is_ascii_digit().then(|| number * 10 + i128::from(byte - b'0'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_are_exact_or_nothing() {
        let bigint = |text: &str| integer::<i64>(text.as_bytes());
        for (text, number) in [("+1", 1), (" -7\t", -7), ("007", 7), ("-0", 0)] {
            assert_eq!(bigint(text), Some(number), "{text}");
        }
        assert_eq!(bigint("-9223372036854775808"), Some(i64::MIN));
        assert_eq!(bigint("0000000000000000000000009223372036854775807"), Some(i64::MAX));
        for text in ["", "-", "3.0", "1e3", "1 2", "0x1", "9223372036854775808", "+-1", "1\0", "１"]
        {
            assert_eq!(bigint(text), None, "{text}");
        }
        assert_eq!((integer::<i8>(b"-128"), integer::<i8>(b"128")), (Some(-128), None));
    }

    #[test]
    fn decimals_are_never_rounded() {
        let money = |text: &str| decimal(text.as_bytes(), 18, 2);
        for (text, cents) in [
            ("12.34", 1234),
            ("+12.3", 1230),
            ("12", 1200),
            (".5", 50),
            ("5.", 500),
            ("-0.01", -1),
            (" 1 ", 100),
        ] {
            assert_eq!(money(text), Some(cents), "{text}");
        }
        assert_eq!(money("12.3400"), Some(1234));
        assert_eq!(money("9999999999999999.99"), Some(999_999_999_999_999_999));
        assert_eq!(money("0000000000000000000001.00"), Some(100));
        for text in
            ["", ".", "-", "12.345", "1e2", "1,5", "1.2.3", "10000000000000000", "--1", "NaN"]
        {
            assert_eq!(money(text), None, "{text}");
        }
        assert_eq!(
            decimal(b"-99999999999999999999999999999999999999", 38, 0),
            Some(1 - 10_i128.pow(38))
        );
        assert_eq!(decimal(b"100000000000000000000000000000000000000", 38, 0), None);
        assert_eq!(
            decimal(b".12345678901234567890123456789012345678", 38, 38),
            Some(12345678901234567890123456789012345678)
        );
        assert_eq!((decimal(b"0.99", 2, 2), decimal(b"1.00", 2, 2)), (Some(99), None));
    }

    #[test]
    fn doubles_and_booleans() {
        for (text, number) in [("1e5", 1e5), (" .5", 0.5), ("-inf", f64::NEG_INFINITY)] {
            assert_eq!(double(text.as_bytes()), Some(number), "{text}");
        }
        assert!(double(b"NaN").unwrap().is_nan());
        for text in ["", "1e999", "0x10", "1,5", "1_000"] {
            assert_eq!(double(text.as_bytes()), None, "{text}");
        }
        assert_eq!((real(b"1e39"), real(b"0.1")), (None, Some(0.1)));
        assert_eq!(
            (boolean(b"Yes"), boolean(b" F "), boolean(b"0")),
            (Some(true), Some(false), Some(false))
        );
        assert_eq!((boolean(b""), boolean(b"2"), boolean(b"wahr")), (None, None, None));
    }

    proptest::proptest! {
        #[test]
        fn every_decimal_reads_back(units in -999_999_999_999_999_999_i128..=999_999_999_999_999_999, scale in 0_u8..=18) {
            let digits = format!("{:0width$}", units.unsigned_abs(), width = usize::from(scale) + 1);
            let (whole, fraction) = digits.split_at(digits.len() - usize::from(scale));
            let text = format!("{}{whole}.{fraction}", if units < 0 { "-" } else { "" });
            proptest::prop_assert_eq!(decimal(text.as_bytes(), 18, scale), Some(units));
            proptest::prop_assert_eq!(decimal(text.as_bytes(), 38, scale), Some(units));
        }

        #[test]
        fn integers_agree_with_the_standard_library(text in "[+-]?[0-9]{0,21}") {
            proptest::prop_assert_eq!(integer::<i64>(text.as_bytes()), text.parse().ok());
            proptest::prop_assert_eq!(integer::<i32>(text.as_bytes()), text.parse().ok());
        }
    }
}
