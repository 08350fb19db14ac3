//! The pages that are served during a storm of saves.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    thread::{self, sleep},
    time::{Duration, Instant},
};

use conformance::Failed;

use crate::{
    output::progress,
    servers::{
        Scale,
        programs::Programs,
        record::{Figure, Row},
        save_modes::SaveMode,
        started::{Files, Started},
        subject::{self, Subject},
    },
};

/// Saves of each mode and server in a round.
const SAVES: u32 = 300;

/// The pause between two saves.
const PAUSE: Duration = Duration::from_millis(2);

/// The time after which the last version counts as never served.
const STALE: Duration = Duration::from_secs(2);

/// The interval of version 0. Each version has its own interval, so a torn page shows none of them.
const BASE: u32 = 1000;

/// The pages of one storm.
#[derive(Default)]
struct Seen {
    pages: u32,
    torn: u32,
    failed: u32,
    first: Option<String>,
    last_is_served: bool,
}

/// All storms of one mode over one server.
#[derive(Default)]
struct Verdict {
    torn: Vec<f64>,
    pages: u32,
    failed: u32,
    stale: u32,
    first: Option<String>,
}

/// `torn`.
pub(crate) fn figures(programs: &Programs, scale: &Scale) -> Result<Vec<Figure>, Failed> {
    let saves = if scale.quick { SAVES / 6 } else { SAVES };
    let mut rows: Vec<_> =
        subject::ALL.iter().flat_map(|c| SaveMode::ALL.map(|mode| (c, mode, Verdict::default()))).collect();
    for number in 1..=scale.rounds {
        progress(&format!("torn: round {number} of {}", scale.rounds));
        for (subject, mode, verdict) in &mut rows {
            verdict.add(storm(programs, subject, *mode, saves)?);
        }
    }
    let title = format!("Torn pages served during {saves} saves");
    Ok(vec![
        Figure::new("saves", "torn", &title, "pages")
            .what("the file names its version in its first line, its last section and between; the page shows all three. Two connections read it without a pause while the file is saved every 2 ms. Torn: the three are not of one version, or missing. `stale`: storms after which the last version was not served within 2 s; `all`: torn pages of all rounds; `pages`: pages read")
            .limits("saves this dense are no daily life, each single one is; how many pages are torn depends on how fast they are read. In three steps a save takes 0.3 ms, of which the file is not whole for all")
            .columns(&["all", "pages", "stale", "failed"])
            .rows(rows.into_iter().map(|(subject, mode, verdict)| verdict.row(subject, mode)).collect()),
    ])
}

fn storm(programs: &Programs, subject: &Subject, mode: SaveMode, saves: u32) -> Result<Seen, Failed> {
    let mut files = Files::with_three_values(subject);
    let shipped = files.config.clone();
    files.config = version(&shipped, 0);
    let server = Started::site_with(programs, subject, &files)?;
    let done = AtomicBool::new(false);
    let path = server.path("config.yaml");
    let both = thread::scope(|scope| {
        let visitors = [(); 2].map(|()| scope.spawn(|| visit(&server, &done)));
        let written: Result<(), Failed> = (1..=saves).try_for_each(|number| {
            mode.save(&path, &server.on_its_port(&version(&shipped, number)))?;
            sleep(PAUSE);
            Ok(())
        });
        let last = format!("v{saves} v{saves} {}", BASE + saves);
        let is_served = is_served_soon(&server, &last);
        done.store(true, Ordering::Relaxed);
        let seen = visitors.map(|visitor| visitor.join().map_err(|_| "a visitor panicked")?);
        written?;
        let [one, other] = seen;
        Ok::<_, Failed>(one?.and(other?, is_served))
    })?;
    Ok(both)
}

/// The repository's configuration, with the version at its beginning, in its middle and near its end.
fn version(shipped: &str, number: u32) -> String {
    let text = shipped.replacen("app_name: MyRustApp", &format!("app_name: v{number}"), 1);
    let text = text.replacen("name: myapp_db", &format!("name: v{number}"), 1);
    text.replacen("seconds: 5", &format!("seconds: {}", BASE + number), 1)
}

fn visit(server: &Started, done: &AtomicBool) -> Result<Seen, Failed> {
    let mut client = server.client()?;
    let mut seen = Seen::default();
    while !done.load(Ordering::Relaxed) {
        match client.get("/") {
            Ok(answer) if answer.status == 200 => seen.look(&answer.text()),
            Ok(_) => seen.failed += 1,
            Err(_) => {
                seen.failed += 1;
                client = server.client()?;
            }
        }
    }
    Ok(seen)
}

fn is_served_soon(server: &Started, page: &str) -> bool {
    let begun = Instant::now();
    while begun.elapsed() < STALE {
        let answer = server.client().and_then(|mut client| client.get("/"));
        if answer.is_ok_and(|answer| answer.text() == page) {
            return true;
        }
        sleep(PAUSE);
    }
    false
}

impl Seen {
    fn look(&mut self, page: &str) {
        self.pages += 1;
        if !is_whole(page) {
            self.torn += 1;
            self.first.get_or_insert_with(|| page.chars().take(80).collect());
        }
    }

    fn and(self, other: Seen, last_is_served: bool) -> Seen {
        Seen {
            pages: self.pages + other.pages,
            torn: self.torn + other.torn,
            failed: self.failed + other.failed,
            first: self.first.or(other.first),
            last_is_served,
        }
    }
}

impl Verdict {
    fn add(&mut self, seen: Seen) {
        self.torn.push(f64::from(seen.torn));
        self.pages += seen.pages;
        self.failed += seen.failed;
        self.stale += u32::from(!seen.last_is_served);
        self.first = self.first.take().or(seen.first);
    }

    fn row(self, subject: &Subject, mode: SaveMode) -> Row {
        let all: f64 = self.torn.iter().sum();
        let row = Row::of(subject.id, self.torn).series(mode.as_str()).with("all", all);
        let row = row.with("pages", self.pages).with("stale", self.stale).with("failed", self.failed);
        match self.first {
            Some(first) => row.with("first", first),
            None => row,
        }
    }
}

fn is_whole(page: &str) -> bool {
    let words: Vec<&str> = page.trim_end().split(' ').collect();
    let [name, database, interval] = words[..] else { return false };
    let number = name.strip_prefix('v').and_then(|number| number.parse::<u32>().ok());
    number.is_some_and(|number| name == database && interval.parse() == Ok(BASE + number))
}

#[cfg(test)]
mod tests {
    use conformance::Server;

    use super::{is_whole, version};

    #[test]
    fn a_page_of_one_version_is_whole() {
        assert!(is_whole("v7 v7 1007"));
        for torn in ["v7 v6 1007", "v7 v7 1006", "v7  0", "  ", "", "v7 v7", "MyRustApp myapp_db 5"] {
            assert!(!is_whole(torn), "{torn:?}");
        }
    }

    #[test]
    fn a_version_shows_at_all_three_places() {
        let text = version(&Server::shipped_config(), 12);
        for line in ["app_name: v12\n", "name: v12\n", "refresh_interval_seconds: 1012\n"] {
            assert!(text.contains(line), "{line} in {text}");
        }
    }
}
