//! The latency in an open loop, at a rate that every server can hold.

use conformance::Failed;

use crate::{
    output::progress,
    servers::{
        Scale, oha,
        programs::Programs,
        record::{Figure, Row},
        started::Started,
        subject,
    },
    stats::{median, round},
};

/// Targets, names, and requests a second: about a fifth of what the slowest server answers at most on two cores.
const TARGETS: [(&str, &str, u32); 2] = [("/dynamic-config", "dynamic-config", 4000), ("/", "page", 1000)];

const CONNECTIONS: u32 = 32;

/// `latency-*`.
pub(crate) fn figures(programs: &Programs, scale: &Scale) -> Result<Vec<Figure>, Failed> {
    let servers = subject::ALL.iter().map(|subject| Ok((subject, Started::site(programs, subject)?)));
    let servers = servers.collect::<Result<Vec<_>, Failed>>()?;
    let mut figures = Vec::new();
    for (target, name, rate) in TARGETS {
        let mut found: Vec<Vec<oha::Latencies>> = servers.iter().map(|_| Vec::new()).collect();
        for number in 1..=scale.rounds {
            progress(&format!("latency of {target}: round {number} of {}", scale.rounds));
            for ((_, server), found) in servers.iter().zip(&mut found) {
                let url = format!("http://{}{target}", server.address());
                found.push(oha::at_a_rate(&url, rate, CONNECTIONS, scale.seconds)?);
            }
        }
        let rows = servers.iter().zip(&found).map(|((subject, _), found)| row(subject.id, found));
        let title = format!("Latency of `{target}` at {rate} requests a second");
        let figure = Figure::new("latency", &format!("latency-{name}"), &title, "ms");
        figures.push(
            figure
                .what(&format!("oha sends {rate} requests a second over {CONNECTIONS} kept connections, whether answers come or not; a request's time counts from when it was due (`--latency-correction`), so that a stall is not hidden by what was not asked during it. Median over all requests of a round; the columns are medians of the rounds too; `rate`: requests a second that were answered"))
                .limits("the load generator shares the cores, and its own delays are in every number; of the rare ones (p99.9, max) many are the machine's, not the server's. Every server renders the page for each request")
                .columns(&["p99", "p999", "worst", "rate"])
                .rows(rows.collect()),
        );
    }
    Ok(figures)
}

fn row(server: &str, found: &[oha::Latencies]) -> Row {
    let middle = |of: fn(&oha::Latencies) -> f64| round(median(found.iter().map(of).collect()));
    Row::of(server, found.iter().map(|latencies| latencies.median).collect())
        .with("p99", middle(|latencies| latencies.p99))
        .with("p999", middle(|latencies| latencies.p999))
        .with("worst", middle(|latencies| latencies.max))
        .with("rate", middle(|latencies| latencies.rate))
}
