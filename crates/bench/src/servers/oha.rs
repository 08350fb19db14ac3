//! oha, an open loop: it sends requests at a fixed rate and does not wait for answers.

use std::process::Command;

use conformance::Failed;
use serde_json::Value;

/// Latencies in milliseconds, from the time at which a request was due.
#[derive(Debug, PartialEq)]
pub(crate) struct Latencies {
    pub(crate) median: f64,
    pub(crate) p99: f64,
    pub(crate) p999: f64,
    pub(crate) max: f64,
    /// Requests a second that were answered.
    pub(crate) rate: f64,
}

/// Sends requests at this rate, over this number of connections, for this number of seconds. A bad answer is an error.
pub(crate) fn at_a_rate(url: &str, rate: u32, connections: u32, seconds: u32) -> Result<Latencies, Failed> {
    let arguments = [
        "--no-tui".to_owned(),
        "--output-format=json".to_owned(),
        // Latency counts from the time at which a request was due, so it includes the queue before a stalled server.
        "--latency-correction".to_owned(),
        // Requests that are under way at the end are waited for, not counted as lost.
        "--wait-ongoing-requests-after-deadline".to_owned(),
        format!("-q{rate}"),
        format!("-c{connections}"),
        format!("-z{seconds}s"),
        url.to_owned(),
    ];
    let output = Command::new("oha").args(arguments).output();
    let output = output.map_err(|e| format!("`oha`: {e}; `cargo install --locked oha`"))?;
    read(&output.stdout).map_err(|e| format!("oha at {url}: {e}").into())
}

fn read(json: &[u8]) -> Result<Latencies, String> {
    let said: Value = serde_json::from_slice(json).map_err(|e| e.to_string())?;
    let statuses = said["statusCodeDistribution"].as_object();
    let good = statuses.is_some_and(|statuses| statuses.keys().all(|status| status == "200"));
    let errors = said["errorDistribution"].as_object().map_or(0, serde_json::Map::len);
    if !good || errors > 0 {
        return Err(format!("{} {}", said["statusCodeDistribution"], said["errorDistribution"]));
    }
    let seconds = |value: &Value| value.as_f64().map(|seconds| seconds * 1000.0);
    let percentile = |name: &str| seconds(&said["latencyPercentiles"][name]);
    let found =
        [percentile("p50"), percentile("p99"), percentile("p99.9"), seconds(&said["summary"]["slowest"])];
    match (found, said["summary"]["requestsPerSec"].as_f64()) {
        ([Some(median), Some(p99), Some(p999), Some(max)], Some(rate)) => {
            Ok(Latencies { median, p99, p999, max, rate })
        }
        _ => Err("no latencies".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::{Latencies, read};

    const GOOD: &str = r#"{"summary":{"slowest":0.004,"requestsPerSec":99.5},"latencyPercentiles":{"p50":0.0005,"p99":0.001,"p99.9":0.002},
        "statusCodeDistribution":{"200":100},"errorDistribution":{}}"#;

    #[test]
    fn its_words_are_understood() {
        let latencies = read(GOOD.as_bytes()).unwrap();
        let expected = Latencies { median: 0.5, p99: 1.0, p999: 2.0, max: 4.0, rate: 99.5 };
        assert_eq!(latencies, expected);
    }

    #[test]
    fn a_bad_answer_makes_the_run_bad() {
        let bad = GOOD.replace("\"200\":100", "\"200\":99,\"500\":1");
        assert!(read(bad.as_bytes()).is_err());
        assert!(read(GOOD.replace("{}", "{\"connection refused\":1}").as_bytes()).is_err());
        assert!(read(b"").is_err());
    }
}
