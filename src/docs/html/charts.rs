//! Small drawings as SVG paths: digits and letters only, so that nothing in them needs to be escaped.

/// Height of a drawing; its width is one unit for each bar.
pub(super) const HEIGHT: f64 = 24.0;

/// Bars side by side, the tallest as high as the drawing. What is little but not nothing shows.
pub(super) fn bars(counts: &[u64]) -> String {
    let tallest = counts.iter().copied().max().unwrap_or(0);
    if tallest == 0 {
        return String::new();
    }
    let bar = |(index, count): (usize, &u64)| {
        if *count == 0 {
            return String::new();
        }
        let height = (*count as f64 / tallest as f64 * HEIGHT).max(1.0);
        format!("M{} {HEIGHT}v-{:.1}h.86v{:.1}z", number(index as f64 + 0.07), height, height)
    };
    counts.iter().enumerate().map(bar).collect()
}

/// A line through values, from the lowest to the highest of them.
pub(super) fn line(values: &[u64], width: f64) -> String {
    let (Some(&least), Some(&most)) = (values.iter().min(), values.iter().max()) else {
        return String::new();
    };
    let step = width / (values.len().max(2) - 1) as f64;
    let range = (most - least) as f64;
    let height = |value: u64| match range {
        0.0 => HEIGHT / 2.0,
        range => HEIGHT - 2.0 - (value - least) as f64 / range * (HEIGHT - 4.0),
    };
    let point = |(index, value): (usize, &u64)| {
        let letter = if index == 0 { 'M' } else { 'L' };
        format!("{letter}{} {:.1}", number(index as f64 * step), height(*value))
    };
    values.iter().enumerate().map(point).collect()
}

fn number(value: f64) -> String {
    let text = format!("{value:.2}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_little_shows_and_nothing_does_not() {
        assert_eq!(bars(&[0, 1_000, 1]), "M1.07 24v-24.0h.86v24.0zM2.07 24v-1.0h.86v1.0z");
        assert_eq!(bars(&[0, 0]), "");
        assert_eq!(line(&[5, 5], 10.0), "M0 12.0L10 12.0");
        assert_eq!(line(&[0, 10], 10.0), "M0 22.0L10 2.0");
        assert_eq!(line(&[], 10.0), "");
    }
}
