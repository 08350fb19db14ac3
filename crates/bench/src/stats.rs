//! Summaries of repeated measurements.

use serde_json::{Value, json};

/// The minimum, median, 99th percentile and maximum.
pub(crate) fn summary(mut values: Vec<f64>) -> Value {
    values.sort_by(f64::total_cmp);
    json!({
        "count": values.len(),
        "min": round(quantile(&values, 0.0)),
        "median": round(quantile(&values, 0.5)),
        "p99": round(quantile(&values, 0.99)),
        "max": round(quantile(&values, 1.0)),
    })
}

pub(crate) fn median(values: Vec<f64>) -> f64 {
    at(values, 0.5)
}

/// The quantile of the values. NaN if there are none.
pub(crate) fn at(mut values: Vec<f64>, part: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    quantile(&values, part)
}

pub(crate) fn round(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0
}

/// The nearest-rank quantile of sorted values. NaN if there are none.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "a rank is far below 2^52 and not negative"
)]
fn quantile(sorted: &[f64], at: f64) -> f64 {
    let rank = ((sorted.len() as f64 - 1.0).max(0.0) * at).round() as usize;
    sorted.get(rank).copied().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::{median, quantile};

    #[test]
    fn a_quantile_is_the_nearest_rank() {
        let hundred: Vec<f64> = (0..=100).map(f64::from).collect();
        for at in [0.0, 0.5, 0.99, 1.0] {
            assert!((quantile(&hundred, at) - at * 100.0).abs() < 1e-9);
        }
        assert!(quantile(&[], 0.5).is_nan());
        assert!((median(vec![3.0, 1.0, 2.0]) - 2.0).abs() < 1e-9);
    }
}
