//! Durations in words.

use std::time::Duration;

/// A duration in words.
pub(crate) fn spoken(duration: Duration) -> String {
    let seconds = duration.as_secs_f64();
    if seconds < 1.0 {
        format!("{:.0} ms", seconds * 1000.0)
    } else if seconds < 60.0 {
        format!("{seconds:.1} s")
    } else {
        format!("{:.0} min {:.0} s", (seconds / 60.0).floor(), seconds % 60.0)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::spoken;

    #[test]
    fn durations_are_short() {
        for (millis, words) in [(0, "0 ms"), (999, "999 ms"), (1234, "1.2 s"), (125_000, "2 min 5 s")] {
            assert_eq!(spoken(Duration::from_millis(millis)), words);
        }
    }
}
