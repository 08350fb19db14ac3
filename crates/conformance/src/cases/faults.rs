//! Either process killed or stalled at every step of an upgrade.
//!
//! A process that is killed takes the connections that it holds with it, at most one a client here. Nothing else may be lost.

use crate::{
    Demo, Failed, Load, Outcome,
    claim::{Verdict, claims, trial},
    upgrade_faults::UpgradeFaults,
    wait_for, wait_until,
};
use libtest_mimic::Trial;
use rustix::process::{Pid, Resource, Rlimit, Signal, getrlimit, prlimit};
use std::fs;

claims! {
    full tier:
        a_successor_that_stalls_under_load_is_replaced_by_the_old_one,
        a_disk_that_is_full_for_the_process_file_harms_nobody,
        a_disk_that_is_full_for_the_program_harms_nobody,
        descriptors_that_run_out_at_any_point_harm_nobody,
        a_server_that_dies_without_a_successor_is_missed;
}

/// The process that serves after a fault.
#[derive(Clone, Copy)]
enum Then {
    /// The old process serves on.
    Old,
    /// The successor serves.
    New,
    /// No process is left. Connections wait in the supervisor's listener until it starts another server.
    Supervisor,
    /// The successor serves while the old process is stalled, and after that continues.
    NewWhileStalled,
    /// The old process hands over when it continues.
    NewOnceResumed,
}

/// True if a fault may cost connections.
#[derive(Clone, Copy, PartialEq)]
enum Lost {
    Nothing,
    /// Those of the process with the fault may be lost.
    WithIt,
}

/// Each fault and its step, the process that serves after it, and the loss.
const FAULTS: [(&str, Then, Lost); 27] = [
    ("kill@old.copied", Then::Supervisor, Lost::WithIt),
    ("kill@old.verified", Then::Supervisor, Lost::WithIt),
    ("kill@old.started", Then::New, Lost::WithIt),
    ("kill@old.permitting", Then::New, Lost::WithIt),
    ("kill@old.permitted", Then::New, Lost::WithIt),
    ("kill@old.draining", Then::New, Lost::WithIt),
    ("kill@old.drained", Then::New, Lost::Nothing),
    ("kill@new.begun", Then::Old, Lost::Nothing),
    ("kill@new.reading", Then::Old, Lost::Nothing),
    ("kill@new.ready", Then::Old, Lost::Nothing),
    ("kill@new.permitted", Then::Old, Lost::Nothing),
    ("kill@new.entering", Then::Old, Lost::Nothing),
    ("kill@new.serving", Then::Old, Lost::WithIt),
    ("kill@new.probation", Then::Old, Lost::WithIt),
    ("stall@old.copied", Then::NewOnceResumed, Lost::Nothing),
    ("stall@old.verified", Then::NewOnceResumed, Lost::Nothing),
    ("stall@old.started", Then::NewWhileStalled, Lost::Nothing),
    ("stall@old.permitting", Then::NewWhileStalled, Lost::Nothing),
    ("stall@old.permitted", Then::NewWhileStalled, Lost::Nothing),
    ("stall@old.draining", Then::NewWhileStalled, Lost::Nothing),
    ("stall@old.drained", Then::NewWhileStalled, Lost::Nothing),
    ("stall@new.reading", Then::Old, Lost::Nothing),
    ("stall@new.ready", Then::Old, Lost::Nothing),
    ("stall@new.permitted", Then::Old, Lost::Nothing),
    ("stall@new.entering", Then::Old, Lost::Nothing),
    ("stall@new.serving", Then::Old, Lost::WithIt),
    ("stall@new.probation", Then::Old, Lost::WithIt),
];

/// The steps at which a framework holds connections. All other steps are in shared code and are tested with one demo.
const FRAMEWORKS: [&str; 4] = ["new.serving", "new.probation", "old.draining", "old.drained"];

/// One test for each row; those that wait longest come first.
pub(crate) fn trials(demo: &Demo) -> Vec<Trial> {
    let all = demo.framework() == "Axum";
    let rows = FAULTS
        .into_iter()
        .rev()
        .filter(|(fault, ..)| all || FRAMEWORKS.iter().any(|step| fault.ends_with(step)));
    let trials = rows.map(|(fault, then, lost)| {
        let demo = demo.clone();
        trial(&format!("faults::{fault}"), move || survived(&demo, fault, then, lost))
    });
    trials.collect()
}

fn survived(demo: &Demo, fault: &str, then: Then, lost: Lost) -> Verdict {
    let mut faults = match then {
        Then::Supervisor => UpgradeFaults::supervised(demo)?,
        _ => UpgradeFaults::on_its_own(demo)?,
    };
    let old = faults.strike(fault)?;
    let serving = match then {
        Then::Old => faults.serves_on(old)?,
        Then::New => faults.succeeded(old.pid)?,
        Then::Supervisor => faults.start_another()?,
        Then::NewWhileStalled => {
            let stalled = faults.stalled()?;
            let new = faults.succeeded(old.pid)?;
            faults.outlasts_the_linger(&new)?;
            faults.resume(stalled);
            new
        }
        Then::NewOnceResumed => {
            faults.resume(faults.stalled()?);
            faults.succeeded(old.pid)?
        }
    };
    assert_eq!(process_file(&faults)?, serving.pid.to_string());
    let died = faults.end(&serving)?;
    assert!(lost == Lost::WithIt || died == 0, "{died} requests were lost");
    Ok(())
}

/// Its connections are lost when the old process kills it. Connections that wait to be accepted are answered.
fn a_successor_that_stalls_under_load_is_replaced_by_the_old_one(demo: &Demo) -> Verdict {
    let mut faults = UpgradeFaults::on_its_own(demo)?;
    let old = faults.serving()?;
    faults.upgrade(&old)?;
    let new = faults.succeeded(old.pid)?;
    faults.server.signal_to(new.pid, Signal::STOP)?;
    let old = faults.serves_on(old)?;
    faults.server.log().wait_for_log("the reason", |line| line.contains("no sign of life"))?;
    faults.server.wait_for_metric("upgrades_total", &[("outcome", "died")], 1)?;
    faults.end(&old).map(drop)
}

fn a_disk_that_is_full_for_the_process_file_harms_nobody(demo: &Demo) -> Verdict {
    let mut faults = UpgradeFaults::on_its_own(demo)?;
    let old = faults.strike("stall@new.permitted")?;
    let new = faults.stalled()?;
    limit(new, Resource::Fsize, 0)?;
    faults.resume(new);
    let old = faults.serves_on(old)?;
    assert_eq!(process_file(&faults)?, old.pid.to_string());
    assert_eq!(faults.end(&old)?, 0);
    Ok(())
}

fn a_disk_that_is_full_for_the_program_harms_nobody(demo: &Demo) -> Verdict {
    let mut faults = UpgradeFaults::on_its_own(demo)?;
    let old = faults.serving()?;
    limit(old.pid, Resource::Fsize, 64 * 1024)?;
    faults.upgrade(&old)?;
    faults.server.wait_for_metric("upgrades_total", &[("outcome", "unstartable")], 1)?;
    faults.server.log().wait_for_log("the reason", |line| line.contains("cannot copy the program"))?;
    unlimit(old.pid, Resource::Fsize)?;
    let old = faults.serves_on(old)?;
    assert_eq!(faults.end(&old)?, 0);
    Ok(())
}

/// Allows no further descriptor, then one, and so on, until an upgrade succeeds.
fn descriptors_that_run_out_at_any_point_harm_nobody(demo: &Demo) -> Verdict {
    let mut faults = UpgradeFaults::on_its_own(demo)?;
    let old = faults.serving()?;
    let open = fs::read_dir(format!("/proc/{}/fd", old.pid))?.count() as u64;
    for spare in 0..200 {
        let (refused, succeeded) = (faults.said("no upgrade"), faults.said("took over after"));
        limit(old.pid, Resource::Nofile, open + spare)?;
        faults.upgrade(&old)?;
        let taken_over = wait_for("an outcome", || {
            let taken_over = faults.said("took over after") > succeeded;
            (taken_over || faults.said("no upgrade") > refused).then_some(taken_over)
        })?;
        unlimit(old.pid, Resource::Nofile)?;
        if taken_over {
            let new = faults.succeeded(old.pid)?;
            assert!(spare > 0, "it never ran out");
            assert_eq!(faults.end(&new)?, 0);
            return Ok(());
        }
        wait_until("the old one to be alone", || faults.server.processes() == [old.pid])?;
        faults.flows(&old)?;
    }
    Err("200 descriptors are not enough".into())
}

/// The negative control: the load notices that no process serves.
fn a_server_that_dies_without_a_successor_is_missed(demo: &Demo) -> Verdict {
    let server = demo.server().on_a_free_port().start()?;
    let load = Load::moderately_on(server.address());
    server.signal(Signal::KILL)?;
    wait_until("the load to be refused", || load.tally().count(Outcome::Refused) > 0)
}

fn process_file(faults: &UpgradeFaults) -> Result<String, Failed> {
    Ok(fs::read_to_string(faults.server.path("pid"))?.trim().to_owned())
}

/// Lowers the soft limit of a process, which can be raised again.
fn limit(pid: u32, resource: Resource, to: u64) -> Verdict {
    let maximum = getrlimit(resource).maximum;
    set(pid, resource, Rlimit { current: Some(to), maximum })
}

fn unlimit(pid: u32, resource: Resource) -> Verdict {
    let maximum = getrlimit(resource).maximum;
    set(pid, resource, Rlimit { current: maximum, maximum })
}

fn set(pid: u32, resource: Resource, limit: Rlimit) -> Verdict {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw).ok_or("a process id is not 0")?;
    prlimit(Some(pid), resource, limit)?;
    Ok(())
}
