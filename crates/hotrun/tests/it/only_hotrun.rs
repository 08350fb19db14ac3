//! hotrun's own lines beside those of a program that writes many.

use std::process::Command;

use crate::control::{ask, out};
use crate::project::Project;
use crate::terminal::OnTerminal;

/// The server, which writes these lines when it listens.
fn talking() -> Project {
    let talks = "println!(\"a request\"); eprintln!(\"\\x1b[31ma warning\\x1b[0m\");";
    Project::server().edited("src/main.rs", "// bound", talks)
}

#[test]
fn only_hotruns_lines_are_printed_and_the_programs_are_in_the_logs() {
    for project in
        [talking().args(&["--only-hotrun"]), talking().file(".hotrun.toml", "[log]\nonly_hotrun = true\n")]
    {
        let hotrun = project.hotrun();
        hotrun.wait_for("hotrun  serves http://");
        let logs = |arguments: &[&str]| {
            // Without the flag of the running one.
            let mut command = Command::new(env!("CARGO_BIN_EXE_hotrun"));
            out(&command.args(arguments).current_dir(hotrun.project().folder()).output().expect("hotrun"))
        };
        hotrun.wait_until("lines in the logs", || {
            let logs = logs(&["logs"]);
            ["\na request\n", "\na warning\n", "hotrun  serves http://"]
                .iter()
                .all(|line| logs.contains(line))
        });
        let json = logs(&["logs", "--json"]);
        assert!(json.contains(r#""event":"line","text":"a warning","stream":"stderr""#), "{json}");
        // The compiler's lines belong to hotrun's answer to an edit.
        hotrun.project().edit("src/main.rs", "fn main() {", "fn main() { nonsense");
        hotrun.wait_for("expected `;`, found keyword");
        let said = hotrun.said();
        assert!(!said.contains("a request") && !said.contains("a warning"), "{said}");
    }
}

/// The control: without the flag the lines are printed, and the logs have none of them.
#[test]
fn without_the_flag_the_programs_lines_are_printed() {
    let hotrun = talking().hotrun();
    hotrun.wait_for("a request");
    hotrun.wait_for("a warning");
    assert!(!out(&ask(hotrun.project(), &["logs"])).contains("a request"));
}

#[test]
fn only_hotruns_lines_of_several_programs_are_printed() {
    let settings = "[log]\nonly_hotrun = true\n\
        [run.api]\nfull_bin = \"echo a request; exec sleep 600\"\n\
        [run.web]\ncmd = \"echo of a build\"\nfull_bin = \"echo another one; exec sleep 600\"\n";
    let hotrun = Project::new().file(".hotrun.toml", settings).hotrun();
    hotrun.wait_until("lines in the logs", || {
        let logs = out(&ask(hotrun.project(), &["logs"]));
        logs.contains("api | a request\n") && logs.contains("web | another one\n")
    });
    hotrun.wait_for("web | of a build");
    assert!(
        !hotrun.said().contains("a request") && !hotrun.said().contains("another one"),
        "{}",
        hotrun.said()
    );
}

#[test]
fn a_terminal_shows_only_hotruns_lines_and_the_status_line() {
    let hotrun = OnTerminal::start(talking().args(&["--only-hotrun"]));
    hotrun.wait_for_last_row(", serves http://");
    hotrun.press("r");
    hotrun.wait_for("server 2 is ready", 1);
    hotrun.wait_for_last_row(", serves http://");
    assert!(
        !hotrun.said().contains("a request") && !hotrun.said().contains("a warning"),
        "{}",
        hotrun.said()
    );
}

/// Each line of a diagnosis has the name, so that it stands out between the lines of a program.
#[test]
fn each_line_of_a_diagnosis_of_several_lines_has_the_name() {
    let settings = "[build]\ncmd = 1\ndelay = true\nkill_delay = []\n";
    let (said, status) = Project::new().file(".hotrun.toml", settings).ends();
    assert_eq!(status, Some(1), "{said}");
    assert!(said.lines().count() > 2, "{said}");
    assert!(said.lines().all(|line| line.starts_with("hotrun  ")), "{said}");
}
