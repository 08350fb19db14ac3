//! Builds that change nothing in the program.

use std::fs;

use crate::project::Project;

#[test]
fn an_edited_comment_starts_nothing() {
    let hotrun = Project::server().hotrun();
    hotrun.wait_for_answer("version 1");
    // In place: another number of lines would change the line tables for debuggers.
    hotrun.project().edit("src/main.rs", "// before", "// BEFORE");
    hotrun.wait_for("the program is byte for byte the same: server 1 stays");
    assert_eq!(hotrun.count("server 2"), 0, "{}", hotrun.said());
    hotrun.becomes(2);
    hotrun.wait_for("server 2 is ready");
}

#[test]
fn an_edit_that_is_taken_back_leaves_the_server() {
    let hotrun = Project::server().hotrun();
    hotrun.wait_for_answer("version 1");
    hotrun.project().edit("src/main.rs", "fn main() {", "fn main() { nonsense");
    hotrun.wait_for("the build failed");
    hotrun.project().edit("src/main.rs", "fn main() { nonsense", "fn main() {");
    hotrun.wait_for("server 1 stays");
    hotrun.wait_for_answer("version 1");
    assert_eq!(hotrun.count("server 2"), 0, "{}", hotrun.said());
}

/// A program may read a template when it starts, although the compiler does not read it.
#[test]
fn a_file_that_is_not_compiled_starts_the_same_program_again() {
    let project = Project::server()
        .edited("src/main.rs", "// answering", "let word = std::fs::read_to_string(\"page.html\").unwrap();")
        .edited("src/main.rs", "{WORD}\", WORD.len());", "{word}\", word.len());")
        .file("page.html", "page 1")
        .file(".hotrun.toml", "[build]\ninclude_ext = [\"rs\", \"html\"]\n");
    let hotrun = project.hotrun();
    hotrun.wait_for_answer("page 1");
    hotrun.project().save("page.html", "page 2");
    hotrun.wait_for("server 2 is ready");
    hotrun.wait_for_answer("page 2");
    let program = hotrun.project().path("target/hotrun/debug/site");
    let before = fs::read(&program).expect("a program");
    hotrun.project().edit("src/main.rs", "// before", "// BEFORE");
    hotrun.wait_for("server 2 stays");
    assert_eq!(fs::read(program).expect("a program"), before);
}
