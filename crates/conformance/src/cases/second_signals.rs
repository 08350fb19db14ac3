//! A second signal at every step of an upgrade.

use crate::{
    Demo, Failed,
    claim::{Verdict, claims},
    upgrade_faults::{Serving, UpgradeFaults},
    wait_until,
};
use rustix::process::Signal;

claims! {
    one demo:
        a_hangup_right_after_the_process_file_is_written_reloads;
    full tier:
        a_hangup_of_the_old_one_at_any_step_loses_nothing,
        a_hangup_of_the_new_one_at_any_step_loses_nothing,
        another_upgrade_of_the_old_one_at_any_step_loses_nothing,
        another_upgrade_of_the_new_one_at_any_step_loses_nothing,
        a_stop_of_the_old_one_at_any_step_loses_nothing,
        a_stop_of_the_new_one_at_any_step_loses_nothing;
}

/// The beginning of the log line of a drain.
const DRAINS: &str = ": draining ";

/// The steps of the old process.
const OLD: [&str; 7] = [
    "old.copied",
    "old.verified",
    "old.started",
    "old.permitting",
    "old.permitted",
    "old.draining",
    "old.drained",
];

/// The steps of the new process before it installs its signal handlers. Any signal ends it, and it holds no connection.
const BEFORE_SIGNALS: [&str; 4] = ["new.begun", "new.reading", "new.ready", "new.permitted"];

/// The steps of the new process after that.
const AFTER_SIGNALS: [&str; 3] = ["new.entering", "new.serving", "new.probation"];

/// The process that serves after the signal.
#[derive(Clone, Copy)]
enum Then {
    /// The old process serves on.
    Old,
    /// The successor serves.
    New,
    /// The successor's successor serves.
    Third,
    /// Both processes have ended, as asked. The supervisor starts another one.
    Nobody,
    /// The old process may or may not have sent `GO=1`.
    NewOrNobody,
}

/// Stalls a server that has written its process file, and sends it the signal there.
fn a_hangup_right_after_the_process_file_is_written_reloads(demo: &Demo) -> Verdict {
    const HANG_UP: &str = "printf stall@new.entering > fault
        { (until grep -q '^State:.T' /proc/$$/status; do sleep 0.01; done; kill -HUP $$; kill -CONT $$) & }";
    let server = demo.server().on_a_free_port().args("--pid-file pid").env("DEMO_FAULT", "once@fault");
    let server = server.after(HANG_UP).start()?;
    server.wait_for_attempts("unchanged", 1)?;
    assert_eq!(server.history()?[0]["trigger"], "signal");
    assert_eq!(server.stop()?.code(), Some(0));
    Ok(())
}

/// It reloads at every step.
fn a_hangup_of_the_old_one_at_any_step_loses_nothing(demo: &Demo) -> Verdict {
    let steps = OLD.iter().chain(&BEFORE_SIGNALS).chain(&AFTER_SIGNALS).map(|&step| (step, Then::New));
    to_the_old_one(demo, Signal::HUP, steps)
}

fn a_hangup_of_the_new_one_at_any_step_loses_nothing(demo: &Demo) -> Verdict {
    to_the_new_one(demo, Signal::HUP, Then::New)
}

/// The second upgrade is refused.
fn another_upgrade_of_the_old_one_at_any_step_loses_nothing(demo: &Demo) -> Verdict {
    let steps = OLD.iter().chain(&BEFORE_SIGNALS).chain(&AFTER_SIGNALS).map(|&step| (step, Then::New));
    to_the_old_one(demo, Signal::USR2, steps)
}

fn another_upgrade_of_the_new_one_at_any_step_loses_nothing(demo: &Demo) -> Verdict {
    to_the_new_one(demo, Signal::USR2, Then::Third)
}

/// Before `GO=1` the old process ends its successor, too. After that the successor serves.
fn a_stop_of_the_old_one_at_any_step_loses_nothing(demo: &Demo) -> Verdict {
    let steps = [
        ("old.copied", Then::Nobody),
        ("old.verified", Then::Nobody),
        ("old.started", Then::Nobody),
        ("new.begun", Then::Nobody),
        ("new.reading", Then::Nobody),
        ("new.ready", Then::NewOrNobody),
        ("old.permitting", Then::New),
        ("old.permitted", Then::New),
        ("new.permitted", Then::New),
        ("new.entering", Then::New),
        ("new.serving", Then::New),
        ("new.probation", Then::New),
        ("old.draining", Then::New),
        ("old.drained", Then::New),
    ];
    at_each_step(demo, steps, |faults, old, stalled, then| {
        let drains = faults.said(DRAINS);
        faults.server.signal_to(old.pid, Signal::TERM)?;
        if matches!(then, Then::Nobody) && stalled != old.pid {
            // The old process must have the signal before the new one goes on and says `READY=1`.
            wait_until("the old process to drain", || faults.said(DRAINS) > drains)?;
        }
        faults.resume(stalled);
        Ok(())
    })
}

fn a_stop_of_the_new_one_at_any_step_loses_nothing(demo: &Demo) -> Verdict {
    to_the_new_one(demo, Signal::TERM, Then::Nobody)
}

fn to_the_old_one(
    demo: &Demo,
    signal: Signal,
    steps: impl IntoIterator<Item = (&'static str, Then)>,
) -> Verdict {
    at_each_step(demo, steps, |faults, old, stalled, _| {
        faults.server.signal_to(old.pid, signal)?;
        faults.resume(stalled);
        Ok(())
    })
}

fn to_the_new_one(demo: &Demo, signal: Signal, heard: Then) -> Verdict {
    let before_signals = BEFORE_SIGNALS.iter().map(|&step| (step, Then::Old));
    let steps = before_signals.chain(AFTER_SIGNALS.iter().map(|&step| (step, heard)));
    at_each_step(demo, steps, |faults, _, stalled, _| {
        faults.server.signal_to(stalled, signal)?;
        faults.resume(stalled);
        Ok(())
    })
}

/// Stalls an upgrade at each step, sends the signal, and waits for the result. Each upgrade follows the one before on the same
/// server.
fn at_each_step(
    demo: &Demo,
    steps: impl IntoIterator<Item = (&'static str, Then)>,
    act: impl Fn(&UpgradeFaults, &Serving, u32, Then) -> Result<(), Failed>,
) -> Verdict {
    let mut faults = UpgradeFaults::supervised(demo)?;
    let mut serving = faults.serving()?;
    for (step, then) in steps {
        serving = come_through(&mut faults, step, then, &act)
            .map_err(|failed| format!("at {step}: {}", failed.message().unwrap_or_default()))?;
    }
    assert_eq!(faults.end(&serving)?, 0);
    Ok(())
}

fn come_through(
    faults: &mut UpgradeFaults,
    step: &str,
    then: Then,
    act: impl Fn(&UpgradeFaults, &Serving, u32, Then) -> Result<(), Failed>,
) -> Result<Serving, Failed> {
    let old = faults.strike(&format!("stall@{step}"))?;
    let stalled = faults.stalled()?;
    act(faults, &old, stalled, then)?;
    let serving = match then {
        Then::Old => faults.serves_on(old)?,
        Then::New => faults.succeeded(old.pid)?,
        Then::Third => {
            faults.is_past(old.pid);
            faults.succeeded(stalled)?
        }
        Then::NewOrNobody if !faults.is_left_by_everybody(old.pid)? => faults.succeeded(old.pid)?,
        Then::Nobody | Then::NewOrNobody => faults.start_another()?,
    };
    faults.settle(&serving)?;
    Ok(serving)
}
