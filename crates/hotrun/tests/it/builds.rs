//! What becomes of an edit, a broken one, one during a build.

use crate::project::Project;

#[test]
fn an_edit_is_built_and_served() {
    let hotrun = Project::server().hotrun();
    hotrun.wait_for_answer("version 1");
    hotrun.becomes(2);
}

#[test]
fn a_broken_edit_leaves_the_good_server() {
    let hotrun = Project::server().hotrun();
    hotrun.wait_for_answer("version 1");
    hotrun.project().edit("src/main.rs", "fn main() {", "fn main() { nonsense");
    hotrun.wait_for("the build failed");
    assert!(hotrun.said().contains("nonsense"), "the compiler's own words");
    hotrun.wait_for_answer("version 1");
    hotrun.project().edit("src/main.rs", "nonsense", "");
    hotrun.becomes(2);
}
