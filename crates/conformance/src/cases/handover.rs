//! No request fails because something was changed.

use crate::{
    Action, Demo, Failed, Fate, Load, Proof,
    claim::{Verdict, claims},
};
use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

claims![
    ten_replacements_lose_nothing,
    ten_upgrades_lose_nothing,
    ten_moved_ports_lose_nothing,
    a_hundred_reloads_lose_nothing,
    without_a_linger_replacements_lose_requests,
    without_a_linger_upgrades_lose_requests,
    without_a_linger_moved_ports_lose_requests,
];

/// What a client of `/events` may take from `bye` to `hello`, with room for a busy machine: the contract says half a second.
const BACK: Duration = Duration::from_secs(2);

fn ten_replacements_lose_nothing(demo: &Demo) -> Verdict {
    nothing_is_lost(demo, Action::Replace, 10)
}

fn ten_upgrades_lose_nothing(demo: &Demo) -> Verdict {
    nothing_is_lost(demo, Action::Upgrade, 10)
}

fn ten_moved_ports_lose_nothing(demo: &Demo) -> Verdict {
    nothing_is_lost(demo, Action::Move, 10)
}

fn a_hundred_reloads_lose_nothing(demo: &Demo) -> Verdict {
    nothing_is_lost(demo, Action::Reload, 100)
}

/// The negative control.
fn without_a_linger_replacements_lose_requests(demo: &Demo) -> Verdict {
    something_is_lost(demo, Action::Replace)
}

/// The negative control.
fn without_a_linger_upgrades_lose_requests(demo: &Demo) -> Verdict {
    something_is_lost(demo, Action::Upgrade)
}

/// The negative control.
fn without_a_linger_moved_ports_lose_requests(demo: &Demo) -> Verdict {
    something_is_lost(demo, Action::Move)
}

fn nothing_is_lost(demo: &Demo, action: Action, times: u32) -> Verdict {
    let proof = one_at_a_time(|| Proof::of(demo, action, times, Load::LINGER))?;
    assert_eq!(proof.tally.failed(), 0, "{:?}", proof.tally);
    let (returns, slowest) = proof.tally.returns();
    if action != Action::Reload {
        // Whoever is sent to an address that was left meanwhile goes on from there to a later one.
        let certain = if action == Action::Move { 1 } else { times };
        assert!(returns >= u64::from(certain), "{returns} returns to /events");
        assert!(slowest < BACK, "{slowest:?} from `bye` to `hello`");
    }
    let (before, after) = (proof.memory.before, proof.memory.after);
    assert!(after < 2 * before + 16 * 1024, "memory grew from {before} to {after} KiB");
    Ok(())
}

/// The clients that think for longer than a server takes to stop find their connections gone.
fn something_is_lost(demo: &Demo, action: Action) -> Verdict {
    let proof = one_at_a_time(|| Proof::of(demo, action, 10, Duration::ZERO))?;
    let gone = proof.tally.count(Fate::Reset);
    assert!(gone > 0, "the load sees no loss, where there must be some: {:?}", proof.tally);
    Ok(())
}

/// Two loads on one machine make each other's clients outstay the linger.
fn one_at_a_time(prove: impl FnOnce() -> Result<Proof, Failed>) -> Result<Proof, Failed> {
    static TURN: Mutex<()> = Mutex::new(());
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    prove()
}
