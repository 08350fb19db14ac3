//! Decides what a process does in an upgrade and at its end. It has no clock and does no I/O: the main loop tells it what
//! happened and carries out what it returns.

/// The progress of this process's upgrade.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// No upgrade is under way.
    Alone,
    /// A successor was started. It accepts nothing yet.
    Starting,
    /// The successor has the permission to accept.
    Permitted,
    /// The successor serves, and this process can still serve again.
    Probation,
    /// The successor failed and is being ended.
    Ending,
    /// The successor serves. This process only drains.
    Succeeded,
}

/// The decisions of the process so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct State {
    pub(crate) phase: Phase,
    /// True if the process was asked to stop.
    pub(crate) stopping: bool,
}

/// An input of the state machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    /// `SIGUSR2`, `--upgrade` or the program asks for an upgrade.
    Requested,
    /// The successor says that it could accept.
    Ready,
    /// The successor says that it accepts.
    Serving,
    /// The successor is gone, late or silent. Its process is being ended.
    Lost,
    /// It is known why the upgrade failed, and no successor is left.
    Failed,
    /// The probation ended well.
    Released(Release),
    /// `SIGTERM`, `SIGINT` or the program asks for the end.
    Stop,
}

/// Why a successor is watched no longer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Release {
    /// Its time on probation is over.
    ProbationOver,
    /// It was asked to stop.
    SuccessorStops,
    /// It has a successor of its own.
    SuccessorUpgrades,
    /// This process was asked to stop.
    PredecessorStops,
}

/// Why an upgrade cannot begin now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// Another one is under way.
    UnderWay,
    /// The successor serves already.
    HandedOver,
    /// The process was asked to stop.
    Stopping,
}

/// The actions to take, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// Start a successor.
    Start,
    /// Tell the one who asked why no upgrade begins.
    Refuse(Refusal),
    /// Let the successor accept.
    Permit,
    /// Leave the listener to the successor and drain.
    HandOver,
    /// Report the success. The successor goes on alone.
    Release(Release),
    /// End a successor that accepts nothing yet.
    Abandon,
    /// Accept again on the listener that was handed over.
    ServeAgain,
    /// Report why the upgrade failed.
    ReportFailure,
    /// Drain, then end.
    Drain,
    /// End now.
    Force,
}

impl State {
    /// A process that serves.
    pub(crate) const SERVING: State = State { phase: Phase::Alone, stopping: false };

    /// The state after `event`, and what to do. An event that comes too late changes nothing.
    pub(crate) fn on(self, event: Event) -> (State, Vec<Action>) {
        use Action::{Abandon, Drain, Force, HandOver, Permit, Refuse, ReportFailure, ServeAgain, Start};
        use Phase::{Alone, Ending, Permitted, Probation, Starting, Succeeded};

        let stopping = self.stopping;
        let (phase, actions) = match (self.phase, event) {
            (Alone, Event::Requested) if stopping => (Alone, vec![Refuse(Refusal::Stopping)]),
            (Alone, Event::Requested) => (Starting, vec![Start]),
            (phase @ (Starting | Permitted | Ending), Event::Requested) => {
                (phase, vec![Refuse(Refusal::UnderWay)])
            }
            (phase @ (Probation | Succeeded), Event::Requested) => (phase, vec![Refuse(Refusal::HandedOver)]),

            (Starting, Event::Ready) => (Permitted, vec![Permit]),
            (Permitted, Event::Serving) if stopping => {
                (Succeeded, vec![HandOver, Action::Release(Release::PredecessorStops)])
            }
            (Permitted, Event::Serving) => (Probation, vec![HandOver]),
            (Probation, Event::Released(why)) => (Succeeded, vec![Action::Release(why)]),

            (Permitted, Event::Lost) if stopping => (Ending, vec![Drain]),
            (Starting | Permitted, Event::Lost) => (Ending, vec![]),
            (Probation, Event::Lost) => (Ending, vec![ServeAgain]),
            (Starting | Ending, Event::Failed) => (Alone, vec![ReportFailure]),

            (phase, Event::Stop) if stopping => (phase, vec![Force]),
            (Alone, Event::Stop) => (Alone, vec![Drain]),
            (Starting, Event::Stop) => (Alone, vec![Abandon, Drain]),
            // In a moment it is known who serves.
            (Permitted, Event::Stop) => (Permitted, vec![]),
            (Probation, Event::Stop) => (Succeeded, vec![Action::Release(Release::PredecessorStops)]),
            (Ending, Event::Stop) => (Ending, vec![Drain]),
            (Succeeded, Event::Stop) => (Succeeded, vec![]),

            (phase, _) => (phase, vec![]),
        };
        (State { phase, stopping: stopping || event == Event::Stop }, actions)
    }

    /// True if this process answers for the service, to its supervisor too.
    pub(crate) fn is_in_charge(self) -> bool {
        !self.stopping && !matches!(self.phase, Phase::Probation | Phase::Succeeded)
    }

    /// True if a process without a listener has to live on.
    pub(crate) fn must_live(self) -> bool {
        matches!(self.phase, Phase::Probation | Phase::Ending)
    }
}

#[cfg(test)]
mod tests {
    use super::Action::{
        Abandon, Drain, Force, HandOver, Permit, Refuse, Release as Free, ReportFailure, ServeAgain, Start,
    };
    use super::Event::{Failed, Lost, Ready, Released, Requested, Serving, Stop};
    use super::Phase::{Alone, Ending, Permitted, Probation, Starting, Succeeded};
    use super::Release::{PredecessorStops, ProbationOver, SuccessorStops, SuccessorUpgrades};
    use super::{Action, Event, Phase, Refusal, State};

    const PHASES: [Phase; 6] = [Alone, Starting, Permitted, Probation, Ending, Succeeded];
    const EVENTS: [Event; 7] = [Requested, Ready, Serving, Lost, Failed, Released(ProbationOver), Stop];

    #[test]
    fn the_phase_and_the_event_decide() {
        let table: &[(Phase, bool, Event, Phase, &[Action])] = &[
            (Alone, false, Requested, Starting, &[Start]),
            (Alone, true, Requested, Alone, &[Refuse(Refusal::Stopping)]),
            (Starting, false, Requested, Starting, &[Refuse(Refusal::UnderWay)]),
            (Permitted, true, Requested, Permitted, &[Refuse(Refusal::UnderWay)]),
            (Ending, false, Requested, Ending, &[Refuse(Refusal::UnderWay)]),
            (Probation, false, Requested, Probation, &[Refuse(Refusal::HandedOver)]),
            (Succeeded, false, Requested, Succeeded, &[Refuse(Refusal::HandedOver)]),
            (Starting, false, Ready, Permitted, &[Permit]),
            (Permitted, false, Serving, Probation, &[HandOver]),
            (Permitted, true, Serving, Succeeded, &[HandOver, Free(PredecessorStops)]),
            (Probation, false, Released(ProbationOver), Succeeded, &[Free(ProbationOver)]),
            (Probation, false, Released(SuccessorStops), Succeeded, &[Free(SuccessorStops)]),
            (Probation, false, Released(SuccessorUpgrades), Succeeded, &[Free(SuccessorUpgrades)]),
            (Starting, false, Lost, Ending, &[]),
            (Permitted, false, Lost, Ending, &[]),
            (Permitted, true, Lost, Ending, &[Drain]),
            (Probation, false, Lost, Ending, &[ServeAgain]),
            (Starting, false, Failed, Alone, &[ReportFailure]),
            (Ending, false, Failed, Alone, &[ReportFailure]),
            (Ending, true, Failed, Alone, &[ReportFailure]),
            (Alone, false, Stop, Alone, &[Drain]),
            (Starting, false, Stop, Alone, &[Abandon, Drain]),
            (Permitted, false, Stop, Permitted, &[]),
            (Probation, false, Stop, Succeeded, &[Free(PredecessorStops)]),
            (Ending, false, Stop, Ending, &[Drain]),
            (Succeeded, false, Stop, Succeeded, &[]),
        ];
        for &(phase, stopping, event, next, actions) in table {
            let expected = (State { phase: next, stopping: stopping || event == Stop }, actions.to_vec());
            assert_eq!(State { phase, stopping }.on(event), expected, "{phase:?} {stopping} {event:?}");
        }
    }

    #[test]
    fn a_second_stop_ends_the_process_in_any_phase() {
        for phase in PHASES {
            let state = State { phase, stopping: true };
            assert_eq!(state.on(Stop), (state, vec![Force]), "{phase:?}");
        }
    }

    /// Every sequence of six events: a process that does not drain accepts, and it serves again only after it handed
    /// over.
    #[test]
    fn in_no_sequence_of_events_is_nobody_left_to_serve() {
        fn walk(state: State, handed_over: bool, drains: bool, left: u32) {
            if left == 0 {
                return;
            }
            for event in EVENTS {
                let (next, actions) = state.on(event);
                let (mut handed_over, mut drains) = (handed_over, drains);
                for action in &actions {
                    match action {
                        HandOver => {
                            assert!(!handed_over && !drains, "{state:?} {event:?}");
                            handed_over = true;
                        }
                        ServeAgain => {
                            assert!(handed_over && !drains, "{state:?} {event:?}");
                            handed_over = false;
                        }
                        Drain => drains = true,
                        Start => assert!(!handed_over && !drains, "{state:?} {event:?}"),
                        _ => {}
                    }
                }
                let successor_serves = matches!(next.phase, Probation | Succeeded);
                assert_eq!(successor_serves, handed_over, "{state:?} {event:?} {next:?}");
                if next.stopping {
                    let undecided = next.phase == Permitted;
                    assert!(drains || handed_over || undecided, "{state:?} {event:?} {next:?}");
                }
                walk(next, handed_over, drains, left - 1);
            }
        }
        walk(State::SERVING, false, false, 6);
    }

    #[test]
    fn an_event_that_comes_too_late_changes_nothing() {
        for phase in [Alone, Succeeded] {
            for event in [Ready, Serving, Lost, Failed, Released(ProbationOver)] {
                let state = State { phase, stopping: false };
                assert_eq!(state.on(event), (state, vec![]), "{phase:?} {event:?}");
            }
        }
    }
}
