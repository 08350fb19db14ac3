//! Requests that fail while a server is restarted by its usual tool.

use std::time::Duration;

use conformance::{Action, Demo, Failed, Load, Outcome, Proof};

use crate::{
    output::progress,
    servers::{
        Scale,
        fixture::Fixture,
        programs::Programs,
        record::{Figure, Row},
        subject::{self, Subject},
        visitors::{Counts, Visitors},
    },
};

/// `restarts`.
pub(crate) fn figures(programs: &Programs, scale: &Scale) -> Result<Vec<Figure>, Failed> {
    let times = scale.restarts;
    let mut rows = Vec::new();
    for subject in &subject::ALL {
        progress(&format!("restarts: {} times {}", times, subject.name));
        if subject.is_demo() {
            rows.push(upgraded(programs, subject, times)?);
        }
        let tool = if subject.is_demo() { "hotrun" } else { "air" };
        if scale.quick {
            let why = "left out of the quick run: every restart is a build";
            rows.push(Row::none(subject.id, why).series(tool));
        } else {
            let row = by_its_tool(programs, subject, tool, times);
            rows.push(row.unwrap_or_else(|failed| {
                let words = failed.message().unwrap_or_default();
                progress(words);
                let first = words.lines().next().unwrap_or_default();
                Row::none(subject.id, &format!("did not get through: {first}")).series(tool)
            }));
        }
    }
    let mut figure = Figure::new(
        "restarts",
        "restarts",
        &format!("Requests that failed over {times} restarts"),
        "requests",
    )
    .what("`SIGUSR2`: a demo is replaced by a new process of the same program. `air`, `hotrun`: a source is edited (the words of `/dynamic-config`), the tool builds, and starts the server anew; the next edit comes when the words are served. Meanwhile clients ask and retry nothing: for `SIGUSR2` the twelve of `just soak` (kept connections, new ones, thoughtful ones, requests sent by halves, slow readers, `/events`), else two that keep their connection and two that connect for each request, each 2 ms after its answer. `ok`: requests answered; `silence_ms`: the longest time in which nobody was answered, of `SIGUSR2` the longest from the signal to the successor's first answer")
    .limits("the servers are debug builds under hotrun and common builds under air, as their users have them. How many requests fail depends on how long a server takes to start. Behind a balancer a counterpart would lose less")
    .columns(&["ok", "silence_ms"])
    .rows(rows);
    figure.rounds = Some(1);
    Ok(vec![figure])
}

fn upgraded(programs: &Programs, subject: &Subject, times: u32) -> Result<Row, Failed> {
    let demo = Demo::new(programs.demo(subject.program())?);
    let proof = Proof::of(&demo, Action::Upgrade, times, Load::LINGER)?;
    let failed = u32::try_from(proof.tally.failed()).unwrap_or(u32::MAX);
    let row = Row::of(subject.id, vec![failed.into()]).series("SIGUSR2");
    let ok = proof.tally.count(Outcome::Answered);
    let slowest = proof.shown.iter().max().map_or(0, Duration::as_millis);
    let slowest = u64::try_from(slowest).unwrap_or(u64::MAX);
    Ok(row.with("ok", ok).with("silence_ms", slowest))
}

fn by_its_tool(programs: &Programs, subject: &Subject, tool: &str, times: u32) -> Result<Row, Failed> {
    let mut fixture = if subject.is_demo() {
        Fixture::of_hotrun(&programs.demo(tool)?, subject)?
    } else {
        Fixture::of_air(programs, subject)?
    };
    let visitors = Visitors::of(fixture.address());
    let edited = (1..=times).try_for_each(|number| fixture.edit_and_wait(number));
    let Counts { answered, failed, silence } = visitors.end();
    edited?;
    let lost = u32::try_from(failed).unwrap_or(u32::MAX);
    let row = Row::of(subject.id, vec![lost.into()]).series(tool);
    let silence = u64::try_from(silence.as_millis()).unwrap_or(u64::MAX);
    Ok(row.with("ok", answered).with("silence_ms", silence))
}
