//! Requests per second in closed loops, and the processor time of each.

use conformance::Failed;

use crate::{
    cpu,
    output::progress,
    servers::{
        Scale,
        programs::Programs,
        record::{Figure, Row},
        started::Started,
        subject::{self, Subject},
        wrk,
    },
};

/// The connections at which servers are compared by a single number.
const USUAL: u32 = 64;

/// Answers that are measured at several connection counts.
const SITE: [&str; 2] = ["/dynamic-config", "/"];

/// The servers of one subject.
struct Lineup {
    subject: &'static Subject,
    site: Started,
    answers: Started,
    /// Asked of demos only: the answers of a counterpart have few other headers.
    bodies: Option<Started>,
    bare: Started,
}

/// One line of the measurement, with the result of each round.
struct Line<'a> {
    subject: &'static Subject,
    server: &'a Started,
    kind: Kind,
    target: &'static str,
    connections: u32,
    per_second: Vec<f64>,
    microseconds: Vec<f64>,
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Site,
    Answers,
    Bodies,
    Bare,
}

const LIMITS: &str = "static answers are the site's, byte for byte, the headers that it adds and a request id that stays the same included; \
    static bodies carry their type and nothing else. Server and load share the machine, so the throughput is that of both; wrk in one thread, since it costs \
    less of the machine than any other that is packaged; loopback, no TLS, HTTP/1.1 with kept connections. A real service \
    does more in a request than any of these. Every server renders the page \
    for each request";

/// `throughput-*` and `cpu-*`.
pub(crate) fn figures(programs: &Programs, scale: &Scale) -> Result<Vec<Figure>, Failed> {
    let lineups = subject::ALL.iter().map(|subject| Lineup::start(programs, subject));
    let lineups = lineups.collect::<Result<Vec<_>, _>>()?;
    let mut lines: Vec<Line> = lineups.iter().flat_map(|lineup| lineup.lines(scale)).collect();
    for round in 1..=scale.rounds {
        progress(&format!(
            "load: round {round} of {}, {} bursts of {} s",
            scale.rounds,
            lines.len(),
            scale.seconds
        ));
        for line in &mut lines {
            line.measure(scale.seconds)?;
        }
    }
    Ok(both("dynamic-config", "`/dynamic-config`", |line| line.is(Kind::Site, SITE[0]), &lines)
        .into_iter()
        .chain(both("page", "`/`, the page", |line| line.is(Kind::Site, SITE[1]), &lines))
        .chain(both("bare", "the bare framework", |line| line.kind == Kind::Bare, &lines))
        .chain(both("static", "the same answers, statically", |line| line.kind == Kind::Answers, &lines))
        .chain(both("body", "the same bodies, statically", |line| line.kind == Kind::Bodies, &lines))
        .collect())
}

impl Lineup {
    fn start(programs: &Programs, subject: &'static Subject) -> Result<Lineup, Failed> {
        let site = Started::site(programs, subject)?;
        let answers = Started::of_answers(programs, subject, &site)?;
        let bodies = subject.is_demo().then(|| Started::of_bodies(programs, subject, &site)).transpose()?;
        Ok(Lineup { subject, answers, bodies, bare: Started::bare(programs, subject)?, site })
    }

    fn lines(&self, scale: &Scale) -> Vec<Line<'_>> {
        let line = |server, kind, target, connections| {
            let subject = self.subject;
            Line {
                subject,
                server,
                kind,
                target,
                connections,
                per_second: Vec::new(),
                microseconds: Vec::new(),
            }
        };
        let mut lines = vec![line(&self.bare, Kind::Bare, "/bare", USUAL)];
        for target in SITE {
            lines.push(line(&self.answers, Kind::Answers, target, USUAL));
            lines.extend(self.bodies.iter().map(|bodies| line(bodies, Kind::Bodies, target, USUAL)));
            lines.extend(scale.connections.iter().map(|&count| line(&self.site, Kind::Site, target, count)));
        }
        lines
    }
}

impl Line<'_> {
    fn is(&self, kind: Kind, target: &str) -> bool {
        self.kind == kind && self.target == target
    }

    fn measure(&mut self, seconds: u32) -> Result<(), Failed> {
        let url = format!("http://{}{}", self.server.address(), self.target);
        let before = cpu::cpu_time(self.server.pid())?;
        let burst = wrk::burst(&url, self.connections, seconds)?;
        let spent = cpu::cpu_time(self.server.pid())?.saturating_sub(before);
        self.per_second.push(burst.per_second);
        self.microseconds.push(spent.as_secs_f64() * 1e6 / burst.answered);
        Ok(())
    }

    fn row(&self, values: &[f64]) -> Row {
        let row = Row::of(self.subject.id, values.to_vec());
        match self.kind {
            Kind::Site => row.at(self.connections),
            Kind::Answers | Kind::Bodies => row.series(self.target),
            Kind::Bare => row,
        }
    }
}

/// The throughput and the processor time of some lines.
fn both(id: &str, title: &str, mine: impl Fn(&Line) -> bool, lines: &[Line]) -> [Figure; 2] {
    let mine: Vec<&Line> = lines.iter().filter(|line| mine(line)).collect();
    let throughput = Figure::new(
        "throughput",
        &format!("throughput-{id}"),
        &format!("Requests a second: {title}"),
        "requests/s",
    );
    let throughput = throughput
        .more_is_better()
        .what("wrk asks over kept connections, each again as soon as it is answered; every answer a 200")
        .limits(LIMITS)
        .rows(mine.iter().map(|line| line.row(&line.per_second)).collect());
    // The cost of a request hardly depends on the number of connections.
    let usual = mine.iter().filter(|line| line.connections == USUAL).map(|line| {
        let mut row = line.row(&line.microseconds);
        row.x = None;
        row
    });
    let cpu =
        Figure::new("cpu", &format!("cpu-{id}"), &format!("Processor time of a request: {title}"), "µs");
    let cpu = cpu
        .what("what the kernel accounts to the server's threads (`/proc/PID/task/*/schedstat`) during a burst over 64 connections, divided by its requests")
        .limits("user and system time, a garbage collector's included; not what the kernel does for the network on its own account. The fewer of two cores a server gets, the more requests it finds at once, and the cheaper each. Every server renders the page for each request")
        .rows(usual.collect());
    let is_over_connections = mine.iter().any(|line| line.kind == Kind::Site);
    [if is_over_connections { throughput.over("connections") } else { throughput }, cpu]
}
