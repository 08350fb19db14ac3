//! Many handovers under load.

use std::{path::Path, time::Duration};

use conformance::{Action, Demo, Failed, Proof};
use serde_json::{Value, json};

use crate::{output::progress, stats};

/// Does each action `times` times with a linger. As negative controls, does each a few times without one, and restarts the
/// server a few times.
///
/// `peer` is another server that answers the same requests. It is upgraded and restarted as often.
pub(crate) fn handovers(
    binary: &Path,
    peer: Option<&Path>,
    times: u32,
    control: u32,
    linger: Duration,
) -> Result<Value, Failed> {
    let demo = demo(binary)?;
    let run = |action, times, linger| prove(&demo, action, times, linger);
    let with = Action::ALL.map(|action| run(action, times, linger));
    let without =
        [Action::Replace, Action::Upgrade, Action::Move].map(|action| run(action, control, Duration::ZERO));
    let restarts = run(Action::Restart, control, linger)?;
    let peer = peer.map(|peer| {
        let peer = self::demo(peer)?;
        let both = [Action::Upgrade, Action::Restart].map(|action| prove(&peer, action, control, linger));
        both.into_iter().collect::<Result<Vec<_>, _>>()
    });
    Ok(json!({
        "what": "requests under load, by what became of them",
        "linger_ms": linger.as_millis(),
        "with_linger": with.into_iter().collect::<Result<Vec<_>, _>>()?,
        "without_linger": without.into_iter().collect::<Result<Vec<_>, _>>()?,
        "plain_restart": restarts,
        "peer": peer.transpose()?,
    }))
}

/// Does one action this number of times.
pub(crate) fn of_one(binary: &Path, action: &str, times: u32, linger: Duration) -> Result<Value, Failed> {
    let asked = Action::ALL.into_iter().find(|known| known.as_str() == action);
    let names = Action::ALL.map(Action::as_str).join(", ");
    let action = asked.ok_or_else(|| format!("`{action}` is no action: expected one of {names}"))?;
    prove(&demo(binary)?, action, times, linger)
}

/// The servers run in other folders.
fn demo(binary: &Path) -> Result<Demo, Failed> {
    Ok(Demo::new(binary.canonicalize()?))
}

fn prove(demo: &Demo, action: Action, times: u32, linger: Duration) -> Result<Value, Failed> {
    let proof = Proof::of(demo, action, times, linger)?;
    progress(&format!(
        "{} x {}, linger {linger:?}: {} failed, {:?}",
        times,
        action.as_str(),
        proof.tally.failed(),
        proof.tally
    ));
    let mut figures = proof.json();
    let milliseconds = proof.shown.iter().map(|shown| shown.as_secs_f64() * 1000.0);
    figures["shown_after_ms"] = stats::summary(milliseconds.collect());
    Ok(figures)
}
