//! The words of the status line.

use std::time::Duration;

use crate::build::Progress;
use crate::report::spoken;
use crate::supervisor::Message;

use super::{Program, Runner};

/// The outcome of the last build or start of a program.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum LastOutcome {
    #[default]
    None,
    Built(Duration),
    /// With the number of errors; zero if it is not known.
    BuildFailed(u32),
    /// The new server ended too early or was not ready in time.
    StartFailed,
    /// The same, and the last good program is started again.
    Restored,
    /// The only server ended.
    Ended,
}

/// The activity of a program.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Activity {
    Rests,
    Builds(Option<Progress>),
    Starts,
    Ends,
}

/// The state of a program.
#[derive(Clone, Debug)]
struct State {
    name: Option<String>,
    activity: Activity,
    outcome: LastOutcome,
    /// A server runs.
    runs: bool,
    addresses: Vec<String>,
}

impl Runner {
    /// Says on the terminal what hotrun does now.
    pub(super) fn show_status(&self) {
        if !self.report.has_status_line() {
            return;
        }
        let states = self.programs.iter().map(|program| {
            let progress = self.builds.iter().find_map(|build| build.progress_for(program.at));
            program.state(progress)
        });
        let words = in_words(&states.collect::<Vec<_>>());
        let paused = if self.paused.is_some() { "paused, " } else { "" };
        self.report.status_line(&format!("{paused}{words}"));
    }
}

impl Program {
    /// Notes how a build or a start has ended.
    pub(super) fn note_outcome(&mut self, message: Message) {
        match message {
            Message::GivenUp { .. } | Message::Fell(_) => self.last_outcome = LastOutcome::StartFailed,
            Message::Restored => self.last_outcome = LastOutcome::Restored,
            Message::Waiting(_) => self.last_outcome = LastOutcome::Ended,
            _ => {}
        }
    }

    /// Notes that a server is ready. A failure before it is no matter any more, unless this is the last good program.
    pub(super) fn note_ready(&mut self) {
        match self.last_outcome {
            LastOutcome::StartFailed | LastOutcome::Ended => self.last_outcome = LastOutcome::None,
            LastOutcome::Restored => self.last_outcome = LastOutcome::StartFailed,
            LastOutcome::None | LastOutcome::Built(_) | LastOutcome::BuildFailed(_) => {}
        }
    }

    fn state(&self, progress: Option<&Progress>) -> State {
        let current = self.supervisor.current().and_then(|server| self.generations.get(&server));
        State {
            name: self.plan.name.clone(),
            activity: match (self.wanted.is_some(), self.supervisor.is_settled()) {
                _ if self.supervisor.is_quitting() => Activity::Ends,
                (true, _) => Activity::Builds(progress.cloned()),
                (false, false) => Activity::Starts,
                (false, true) => Activity::Rests,
            },
            outcome: self.last_outcome.clone(),
            runs: current.is_some(),
            addresses: current
                .filter(|one| one.is_bound() || !self.owned.addresses().is_empty())
                .map_or_else(Vec::new, |one| self.addresses(one)),
        }
    }
}

fn in_words(states: &[State]) -> String {
    if let [state] = states {
        return state.in_words();
    }
    // Programs of which the same is to be said are named together.
    let mut groups: Vec<(String, Vec<&str>)> = Vec::new();
    for state in states {
        let words = state.in_short();
        let name = state.name.as_deref().unwrap_or_default();
        match groups.iter_mut().find(|(said, _)| *said == words) {
            Some((_, names)) => names.push(name),
            None => groups.push((words, vec![name])),
        }
    }
    let words = groups.iter().map(|(words, names)| format!("{}: {words}", names.join(", ")));
    words.collect::<Vec<_>>().join("; ")
}

impl State {
    fn in_words(&self) -> String {
        let serves = match (self.runs, &self.addresses[..]) {
            (false, _) => "no server".to_owned(),
            (true, []) => "runs".to_owned(),
            (true, addresses) => format!("serves {}", addresses.join(", ")),
        };
        match (self.doing(), self.outcome.in_words()) {
            (Some(doing), _) if self.runs && self.activity != Activity::Ends => format!("{doing}, {serves}"),
            (Some(doing), _) => doing,
            (None, Some(words)) if self.outcome == LastOutcome::Ended => words,
            (None, Some(words)) => format!("{words}, {serves}"),
            (None, None) => serves,
        }
    }

    /// The most important part.
    fn in_short(&self) -> String {
        if let Some(doing) = self.doing() {
            return doing;
        }
        match (&self.outcome, self.runs, &self.addresses[..]) {
            (LastOutcome::None | LastOutcome::Built(_), true, []) => "runs".to_owned(),
            (LastOutcome::None | LastOutcome::Built(_), true, addresses) => {
                let ports: Vec<_> = addresses.iter().map(|address| port(address)).collect();
                format!("serves {}", ports.join(", "))
            }
            (outcome, ..) => outcome.in_words().unwrap_or_else(|| "no server".to_owned()),
        }
    }

    fn doing(&self) -> Option<String> {
        match &self.activity {
            Activity::Rests => None,
            Activity::Builds(None) => Some("building".to_owned()),
            Activity::Builds(Some(Progress::Crates(done, all))) => Some(format!("building {done}/{all}")),
            Activity::Builds(Some(Progress::Words(words))) => Some(format!("building ({words})")),
            Activity::Starts => Some("starting".to_owned()),
            Activity::Ends => Some("ending".to_owned()),
        }
    }
}

impl LastOutcome {
    fn in_words(&self) -> Option<String> {
        Some(match self {
            LastOutcome::None => return None,
            LastOutcome::Built(took) => format!("built in {}", spoken(*took)),
            LastOutcome::BuildFailed(0) => "build failed".to_owned(),
            LastOutcome::BuildFailed(1) => "build failed: 1 error".to_owned(),
            LastOutcome::BuildFailed(errors) => format!("build failed: {errors} errors"),
            LastOutcome::StartFailed | LastOutcome::Restored => "start failed".to_owned(),
            LastOutcome::Ended => "the server ended".to_owned(),
        })
    }
}

/// The port of a web address on this machine; other addresses as they are.
fn port(address: &str) -> &str {
    let local = ["http://127.0.0.1:", "http://localhost:", "http://[::1]:"];
    let is_local = local.iter().any(|start| address.starts_with(start));
    address.rfind(':').filter(|_| is_local).map_or(address, |at| &address[at..])
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use crate::build::Progress;

    use super::{Activity, LastOutcome, State, in_words};

    fn state(activity: Activity, outcome: LastOutcome, addresses: &[&str]) -> State {
        let addresses: Vec<_> = addresses.iter().map(ToString::to_string).collect();
        State { name: None, activity, outcome, runs: !addresses.is_empty(), addresses }
    }

    #[test]
    fn one_program_says_what_it_does_and_where_it_serves() {
        let built = LastOutcome::Built(Duration::from_millis(1234));
        let here = &["http://127.0.0.1:80"][..];
        let downloads = Progress::Words("Downloading 3 crates".to_owned());
        for (activity, outcome, addresses, expected) in [
            (Activity::Builds(None), LastOutcome::None, &[][..], "building"),
            (Activity::Builds(Some(downloads)), LastOutcome::None, &[], "building (Downloading 3 crates)"),
            (Activity::Builds(Some(Progress::Crates(3, 12))), LastOutcome::None, &[], "building 3/12"),
            (
                Activity::Builds(Some(Progress::Crates(3, 12))),
                LastOutcome::BuildFailed(1),
                here,
                "building 3/12, serves http://127.0.0.1:80",
            ),
            (Activity::Starts, built.clone(), here, "starting, serves http://127.0.0.1:80"),
            (Activity::Rests, built, here, "built in 1.2 s, serves http://127.0.0.1:80"),
            (Activity::Rests, LastOutcome::None, here, "serves http://127.0.0.1:80"),
            (
                Activity::Rests,
                LastOutcome::BuildFailed(2),
                here,
                "build failed: 2 errors, serves http://127.0.0.1:80",
            ),
            (Activity::Rests, LastOutcome::BuildFailed(1), &[], "build failed: 1 error, no server"),
            (Activity::Rests, LastOutcome::BuildFailed(0), &[], "build failed, no server"),
            (Activity::Rests, LastOutcome::StartFailed, here, "start failed, serves http://127.0.0.1:80"),
            (Activity::Starts, LastOutcome::Restored, &[], "starting"),
            (Activity::Ends, LastOutcome::None, here, "ending"),
            (Activity::Rests, LastOutcome::Ended, &[], "the server ended"),
        ] {
            assert_eq!(in_words(&[state(activity, outcome, addresses)]), expected);
        }
        let worker = State { runs: true, ..state(Activity::Rests, LastOutcome::None, &[]) };
        assert_eq!(in_words(&[worker]), "runs");
    }

    #[test]
    fn several_programs_are_one_line() {
        let built = || LastOutcome::Built(Duration::from_secs(1));
        let building = || Activity::Builds(Some(Progress::Crates(3, 12)));
        let states = [
            ("api", state(building(), built(), &["http://127.0.0.1:80"])),
            ("web", state(Activity::Rests, LastOutcome::None, &["http://localhost:3000", "unix:/p/s"])),
            ("jobs", state(building(), LastOutcome::None, &[])),
            ("far", state(Activity::Rests, built(), &["http://10.0.0.1:81"])),
            ("bad", state(Activity::Rests, LastOutcome::BuildFailed(2), &["http://127.0.0.1:82"])),
            ("old", state(Activity::Rests, LastOutcome::None, &[])),
        ];
        let named = states.map(|(name, state)| State { name: Some(name.to_owned()), ..state });
        assert_eq!(
            in_words(&named),
            "api, jobs: building 3/12; web: serves :3000, unix:/p/s; far: serves http://10.0.0.1:81; \
             bad: build failed: 2 errors; old: no server"
        );
    }
}
