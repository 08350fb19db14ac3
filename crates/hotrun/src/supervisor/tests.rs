use super::*;
use Action::{Build, Cancel, Exit, Hurry, Kill, Leave, Pause, Probation, Return, Say, Start, Stop};
use Event::{Built, Changed, Ended, Late, Proven, Quit, Rerun, Signalled};
use Outcome::{Cancelled, Failed, Good};

const RULES: Rules = Rules { builds: true, stop_on_error: false, rerun: false };
const START: fn(u32, u32) -> Action = |server, version| Start { server, version };

fn ready(server: u32) -> Event {
    Event::Ready { server, shares: true }
}

fn alone(server: u32) -> Event {
    Event::Ready { server, shares: false }
}

/// One server is built, ready and proven, as version 1.
fn serving() -> Vec<(Event, Vec<Action>)> {
    vec![
        (Changed, vec![Build(1)]),
        (Built(1, Good), vec![START(1, 1)]),
        (ready(1), vec![Probation(1)]),
        (Proven(1), vec![]),
    ]
}

/// Version 2 has taken over and is on probation, version 1 drains.
fn succeeded() -> Vec<(Event, Vec<Action>)> {
    let mut rows = serving();
    rows.extend([
        (Changed, vec![Build(2)]),
        (Built(2, Good), vec![START(2, 2)]),
        (ready(2), vec![Leave(1), Probation(2)]),
    ]);
    rows
}

#[track_caller]
fn follows(rules: Rules, first: Vec<(Event, Vec<Action>)>, then: Vec<(Event, Vec<Action>)>) {
    let mut supervisor = Supervisor::new(rules);
    for (at, (event, actions)) in first.into_iter().chain(then).enumerate() {
        assert_eq!(supervisor.on(event), actions, "row {at}: {event:?}");
    }
}

#[test]
fn an_edit_takes_over_once_it_is_ready() {
    follows(RULES, succeeded(), vec![(Signalled(1), vec![]), (Ended(1), vec![]), (Proven(2), vec![])]);
}

#[test]
fn a_broken_edit_leaves_the_good_one() {
    let then = vec![(Changed, vec![Build(2)]), (Built(2, Failed), vec![]), (Changed, vec![Build(3)])];
    follows(RULES, serving(), then);
}

#[test]
fn a_broken_edit_stops_the_server_if_that_is_wanted() {
    let then = vec![
        (Changed, vec![Build(2)]),
        (Built(2, Failed), vec![Stop(1)]),
        (Ended(1), vec![]),
        (Changed, vec![Build(3)]),
        (Built(3, Good), vec![START(2, 3)]),
    ];
    follows(Rules { stop_on_error: true, ..RULES }, serving(), then);
}

#[test]
fn a_change_during_a_build_cancels_it_once_and_is_not_forgotten() {
    for outcome in [Cancelled, Good, Failed] {
        let then = vec![
            (Changed, vec![Build(2)]),
            (Changed, vec![Cancel]),
            (Changed, vec![]),
            (Built(2, outcome), vec![Build(3)]),
            (Built(3, Good), vec![START(2, 3)]),
        ];
        follows(RULES, serving(), then);
    }
}

#[test]
fn a_new_build_waits_while_the_old_server_drains() {
    let then = vec![
        (Changed, vec![Build(3)]),
        (Built(3, Good), vec![Hurry(1)]),
        (Signalled(1), vec![Hurry(1)]),
        (Ended(1), vec![START(3, 3)]),
        (ready(3), vec![Leave(2), Probation(3)]),
    ];
    follows(RULES, succeeded(), then);
}

#[test]
fn a_newer_build_takes_the_place_of_one_that_is_not_ready() {
    let then = vec![
        (Changed, vec![Build(2)]),
        (Built(2, Good), vec![START(2, 2)]),
        (Changed, vec![Build(3)]),
        (Built(3, Good), vec![Stop(2)]),
        (ready(2), vec![]),
        (Ended(2), vec![START(3, 3)]),
    ];
    follows(RULES, serving(), then);
}

#[test]
fn a_crash_on_start_is_given_up() {
    let then = vec![
        (Changed, vec![Build(2)]),
        (Built(2, Good), vec![START(2, 2)]),
        (Ended(2), vec![Say(Word::GivenUp { server: 2, late: false, serves: true })]),
        (Proven(2), vec![]),
    ];
    follows(RULES, serving(), then);
}

#[test]
fn a_hang_on_start_is_given_up() {
    let then = vec![
        (Changed, vec![Build(2)]),
        (Built(2, Good), vec![START(2, 2)]),
        (Late(2), vec![Say(Word::GivenUp { server: 2, late: true, serves: true }), Kill(2)]),
        (ready(2), vec![]),
        (Ended(2), vec![]),
    ];
    follows(RULES, serving(), then);
}

#[test]
fn the_first_server_may_take_its_time() {
    let rows = vec![
        (Changed, vec![Build(1)]),
        (Built(1, Good), vec![START(1, 1)]),
        (Late(1), vec![Say(Word::StillStarting(1))]),
        (ready(1), vec![Probation(1)]),
    ];
    follows(RULES, rows, vec![]);
}

#[test]
fn a_death_on_probation_calls_the_old_one_back() {
    let then = vec![
        (Ended(2), vec![Say(Word::Fell(2)), Return(1), Say(Word::Returned(1))]),
        (Changed, vec![Build(3)]),
        (Built(3, Good), vec![START(3, 3)]),
    ];
    follows(RULES, succeeded(), then);
}

#[test]
fn a_death_on_probation_restores_the_last_good_one_if_there_is_no_way_back() {
    let restored = |before: Vec<(Event, Vec<Action>)>| {
        let mut rows = before;
        rows.extend([
            (Ended(2), vec![Say(Word::Fell(2)), Say(Word::Restored(1)), START(3, 1)]),
            (ready(3), vec![Probation(3)]),
        ]);
        rows
    };
    follows(RULES, succeeded(), restored(vec![(Signalled(1), vec![])]));
    follows(RULES, succeeded(), restored(vec![(Signalled(1), vec![]), (Ended(1), vec![])]));
}

#[test]
fn one_that_was_called_back_too_late_is_started_again() {
    let then = vec![
        (Ended(2), vec![Say(Word::Fell(2)), Return(1), Say(Word::Returned(1))]),
        (Signalled(1), vec![Say(Word::Restored(1)), START(3, 1)]),
        (Ended(1), vec![]),
    ];
    follows(RULES, succeeded(), then);
}

#[test]
fn the_last_good_one_is_not_tried_for_ever() {
    let then = vec![
        (Ended(1), vec![]),
        (Ended(2), vec![Say(Word::Fell(2)), Say(Word::Restored(1)), START(3, 1)]),
        (Ended(3), vec![Say(Word::GivenUp { server: 3, late: false, serves: false })]),
        (Changed, vec![Build(3)]),
    ];
    follows(RULES, succeeded(), then);
}

#[test]
fn what_cannot_share_its_port_is_stopped_first() {
    let rows = vec![
        (Changed, vec![Build(1)]),
        (Built(1, Good), vec![START(1, 1)]),
        (alone(1), vec![Probation(1)]),
        (Changed, vec![Build(2)]),
        (Built(2, Good), vec![Leave(1)]),
        (Signalled(1), vec![]),
        (Ended(1), vec![START(2, 2)]),
        (
            Ended(2),
            vec![
                Say(Word::GivenUp { server: 2, late: false, serves: false }),
                Say(Word::Restored(1)),
                START(3, 1),
            ],
        ),
    ];
    follows(RULES, rows, vec![]);
}

#[test]
fn what_ends_by_itself_waits_for_a_change_or_is_run_again() {
    follows(RULES, serving(), vec![(Ended(1), vec![Say(Word::Waiting(1))]), (Changed, vec![Build(2)])]);
    let again = Rules { rerun: true, ..RULES };
    follows(again, serving(), vec![(Ended(1), vec![Pause]), (Rerun, vec![START(2, 1)])]);
    follows(again, serving(), vec![(Ended(1), vec![Pause]), (Changed, vec![Build(2)]), (Rerun, vec![])]);
}

#[test]
fn without_a_build_a_change_starts_a_server() {
    let rows = vec![
        (Changed, vec![START(1, 1)]),
        (ready(1), vec![Probation(1)]),
        (Changed, vec![START(2, 2)]),
        (Changed, vec![Stop(2)]),
        (Ended(2), vec![START(3, 3)]),
    ];
    follows(Rules { builds: false, ..RULES }, rows, vec![]);
}

#[test]
fn to_quit_is_to_end_everything_first() {
    let then = vec![
        (Changed, vec![Build(3)]),
        (Quit, vec![Cancel, Stop(2), Stop(1)]),
        (Ended(1), vec![]),
        (Built(3, Cancelled), vec![]),
        (Changed, vec![]),
        (Quit, vec![Kill(2)]),
        (Ended(2), vec![Exit]),
    ];
    follows(RULES, succeeded(), then);
    follows(RULES, vec![(Quit, vec![Exit])], vec![]);
}

/// A world in which anything may happen that can happen, in any order.
#[derive(Debug, Default)]
struct World {
    builds: Vec<u32>,
    /// Id, ready, shares, told to leave or to end.
    servers: Vec<(u32, bool, bool, bool)>,
    shares: bool,
}

impl World {
    fn event(&self, dice: u32) -> Event {
        let mut all = vec![Changed, Rerun];
        all.extend(self.builds.iter().flat_map(|&build| {
            [Built(build, Good), Built(build, Good), Built(build, Failed), Built(build, Cancelled)]
        }));
        for &(server, is_ready, _, told) in &self.servers {
            all.push(Ended(server));
            match (is_ready, told) {
                (false, _) => all.extend([Event::Ready { server, shares: self.shares }, Late(server)]),
                (true, true) => all.push(Signalled(server)),
                (true, false) => all.push(Proven(server)),
            }
        }
        all[dice as usize % all.len()]
    }

    fn take(&mut self, event: Event) {
        match event {
            Built(..) => self.builds.clear(),
            Ended(gone) => self.servers.retain(|&(id, ..)| id != gone),
            Event::Ready { server, shares } => {
                for one in self.servers.iter_mut().filter(|one| one.0 == server) {
                    (one.1, one.2) = (true, shares);
                }
            }
            _ => {}
        }
    }

    fn act(&mut self, action: Action) {
        match action {
            Build(build) => {
                assert!(self.builds.is_empty(), "never two builds at once");
                self.builds.push(build);
            }
            Start { server, .. } => {
                self.servers.push((server, false, true, false));
                assert!(self.servers.len() <= 2, "at most two servers: {:?}", self.servers);
                let unready = self.servers.iter().filter(|one| !one.1).count();
                assert!(unready <= 1, "at most one that is not ready: {:?}", self.servers);
                assert!(self.servers.len() == 1 || self.servers[0].2, "side by side only if they share");
            }
            Leave(left) => {
                let successor = self.servers.iter().any(|&(id, ready, _, told)| id != left && ready && !told);
                let one = self.servers.iter_mut().find(|one| one.0 == left).expect("it is there");
                assert!(successor || !one.2, "asked to leave without a successor");
                one.3 = true;
            }
            Return(back) => {
                let one = self.servers.iter_mut().find(|one| one.0 == back).expect("it is there");
                one.3 = false;
            }
            Stop(told) | Kill(told) => {
                if let Some(one) = self.servers.iter_mut().find(|one| one.0 == told) {
                    one.3 = true;
                }
            }
            _ => {}
        }
    }
}

#[test]
fn the_invariant_holds_whatever_happens() {
    for seed in 1..400_u32 {
        let rules = Rules { builds: true, stop_on_error: seed % 5 == 0, rerun: seed % 3 == 0 };
        let (mut supervisor, mut world) = (Supervisor::new(rules), World::default());
        world.shares = seed % 4 != 0;
        let mut dice = seed.wrapping_mul(2_654_435_761);
        for _ in 0..300 {
            dice ^= dice << 13;
            dice ^= dice >> 17;
            dice ^= dice << 5;
            let event = world.event(dice);
            world.take(event);
            for action in supervisor.on(event) {
                world.act(action);
            }
        }
    }
}
