//! The cost of many keys and many subscribers.

use std::{
    fmt::Write as _,
    fs,
    thread::sleep,
    time::{Duration, Instant},
};

use conformance::Failed;

use crate::{
    cpu,
    output::progress,
    servers::{
        Scale,
        events::Crowd,
        programs::Programs,
        record::{Figure, Row},
        save_modes::SaveMode,
        saved::until_served,
        started::{Files, Started},
        subject::{self, Subject},
        wrk,
    },
    stats::median,
};

/// The number of saves in a round, whose result is their median.
const SAVES: u32 = 5;

/// The time after which a save counts as never served.
const TIMEOUT: Duration = Duration::from_secs(10);

/// The pause before a save, so that the one before is over.
const REST: Duration = Duration::from_millis(20);

/// `growth-keys`, `growth-keys-cpu`, `growth-subscribers`.
pub(crate) fn figures(programs: &Programs, scale: &Scale) -> Result<Vec<Figure>, Failed> {
    let (keys, crowds): (&[u32], &[u32]) = if scale.quick {
        (&[10, 1_000], &[1, 100])
    } else {
        (&[10, 100, 1_000, 10_000], &[1, 100, 1_000, 10_000])
    };
    let [latency, cost] = by_keys(programs, scale, keys)?;
    Ok(vec![latency, cost, by_subscribers(programs, scale, crowds)?])
}

fn by_keys(programs: &Programs, scale: &Scale, sizes: &[u32]) -> Result<[Figure; 2], Failed> {
    let mut found: Vec<_> = subject::ALL
        .iter()
        .flat_map(|subject| sizes.iter().map(move |&keys| (subject, keys, Vec::new(), Vec::new())))
        .collect();
    for number in 1..=scale.rounds {
        progress(&format!("growth: keys, round {number} of {}", scale.rounds));
        for (subject, keys, served, costs) in &mut found {
            let (took, cost) = with_keys(programs, subject, *keys)?;
            served.push(took);
            costs.push(cost);
        }
    }
    let row = |values: &Vec<f64>, subject: &Subject, keys: u32| {
        let row = Row::of(subject.id, values.clone()).at(keys);
        if row.median.is_none() { row.note("no save was served within 10 s") } else { row }
    };
    let latencies = found.iter().map(|(subject, keys, served, _)| row(served, subject, *keys));
    let costs = found.iter().map(|(subject, keys, _, costs)| row(costs, subject, *keys));
    Ok([
        Figure::new(
            "growth",
            "growth-keys",
            "From the end of a save to the first answer, as the configuration grows",
            "ms",
        )
        .over("keys")
        .what(
            "the shipped configuration with that many routes, saved by rename; the median of 5 saves a round",
        )
        .limits("a demo also validates, compares and renders; it takes one document of at most 1 MiB")
        .rows(latencies.collect()),
        Figure::new(
            "growth",
            "growth-keys-cpu",
            "Processor time of `/dynamic-config`, as the configuration grows",
            "µs",
        )
        .over("keys")
        .what("as `cpu-dynamic-config`, one second of wrk over 64 connections a round")
        .limits("as `cpu-dynamic-config`")
        .rows(costs.collect()),
    ])
}

/// Milliseconds from save to served, and microseconds of a request.
fn with_keys(programs: &Programs, subject: &Subject, keys: u32) -> Result<(f64, f64), Failed> {
    let mut files = Files::shipped(subject)?;
    files.config = grown(&files.config, keys);
    let server = Started::site_with(programs, subject, &files)?;
    // This comes first, because the rest of a save's work would count.
    let before = cpu::cpu_time(server.pid())?;
    let burst = wrk::burst(&format!("http://{}/dynamic-config", server.address()), 64, 1)?;
    let spent = cpu::cpu_time(server.pid())?.saturating_sub(before);
    let mut client = server.client()?;
    let original = fs::read_to_string(server.path("config.yaml"))?;
    let mut delays = Vec::new();
    for number in 0..SAVES {
        sleep(REST);
        let took = until_served(&server, &mut client, &original, SaveMode::ByRename, 100 + number, TIMEOUT)?;
        delays.extend(took.map(|took| took.as_secs_f64() * 1000.0));
    }
    Ok((median(delays), spent.as_secs_f64() * 1e6 / burst.answered))
}

fn grown(config: &str, keys: u32) -> String {
    let mut routes = "routes:\n".to_owned();
    for key in 0..keys {
        let _ = writeln!(routes, "  /key-{key}: value {key}");
    }
    let at = config.find("routes:").unwrap_or(config.len());
    let end = config[at..].find("  /ping").unwrap_or(0);
    format!("{}{routes}{}", &config[..at], &config[at + end..])
}

fn by_subscribers(programs: &Programs, scale: &Scale, sizes: &[u32]) -> Result<Figure, Failed> {
    let mut found: Vec<_> = subject::demos()
        .flat_map(|demo| sizes.iter().map(move |&size| (demo, size, Vec::new(), Vec::new())))
        .collect();
    for number in 1..=scale.rounds {
        progress(&format!("growth: subscribers, round {number} of {}", scale.rounds));
        for (demo, size, first, last) in &mut found {
            let (served, heard) = with_subscribers(programs, demo, *size)?;
            first.push(served);
            last.push(heard);
        }
    }
    let rows = found.into_iter().flat_map(|(demo, size, first, last)| {
        let row = |values, series| Row::of(demo.id, values).series(series).at(size);
        [row(first, "first answer"), row(last, "last subscriber")]
    });
    let others = subject::ALL.iter().filter(|subject| !subject.is_demo());
    let others = others.map(|subject| Row::none(subject.id, "not offered").at(0));
    let title = "From the end of a save to its news, as the subscribers of `/events` grow";
    let figure = Figure::new("growth", "growth-subscribers", title, "ms").over("subscribers");
    Ok(figure
        .what("the configuration is saved by rename; `first answer`: until `/dynamic-config` carries it; `last subscriber`: until every stream was read up to the event, one after another by one thread; the median of 5 saves a round")
        .limits("of the last subscriber's time with 10,000 the reading client takes about half; the counterparts have no such route")
        .rows(rows.chain(others).collect()))
}

/// Milliseconds to the first answer, and until all streams have the event.
fn with_subscribers(programs: &Programs, demo: &Subject, size: u32) -> Result<(f64, f64), Failed> {
    let mut files = Files::shipped(demo)?;
    // A long interval avoids heartbeats in between.
    files.config = files.config.replacen("seconds: 5", "seconds: 50000", 1);
    let server = Started::site_with(programs, demo, &files)?;
    let original =
        fs::read_to_string(server.path("config.yaml"))?.replacen("seconds: 50000", "seconds: 5", 1);
    let mut crowd = Crowd::of(server.address(), size)?;
    let mut client = server.client()?;
    let (mut delays, mut heard) = (Vec::new(), Vec::new());
    for number in 0..SAVES {
        sleep(REST);
        let begun = Instant::now();
        let took =
            until_served(&server, &mut client, &original, SaveMode::ByRename, 40_000 + number, TIMEOUT)?;
        delays.push(took.ok_or("a save was not served in time")?.as_secs_f64() * 1000.0);
        crowd.hears("config")?;
        heard.push(begun.elapsed().as_secs_f64() * 1000.0);
    }
    Ok((median(delays), median(heard)))
}

#[cfg(test)]
mod tests {
    use conformance::Server;

    use super::grown;

    #[test]
    fn a_grown_configuration_has_its_keys_beside_what_was_there() {
        let text = grown(&Server::shipped_config(), 100);
        assert_eq!(text.matches("\n  /").count(), 101);
        assert_eq!(text.matches("\nroutes:").count(), 1);
        assert!(text.contains("\n  /key-99: value 99\n") && text.contains("\n  /ping: pong\n"));
    }
}
