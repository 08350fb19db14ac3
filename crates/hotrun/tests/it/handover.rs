//! One server takes over from another, and nobody notices.

use crate::load::{Load, Manner};
use crate::project::Project;

const RESTARTS: usize = 20;

/// The promise: an untouched program, its address hard-coded, without graceful shutdown, a connection a request.
#[test]
fn no_request_fails_over_20_restarts_of_an_untouched_program() {
    let hotrun = Project::server().hotrun();
    hotrun.wait_for_answer("version 1");
    let load = Load::on(hotrun.project().address(), Manner::Fresh);
    for version in 2..=RESTARTS + 1 {
        hotrun.becomes(version);
    }
    let tally = load.end();
    assert_eq!(tally.failures, Vec::<String>::new(), "of {}", tally.answered());
    assert_eq!(tally.answers.len(), RESTARTS + 1, "every version was seen: {:?}", tally.answers);
}
