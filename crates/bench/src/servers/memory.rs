//! Memory: idle, after load, with many streams open.

use std::{fs, thread::sleep, time::Duration};

use conformance::Failed;

use crate::{
    output::progress,
    servers::{
        Scale,
        events::Crowd,
        programs::Programs,
        record::{Figure, Row},
        started::Started,
        subject::{self, Subject},
        wrk,
    },
};

/// The pause after a start, whose work is over then.
const CALM: Duration = Duration::from_millis(500);

/// The memory of one server at one time, in MB.
struct Held {
    idle: f64,
    loaded: f64,
    crowded: Option<f64>,
}

/// `memory-idle`, `memory-events`.
pub(crate) fn figures(programs: &Programs, scale: &Scale) -> Result<Vec<Figure>, Failed> {
    let crowd = if scale.quick { 1_000 } else { 10_000 };
    let mut found: Vec<Vec<Held>> = subject::ALL.iter().map(|_| Vec::new()).collect();
    for number in 1..=scale.rounds {
        progress(&format!("memory: round {number} of {}", scale.rounds));
        for (subject, found) in subject::ALL.iter().zip(&mut found) {
            found.push(held(programs, subject, crowd)?);
        }
    }
    let all = || subject::ALL.iter().zip(&found);
    let idle = all().flat_map(|(subject, found)| {
        let row = |of: fn(&Held) -> f64| Row::of(subject.id, found.iter().map(of).collect());
        [row(|held| held.idle).series("just started"), row(|held| held.loaded).series("after load")]
    });
    let events = all().map(|(subject, found)| {
        if subject.is_demo() {
            Row::of(subject.id, found.iter().filter_map(|held| held.crowded).collect())
        } else {
            Row::none(subject.id, "not offered")
        }
    });
    Ok(vec![
        Figure::new("memory", "memory-idle", "Resident memory", "MB")
            .what("`VmRSS` half a second after the first answer, and half a second after one second of wrk over 64 connections at the page")
            .limits("shared pages of the program count in full; a garbage collector returns memory late and may be told to use less")
            .columns(&["max"])
            .rows(idle.collect()),
        Figure::new("memory", "memory-events", &format!("Resident memory with {crowd} open `/events`"), "MB")
            .what("`VmRSS` with that many streams open, each past its first event, on a server that was loaded before")
            .limits("the kernel's memory for the connections is not in it; the counterparts have no such route")
            .rows(events.collect()),
    ])
}

fn held(programs: &Programs, subject: &Subject, crowd: u32) -> Result<Held, Failed> {
    let server = Started::site(programs, subject)?;
    sleep(CALM);
    let idle = resident(server.pid())?;
    wrk::burst(&format!("http://{}/", server.address()), 64, 1)?;
    sleep(CALM);
    let loaded = resident(server.pid())?;
    let crowded = if subject.is_demo() {
        let _crowd = Crowd::of(server.address(), crowd)?;
        Some(resident(server.pid())?)
    } else {
        None
    };
    Ok(Held { idle, loaded, crowded })
}

/// In MB.
fn resident(pid: u32) -> Result<f64, Failed> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("a process has a size")?;
    let kilobytes: f64 = line.trim().trim_end_matches(" kB").parse()?;
    Ok(kilobytes * 1024.0 / 1e6)
}
