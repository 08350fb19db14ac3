//! Threads and processes that the system refuses.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;

use rustix::process::{Signal, geteuid};

use crate::project::Project;

/// The limit counts a user's processes and threads, and does not hold for root. So this user has none but hotrun's.
const USER: &str = "54321";

const SETTINGS: &str =
    "[build]\ncmd = \"true\"\nfull_bin = \"exec sleep 600\"\n[ready]\ntimeout = \"200ms\"\n";

/// The messages about each attempt to build and start a program.
const OUTCOMES: [&str; 3] = ["the build failed", "is given up", "is ready"];

#[test]
fn at_no_limit_of_threads_hotrun_panics() {
    if !geteuid().is_root() {
        return conformance::skipped("needs root, to become a user without processes");
    }
    let (mut refused, mut served) = (0, 0);
    for most in 1..16 {
        let (user, limit) = (format!("--reuid={USER}"), format!("--nproc={most}"));
        let words = ["setpriv", &user, "--clear-groups", "prlimit", &limit];
        let project = Project::new().file(".hotrun.toml", SETTINGS).file("x.py", "").started_by(&words);
        for path in [project.folder().to_owned(), project.path("x.py")] {
            fs::set_permissions(path, Permissions::from_mode(0o777)).expect("ours");
        }
        let mut hotrun = project.hotrun();
        let outcomes = || OUTCOMES.iter().map(|words| hotrun.count(words)).sum::<usize>();
        hotrun.wait_until("outcome", || outcomes() > 0 || hotrun.count("cannot be") > 0);
        if outcomes() == 0 {
            refused += 1;
            assert_eq!(hotrun.wait().code(), Some(1), "{}", hotrun.said());
        } else {
            let before = outcomes();
            hotrun.project().save("x.py", "edited");
            hotrun.wait_until("outcome of the edit", || outcomes() > before);
            served += usize::from(hotrun.said().contains("server 2 is ready"));
            hotrun.signal(Signal::INT);
            assert_eq!(hotrun.wait().code(), Some(0), "{}", hotrun.said());
        }
        assert!(!hotrun.said().contains("panicked"), "at most {most}: {}", hotrun.said());
    }
    assert!(refused > 0 && served > 0, "{refused} refused, {served} served");
}
