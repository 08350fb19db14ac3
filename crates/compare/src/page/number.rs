//! Numbers for readers.

use std::time::Duration;

/// Three significant digits, with thousands separated: `71 234`, `12.3`, `0.0815`.
pub(crate) fn number(value: f64) -> String {
    let places = match value.abs() {
        0.0 => 0,
        small if small < 0.01 => 5,
        small if small < 0.1 => 4,
        small if small < 1.0 => 3,
        small if small < 10.0 => 2,
        small if small < 100.0 => 1,
        _ => 0,
    };
    let text = format!("{value:.places$}");
    let (whole, fraction) = text.split_once('.').map_or((text.as_str(), ""), |(whole, part)| (whole, part));
    let fraction = fraction.trim_end_matches('0');
    let mut shown = thousands(whole);
    if !fraction.is_empty() {
        shown.push('.');
        shown.push_str(fraction);
    }
    shown
}

/// Milliseconds with two decimals and a no-break space.
pub(crate) fn milliseconds(time: Duration) -> String {
    format!("{:.2}\u{a0}ms", time.as_secs_f64() * 1000.0)
}

/// Separates groups of three digits by a narrow no-break space, from 10 000 on.
fn thousands(whole: &str) -> String {
    let (sign, digits) = whole.strip_prefix('-').map_or(("", whole), |digits| ("-", digits));
    if digits.len() < 5 {
        return whole.to_owned();
    }
    let mut shown = sign.to_owned();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            shown.push('\u{202f}');
        }
        shown.push(digit);
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::{milliseconds, number};
    use std::time::Duration;

    #[test]
    fn a_number_has_the_digits_that_mean_something() {
        for (value, shown) in [
            (0.0, "0"),
            (5.0, "5"),
            (12.34, "12.3"),
            (0.081_549, "0.0815"),
            (0.5, "0.5"),
            (999.6, "1000"),
            (71_234.5, "71\u{202f}234"),
            (1_234_567.0, "1\u{202f}234\u{202f}567"),
            (-12_345.0, "-12\u{202f}345"),
        ] {
            assert_eq!(number(value), shown);
        }
        assert_eq!(milliseconds(Duration::from_micros(614)), "0.61\u{a0}ms");
    }
}
