//! Runs the four demos, and makes edits in all of them.

use std::{
    net::{Ipv4Addr, SocketAddr, TcpListener},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use conformance::{Failed, Running, Server};

use super::edit::{CONFIG, Draft, Edit, PAGE, Sign};

/// The running demos, in order. They end when this is dropped.
pub(crate) struct DemoRunner {
    demos: Vec<Running>,
    edits: u64,
}

/// An edit that was made in all demos.
#[derive(Clone, Debug)]
pub(crate) struct Made {
    pub(crate) edit: Edit,
    /// The new line or text.
    pub(crate) words: String,
    /// The outcome in each demo, in order.
    pub(crate) outcomes: Vec<Outcome>,
}

/// The outcome of an edit in one demo.
#[derive(Clone, Debug)]
pub(crate) enum Outcome {
    /// An answer showed it, so long after the save began.
    InForce(Duration),
    /// It was rejected with these words, so long after the save began. The answers did not change.
    Refused(Duration, String),
    /// Neither.
    Unanswered(String),
}

/// The name of each demo's additional settings file.
const OVERLAY: &str = "port.yaml";

/// The timeout of an edit.
const PATIENCE: Duration = Duration::from_secs(5);

impl DemoRunner {
    /// Starts the programs, each in its own folder with a copy of the configuration and a file that sets its port. The ports
    /// begin at `first`; a port that is taken is replaced by any free one. If `first` is 0, each demo binds a free port itself.
    pub(crate) fn open(programs: &[PathBuf], first: u16) -> Result<DemoRunner, Failed> {
        let mut demos: Vec<Running> = Vec::new();
        for (program, nth) in programs.iter().zip(0..) {
            let server = match first.checked_add(nth).filter(|_| first > 0) {
                Some(wanted) => {
                    let port = free_port(wanted)?;
                    let server =
                        Server::new(program).file(OVERLAY, format!("port: {port}\n")).binding_itself();
                    server.args(&format!("--config {CONFIG} --config {OVERLAY}"))
                }
                None => Server::new(program).on_a_free_port(),
            };
            demos.push(server.start().map_err(|failed| {
                format!("`{}` does not serve: {}", program.display(), failed.message().unwrap_or_default())
            })?);
        }
        Ok(DemoRunner { demos, edits: 0 })
    }

    /// The address of each demo.
    pub(crate) fn addresses(&self) -> Vec<SocketAddr> {
        self.demos.iter().map(Running::address).collect()
    }

    /// The folder of each demo, with its configuration and templates.
    pub(crate) fn folders(&self) -> Vec<&Path> {
        self.demos.iter().map(Running::folder).collect()
    }

    /// The current page of each demo.
    pub(crate) fn pages(&self) -> Result<Vec<String>, Failed> {
        self.demos.iter().map(|demo| Ok(demo.get("/")?.text())).collect()
    }

    /// Makes an edit in one demo after another, so that they do not disturb each other's times.
    pub(crate) fn make(&mut self, edit: Edit) -> Made {
        self.edits += 1;
        let mut words = String::new();
        let mut outcomes = Vec::new();
        for demo in &self.demos {
            let outcome = draft(demo, edit, self.edits).and_then(|draft| {
                words.clone_from(&draft.words);
                save(demo, &draft)
            });
            let unanswered =
                |failed: Failed| Outcome::Unanswered(failed.message().unwrap_or_default().to_owned());
            outcomes.push(outcome.unwrap_or_else(unanswered));
        }
        Made { edit, words, outcomes }
    }
}

/// The edit of this demo's current files.
fn draft(demo: &Running, edit: Edit, number: u64) -> Result<Draft, Failed> {
    let (config, page) = match edit {
        Edit::Back => {
            let page = Server::shipped_template("index.html");
            demo.save(PAGE, &page)?;
            (Server::shipped_config(), page)
        }
        _ => (demo.config()?, std::fs::read_to_string(demo.path(PAGE))?),
    };
    Ok(edit.draft(number, &config, &page)?)
}

/// Saves a draft in place and waits until the demo has read it.
fn save(demo: &Running, draft: &Draft) -> Result<Outcome, Failed> {
    match &draft.sign {
        Sign::Problem(word) => save_to_be_refused(demo, draft, word),
        Sign::Answer(..) | Sign::Restored(_) => save_to_be_in_force(demo, draft),
    }
}

fn save_to_be_in_force(demo: &Running, draft: &Draft) -> Result<Outcome, Failed> {
    let target = draft.sign.target();
    let mut client = demo.client()?;
    client.get(target)?;
    let begun = Instant::now();
    demo.save(draft.file, &draft.text)?;
    while begun.elapsed() < PATIENCE {
        let answer = client.get(target)?;
        let after = begun.elapsed();
        if draft.sign.is_in(&answer.text()) {
            return Ok(Outcome::InForce(after));
        }
    }
    let words = format!("no answer showed it within {PATIENCE:?}; the demo's own page has the reason");
    Ok(Outcome::Unanswered(words))
}

fn save_to_be_refused(demo: &Running, draft: &Draft, word: &str) -> Result<Outcome, Failed> {
    let mut events = demo.events()?;
    let begun = Instant::now();
    demo.save(draft.file, &draft.text)?;
    let problem =
        events.until("the problem", |frame| frame.event == "problem" && frame.data.contains(word))?;
    let after = begun.elapsed();
    let words = problem.json()?["message"].as_str().unwrap_or_default().to_owned();
    match demo.status("/")? {
        200 => Ok(Outcome::Refused(after, words)),
        status => Ok(Outcome::Unanswered(format!("refused, and `/` answers {status}: {words}"))),
    }
}

/// The wanted port if it is free, else any.
fn free_port(wanted: u16) -> Result<u16, Failed> {
    let bind = |port| TcpListener::bind((Ipv4Addr::LOCALHOST, port));
    let listener = bind(wanted).or_else(|_| bind(0));
    Ok(listener.map_err(|e| format!("no port is free: {e}"))?.local_addr()?.port())
}
