//! The status line: what a person sees on a terminal.

use std::fs::{self, File};

use rustix::process::{Signal, kill_process};

use crate::project::Project;
use crate::terminal::{COLUMNS, OnTerminal, ROWS};

/// The server, with this statement before it answers.
fn server_that(statement: &str) -> Project {
    Project::server().edited("src/main.rs", "// bound", statement)
}

/// No row but the last one has a part of a status line.
#[track_caller]
fn assert_nothing_is_left(rows: &[String]) {
    let (_, above) = rows.split_last().unwrap();
    for words in [", serves ", "building", "starting"] {
        assert!(!above.iter().any(|row| row.contains(words)), "{rows:#?}");
    }
}

#[test]
fn it_says_what_is_done_and_where_the_server_is() {
    let hotrun = OnTerminal::start(Project::server());
    let address = format!(", serves http://{}", hotrun.project.address());
    hotrun.wait_for_last_row(&address);
    assert!(hotrun.last_row().starts_with("hotrun  built in "), "{}", hotrun.last_row());
    assert_nothing_is_left(&hotrun.rows());
    hotrun.project.edit("src/main.rs", "\"version 1\"", "1");
    hotrun.wait_for_last_row("hotrun  build failed: 1 error, serves http://");
    hotrun.project.edit("src/main.rs", "fn main() {", "fn main() {\nlet _: u32 = true;");
    hotrun.wait_for_last_row("hotrun  build failed: 2 errors, serves http://");
    hotrun.press("p");
    hotrun.wait_for_last_row("hotrun  paused, build failed: 2 errors, serves http://");
    hotrun.press("p");
    hotrun.wait_for_last_row("hotrun  build failed: 2 errors, serves http://");
    assert_nothing_is_left(&hotrun.rows());
}

#[test]
fn a_start_that_failed_is_forgotten_when_a_server_is_ready() {
    let ends = "if std::env::var(\"BAD\").is_ok() { std::process::exit(3) }";
    let project = Project::server().edited("src/main.rs", "// before", ends).file(".env", "GOOD=1\n");
    let hotrun = OnTerminal::start(project);
    hotrun.wait_for_last_row(", serves http://");
    hotrun.project.save(".env", "BAD=1\n");
    hotrun.wait_for_last_row("hotrun  start failed, serves http://");
    hotrun.project.save(".env", "GOOD=2\n");
    hotrun.wait_for_last_row("hotrun  serves http://");
    assert_nothing_is_left(&hotrun.rows());
}

#[test]
fn it_counts_the_crates_of_a_build() {
    // Done when the test says so.
    let waits = "fn main() { while !std::path::Path::new(\"go\").exists() {\n\
        std::thread::sleep(std::time::Duration::from_millis(5)); } }";
    let hotrun = OnTerminal::start(Project::server().file("build.rs", waits));
    hotrun.wait_for_last_row("hotrun  building 1/3");
    assert_nothing_is_left(&hotrun.rows());
    File::create(hotrun.project.path("go")).unwrap();
    hotrun.wait_for_last_row(", serves http://");
    assert_nothing_is_left(&hotrun.rows());
    assert!(!hotrun.rows().iter().any(|row| row.contains("Building")), "{:#?}", hotrun.rows());
}

/// The lines are written in pieces, with pauses in which the status line is drawn.
#[test]
fn each_line_of_the_program_is_whole_and_the_status_line_below_it() {
    let statement = r#"std::thread::spawn(|| {
        use std::io::{IsTerminal, Write};
        println!("on a terminal: {} {}", std::io::stdout().is_terminal(), std::io::stderr().is_terminal());
        for line in 0..300 {
            print!("line {line}");
            if line % 50 == 0 {
                std::io::stdout().flush().unwrap();
                while !std::path::Path::new(&format!("go{line}")).exists() {
                    std::thread::sleep(std::time::Duration::from_millis(1));
                }
            }
            println!(" of the program");
            if line % 7 == 0 {
                eprintln!("\x1b[32mcoloured {line}\x1b[0m");
            }
        }
        println!("that is all");
    });"#;
    let hotrun = OnTerminal::start(server_that(statement));
    hotrun.wait_for_last_row(", serves http://");
    for line in (0..300).step_by(50) {
        // Begun and without an end, with the status line below it.
        let begun = format!("line {line}");
        hotrun.wait_until(&begun, || {
            let rows = hotrun.rows();
            rows.len() > 2
                && rows[rows.len() - 2] == begun
                && rows[rows.len() - 1].contains(", serves http://")
        });
        // A line of hotrun's comes between.
        hotrun.press("h");
        hotrun.wait_until("help above the line", || {
            let rows = hotrun.rows();
            rows[rows.len() - 3] == "hotrun  h  show the keys" && rows[rows.len() - 2] == begun
        });
        File::create(hotrun.project.path(&format!("go{line}"))).unwrap();
    }
    hotrun.wait_until("the last line", || hotrun.rows().iter().any(|row| row == "that is all"));
    hotrun.wait_for_last_row(", serves http://");
    let rows = hotrun.rows();
    assert_nothing_is_left(&rows);
    let begins = |start: &str| rows.iter().filter(|row| row.starts_with(start)).cloned().collect::<Vec<_>>();
    let lines: Vec<_> = (0..300).map(|line| format!("line {line} of the program")).collect();
    assert_eq!(begins("line "), lines);
    let coloured: Vec<_> = (0..300).step_by(7).map(|line| format!("coloured {line}")).collect();
    assert_eq!(begins("coloured "), coloured);
    assert_eq!(begins("on a terminal"), ["on a terminal: true true"]);
}

#[test]
fn a_narrow_terminal_cuts_it_and_a_wide_one_shows_all_of_it() {
    let hotrun = OnTerminal::start(Project::server());
    hotrun.wait_for_last_row(", serves http://");
    let whole = hotrun.last_row();
    for columns in [30, 15, COLUMNS] {
        hotrun.resize(ROWS, columns);
        let expected = &whole[..whole.len().min(usize::from(columns) - 1)];
        hotrun.wait_until(expected, || hotrun.last_row() == expected.trim_end());
        assert_nothing_is_left(&hotrun.rows());
    }
}

#[test]
fn nothing_of_it_is_left_at_the_end_or_after_the_screen_is_cleared() {
    let mut hotrun = OnTerminal::start(Project::server());
    hotrun.wait_for_last_row(", serves http://");
    hotrun.press("c");
    hotrun.wait_until("empty screen", || hotrun.rows().len() == 1);
    assert!(hotrun.last_row().contains(", serves http://"), "{}", hotrun.last_row());
    hotrun.press("q");
    assert!(hotrun.ends(), "{}", hotrun.said());
    hotrun.wait_until("no status line", || hotrun.rows() == ["hotrun  ends"]);
}

#[test]
fn a_clear_screen_of_the_settings_keeps_it() {
    let settings = "[screen]\nclear_on_rebuild = true\n";
    let hotrun = OnTerminal::start(Project::server().file(".hotrun.toml", settings));
    hotrun.wait_for_last_row(", serves http://");
    hotrun.project.edit("src/main.rs", "version 1", "version 2");
    hotrun.wait_for_answer("version 2");
    hotrun.wait_for_last_row(", serves http://");
    let rows = hotrun.rows();
    assert_nothing_is_left(&rows);
    assert_eq!(rows[0], "hotrun  src/main.rs changed", "{rows:#?}");
}

#[test]
fn a_stopped_hotrun_leaves_the_terminal_to_the_shell() {
    let hotrun = OnTerminal::start(Project::server());
    hotrun.wait_for_last_row(", serves http://");
    hotrun.press("\x1a");
    let stat = format!("/proc/{}/stat", hotrun.process().as_raw_nonzero());
    hotrun.wait_until("stop", || fs::read_to_string(&stat).unwrap().contains(") T "));
    assert!(hotrun.has_lines());
    hotrun.wait_until("no status line", || !hotrun.last_row().contains(", serves http://"));
    kill_process(hotrun.process(), Signal::CONT).unwrap();
    hotrun.wait_for_last_row(", serves http://");
    hotrun.wait_until("keys", || !hotrun.has_lines());
    hotrun.project.edit("src/main.rs", "version 1", "version 2");
    hotrun.wait_for_answer("version 2");
}

#[test]
fn several_programs_are_one_line_and_keep_their_names() {
    let (api, web) = (Project::new().address().port(), Project::new().address().port());
    let server = "import http.server, sys\nprint('begins', flush=True)\n\
        http.server.ThreadingHTTPServer(('127.0.0.1', int(sys.argv[1])), http.server.SimpleHTTPRequestHandler).serve_forever()\n";
    let settings = format!(
        "[run.api]\nfull_bin = \"python3 server.py {api}\"\n[run.web]\nfull_bin = \"python3 server.py {web}\"\n\
         [run.job]\nfull_bin = \"exit 3\"\n"
    );
    let project = Project::new().file("server.py", server).file(".hotrun.toml", &settings);
    let hotrun = OnTerminal::start(project);
    hotrun.wait_for_last_row(&format!("hotrun  api: serves :{api}; web: serves :{web}; job: start failed"));
    // A program's line may come after the line that says where it serves.
    let count = |rows: &[String], line: &str| rows.iter().filter(|row| *row == line).count();
    for line in ["api | begins", "web | begins"] {
        hotrun.wait_until(line, || count(&hotrun.rows(), line) > 0);
        assert_eq!(count(&hotrun.rows(), line), 1, "{:#?}", hotrun.rows());
    }
    assert_nothing_is_left(&hotrun.rows());
}

#[test]
fn colours_are_as_for_the_other_lines() {
    for (project, expected) in [
        (Project::server(), true),
        (Project::server().env("NO_COLOR", "1"), false),
        (Project::server().args(&["--color", "never"]), false),
    ] {
        let hotrun = OnTerminal::start(project);
        hotrun.wait_for_last_row(", serves http://");
        assert_eq!(hotrun.said().contains("\x1b[35m"), expected, "{:?}", hotrun.said());
        assert_eq!(hotrun.said().contains("\x1b[2m"), expected, "{:?}", hotrun.said());
    }
}

/// The negative control: without a terminal that can erase, or with `log.silent`, there is none.
#[test]
fn a_dumb_terminal_has_none() {
    for (project, last) in [
        (Project::server().env("TERM", "dumb"), "the program says where when it binds"),
        (Project::server().env("TERM", ""), "the program says where when it binds"),
        (Project::server().file(".hotrun.toml", "[log]\nsilent = true\n"), "Finished"),
    ] {
        let hotrun = OnTerminal::start(project);
        hotrun.wait_for_answer("version 1");
        hotrun.wait_for_last_row(last);
        assert!(!hotrun.said().contains("\x1b7"), "{:?}", hotrun.said());
    }
}

#[test]
fn a_pipe_gets_no_escape_byte() {
    let hotrun = server_that("println!(\"listens\");").env("TERM", "xterm").hotrun();
    hotrun.wait_for_answer("version 1");
    hotrun.save_version(2);
    hotrun.wait_for_answer("version 2");
    hotrun.wait_for_count("listens", 2);
    assert!(!hotrun.said().contains('\x1b'), "{:?}", hotrun.said());
}
