use super::*;
use Action::{Build, Cancel, Exit, Keep, Kill, Leave, Pause, Probation, Return, Say, Start, Stop};
use Event::{Built, Changed, Copied, Ended, Late, Proven, Quit, Renewed, Rerun, Signalled};
use Outcome::{Cancelled, Failed, Good, Same};
use replaced::MOST_DRAINING;

const RULES: Rules = Rules { builds: true, stop_on_error: false, rerun: false };
const START: fn(u32, u32) -> Action = |server, version| Start { server, version };

fn ready(server: u32) -> Event {
    Event::Ready { server, shares: true, holds: true }
}

fn alone(server: u32) -> Event {
    Event::Ready { server, shares: false, holds: false }
}

/// One server is built, copied, ready and proven, as version 1.
fn serving() -> Vec<(Event, Vec<Action>)> {
    vec![
        (Changed, vec![Build(1)]),
        (Copied(1), vec![]),
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
        (Copied(2), vec![]),
        (Built(2, Good), vec![START(2, 2)]),
        (ready(2), vec![Leave(1), Probation(2)]),
    ]);
    rows
}

/// Version 2 has taken over and is on probation, version 1 is kept, since there is no copy of it.
fn kept() -> Vec<(Event, Vec<Action>)> {
    vec![
        (Changed, vec![START(1, 1)]),
        (ready(1), vec![Probation(1)]),
        (Proven(1), vec![]),
        (Changed, vec![START(2, 2)]),
        (ready(2), vec![Keep(1), Probation(2)]),
    ]
}

const UNBUILT: Rules = Rules { builds: false, ..RULES };
const FAILED: Action = Say(Message::BuildFailed { serves: true, stops: false });

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
    let then = vec![(Changed, vec![Build(2)]), (Built(2, Failed), vec![FAILED]), (Changed, vec![Build(3)])];
    follows(RULES, serving(), then);
}

#[test]
fn a_broken_edit_stops_the_server_if_that_is_wanted() {
    let then = vec![
        (Changed, vec![Build(2)]),
        (Built(2, Failed), vec![Say(Message::BuildFailed { serves: true, stops: true }), Stop(1)]),
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

/// The build of several programs is one: another one's change ends it, too.
#[test]
fn a_build_that_another_program_cancels_begins_anew() {
    let then = vec![
        (Changed, vec![Build(2)]),
        (Built(2, Cancelled), vec![Build(3)]),
        (Renewed, vec![]),
        (Built(3, Cancelled), vec![Build(4)]),
        (Built(4, Same(1)), vec![START(2, 1)]),
    ];
    follows(RULES, serving(), then);
    let then = vec![(Changed, vec![Build(2)]), (Quit, vec![Cancel, Stop(1)]), (Built(2, Cancelled), vec![])];
    follows(RULES, serving(), then);
}

#[test]
fn a_second_edit_does_not_wait_for_the_drain_of_the_first() {
    let then = vec![
        (Changed, vec![Build(3)]),
        (Copied(3), vec![]),
        (Built(3, Good), vec![START(3, 3)]),
        (ready(3), vec![Leave(2), Probation(3)]),
        (Signalled(1), vec![]),
        (Ended(1), vec![]),
    ];
    follows(RULES, succeeded(), then);
}

#[test]
fn of_four_servers_that_drain_the_oldest_is_cut() {
    let mut then = Vec::new();
    for version in 3..=4 {
        then.extend([
            (Changed, vec![Build(version)]),
            (Copied(version), vec![]),
            (Built(version, Good), vec![START(version, version)]),
            (ready(version), vec![Leave(version - 1), Probation(version)]),
        ]);
    }
    then.extend([
        (Changed, vec![Build(5)]),
        (Built(5, Good), vec![START(5, 5)]),
        (ready(5), vec![Leave(4), Kill(1), Say(Message::Cut(1)), Probation(5)]),
        (Signalled(1), vec![]),
        (Ended(1), vec![]),
    ]);
    follows(RULES, succeeded(), then);
}

#[test]
fn a_server_without_a_copy_is_kept_through_the_probation() {
    follows(UNBUILT, kept(), vec![(Proven(2), vec![Leave(1)]), (Signalled(1), vec![]), (Ended(1), vec![])]);
    let back = vec![
        (Ended(2), vec![Say(Message::Fell(2)), Return(1)]),
        (Changed, vec![START(3, 3)]),
        (ready(3), vec![Keep(1), Probation(3)]),
    ];
    follows(UNBUILT, kept(), back);
}

#[test]
fn the_last_proven_server_is_kept_beside_the_last_one() {
    let mut rows = kept();
    rows.extend([
        (Changed, vec![START(3, 3)]),
        (ready(3), vec![Keep(2), Probation(3)]),
        (Changed, vec![START(4, 4)]),
        // The second is neither the last nor proven.
        (ready(4), vec![Keep(3), Leave(2), Probation(4)]),
    ]);
    let both_fall = vec![
        (Signalled(2), vec![]),
        (Ended(3), vec![]),
        (Ended(4), vec![Say(Message::Fell(4)), Return(1)]),
        (Ended(1), vec![Say(Message::Waiting(1))]),
    ];
    follows(UNBUILT, rows.clone(), both_fall);
    let the_last_falls =
        vec![(Ended(4), vec![Say(Message::Fell(4)), Return(3), Probation(3)]), (Proven(3), vec![Leave(1)])];
    follows(UNBUILT, rows.clone(), the_last_falls);
    // Its time is over while it is kept: no server before it is needed.
    follows(UNBUILT, rows, vec![(Proven(3), vec![Leave(1)]), (Proven(4), vec![Leave(3)])]);
}

#[test]
fn a_server_that_cannot_be_held_leaves_at_once() {
    let rows = vec![
        (Changed, vec![START(1, 1)]),
        (Event::Ready { server: 1, shares: true, holds: false }, vec![Probation(1)]),
        (Changed, vec![START(2, 2)]),
        (ready(2), vec![Leave(1), Probation(2)]),
        (Signalled(1), vec![]),
        // There is no copy, and no server to call back: no line claims that something is started.
        (Ended(2), vec![Say(Message::Waiting(2))]),
    ];
    follows(UNBUILT, rows, vec![]);
}

#[test]
fn a_failed_build_stops_kept_servers_too_if_that_is_wanted() {
    let rules = Rules { stop_on_error: true, ..RULES };
    let rows = vec![
        (Changed, vec![Build(1)]),
        (Built(1, Good), vec![START(1, 1)]),
        (ready(1), vec![Probation(1)]),
        (Changed, vec![Build(2)]),
        (Built(2, Good), vec![START(2, 2)]),
        (ready(2), vec![Keep(1), Probation(2)]),
        (Changed, vec![Build(3)]),
        (Built(3, Failed), vec![Say(Message::BuildFailed { serves: true, stops: true }), Stop(1), Stop(2)]),
        (Ended(1), vec![]),
        (Ended(2), vec![]),
    ];
    follows(rules, rows, vec![]);
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
        (Ended(2), vec![Say(Message::GivenUp { server: 2, late: false, serves: true })]),
        (Proven(2), vec![]),
    ];
    follows(RULES, serving(), then);
}

#[test]
fn a_hang_on_start_is_given_up() {
    let then = vec![
        (Changed, vec![Build(2)]),
        (Built(2, Good), vec![START(2, 2)]),
        (Late(2), vec![Say(Message::GivenUp { server: 2, late: true, serves: true }), Kill(2)]),
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
        (Late(1), vec![Say(Message::StillStarting(1))]),
        (ready(1), vec![Probation(1)]),
    ];
    follows(RULES, rows, vec![]);
}

#[test]
fn a_server_that_was_taken_for_a_worker_shares_its_address_from_then_on() {
    let rows = vec![
        (Changed, vec![Build(1)]),
        (Built(1, Good), vec![START(1, 1)]),
        (Event::Ready { server: 1, shares: false, holds: false }, vec![Probation(1)]),
        (ready(1), vec![]),
    ];
    let then = vec![(Changed, vec![Build(2)]), (Built(2, Good), vec![START(2, 2)])];
    follows(RULES, rows, then);
}

#[test]
fn a_death_on_probation_calls_the_old_one_back() {
    let then = vec![
        (Ended(2), vec![Say(Message::Fell(2)), Return(1)]),
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
            (Ended(2), vec![Say(Message::Fell(2)), Say(Message::Restored), START(3, 1)]),
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
        (Ended(2), vec![Say(Message::Fell(2)), Return(1)]),
        (Signalled(1), vec![Say(Message::Restored), START(3, 1)]),
        (Ended(1), vec![]),
    ];
    follows(RULES, succeeded(), then);
}

#[test]
fn the_last_good_one_is_not_tried_for_ever() {
    let then = vec![
        (Ended(1), vec![]),
        (Ended(2), vec![Say(Message::Fell(2)), Say(Message::Restored), START(3, 1)]),
        (Ended(3), vec![Say(Message::GivenUp { server: 3, late: false, serves: false })]),
        (Changed, vec![Build(3)]),
    ];
    follows(RULES, succeeded(), then);
}

#[test]
fn a_server_that_cannot_share_its_port_is_stopped_first() {
    let rows = vec![
        (Changed, vec![Build(1)]),
        (Copied(1), vec![]),
        (Built(1, Good), vec![START(1, 1)]),
        (alone(1), vec![Probation(1)]),
        (Changed, vec![Build(2)]),
        (Built(2, Good), vec![Leave(1)]),
        (Signalled(1), vec![]),
        (Ended(1), vec![START(2, 2)]),
        (
            Ended(2),
            vec![
                Say(Message::GivenUp { server: 2, late: false, serves: false }),
                Say(Message::Restored),
                START(3, 1),
            ],
        ),
    ];
    follows(RULES, rows, vec![]);
}

#[test]
fn a_program_that_ends_by_itself_waits_for_a_change_or_is_run_again() {
    follows(RULES, serving(), vec![(Ended(1), vec![Say(Message::Waiting(1))]), (Changed, vec![Build(2)])]);
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
fn a_build_that_changes_nothing_starts_nothing() {
    let stays = |server| vec![Say(Message::Unchanged(server))];
    let then = vec![(Changed, vec![Build(2)]), (Built(2, Same(1)), stays(1)), (Changed, vec![Build(3)])];
    follows(RULES, serving(), then);
    // The edit that is not ready yet was taken back.
    let then = vec![
        (Changed, vec![Build(2)]),
        (Copied(2), vec![]),
        (Built(2, Good), vec![START(2, 2)]),
        (Changed, vec![Build(3)]),
        (Built(3, Same(1)), vec![Stop(2), Say(Message::Unchanged(1))]),
        (Ended(2), vec![]),
    ];
    follows(RULES, serving(), then);
    let then = vec![
        (Changed, vec![Build(2)]),
        (Copied(2), vec![]),
        (Built(2, Good), vec![START(2, 2)]),
        (Changed, vec![Build(3)]),
        (Built(3, Same(2)), stays(2)),
        (ready(2), vec![Leave(1), Probation(2)]),
    ];
    follows(RULES, serving(), then);
}

#[test]
fn a_build_that_changes_nothing_starts_a_server_where_none_serves() {
    let then = vec![
        (Changed, vec![Build(2)]),
        (Ended(1), vec![Say(Message::Waiting(1))]),
        (Built(2, Same(1)), vec![START(2, 1)]),
    ];
    follows(RULES, serving(), then);
}

#[test]
fn other_variables_start_the_same_program_and_keep_the_old_server_until_it_is_proven() {
    let then = vec![
        (Renewed, vec![START(2, 1)]),
        (ready(2), vec![Keep(1), Probation(2)]),
        (Proven(2), vec![Leave(1)]),
        (Signalled(1), vec![]),
        (Ended(1), vec![]),
    ];
    follows(RULES, serving(), then);
    // With these variables it dies: the old server serves on.
    let then = vec![
        (Renewed, vec![START(2, 1)]),
        (ready(2), vec![Keep(1), Probation(2)]),
        (Ended(2), vec![Say(Message::Fell(2)), Return(1)]),
    ];
    follows(RULES, serving(), then);
    follows(UNBUILT, kept().into_iter().take(3).collect(), vec![(Renewed, vec![START(2, 2)])]);
}

#[test]
fn other_variables_during_a_build_start_the_program_whatever_comes_of_it() {
    for (outcome, actions) in
        [(Good, vec![START(2, 2)]), (Same(1), vec![START(2, 1)]), (Failed, vec![FAILED, START(2, 1)])]
    {
        let then = vec![(Changed, vec![Build(2)]), (Renewed, vec![]), (Built(2, outcome), actions)];
        follows(RULES, serving(), then);
    }
    let then = vec![
        (Ended(1), vec![Say(Message::Waiting(1))]),
        (Renewed, vec![START(2, 1)]),
        (Renewed, vec![Stop(2)]),
        (Ended(2), vec![START(3, 1)]),
    ];
    follows(RULES, serving(), then);
}

#[test]
fn it_is_out_while_no_server_serves_or_comes() {
    let mut supervisor = Supervisor::new(RULES);
    let mut out = |event, expected| {
        supervisor.on(event);
        assert_eq!(supervisor.is_out(), expected, "{event:?}");
    };
    out(Changed, false);
    out(Built(1, Failed), true);
    out(Changed, false);
    out(Built(2, Good), false);
    out(ready(1), false);
    out(Ended(1), true);
    out(Renewed, false);
    out(Quit, false);
    assert!(!Supervisor::new(RULES).is_out());
}

#[test]
fn it_is_settled_while_nothing_is_under_way() {
    let mut supervisor = Supervisor::new(Rules { rerun: true, ..RULES });
    let mut settled = |event, expected| {
        supervisor.on(event);
        assert_eq!((supervisor.is_settled(), supervisor.current().is_some()), expected, "{event:?}");
    };
    settled(Rerun, (false, false));
    settled(Changed, (false, false));
    settled(Built(1, Failed), (true, false));
    settled(Changed, (false, false));
    settled(Built(2, Good), (false, false));
    settled(ready(1), (true, true));
    settled(Changed, (false, true));
    settled(Built(3, Good), (false, true));
    settled(Late(2), (true, true));
    settled(Renewed, (false, true));
    settled(Ended(2), (false, true));
    settled(ready(3), (true, true));
    settled(Ended(1), (true, true));
    settled(Proven(3), (true, true));
    settled(Ended(3), (false, false));
    settled(Rerun, (false, false));
    settled(ready(4), (true, true));
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
    built: u32,
    copies: Vec<u32>,
    servers: Vec<One>,
    shares: bool,
    holds: bool,
    dice: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct One {
    id: u32,
    version: u32,
    state: State,
    ready: bool,
    proven: bool,
    shares: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Starting,
    Serving,
    Kept,
    Leaving,
    /// Told to stop.
    Told,
    Killed,
}

impl World {
    fn roll(&mut self) -> usize {
        self.dice ^= self.dice << 13;
        self.dice ^= self.dice >> 17;
        self.dice ^= self.dice << 5;
        self.dice as usize
    }

    fn event(&mut self) -> Event {
        let (shares, holds) = (self.shares, self.shares && self.holds);
        let mut all = vec![Changed, Changed, Renewed, Rerun];
        all.extend(self.builds.iter().flat_map(|&build| {
            [Built(build, Good), Built(build, Good), Built(build, Failed), Built(build, Cancelled)]
        }));
        let alike = self.servers.iter().map(|one| one.version);
        all.extend(
            self.builds.iter().flat_map(|&build| alike.clone().map(move |other| Built(build, Same(other)))),
        );
        // A copy is made before the next build begins.
        all.extend(
            (self.builds.is_empty() && !self.copies.contains(&self.built)).then_some(Copied(self.built)),
        );
        for one in &self.servers {
            all.push(Ended(one.id));
            match one.state {
                State::Starting => {
                    let ready = Event::Ready { server: one.id, shares, holds };
                    all.extend([ready, ready, ready, Late(one.id)]);
                }
                State::Serving | State::Kept => all.push(Proven(one.id)),
                State::Leaving => all.push(Signalled(one.id)),
                State::Told | State::Killed => {}
            }
        }
        all[self.roll() % all.len()]
    }

    fn find(&mut self, id: u32) -> &mut One {
        self.servers.iter_mut().find(|one| one.id == id).expect("it is there")
    }

    fn take(&mut self, event: Event) {
        match event {
            Built(version, outcome) => {
                self.builds.clear();
                if outcome == Good {
                    self.built = version;
                }
            }
            Copied(version) => self.copies.push(version),
            Ended(gone) => self.servers.retain(|one| one.id != gone),
            Event::Ready { server, shares, .. } => {
                let one = self.find(server);
                *one = One { state: State::Serving, ready: true, shares, ..*one };
            }
            Proven(server) => self.find(server).proven = true,
            Signalled(server) => self.find(server).state = State::Told,
            _ => {}
        }
    }

    fn act(&mut self, action: Action) {
        match action {
            Build(build) => {
                assert!(self.builds.is_empty(), "never two builds at once");
                self.builds.push(build);
            }
            Start { server, version } => {
                let state = State::Starting;
                self.servers.push(One {
                    id: server,
                    version,
                    state,
                    ready: false,
                    proven: false,
                    shares: true,
                });
                let alone = self.servers.len() == 1;
                assert!(
                    alone || self.servers.iter().all(|one| one.shares),
                    "side by side only if they share"
                );
            }
            Keep(left) | Leave(left) => {
                let successor = self.servers.iter().any(|one| one.id != left && one.state == State::Serving);
                let one = self.find(left);
                assert!(matches!(one.state, State::Serving | State::Kept), "it is asked once: {one:?}");
                assert!(successor || !one.shares, "asked to leave without a successor");
                one.state = if action == Keep(left) { State::Kept } else { State::Leaving };
            }
            Return(back) => {
                let one = self.find(back);
                assert!(matches!(one.state, State::Kept | State::Leaving), "it was told to stop: {one:?}");
                one.state = State::Serving;
            }
            Stop(told) => self.find(told).state = State::Told,
            Kill(told) => self.find(told).state = State::Killed,
            Say(Message::Restored) => assert!(!self.copies.is_empty(), "there is a copy"),
            _ => {}
        }
    }

    /// The invariants between two events.
    fn check(&self) {
        let count = |is: fn(&One) -> bool| self.servers.iter().filter(|one| is(one)).count();
        let serving = count(|one| one.state == State::Serving);
        assert!(serving <= 1, "one takes new connections: {self:?}");
        assert!(count(|one| !one.ready) <= 1, "at most one is not ready: {self:?}");
        let old = count(|one| one.ready && matches!(one.state, State::Kept | State::Leaving | State::Told));
        assert!(old <= MOST_DRAINING, "at most three drain: {self:?}");
        let kept = count(|one| one.state == State::Kept);
        assert!(kept <= 2, "the last one, and the last proven one: {self:?}");
        let proven = self.servers.iter().any(|one| one.state == State::Serving && one.proven);
        assert!(kept == 0 || !proven, "kept for a server that is not proven: {self:?}");
        let starting = count(|one| !one.ready);
        assert!(kept == 0 || serving + starting > 0, "kept, and no server serves: {self:?}");
    }
}

#[test]
fn the_invariant_holds_whatever_happens() {
    let mut returned = 0;
    for seed in 1..400_u32 {
        let rules =
            Rules { builds: !seed.is_multiple_of(7), stop_on_error: seed % 5 == 0, rerun: seed % 3 == 0 };
        let dice = seed.wrapping_mul(2_654_435_761);
        let (mut supervisor, mut world) = (Supervisor::new(rules), World { dice, ..World::default() });
        (world.shares, world.holds) = (seed % 4 != 0, seed % 8 != 1);
        for _ in 0..300 {
            let event = world.event();
            world.take(event);
            for action in supervisor.on(event) {
                returned += usize::from(matches!(action, Return(_)));
                world.act(action);
            }
            world.check();
            let starts = world.servers.iter().any(|one| one.state == State::Starting);
            assert!(!supervisor.is_settled() || (world.builds.is_empty() && !starts), "settled: {world:?}");
        }
    }
    assert!(returned > 100, "the dice call servers back: {returned}");
}
