//! No request fails because something was changed.

use crate::{
    Action, Demo, Failed, Load, Outcome, Proof,
    claim::{Verdict, claims},
    tier,
};
use std::sync::{Mutex, PoisonError};

claims! {
    every demo:
        replacements_lose_nothing,
        upgrades_lose_nothing,
        moved_ports_lose_nothing,
        reloads_lose_nothing,
        without_a_linger_a_replacement_loses_requests,
        without_a_linger_an_upgrade_loses_requests,
        without_a_linger_a_moved_port_loses_requests;
}

fn replacements_lose_nothing(demo: &Demo) -> Verdict {
    nothing_is_lost(demo, Action::Replace, 2, 10)
}

fn upgrades_lose_nothing(demo: &Demo) -> Verdict {
    nothing_is_lost(demo, Action::Upgrade, 2, 10)
}

fn moved_ports_lose_nothing(demo: &Demo) -> Verdict {
    nothing_is_lost(demo, Action::Move, 2, 10)
}

fn reloads_lose_nothing(demo: &Demo) -> Verdict {
    nothing_is_lost(demo, Action::Reload, 10, 100)
}

/// The negative control.
fn without_a_linger_a_replacement_loses_requests(demo: &Demo) -> Verdict {
    every_client_loses_one(demo, Action::Replace)
}

/// The negative control.
fn without_a_linger_an_upgrade_loses_requests(demo: &Demo) -> Verdict {
    every_client_loses_one(demo, Action::Upgrade)
}

/// The negative control.
fn without_a_linger_a_moved_port_loses_requests(demo: &Demo) -> Verdict {
    every_client_loses_one(demo, Action::Move)
}

/// Repeats the action `few` times in the quick tier and `many` times in the full one.
fn nothing_is_lost(demo: &Demo, action: Action, few: u32, many: u32) -> Verdict {
    let times = if tier::is_full() { many } else { few };
    let proof = one_at_a_time(|| Proof::of(demo, action, times, Load::LINGER))?;
    assert_eq!(proof.tally.failed(), 0, "{:?}", proof.tally);
    let (returns, _) = proof.tally.returns();
    // If the server has left the address in `bye` meanwhile, the client is sent on from there.
    let certain = match action {
        Action::Reload => 0,
        Action::Move => 1,
        _ => times,
    };
    assert!(returns >= u64::from(certain), "{returns} returns to /events");
    let (before, after) = (proof.memory.before, proof.memory.after);
    assert!(after < 2 * before + 16 * 1024, "memory grew from {before} to {after} KiB");
    Ok(())
}

/// The connections are idle, so the server closes all of them at once.
fn every_client_loses_one(demo: &Demo, action: Action) -> Verdict {
    let tally = Proof::without_a_linger(demo, action)?;
    let lost = tally.count(Outcome::Reset);
    assert_eq!((lost, tally.failed()), (tally.count(Outcome::Answered), lost), "{tally:?}");
    assert!(lost > 0, "{tally:?}");
    Ok(())
}

/// Two loads at once would delay each other's clients for longer than the linger.
fn one_at_a_time(prove: impl FnOnce() -> Result<Proof, Failed>) -> Result<Proof, Failed> {
    static TURN: Mutex<()> = Mutex::new(());
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    prove()
}
