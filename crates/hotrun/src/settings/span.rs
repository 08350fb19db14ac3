//! Durations as text.

use std::time::Duration;

/// Parses a duration in Go's notation: `1m30s`, `1.5s`, `200ms`.
pub(super) fn span(text: &str) -> Option<Duration> {
    const UNITS: [(&str, f64); 7] =
        [("ns", 1e-9), ("us", 1e-6), ("µs", 1e-6), ("ms", 1e-3), ("s", 1.0), ("m", 60.0), ("h", 3600.0)];
    if text == "0" {
        return Some(Duration::ZERO);
    }
    let mut rest = text.trim();
    let mut seconds = 0.0;
    while !rest.is_empty() {
        let (number, after) = rest.split_at(rest.find(|c: char| !c.is_ascii_digit() && c != '.')?);
        let (unit, after) = after.split_at(after.find(|c: char| c.is_ascii_digit()).unwrap_or(after.len()));
        let (_, factor) = UNITS.iter().find(|(name, _)| *name == unit)?;
        seconds += number.parse::<f64>().ok()? * factor;
        rest = after;
    }
    if text.trim().is_empty() { None } else { Duration::try_from_secs_f64(seconds).ok() }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::span;

    #[test]
    fn a_duration_has_the_notation_of_go() {
        for (text, milliseconds) in [
            ("0", Some(0)),
            ("500ms", Some(500)),
            ("2s", Some(2000)),
            ("1.5s", Some(1500)),
            ("1m30s", Some(90_000)),
            ("1h", Some(3_600_000)),
            ("", None),
            ("2", None),
            ("s", None),
            ("-1s", None),
            ("2 s", None),
            ("2sec", None),
            ("1e9h", None),
            ("99999999999999999999h", None),
        ] {
            assert_eq!(span(text), milliseconds.map(Duration::from_millis), "{text}");
        }
    }
}
