//! From the end of a save to the first answer that carries it.

use std::{
    fs,
    thread::sleep,
    time::{Duration, Instant},
};

use conformance::{Client, Failed};

use crate::{
    output::progress,
    servers::{
        Scale,
        programs::Programs,
        record::{Figure, Row},
        save_modes::SaveMode,
        started::Started,
        subject,
        subject::Subject,
    },
    stats::{self, median, round},
};

/// Saves of each mode and server in a round.
const SAVES: u32 = 50;

/// The time after which a save counts as never served.
const LOST: Duration = Duration::from_secs(1);

/// The pause between two saves, so that the second event of a save comes before the next one.
const REST: Duration = Duration::from_millis(5);

/// The results of one way of saving with one server.
#[derive(Default)]
struct Served {
    /// Medians of the rounds.
    medians: Vec<f64>,
    /// The time of every save that was served, in milliseconds.
    all: Vec<f64>,
    lost: u32,
}

/// `save-to-served`.
pub(crate) fn figures(programs: &Programs, scale: &Scale) -> Result<Vec<Figure>, Failed> {
    let saves = if scale.quick { SAVES / 5 } else { SAVES };
    let ways = [SaveMode::InPlace, SaveMode::ByRename];
    let mut rows: Vec<_> =
        subject::ALL.iter().flat_map(|c| ways.map(|mode| (c, mode, Served::default()))).collect();
    for number in 1..=scale.rounds {
        progress(&format!("saves: round {number} of {}", scale.rounds));
        for (subject, mode, served) in &mut rows {
            served.round(programs, subject, *mode, saves)?;
        }
    }
    let figure = Figure::new(
        "saves",
        "save-to-served",
        "From the end of a save to the first answer that carries it",
        "ms",
    );
    Ok(vec![
        figure
            .what("one kept connection asks for `/dynamic-config` as fast as it is answered; from the return of the writing call to the end of the first answer with the new value. `lost`: saves that were not served within a second; the server is then started anew")
            .limits("the floor is one request, some 0.05 ms here. A demo reads only what is complete, a counterpart whatever is there when the first event comes, so that it can be early with a torn value: see that row")
            .columns(&["p99", "lost"])
            .rows(rows.into_iter().map(|(subject, mode, served)| served.row(subject, mode)).collect()),
    ])
}

impl Served {
    fn round(
        &mut self,
        programs: &Programs,
        subject: &Subject,
        mode: SaveMode,
        saves: u32,
    ) -> Result<(), Failed> {
        let mut found = Vec::new();
        let mut server = Started::site(programs, subject)?;
        let mut client = server.client()?;
        let mut original = fs::read_to_string(server.path("config.yaml"))?;
        for number in 0..saves {
            sleep(REST);
            let took = until_served(&server, &mut client, &original, mode, 100 + number, LOST)?;
            if let Some(took) = took {
                found.push(took.as_secs_f64() * 1000.0);
            } else {
                self.lost += 1;
                // A server that has stopped watching never serves an edit again.
                server = Started::site(programs, subject)?;
                client = server.client()?;
                original = fs::read_to_string(server.path("config.yaml"))?;
            }
        }
        self.medians.push(median(found.clone()));
        self.all.extend(found);
        Ok(())
    }

    fn row(self, subject: &Subject, mode: SaveMode) -> Row {
        let row = Row::of(subject.id, self.medians).series(mode.as_str());
        let row = row.with("count", self.all.len()).with("lost", self.lost);
        let p99 = stats::at(self.all, 0.99);
        if p99.is_finite() { row.with("p99", round(p99)) } else { row.note("no save was served") }
    }
}

/// Saves the configuration with another interval, and sends requests until an answer shows it. Returns none after the timeout.
pub(crate) fn until_served(
    server: &Started,
    client: &mut Client,
    original: &str,
    mode: SaveMode,
    interval: u32,
    timeout: Duration,
) -> Result<Option<Duration>, Failed> {
    let text = original.replacen("seconds: 5", &format!("seconds: {interval}"), 1);
    let wanted = format!("\"refresh_interval_seconds\":{interval},");
    mode.save(&server.path("config.yaml"), &text)?;
    let saved = Instant::now();
    while saved.elapsed() < timeout {
        let answer = client.get("/dynamic-config")?;
        let elapsed = saved.elapsed();
        if answer.text().contains(&wanted) {
            return Ok(Some(elapsed));
        }
    }
    Ok(None)
}
