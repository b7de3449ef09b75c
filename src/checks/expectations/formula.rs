//! Arithmetic with suite parameters: `rows * 0.9`, `abs(low) + 1`.

use serde_json::{Number, Value as Json};

/// How deep brackets and signs may be nested.
const MAX_DEPTH: usize = 100;

/// The number that the formula makes of those that `value` gives; `None` where it is no formula or a name has no number.
pub(super) fn number(formula: &str, value: &dyn Fn(&str) -> Option<f64>) -> Option<Json> {
    let mut reader = Reader { rest: formula, value };
    let number = reader.sum(0)?;
    reader.skip_blanks();
    if !reader.rest.is_empty() {
        return None;
    }
    // Past 2^53 a double is no exact whole number.
    let is_whole = number.fract() == 0.0 && number.abs() <= 9_007_199_254_740_992.0;
    #[expect(clippy::cast_possible_truncation, reason = "whole and within 2^53")]
    match is_whole {
        true => Some(Json::from(number as i64)),
        false => Number::from_f64(number).map(Json::Number),
    }
}

struct Reader<'a> {
    rest: &'a str,
    value: &'a dyn Fn(&str) -> Option<f64>,
}

impl<'a> Reader<'a> {
    fn skip_blanks(&mut self) {
        self.rest = self.rest.trim_start();
    }

    fn takes(&mut self, sign: char) -> bool {
        self.skip_blanks();
        let after = self.rest.strip_prefix(sign);
        self.rest = after.unwrap_or(self.rest);
        after.is_some()
    }

    /// What the text starts with, as long as its characters are wanted.
    fn word(&mut self, wanted: impl Fn(char) -> bool) -> &'a str {
        let end = self.rest.find(|c| !wanted(c)).unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest;
        word
    }

    fn sum(&mut self, depth: usize) -> Option<f64> {
        let mut sum = self.product(depth)?;
        loop {
            if self.takes('+') {
                sum += self.product(depth)?;
            } else if self.takes('-') {
                sum -= self.product(depth)?;
            } else {
                return Some(sum);
            }
        }
    }

    fn product(&mut self, depth: usize) -> Option<f64> {
        let mut product = self.power(depth)?;
        loop {
            if self.takes('*') {
                product *= self.power(depth)?;
            } else if self.takes('/') {
                product /= self.power(depth)?;
            } else {
                return Some(product);
            }
        }
    }

    fn power(&mut self, depth: usize) -> Option<f64> {
        let base = self.term(depth)?;
        match self.takes('^') {
            true if depth < MAX_DEPTH => Some(base.powf(self.power(depth + 1)?)),
            true => None,
            false => Some(base),
        }
    }

    fn term(&mut self, depth: usize) -> Option<f64> {
        if depth > MAX_DEPTH {
            return None;
        }
        if self.takes('-') {
            return Some(-self.term(depth + 1)?);
        }
        if self.takes('(') {
            return self.bracketed(depth);
        }
        if self.rest.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
            return self.word(|c| c.is_ascii_digit() || c == '.').parse().ok();
        }
        let name = self.word(|c| c.is_alphanumeric() || matches!(c, '_' | '.'));
        let function: fn(f64) -> f64 = match name {
            "abs" => f64::abs,
            "trunc" => f64::trunc,
            // Python rounds halves to even numbers.
            "round" => f64::round_ties_even,
            name => return (self.value)(name),
        };
        match self.takes('(') {
            true => self.bracketed(depth).map(function),
            false => (self.value)(name),
        }
    }

    fn bracketed(&mut self, depth: usize) -> Option<f64> {
        let sum = self.sum(depth + 1)?;
        self.takes(')').then_some(sum)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value as Json, json};

    fn number(formula: &str) -> Option<Json> {
        super::number(formula, &|name| (name == "rows").then_some(40.0))
    }

    #[test]
    fn parameters_are_reckoned_with() {
        for (formula, expected) in [
            ("rows * 0.9", json!(36)),
            ("(rows - 1) / 2 ^ 2", json!(9.75)),
            ("-abs(-rows) + round(2.5)", json!(-38)),
            ("1 + 2", json!(3)),
        ] {
            assert_eq!(number(formula), Some(expected), "{formula}");
        }
    }

    #[test]
    fn what_is_no_formula_is_none() {
        let deep = format!("{}1{}", "(".repeat(5000), ")".repeat(5000));
        for formula in ["lines + 1", "rows +", "rows rows", "", "1 / 0", &deep, "2 ^ (", "'a'"] {
            assert_eq!(number(formula), None, "{formula}");
        }
    }
}
