//! From the start of a process to its first answer.

use conformance::Failed;

use crate::{
    output::progress,
    servers::{
        Scale,
        programs::Programs,
        record::{Figure, Row},
        started::Started,
        subject,
    },
    stats::median,
};

/// Starts of each server in a round.
const STARTS: usize = 4;

/// `start`.
pub(crate) fn figures(programs: &Programs, scale: &Scale) -> Result<Vec<Figure>, Failed> {
    let mut found: Vec<Vec<f64>> = subject::ALL.iter().map(|_| Vec::new()).collect();
    for number in 1..=scale.rounds {
        progress(&format!("start: round {number} of {}", scale.rounds));
        for (subject, found) in subject::ALL.iter().zip(&mut found) {
            let starts = (0..STARTS).map(|_| {
                Ok::<_, Failed>(Started::site(programs, subject)?.first_answer().as_secs_f64() * 1000.0)
            });
            found.push(median(starts.collect::<Result<_, _>>()?));
        }
    }
    let rows = subject::ALL.iter().zip(found).map(|(subject, found)| Row::of(subject.id, found));
    let figure = Figure::new("start", "start", "From the start of the process to its first answer", "ms");
    Ok(vec![
        figure
            .what("a process is started with the shipped files and asked for `/dynamic-config` over a new connection every 0.2 ms until it answers; a round is the median of 4")
            .limits("the program is in the page cache. A demo reads, validates and renders once before it listens; a counterpart listens as soon as it has read")
            .rows(rows.collect()),
    ])
}
