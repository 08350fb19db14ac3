//! Edits of files with variables.

use crate::load::{Load, Manner};
use crate::project::{Hotrun, Project};

/// A server that answers with a variable, and ends at its start if that is `die`.
fn greeting(settings: &str) -> Project {
    Project::server()
        .edited(
            "src/main.rs",
            "// before",
            "assert!(std::env::var(\"GREETING\").is_ok_and(|word| word != \"die\"));",
        )
        .edited("src/main.rs", "// answering", "let word = std::env::var(\"GREETING\").unwrap();")
        .edited("src/main.rs", "{WORD}\", WORD.len());", "{word}\", word.len());")
        .file(".env", "GREETING=hello\n")
        .file(".hotrun.toml", settings)
}

fn serving(settings: &str) -> Hotrun {
    let hotrun = greeting(settings).hotrun();
    hotrun.wait_for_answer("hello");
    hotrun
}

#[test]
fn an_edited_variable_is_served_without_a_build_and_without_a_lost_request() {
    let hotrun = serving("");
    let load = Load::on(hotrun.project().address(), Manner::Fresh);
    hotrun.project().save(".env", "GREETING=goodbye\n");
    hotrun.wait_for_answer("goodbye");
    let tally = load.end();
    assert_eq!(tally.failures, Vec::<String>::new());
    assert_eq!(hotrun.count("hotrun  builds: "), 1, "{}", hotrun.said());
    hotrun.wait_for("started with the new variables, and nothing is built");
}

#[test]
fn each_of_env_files_is_watched_also_one_that_is_made_later() {
    let hotrun = serving("env_files = [\".env\", \"local.env\"]\n");
    hotrun.project().save("local.env", "GREETING=local\n");
    hotrun.wait_for_answer("local");
    std::fs::remove_file(hotrun.project().path("local.env")).expect("a file");
    hotrun.wait_for_answer("hello");
    assert_eq!(hotrun.count("hotrun  builds: "), 1, "{}", hotrun.said());
}

#[test]
fn a_bad_variable_leaves_the_good_server() {
    let hotrun = serving("");
    hotrun.project().save(".env", "GREETING=die\n");
    hotrun.wait_for("server 2 ended with status 101 before it was ready and is given up");
    hotrun.wait_for_answer("hello");
    hotrun.project().save(".env", "GREETING one\n");
    hotrun.wait_for("the variables stay as they are");
    hotrun.project().save(".env", "# the same variable\nGREETING=die\n");
    hotrun.wait_for("no variable has changed");
    assert_eq!(hotrun.count("server 3"), 0, "{}", hotrun.said());
    hotrun.project().save(".env", "GREETING=again\n");
    hotrun.wait_for_answer("again");
}

#[test]
fn a_variable_that_was_missing_starts_the_program_that_is_built() {
    let hotrun = greeting("").file(".env", "").hotrun();
    hotrun.wait_for("server 1 ended with status 101 before it was ready");
    hotrun.project().save(".env", "GREETING=hello\n");
    hotrun.wait_for_answer("hello");
    assert_eq!(hotrun.count("hotrun  builds: "), 1, "{}", hotrun.said());
}

/// air does not read `.env`. A program may do so itself.
#[test]
fn with_a_file_of_airs_an_edit_of_env_starts_the_program() {
    let project = greeting("").env("GREETING", "outside");
    std::fs::rename(project.path(".hotrun.toml"), project.path(".air.toml")).expect("a file");
    let hotrun = project.hotrun();
    hotrun.wait_for_answer("outside");
    hotrun.project().save(".env", "GREETING=other\n");
    hotrun.wait_for("server 2 is ready");
    assert_eq!(hotrun.count("hotrun  builds: "), 1, "{}", hotrun.said());
}
