//! wrk, a closed loop: each connection sends a request after the answer to the one before.

use std::process::Command;

use conformance::Failed;

/// The result of a burst.
#[derive(Debug, PartialEq)]
pub(crate) struct Burst {
    pub(crate) answered: f64,
    pub(crate) per_second: f64,
}

/// Sends requests over this number of connections for this number of seconds, from one thread. A bad answer is an error.
pub(crate) fn burst(url: &str, connections: u32, seconds: u32) -> Result<Burst, Failed> {
    let arguments = ["-t1".to_owned(), format!("-c{connections}"), format!("-d{seconds}s"), url.to_owned()];
    let output = Command::new("wrk").args(arguments).output();
    let output = output.map_err(|e| format!("`wrk`: {e}; `apt-get install wrk`"))?;
    read(&String::from_utf8_lossy(&output.stdout)).map_err(|e| format!("wrk at {url}: {e}").into())
}

fn read(text: &str) -> Result<Burst, String> {
    let bad = text.lines().find(|line| line.contains("Non-2xx") || line.contains("Socket errors"));
    if let Some(bad) = bad {
        return Err(bad.trim().to_owned());
    }
    let answered = text.lines().find_map(|line| line.split_once(" requests in ")?.0.trim().parse().ok());
    let per_second = text.lines().find_map(|line| line.strip_prefix("Requests/sec:")?.trim().parse().ok());
    match (answered, per_second) {
        (Some(answered), Some(per_second)) => Ok(Burst { answered, per_second }),
        _ => Err(format!("says {text:?}")),
    }
}

#[cfg(test)]
mod tests {
    use super::{Burst, read};

    const GOOD: &str = "Running 1s test @ http://127.0.0.1:1/\n  1 threads and 4 connections\n\
        \x20 Thread Stats   Avg      Stdev     Max   +/- Stdev\n    Latency   100.00us\n\
        \x20 50123 requests in 1.10s, 9.61MB read\nRequests/sec:  45566.36\nTransfer/sec:      8.73MB\n";

    #[test]
    fn its_words_are_understood() {
        assert_eq!(read(GOOD), Ok(Burst { answered: 50123.0, per_second: 45566.36 }));
    }

    #[test]
    fn a_bad_answer_makes_the_burst_bad() {
        for bad in
            ["  Non-2xx or 3xx responses: 7\n", "  Socket errors: connect 0, read 3, write 0, timeout 0\n"]
        {
            assert!(read(&format!("{GOOD}{bad}")).is_err());
        }
        assert!(read("unable to connect").is_err());
    }
}
