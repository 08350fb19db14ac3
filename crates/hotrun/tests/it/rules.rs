//! `[[rule]]`: commands before a build, and files that need nothing.

use crate::project::{Hotrun, Project, ask};

/// A program that is "built" by a copy, with a module that a rule makes.
const PROGRAM: &str = r#"#!/usr/bin/env python3
import http.server, os, sys
sys.path.insert(0, os.getcwd())
import words

class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        text = words.WORDS + " by " + str(os.getpid()) + " edit 1"
        if self.path == "/page.html":
            text = open("page.html").read()
        self.send_response(200)
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_):
        pass

http.server.ThreadingHTTPServer(("127.0.0.1", PORT), Answer).serve_forever()
"#;

const BUILD: &str = "[build]\ncmd = 'test -s words.py && mkdir -p tmp && cp main.py tmp/main && chmod +x tmp/main; echo copied'\n\
                     include_ext = ['py']\nenv = { PYTHONDONTWRITEBYTECODE = '1' }\n";

/// Makes `words.py` of `words.txt`, slowly enough for events to come before its end.
const RULE: &str = "[[rule]]\nname = 'words'\nbefore_build = true\ninclude_ext = ['txt']\n\
    cmd = 'echo made; grep -q version words.txt && echo \"WORDS = \\\"$(cat words.txt)\\\"\" > words.py'\n";

fn project(rules: &str) -> Project {
    Project::new()
        .file("main.py", PROGRAM)
        .file("words.txt", "version 1")
        .file(".hotrun.toml", &format!("{BUILD}{rules}"))
}

#[track_caller]
fn answers(project: Project, expected: &str) -> Hotrun {
    let hotrun = project.hotrun();
    hotrun.wait_for_answer(expected);
    hotrun
}

/// An edit after which everything that an earlier one has caused is over.
#[track_caller]
fn settles(hotrun: &Hotrun, from: usize) {
    let (old, new) = (format!("edit {from}"), format!("edit {}", from + 1));
    hotrun.project().edit_at_once("main.py", &old, &new);
    hotrun.wait_for_answer(&new);
}

#[test]
fn a_rule_runs_before_the_first_build_and_its_output_causes_no_other() {
    let hotrun = answers(project(RULE), "version 1");
    settles(&hotrun, 1);
    let said = hotrun.said();
    assert_eq!(hotrun.count("\nmade\n"), 1, "{said}");
    assert_eq!(hotrun.count("hotrun  builds: "), 2, "{said}");
    assert!(said.find("runs: echo made") < said.find("builds: test -s"), "{said}");
    assert!(!said.contains("words.py changed"), "{said}");
}

#[test]
fn an_edit_runs_the_rule_and_then_one_build() {
    let hotrun = answers(project(RULE), "version 1");
    for version in 2..=6 {
        hotrun.project().save_at_once("words.txt", &format!("version {version}"));
        hotrun.wait_for_answer(&format!("version {version}"));
    }
    settles(&hotrun, 1);
    let said = hotrun.said();
    assert_eq!(hotrun.count("\nmade\n"), 6, "{said}");
    assert_eq!(hotrun.count("hotrun  builds: "), 7, "{said}");
    assert_eq!(hotrun.count("begins anew"), 0, "{said}");
}

/// The negative control: the same command instead of a build causes one, since its output is a source.
#[test]
fn the_output_of_a_rule_that_is_not_before_the_build_is_a_change() {
    let hotrun = answers(
        project(&RULE.replace("before_build = true\n", "")).file("words.py", "WORDS = 'version 1'\n"),
        "version 1",
    );
    hotrun.project().save_at_once("words.txt", "version 2");
    hotrun.wait_for("words.py changed");
    hotrun.wait_for_answer("version 2");
}

#[test]
fn a_rule_that_fails_keeps_the_last_good_program_and_is_said() {
    let hotrun = answers(project(RULE), "version 1");
    hotrun.project().save_at_once("words.txt", "broken");
    hotrun.wait_for("rule `words`: exit status: 1");
    hotrun.wait_for_answer("version 1");
    let builds = hotrun.count("hotrun  builds: ");
    assert_eq!(builds, 1, "{}", hotrun.said());
    // The rule is still due, so that no build reads what it has left.
    hotrun.project().edit_at_once("main.py", "edit 1", "edit 2");
    hotrun.wait_for_count("rule `words`: exit status: 1", 2);
    assert_eq!(hotrun.count("hotrun  builds: "), 1, "{}", hotrun.said());
    hotrun.project().save_at_once("words.txt", "version 2");
    hotrun.wait_for_answer("version 2");
    hotrun.wait_for_answer("edit 2");
}

#[test]
fn the_page_about_a_first_build_shows_the_output_of_a_rule_that_fails() {
    let rule = "[[rule]]\nname = 'words'\nbefore_build = true\ninclude_ext = ['txt']\ncmd = 'echo no such words; exit 3'\n\
                [socket]\naddress = '127.0.0.1:PORT'\n";
    let hotrun = project(rule).hotrun();
    hotrun.wait_for_answer("no such words");
    hotrun.wait_for_answer("rule `words`: exit status: 3");
}

/// A source that is saved while the command runs is in the build that follows.
#[test]
fn an_edit_while_a_rule_runs_is_in_the_build_and_causes_no_other() {
    let slow = RULE.replace("echo made;", "echo made; while [ -e wait ]; do sleep 0.01; done;");
    let hotrun = answers(project(&slow), "version 1");
    hotrun.project().save("wait", "");
    hotrun.project().save_at_once("words.txt", "version 2");
    hotrun.wait_for_count("runs: echo made", 2);
    hotrun.project().edit_at_once("main.py", "edit 1", "edit 2");
    std::fs::remove_file(hotrun.project().path("wait")).expect("a file");
    hotrun.wait_for_answer("version 2");
    hotrun.wait_for_answer("edit 2");
    settles(&hotrun, 2);
    assert_eq!(hotrun.count("\nmade\n"), 2, "{}", hotrun.said());
    assert_eq!(hotrun.count("hotrun  builds: "), 3, "{}", hotrun.said());
}

/// One after the other, in the order of the file; the second one reads what the first one has written.
#[test]
fn several_rules_run_in_their_order_before_one_build() {
    let first = "[[rule]]\nname = 'first'\nbefore_build = true\ninclude_ext = ['in']\ncmd = 'sleep 0.1; cp words.in words.txt'\n";
    let hotrun = answers(project(&format!("{first}{RULE}")).file("words.in", "version 1"), "version 1");
    let said = hotrun.said();
    assert!(said.find("runs: sleep") < said.find("runs: echo made"), "{said}");
    hotrun.project().save_at_once("words.in", "version 2");
    hotrun.wait_for_answer("version 2");
    settles(&hotrun, 1);
}

#[test]
fn a_rule_comes_before_the_start_of_a_program_that_nothing_builds() {
    let settings = format!("[build]\nfull_bin = 'python3 main.py'\ninclude_ext = ['py']\n{RULE}");
    let hotrun = answers(project("").file(".hotrun.toml", &settings), "version 1");
    hotrun.project().save_at_once("words.txt", "version 2");
    hotrun.wait_for_answer("version 2");
    settles(&hotrun, 1);
    assert_eq!(hotrun.count("\nmade\n"), 2, "{}", hotrun.said());
}

/// The program reads the page at each request.
#[test]
fn files_of_a_rule_without_a_command_restart_nothing() {
    let settings = "[build]\nfull_bin = 'python3 main.py'\ninclude_ext = ['py', 'html']\n\
                    [[rule]]\ninclude_ext = ['html']\ncmd = ''\n";
    let project = project("").file("words.py", "WORDS = 'version 1'\n").file("page.html", "page 1");
    let hotrun = answers(project.file(".hotrun.toml", settings), "version 1");
    let address = hotrun.project().address();
    let body = || ask(address, "/").expect("an answer").lines().last().map(str::to_owned);
    let before = body();
    for edit in 2..=4 {
        hotrun.project().save_at_once("page.html", &format!("page {edit}"));
        hotrun.wait_for_count("page.html changed", edit - 1);
        assert!(ask(address, "/page.html").expect("an answer").ends_with(&format!("page {edit}")));
    }
    assert_eq!(body(), before, "the same process");
    settles(&hotrun, 1);
    assert_eq!(hotrun.count(" is ready after"), 2, "{}", hotrun.said());
    assert_eq!(hotrun.count("hotrun  runs: "), 0, "{}", hotrun.said());
}

#[test]
fn a_rule_without_a_command_is_refused_before_a_build() {
    for (rule, expected) in [
        ("[[rule]]\ninclude_ext = ['x']\n", "`rule` has no `cmd`"),
        ("[[rule]]\ninclude_ext = ['x']\ncmd = ''\nbefore_build = true\n", "`rule` has no `cmd`"),
        ("[[rule]]\ncmd = 'true'\n", "`rule` names no files"),
        (
            "[[rule]]\ncmd = 'true'\ninclude_ext = ['x']\n[run.a]\n",
            "`rule` belongs to one program: write `[[run.NAME.rules]]`",
        ),
    ] {
        let (said, status) = Project::new().file(".hotrun.toml", rule).args(&["check"]).ends();
        assert!(said.contains(expected), "{said}");
        assert_eq!(status, Some(1), "{said}");
    }
}
