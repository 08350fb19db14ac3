//! A running server of the page, with its own copy of the files.

use std::{
    fs,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    path::Path,
    thread::sleep,
    time::{Duration, Instant},
};

use conformance::{Failed, Running, Server, free_address};

use super::{
    counterpart::TEMPLATE,
    edit::{Draft, Edit, Sign},
    outcome::Outcome,
    site_files::{CONFIG, PAGE},
    torn::{self, Values},
};

/// A running server. It ends when this is dropped.
pub(crate) struct Subject {
    running: Running,
    is_demo: bool,
    /// The text of its settings at its start.
    config: String,
    /// The text of its template at its start.
    template: String,
}

/// The name of each demo's additional settings file.
const OVERLAY: &str = "port.yaml";

/// The time limit for an edit to be served by a demo. A demo reports what it refuses.
const TIMEOUT: Duration = Duration::from_secs(5);

/// The same for a counterpart, which reports nothing.
const COUNTERPART_TIMEOUT: Duration = Duration::from_secs(2);

impl Subject {
    /// Starts a demo on the wanted port, or on any free port if that is taken or none is wanted.
    pub(crate) fn demo(program: &Path, wanted: Option<u16>) -> Result<Subject, Failed> {
        let server = match wanted {
            Some(wanted) => {
                let port = free_port(wanted)?;
                let server = Server::new(program).file(OVERLAY, format!("port: {port}\n")).binding_itself();
                server.args(&format!("--config {CONFIG} --config {OVERLAY}"))
            }
            None => Server::new(program).on_a_free_port(),
        };
        let (config, template) = (Server::shipped_config(), Server::shipped_template("index.html"));
        Ok(Subject { running: start(server, program)?, is_demo: true, config, template })
    }

    /// Starts a counterpart on a free port.
    pub(crate) fn counterpart(program: &Path) -> Result<Subject, Failed> {
        let address = free_address()?;
        let config = Server::shipped_config().replacen("port: 8080", &format!("port: {}", address.port()), 1);
        let server =
            Server::new(program).config(&*config).template("index.html", TEMPLATE).serving_at(address);
        Ok(Subject {
            running: start(server, program)?,
            is_demo: false,
            config,
            template: TEMPLATE.to_owned(),
        })
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.running.address()
    }

    /// The folder with its settings and its template.
    pub(crate) fn folder(&self) -> &Path {
        self.running.folder()
    }

    /// Its current page.
    pub(crate) fn page(&self) -> Result<String, Failed> {
        Ok(self.running.get("/")?.text())
    }

    /// The edit of its current files. `number` must be new.
    pub(crate) fn draft(&self, edit: Edit, number: u64) -> Result<Draft, Failed> {
        if edit == Edit::Back {
            self.running.save(PAGE, &self.template)?;
            return Ok(edit.draft(number, &self.config, &self.template)?);
        }
        Ok(edit.draft(number, &self.running.config()?, &fs::read_to_string(self.running.path(PAGE))?)?)
    }

    /// Saves a draft in place and waits until the server has read it.
    pub(crate) fn save(&self, draft: &Draft) -> Result<Outcome, Failed> {
        match &draft.sign {
            Sign::NothingTorn => {
                let path = self.running.path(draft.file);
                Ok(Outcome::Counted(torn::count(self.address(), &path, &draft.text)?))
            }
            Sign::Problem(word) if self.is_demo => self.save_to_be_refused(draft, word),
            Sign::Problem(_) => self.save_without_a_report(draft),
            Sign::Answer(..) | Sign::Restored(_) => self.save_to_be_in_force(draft),
        }
    }

    fn save_to_be_in_force(&self, draft: &Draft) -> Result<Outcome, Failed> {
        let target = draft.sign.target();
        let mut client = self.running.client()?;
        client.get(target)?;
        let timeout = if self.is_demo { TIMEOUT } else { COUNTERPART_TIMEOUT };
        let begun = Instant::now();
        self.running.save(draft.file, &draft.text)?;
        while begun.elapsed() < timeout {
            let answer = client.get(target)?;
            let after = begun.elapsed();
            if draft.sign.is_in(&answer.text()) {
                return Ok(Outcome::InForce(after));
            }
        }
        let reason = if self.is_demo { "; the demo's own page has the reason" } else { "" };
        Ok(Outcome::Unanswered(format!("no answer showed it within {timeout:?}{reason}")))
    }

    fn save_to_be_refused(&self, draft: &Draft, word: &str) -> Result<Outcome, Failed> {
        let mut events = self.running.events()?;
        let begun = Instant::now();
        self.running.save(draft.file, &draft.text)?;
        let problem =
            events.until("the problem", |frame| frame.event == "problem" && frame.data.contains(word))?;
        let after = begun.elapsed();
        let words = problem.json()?["message"].as_str().unwrap_or_default().to_owned();
        match self.running.status("/")? {
            200 => Ok(Outcome::Refused(after, words)),
            status => Ok(Outcome::Unanswered(format!("refused, and `/` answers {status}: {words}"))),
        }
    }

    /// A counterpart does not say whether it has read an edit, so its page is watched for a second.
    fn save_without_a_report(&self, draft: &Draft) -> Result<Outcome, Failed> {
        let before = Values::of(&self.page()?);
        self.running.save(draft.file, &draft.text)?;
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_secs(1) {
            let answer = self.running.get("/")?;
            let now = Values::of(&answer.text());
            if answer.status != 200 {
                return Ok(Outcome::Unanswered(format!("`/` answers {}", answer.status)));
            }
            if now != before {
                let values = now.map_or_else(|| "none of the values".to_owned(), |now| now.to_string());
                return Ok(Outcome::Unanswered(format!("the page shows {values}")));
            }
            sleep(Duration::from_millis(5));
        }
        Ok(Outcome::Kept)
    }
}

fn start(server: Server, program: &Path) -> Result<Running, Failed> {
    let started = server.start();
    Ok(started.map_err(|failed| {
        format!("`{}` does not serve: {}", program.display(), failed.message().unwrap_or_default())
    })?)
}

/// The wanted port if it is free, else any.
fn free_port(wanted: u16) -> Result<u16, Failed> {
    let bind = |port| TcpListener::bind((Ipv4Addr::LOCALHOST, port));
    let listener = bind(wanted).or_else(|_| bind(0));
    Ok(listener.map_err(|e| format!("no port is free: {e}"))?.local_addr()?.port())
}
