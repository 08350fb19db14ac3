//! The effect of each key of air's on a running program.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::symlink;
use std::thread;

use crate::project::{Hotrun, Project, get};
use crate::silent_writer::SilentWriter;

/// A program that is "built" by a copy. It answers with its version, its arguments and a variable.
const PROGRAM: &str = r#"#!/usr/bin/env python3
import http.server, os, sys

class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        text = "version 1 [" + "|".join(sys.argv[1:]) + "] " + os.environ.get("GREETING", "nothing")
        self.send_response(200)
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_):
        pass

http.server.ThreadingHTTPServer(("127.0.0.1", PORT), Answer).serve_forever()
"#;

const COPY: &str = "cmd = 'mkdir -p tmp && cp main.py tmp/main && chmod +x tmp/main'\ninclude_ext = ['py']\n";

/// The program, with lines before `[build]` and lines in it.
fn program(name: &str, before: &str, build: &str) -> Project {
    Project::new().file("main.py", PROGRAM).file(name, &format!("{before}\n[build]\n{COPY}{build}\n"))
}

fn airs(before: &str, build: &str) -> Project {
    program(".air.toml", before, build)
}

#[track_caller]
fn answers(project: Project, expected: &str) -> Hotrun {
    let hotrun = project.hotrun();
    hotrun.wait_for_answer(expected);
    hotrun
}

/// Saves the files one after the other; the last one counts. None of the others is reported.
#[track_caller]
fn only_the_last_counts(hotrun: &Hotrun, files: &[&str]) {
    let (last, others) = files.split_last().expect("a file");
    for file in files {
        hotrun.project().save(file, "# edited\n");
    }
    hotrun.wait_for(&format!("{last} changed"));
    hotrun.wait_for_count("hotrun  built in", 2);
    for other in others {
        assert!(!hotrun.said().contains(other), "{other}: {}", hotrun.said());
    }
}

#[test]
fn programs_get_variables_and_arguments_as_from_air() {
    for (build, expected) in [
        ("bin = 'GREETING=hello ./tmp/main -x \"a b\"'", "[-x|a b] hello"),
        ("bin = '$DIR/main'", "[] nothing"),
        ("full_bin = 'GREETING=hello ./tmp/main -x'", "[-x] hello"),
        ("full_bin = 'GREETING=${NAME:-hello} exec ./tmp/main -x'", "[-x] hello"),
        ("entrypoint = ['$DIR/main', 'serve']", "[serve] nothing"),
        (
            "args_bin = ['--name ${NAME:-nobody}', \"'two words'\", '*.py', 8080]",
            "[--name|nobody|two words|main.py|8080] nothing",
        ),
        ("[build.linux]\nargs_bin = ['linux']", "[linux] nothing"),
        ("env = { GREETING = 7 }", "[] 7"),
        ("env = ['GREETING=a=b']", "[] a=b"),
    ] {
        answers(airs("", build).env("DIR", "tmp"), &format!("version 1 {expected}"));
    }
}

#[test]
fn arguments_of_a_file_of_ours_are_words_as_they_are() {
    let project = program(".hotrun.toml", "", "args = ['a b', '*.py', '--name=${NAME:-no body}']");
    answers(project, "[a b|*.py|--name=no body]");
}

#[test]
fn variables_come_from_env_files_but_not_over_those_of_hotrun() {
    let files = "env_files = ['.env', 'local.env', 'missing.env']";
    let project = airs(files, "").file(".env", "GREETING=one\n").file("local.env", "GREETING=two\n");
    answers(project, "[] two");
    let project = airs(files, "").file(".env", "GREETING=one\n").env("GREETING", "outside");
    answers(project, "[] outside");
    let project = program(".hotrun.toml", "", "").file(".env", "GREETING=one\n");
    answers(project, "[] one");
    let project = program(".hotrun.toml", "env_files = []", "").file(".env", "GREETING=one\n");
    answers(project, "[] nothing");
    // air reads no file that is not named.
    answers(airs("", "").file(".env", "GREETING=one\n"), "[] nothing");
}

#[test]
fn a_broken_env_file_is_reported_with_its_name() {
    let project = program(".hotrun.toml", "", "").file(".env", "GREETING one\n");
    let hotrun = answers(project, "[] nothing");
    assert!(
        hotrun.said().contains(".env`: ") && hotrun.said().contains("such as NAME=value"),
        "{}",
        hotrun.said()
    );
}

#[test]
fn only_folders_of_include_dir_are_watched() {
    let project = airs("", "include_dir = ['src', 'missing']").file("src/x.py", "").file("other/x.py", "");
    only_the_last_counts(&answers(project, "version 1"), &["other/x.py", "root.py", "src/deep/x.py"]);
}

#[test]
fn exclude_dir_and_testdata_dir_are_folders_of_the_root() {
    let build = "exclude_dir = ['skip/', 'a\\b']";
    let project = airs("testdata_dir = 'fixtures'", build);
    let project = project
        .file("skip/x.py", "")
        .file("a/b/x.py", "")
        .file("fixtures/x.py", "")
        .file("deep/skip/y.py", "");
    let hotrun = answers(project, "version 1");
    only_the_last_counts(&hotrun, &["skip/x.py", "a/b/x.py", "fixtures/x.py", "deep/skip/y.py"]);
}

#[test]
fn an_ending_may_have_two_parts() {
    let project = Project::new().file("main.py", PROGRAM).file(
        ".air.toml",
        "[build]\ncmd = 'cp main.py tmp/main && chmod +x tmp/main'\ninclude_ext = ['html.tmpl']\n",
    );
    only_the_last_counts(&answers(project, "version 1"), &["a.tmpl", "b.html", "c.html.tmpl"]);
}

#[test]
fn linked_folders_are_watched_if_the_settings_say_so() {
    for follows in [true, false] {
        let outside = tempfile::tempdir().expect("a folder");
        let project = airs("", &format!("follow_symlink = {follows}"));
        symlink(outside.path(), project.path("linked")).expect("a link");
        let hotrun = answers(project, "version 1");
        fs::write(outside.path().join("elsewhere.py"), "# edited\n").expect("a file");
        if follows {
            hotrun.wait_for("elsewhere.py changed");
        } else {
            hotrun.project().save("here.py", "");
            hotrun.wait_for("here.py changed");
            assert!(!hotrun.said().contains("elsewhere.py"), "{}", hotrun.said());
        }
    }
}

#[test]
fn a_change_without_an_event_is_found_by_the_poll() {
    let hotrun = answers(airs("", "poll = true\npoll_interval = 500"), "version 1");
    let mut writer = SilentWriter::open(&hotrun.project().path("main.py"));
    writer.replace("version 1", "version 2");
    hotrun.wait_for_answer("version 2");
}

#[test]
fn a_rule_handles_its_files_without_a_build() {
    let rules = "[[build.rules]]\nname = 'css'\ncmd = 'cp site.css tmp/site.css; echo made $(cat site.css)'\n\
                 include_ext = ['css']\nexclude_regex = ['old']\n\
                 [[build.rules]]\ncmd = 'false'\ninclude_dir = ['words']\n";
    let project = airs("", &format!("exclude_dir = ['words']\n{rules}")).file("site.css", "one");
    let hotrun = answers(project, "version 1");
    hotrun.project().save("old.css", "none");
    hotrun.project().save("site.css", "two");
    hotrun.wait_for("made two");
    hotrun.project().save("words/x", "");
    hotrun.wait_for("rule `false`: exit status: 1");
    assert_eq!(hotrun.count("hotrun  builds: "), 1, "{}", hotrun.said());
    hotrun.project().save("site.css", "three");
    hotrun.wait_for("made three");
    assert_eq!(hotrun.count("\nmade "), 2, "{}", hotrun.said());
    hotrun.project().edit("main.py", "version 1", "version 2");
    hotrun.wait_for_answer("version 2");
}

/// Nothing tells a command's writes from a user's. So the runs are few, and not one.
#[test]
fn a_rule_that_writes_a_file_of_its_own_pattern_comes_to_an_end() {
    let files = ["made.css", "site.css", "$(date +%s%N).css"];
    thread::scope(|scope| {
        for file in files {
            scope.spawn(move || comes_to_an_end(file));
        }
    });
}

#[track_caller]
fn comes_to_an_end(written: &str) {
    let rule = format!("[[build.rules]]\ncmd = 'date +%N > {written}; echo made'\ninclude_ext = ['css']\n");
    let hotrun = answers(airs("", &rule).file("site.css", "one"), "version 1");
    for edit in 1..=2 {
        let before = hotrun.count("\nmade\n");
        hotrun.project().save("site.css", &format!("edit {edit}"));
        hotrun.wait_for_count("\nmade\n", before + 1);
        // A loop would go on during this edit.
        hotrun.project().edit("main.py", &format!("version {edit}"), &format!("version {}", edit + 1));
        hotrun.wait_for_answer(&format!("version {}", edit + 1));
        if written == "site.css" {
            hotrun.wait_for_count(
                "changes its own files in each run (`site.css`): it rests until another change",
                edit,
            );
        }
        let runs = hotrun.count("\nmade\n") - before;
        assert!((1..=7).contains(&runs), "{written}: {runs} runs: {}", hotrun.said());
    }
}

/// As in air, the folder is the root, whatever the file says.
#[test]
fn air_wd_takes_the_place_of_the_current_folder() {
    let project = airs("root = 'nowhere'", "").file("elsewhere/x", "");
    let folder = project.folder().canonicalize().expect("a folder");
    let said = |folder: &str, here: &str| {
        let mut command = project.command();
        let output = command.arg("check").env("air_wd", folder).current_dir(project.path(here)).output();
        let output = output.expect("hotrun");
        String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned()
    };
    let found = said(&folder.display().to_string(), "elsewhere");
    assert!(found.contains("settings  `.air.toml`"), "{found}");
    assert!(found.contains(&format!("root      `{}`\n", folder.display())), "{found}");
    assert!(found.contains(&format!("run       `tmp/main` in `{}`", folder.display())), "{found}");
    let refused = said("missing", ".");
    assert!(
        refused.contains("`$air_wd` is `") && refused.contains("missing`, which cannot be read"),
        "{refused}"
    );
    project.save("elsewhere/.hotrun.toml", "[build]\nfull_bin = 'sleep 600'\n");
    let found = said(&folder.display().to_string(), "elsewhere");
    assert!(found.contains("settings  `.hotrun.toml`"), "a file of hotrun's is no matter of air's: {found}");
}

#[test]
fn the_log_is_as_loud_as_the_settings_say() {
    for (log, builds, serves) in [
        ("", true, true),
        ("[log]\nmain_only = true\n", false, true),
        ("[log]\nsilent = true\n", false, false),
    ] {
        let hotrun = answers(airs(log, ""), "version 1");
        hotrun.project().edit("main.py", "version 1", "version 2");
        hotrun.wait_for_answer("version 2");
        let said = hotrun.said();
        assert_eq!(said.contains("hotrun  builds: "), builds, "{log}: {said}");
        assert_eq!(said.contains("hotrun  serves "), serves, "{log}: {said}");
        assert!(!said.contains("hotrun  runs: "), "{log}: {said}");
    }
    let hotrun = answers(airs("", "args_bin = ['-x']").args(&["-d"]), "version 1");
    let main = hotrun.project().folder().canonicalize().expect("a folder").join("tmp/main -x");
    assert!(hotrun.said().contains(&format!("hotrun  runs: {}", main.display())), "{}", hotrun.said());
    assert!(hotrun.said().contains("hotrun  stop      `SIGTERM`"), "{}", hotrun.said());
}

#[test]
fn a_terminal_is_cleared_before_each_build_but_the_first() {
    const TERMINAL: &str = "import pty, sys\nsys.exit(pty.spawn(sys.argv[1:]) >> 8)";
    for (screen, sequence) in [
        ("[screen]\nclear_on_rebuild = true\n", "\x1b[2J"),
        ("[screen]\nclear_on_rebuild = true\nkeep_scroll = false\n", "\x1bc"),
        ("[screen]\nclear_on_rebuild = false\n", ""),
    ] {
        let hotrun = answers(airs(screen, "").started_by(&["python3", "-c", TERMINAL]), "version 1");
        hotrun.project().edit("main.py", "version 1", "version 2");
        hotrun.wait_for_answer("version 2");
        for each in ["\x1b[2J", "\x1bc"] {
            assert_eq!(hotrun.count(each), usize::from(each == sequence), "{screen}: {:?}", hotrun.said());
        }
    }
}

#[test]
fn colors_are_those_of_the_settings() {
    let hotrun = answers(airs("[color]\nmode = 'always'\nbuild = 'blue'\nmain = 'raw'\n", ""), "version 1");
    let said = hotrun.said();
    assert!(said.contains("\x1b[34mhotrun") && said.contains("\x1b[1mhotrun\x1b[0m  serves"), "{said:?}");
}

#[test]
fn airs_proxy_leads_to_the_program() {
    let free = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address");
    let proxy = format!("[proxy]\nenabled = true\nproxy_port = '{}'\napp_port = PORT\n", free.port());
    let hotrun = answers(airs(&proxy, ""), "version 1");
    assert!(get(free).expect("an answer").contains("version 1"));
    hotrun.project().edit("main.py", "version 1", "version 2");
    hotrun
        .wait_until("version 2 behind the proxy", || get(free).is_ok_and(|text| text.contains("version 2")));
}

/// air runs commands where it was started, whatever the root is.
#[test]
fn commands_of_airs_file_run_in_its_folder() {
    let project = Project::new()
        .file("go.mod", "module x\n")
        .file("cmd/api/.air.toml", "root = '../../'\n[build]\nbin = './tmp/main'\nentrypoint = []\n");
    let output =
        project.command().arg("check").current_dir(project.path("cmd/api")).output().expect("hotrun");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let root = project.folder().canonicalize().expect("a folder");
    assert!(said.contains(&format!("root      `{}`\n", root.display())), "{said}");
    assert!(
        said.contains(&format!("run       `cmd/api/tmp/main` in `{}/cmd/api`", root.display())),
        "{said}"
    );
}

#[test]
fn the_home_folder_is_a_root_only_if_the_settings_say_so() {
    for (line, status) in [("", 1), ("ignore_dangerous_root_dir = true", 0)] {
        let project = airs("", line);
        let home = project.folder().canonicalize().expect("a folder");
        let (said, found) = project.env("HOME", &home.display().to_string()).args(&["check"]).ends();
        assert_eq!(found, Some(status), "{line}: {said}");
    }
}
