//! What stands in a `$PARAMETER` beside a name: sums of numbers, parameters and functions, as Python reckons them.

use serde_json::{Map, Number, Value as Json};

/// Parentheses and functions within one another.
const DEPTH_MAX: usize = 50;

/// A number as Python has it.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Value {
    Int(i64),
    Float(f64),
}

use Value::{Float, Int};

/// The value of `text`. `find` knows the parameters.
///
/// # Errors
/// What is wrong with it.
pub(super) fn evaluate<'a>(
    text: &str,
    find: &dyn Fn(&str) -> Option<&'a Json>,
) -> Result<Json, String> {
    let mut reader = Reader { rest: text, find, depth: 0 };
    let value = reader.sum()?;
    if !reader.skip_blanks().is_empty() {
        return Err(format!("`{}` is not understood", reader.rest));
    }
    match value {
        Int(value) => Ok(value.into()),
        Float(value) => Number::from_f64(value).map(Json::Number).ok_or_else(too_large),
    }
}

/// The parameters, the `given` before the suite's `own`.
pub(super) fn known<'a>(
    given: &'a Map<String, Json>,
    own: &'a Map<String, Json>,
) -> impl Fn(&str) -> Option<&'a Json> {
    move |name| given.get(name).or_else(|| own.get(name))
}

fn too_large() -> String {
    "the result is no number, or too large".to_owned()
}

struct Reader<'t, 'f, 'a> {
    rest: &'t str,
    find: &'f dyn Fn(&str) -> Option<&'a Json>,
    depth: usize,
}

impl<'t> Reader<'t, '_, '_> {
    fn skip_blanks(&mut self) -> &'t str {
        self.rest = self.rest.trim_start();
        self.rest
    }

    /// Takes one of `characters`, if it is next.
    fn take(&mut self, characters: &[char]) -> Option<char> {
        let next = self.skip_blanks().chars().next().filter(|next| characters.contains(next))?;
        self.rest = &self.rest[next.len_utf8()..];
        Some(next)
    }

    fn take_while(&mut self, is_part: impl Fn(char) -> bool) -> &'t str {
        let end = self.rest.find(|c| !is_part(c)).unwrap_or(self.rest.len());
        let (taken, rest) = self.rest.split_at(end);
        self.rest = rest;
        taken
    }

    fn sum(&mut self) -> Result<Value, String> {
        let mut value = self.product()?;
        while let Some(sign) = self.take(&['+', '-']) {
            let next = self.product()?;
            value = match sign {
                '+' => both(value, next, i64::checked_add, |one, other| one + other)?,
                _ => both(value, next, i64::checked_sub, |one, other| one - other)?,
            };
        }
        Ok(value)
    }

    fn product(&mut self) -> Result<Value, String> {
        let mut value = self.power()?;
        while let Some(sign) = self.take(&['*', '/']) {
            let next = self.power()?;
            value = match sign {
                '*' => both(value, next, i64::checked_mul, |one, other| one * other)?,
                _ if float(next) == 0.0 => return Err("division by zero".to_owned()),
                _ => Float(float(value) / float(next)),
            };
        }
        Ok(value)
    }

    /// From the right: `2 ^ 3 ^ 2` is `2 ^ 9`.
    fn power(&mut self) -> Result<Value, String> {
        let base = self.atom()?;
        if self.take(&['^']).is_none() {
            return Ok(base);
        }
        self.deeper()?;
        let exponent = self.power()?;
        self.depth -= 1;
        match (base, exponent) {
            (Int(base), Int(exponent)) if exponent >= 0 => {
                let exponent = u32::try_from(exponent).ok();
                exponent
                    .and_then(|exponent| base.checked_pow(exponent))
                    .map(Int)
                    .ok_or_else(too_large)
            }
            _ => Ok(Float(float(base).powf(float(exponent)))),
        }
    }

    /// A number, a name, a function or a sum in parentheses, with the signs before it.
    fn atom(&mut self) -> Result<Value, String> {
        let mut is_negative = false;
        while let Some(sign) = self.take(&['+', '-']) {
            is_negative ^= sign == '-';
        }
        let value = match self.skip_blanks().chars().next() {
            Some('(') => self.list()?.first().copied().ok_or("nothing stands in `()`")?,
            Some(c) if c.is_ascii_digit() || c == '.' => self.number()?,
            Some(c) if c.is_ascii_alphabetic() => self.name()?,
            Some(_) => return Err(format!("`{}` is not understood", self.rest)),
            None => return Err("it ends too early".to_owned()),
        };
        match (is_negative, value) {
            (false, value) => Ok(value),
            (true, Int(value)) => value.checked_neg().map(Int).ok_or_else(too_large),
            (true, Float(value)) => Ok(Float(-value)),
        }
    }

    fn deeper(&mut self) -> Result<(), String> {
        self.depth += 1;
        if self.depth > DEPTH_MAX { Err("it is too deep".to_owned()) } else { Ok(()) }
    }

    /// `(a, b)`
    fn list(&mut self) -> Result<Vec<Value>, String> {
        self.deeper()?;
        self.take(&['(']);
        let mut values = Vec::new();
        if self.take(&[')']).is_none() {
            values.push(self.sum()?);
            while self.take(&[',']).is_some() {
                values.push(self.sum()?);
            }
            self.take(&[')']).ok_or("a `)` is missing")?;
        }
        self.depth -= 1;
        Ok(values)
    }

    fn number(&mut self) -> Result<Value, String> {
        let whole = self.rest;
        self.take_while(|c| c.is_ascii_digit() || c == '.');
        let behind = self.rest.strip_prefix(['e', 'E']);
        let unsigned = behind.map(|behind| behind.strip_prefix(['+', '-']).unwrap_or(behind));
        if let Some(unsigned) = unsigned.filter(|it| it.starts_with(|c: char| c.is_ascii_digit())) {
            self.rest = unsigned;
            self.take_while(|c| c.is_ascii_digit());
        }
        let text = &whole[..whole.len() - self.rest.len()];
        parsed(text).ok_or_else(|| format!("`{text}` is no number"))
    }

    fn name(&mut self) -> Result<Value, String> {
        let name = self.take_while(|c| c.is_ascii_alphanumeric() || c == '_' || c == '$');
        if self.skip_blanks().starts_with('(') {
            return called(name, &self.list()?);
        }
        let value = match (self.find)(name) {
            Some(Json::Number(number)) => parsed(&number.to_string()),
            Some(Json::String(text)) => parsed(text.trim()),
            Some(_) => None,
            None => match name.to_ascii_lowercase().as_str() {
                "pi" => return Ok(Float(std::f64::consts::PI)),
                "e" => return Ok(Float(std::f64::consts::E)),
                _ => return Err(format!("the suite parameter `{name}` has no value")),
            },
        };
        value.ok_or_else(|| format!("the suite parameter `{name}` is no number"))
    }
}

fn parsed(text: &str) -> Option<Value> {
    let whole = text.parse().ok().map(Int);
    whole.or_else(|| text.parse().ok().filter(|value: &f64| value.is_finite()).map(Float))
}

fn float(value: Value) -> f64 {
    match value {
        Int(value) => value as f64,
        Float(value) => value,
    }
}

fn both(
    one: Value,
    other: Value,
    whole: fn(i64, i64) -> Option<i64>,
    floats: fn(f64, f64) -> f64,
) -> Result<Value, String> {
    match (one, other) {
        (Int(one), Int(other)) => whole(one, other).map(Int).ok_or_else(too_large),
        _ => Ok(Float(floats(float(one), float(other)))),
    }
}

fn called(name: &str, arguments: &[Value]) -> Result<Value, String> {
    let of_float = |function: fn(f64) -> f64, value: Value| Ok(Float(function(float(value))));
    match (name, arguments) {
        ("sin", [value]) => of_float(f64::sin, *value),
        ("cos", [value]) => of_float(f64::cos, *value),
        ("tan", [value]) => of_float(f64::tan, *value),
        ("exp", [value]) => of_float(f64::exp, *value),
        ("abs", [Int(value)]) => value.checked_abs().map(Int).ok_or_else(too_large),
        ("abs", [Float(value)]) => Ok(Float(value.abs())),
        ("trunc" | "round", [Int(value)]) => Ok(Int(*value)),
        ("trunc", [Float(value)]) => whole(value.trunc()),
        ("round", [Float(value)]) => whole(value.round_ties_even()),
        ("round", [Float(value), Int(digits @ 0..=300)]) => {
            let digits = usize::try_from(*digits).unwrap_or(0);
            parsed(&format!("{value:.digits$}"))
                .map(|value| Float(float(value)))
                .ok_or_else(too_large)
        }
        ("round", [Int(value), Int(0..)]) => Ok(Int(*value)),
        ("sgn", [value]) => {
            let value = float(*value);
            Ok(Int(i64::from(value > SMALL) - i64::from(value < -SMALL)))
        }
        ("sin" | "cos" | "tan" | "exp" | "abs" | "trunc" | "round" | "sgn", _) => {
            Err(format!("`{name}` does not take these arguments"))
        }
        _ => Err(format!("the function `{name}` is not supported")),
    }
}

/// What is nearer to zero has no sign.
const SMALL: f64 = 1e-12;

fn whole(value: f64) -> Result<Value, String> {
    let fits = (i64::MIN as f64..i64::MAX as f64).contains(&value);
    if fits { Ok(Int(value as i64)) } else { Err(too_large()) }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn sums_are_as_python_has_them() {
        let (given, own) = (json!({"lo": 3, "text": "2.5", "no": []}), json!({"lo": 9, "hi": 10}));
        let (given, own) = (given.as_object().unwrap(), own.as_object().unwrap());
        let of = |text: &str| match evaluate(text, &known(given, own)) {
            Ok(value) => value.to_string(),
            Err(problem) => problem,
        };
        for (text, expected) in [
            ("lo - 2 * 0.5", "2.0"),
            ("hi-lo", "7"),
            ("hi / 5", "2.0"),
            ("(lo + hi) * 2", "26"),
            ("2 ^ 3 ^ 2", "512"),
            ("-lo ^ 2", "9"),
            ("2 ^ -1", "0.5"),
            ("text * 2", "5.0"),
            ("1e3 + .5", "1000.5"),
            ("abs(lo - hi)", "7"),
            ("round(2.5)", "2"),
            ("round(2.675, 2)", "2.67"),
            ("trunc(hi * 0.37)", "3"),
            ("sgn(lo - hi) + cos(0)", "0.0"),
            ("trunc(PI)", "3"),
            ("hi / 0", "division by zero"),
            ("gone + 1", "the suite parameter `gone` has no value"),
            ("no + 1", "the suite parameter `no` is no number"),
            ("now()", "the function `now` is not supported"),
            ("hi *", "it ends too early"),
            ("(hi", "a `)` is missing"),
            ("hi % 2", "`% 2` is not understood"),
            ("2 ^ 999", "the result is no number, or too large"),
        ] {
            assert_eq!(of(text), expected, "{text}");
        }
        assert_eq!(of(&"(".repeat(100_000)), "it is too deep");
    }
}
