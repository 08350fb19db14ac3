//! The documentation names each event and each field, and no others.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::*;
use crate::journal::{NamedStatus, Problem, ProgramStatus, Programs, ServerStatus, State};

const DOCS: &str = include_str!("../../../../../docs/hotrun.md");

fn text() -> String {
    "text".to_owned()
}

fn built() -> BuildEnd {
    BuildEnd { version: 1, outcome: BuildOutcome::Failed, took_ms: 1, reason: text() }
}

fn status(programs: Programs) -> Event {
    Event::Status(Status { process: 1, root: text(), settings: Some(text()), programs })
}

fn program() -> ProgramStatus {
    ProgramStatus {
        bin: Some(text()),
        state: State::ServesNothing,
        addresses: vec![text()],
        servers: vec![ServerStatus { server: 1, state: text(), process: 1 }],
        build: Some(built()),
        problem: Some(Problem { reason: text(), output: text() }),
    }
}

/// Each kind of event, with all of its fields.
fn examples() -> Vec<Event> {
    let examples = vec![
        Event::Begin { process: 1, root: text(), settings: Some(text()) },
        Event::Change { files: vec![text()] },
        Event::Rule { name: text(), command: text() },
        Event::RuleEnded { name: text(), ok: false, reason: text() },
        Event::Build { version: 1, command: text() },
        Event::Output { text: text() },
        Event::Built(built()),
        Event::Start { server: 1, version: 1, process: 1 },
        Event::Ready { server: 1, addresses: vec![text()], sign: text(), took_ms: 1 },
        Event::Leave { server: 1 },
        Event::Keep { server: 1 },
        Event::Return { server: 1 },
        Event::Rejected { server: 1, reason: text() },
        Event::Ended { server: 1, status: text() },
        Event::Down { reason: text() },
        Event::Line { text: text(), stream: Stream::Stdout },
        Event::Message { level: Level::Warning, text: text() },
        Event::Lost { count: 1 },
        Event::Stop { reason: StopReason::Signal },
        status(Programs::One(program())),
        status(Programs::Several { programs: vec![NamedStatus { program: text(), status: program() }] }),
        Event::Result(RequestResult {
            ok: false,
            server: Some(1),
            text: text(),
            reason: text(),
            output: text(),
            usage: true,
        }),
    ];
    // A new kind does not compile here: add it above, too.
    for event in &examples {
        match event {
            Event::Begin { .. }
            | Event::Change { .. }
            | Event::Rule { .. }
            | Event::RuleEnded { .. }
            | Event::Build { .. }
            | Event::Output { .. }
            | Event::Built(_)
            | Event::Start { .. }
            | Event::Ready { .. }
            | Event::Leave { .. }
            | Event::Keep { .. }
            | Event::Return { .. }
            | Event::Rejected { .. }
            | Event::Ended { .. }
            | Event::Down { .. }
            | Event::Line { .. }
            | Event::Message { .. }
            | Event::Lost { .. }
            | Event::Stop { .. }
            | Event::Status(_)
            | Event::Result(_) => {}
        }
    }
    examples
}

/// The fields of each event in the code, but those that every event has.
fn in_the_code() -> BTreeMap<String, BTreeSet<String>> {
    let mut kinds: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for event in examples() {
        let Value::Object(mut fields) = serde_json::to_value(event).unwrap() else { panic!("no object") };
        let Some(Value::String(name)) = fields.remove("event") else { panic!("no name") };
        kinds.entry(name).or_default().extend(fields.into_iter().map(|(name, _)| name));
    }
    kinds
}

/// The rows of the table with this head, each with its cells.
fn rows(head: &str) -> Vec<Vec<&'static str>> {
    let (_, table) = DOCS.split_once(head).expect("the table");
    let rows = table.trim_start().lines().skip(1).take_while(|line| line.starts_with('|'));
    rows.map(|row| row.trim_matches('|').split('|').map(str::trim).collect()).collect()
}

/// The words in backticks.
fn code_words(cell: &str) -> BTreeSet<String> {
    cell.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

#[test]
fn each_event_is_documented_with_its_fields_and_no_other_is() {
    let table = rows("| event | meaning | fields |");
    let documented: BTreeMap<String, BTreeSet<String>> =
        table.iter().map(|row| (row[0].trim_matches('`').to_owned(), code_words(row[2]))).collect();
    assert_eq!(documented.len(), table.len(), "none twice");
    assert_eq!(documented, in_the_code());
}

#[test]
fn each_field_is_documented_and_no_other_is() {
    let table = rows("| field | value |");
    let documented: Vec<String> = table.iter().map(|row| row[0].trim_matches('`').to_owned()).collect();
    let fields: BTreeSet<String> = in_the_code().into_values().flatten().collect();
    assert_eq!(documented, fields.into_iter().collect::<Vec<_>>(), "in the order of the alphabet");
}

/// The words of a field with few values are in its row.
#[test]
fn each_value_of_a_closed_list_is_documented() {
    let table = rows("| field | value |");
    let row = |field: &str| table.iter().find(|row| row[0] == format!("`{field}`")).unwrap()[1];
    let word = |value: Value| value.as_str().unwrap().to_owned();
    let levels =
        [Level::Info, Level::Warning, Level::Error].map(|level| serde_json::to_value(level).unwrap());
    let outcomes = [BuildOutcome::Good, BuildOutcome::Same, BuildOutcome::Failed, BuildOutcome::Cancelled];
    for outcome in outcomes {
        assert_eq!(word(serde_json::to_value(outcome).unwrap()), outcome.word());
    }
    let states = [State::Builds, State::Starts, State::Serves, State::ServesNothing];
    for state in states {
        assert_eq!(word(serde_json::to_value(state).unwrap()), state.word());
    }
    let stops = [StopReason::Signal, StopReason::Key, StopReason::Request, StopReason::Reader];
    for (field, values) in [
        ("level", levels.map(word).to_vec()),
        ("outcome", outcomes.map(|outcome| outcome.word().to_owned()).to_vec()),
        ("state", states.map(|state| state.word().to_owned()).to_vec()),
        ("reason", stops.map(|stop| word(serde_json::to_value(stop).unwrap())).to_vec()),
    ] {
        let words = code_words(row(field));
        assert!(values.iter().all(|value| words.contains(value)), "{field}: {values:?} in {words:?}");
    }
}

/// `hotrun logs` reads what a hotrun has written.
#[test]
fn a_line_is_read_as_the_event_that_it_was() {
    for event in examples() {
        for program in [None, Some("api")] {
            let record = Record::now(program, event.clone());
            assert_eq!(serde_json::from_str::<Record>(&record.line()).unwrap(), record);
        }
    }
}
