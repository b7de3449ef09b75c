//! Arguments that are not quite of their type, as GX takes them: pydantic makes numbers of texts and truths.

use serde_json::Value as Json;

/// `1.5`, `"1.5"`, `true`
pub(super) fn number(value: &Json) -> Option<f64> {
    let number = match value {
        Json::Bool(truth) => f64::from(u8::from(*truth)),
        Json::String(text) => text.trim().parse().ok()?,
        value => value.as_f64()?,
    };
    number.is_finite().then_some(number)
}

/// `3`, `"3"`, `true`, and `3.7`, which is 3.
pub(super) fn whole(value: &Json) -> Option<i64> {
    match value {
        Json::Bool(truth) => Some(i64::from(*truth)),
        Json::String(text) => text.trim().parse().ok(),
        value => {
            // Past 2^53 a double is no exact whole number.
            let exact = |number: &f64| number.abs() <= 9_007_199_254_740_992.0;
            #[expect(clippy::cast_possible_truncation, reason = "that is what is asked for")]
            let whole = |number: f64| number as i64;
            value.as_i64().or_else(|| value.as_f64().filter(exact).map(whole))
        }
    }
}

/// `true`, `1`, `"yes"`
pub(super) fn truth(value: &Json) -> Option<bool> {
    let text = match value {
        Json::Bool(truth) => return Some(*truth),
        Json::String(text) => text.to_lowercase(),
        value => value.to_string(),
    };
    match text.as_str() {
        "1" | "1.0" | "true" | "t" | "yes" | "y" | "on" => Some(true),
        "0" | "0.0" | "false" | "f" | "no" | "n" | "off" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{number, truth, whole};

    #[test]
    fn what_pydantic_takes_is_taken() {
        assert_eq!(
            [json!(true), json!(" 2.5 "), json!(3)].each_ref().map(number),
            [1.0, 2.5, 3.0].map(Some)
        );
        assert_eq!([json!("a"), json!("inf"), json!([1])].each_ref().map(number), [None; 3]);
        assert_eq!(
            [json!(false), json!("7"), json!(-2.7)].each_ref().map(whole),
            [0, 7, -2].map(Some)
        );
        assert_eq!([json!("7.0"), json!(1e300)].each_ref().map(whole), [None; 2]);
        assert_eq!(
            [json!(1), json!("No"), json!(2)].each_ref().map(truth),
            [Some(true), Some(false), None]
        );
    }
}
