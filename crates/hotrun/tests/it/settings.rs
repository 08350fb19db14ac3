//! Effects of the settings.

use std::fs;
use std::path::Path;

use rustix::process::Signal;

use crate::project::Project;

/// A server whose answer is an expression.
fn answering(expression: &str) -> Project {
    let answer = "{WORD}\", WORD.len());";
    let mended = "{word}\", word.len());";
    Project::server()
        .edited(
            "src/main.rs",
            "// answering",
            &format!("let word = format!(\"{{WORD}} {{}}\", {expression});"),
        )
        .edited("src/main.rs", answer, mended)
}

#[test]
fn arguments_and_variables_reach_the_program_and_the_build() {
    let project = answering(
        "[std::env::args().skip(1).collect::<Vec<_>>().join(\"+\"), std::env::var(\"GREETING\").unwrap(), \
         env!(\"GREETING\").to_owned()].join(\"/\")",
    );
    let settings = "[build]\nargs_bin = [\"a b\", \"*\"]\nenv = { GREETING = \"hello\" }\n";
    let hotrun = project.file(".hotrun.toml", settings).args(&["--", "-v"]).hotrun();
    hotrun.wait_for_answer("version 1 a b+*+-v/hello/hello");
}

#[test]
fn the_log_holds_the_output_of_the_compiler() {
    let hotrun =
        Project::server().file(".hotrun.toml", "tmp_dir = \"out\"\n[build]\nlog = \"words.log\"\n").hotrun();
    hotrun.wait_for_answer("version 1");
    hotrun.project().edit("src/main.rs", "fn main() {", "fn main() { nonsense");
    hotrun.wait_for("the build failed");
    let log = fs::read_to_string(hotrun.project().path("out/words.log")).expect("a log");
    assert!(log.contains("src/main.rs") && log.contains("nonsense"), "{log}");
}

#[test]
fn any_command_builds_and_the_default_program_of_air_runs() {
    let server = fs::read_to_string(Project::server().path("src/main.rs")).expect("a server");
    let port = server.split("127.0.0.1:").nth(1).and_then(|rest| rest.split('"').next()).expect("a port");
    let project = Project::new()
        .file("src/main.rs", &server.replace(port, "PORT"))
        .file(".hotrun.toml", "[build]\ncmd = \"rustc -o tmp/main src/main.rs\"\n");
    let hotrun = project.hotrun();
    hotrun.wait_for_answer("version 1");
    hotrun.becomes(2);
}

#[test]
fn share_target_builds_in_the_usual_target_folder() {
    let hotrun = Project::server().file(".hotrun.toml", "[build]\nshare_target = true\n").hotrun();
    hotrun.wait_for_answer("version 1");
    assert!(hotrun.project().path("target/debug/site").exists());
    assert!(!hotrun.project().path("target/hotrun/debug").exists());
}

#[test]
fn clean_on_exit_deletes_the_temporary_folder() {
    for (settings, stays) in [("[misc]\nclean_on_exit = true\n", false), ("", true)] {
        let mut hotrun = Project::server().file(".hotrun.toml", settings).hotrun();
        hotrun.wait_for_answer("version 1");
        hotrun.signal(Signal::TERM);
        assert_eq!(hotrun.wait().code(), Some(0));
        assert_eq!(hotrun.project().path("target/hotrun/run").exists(), stays, "{settings}");
        assert!(hotrun.project().path("target/hotrun/debug").exists(), "what cargo made stays");
    }
}

/// All paths below a folder, files with their text.
fn tree(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.push(format!("{}/", path.display()));
            found.extend(tree(&path));
        } else {
            found.push(format!("{}: {}", path.display(), fs::read_to_string(&path).expect("text")));
        }
    }
    found.sort();
    found
}

#[test]
fn clean_on_exit_deletes_only_files_that_hotrun_made() {
    let elsewhere = tempfile::tempdir().expect("a folder");
    let absolute = elsewhere.path().to_str().expect("UTF-8");
    for (tmp, folder) in
        [(absolute.to_owned(), elsewhere.path().to_owned()), ("bin".to_owned(), "bin".into())]
    {
        let server = fs::read_to_string(Project::server().path("src/main.rs")).expect("a server");
        let port = server.split("127.0.0.1:").nth(1).and_then(|rest| rest.split('"').next()).expect("a port");
        let settings = format!(
            "tmp_dir = \"{tmp}\"\n[build]\ncmd = \"rustc -o {tmp}/main src/main.rs\"\nbin = \"{tmp}/main\"\n\
             [misc]\nclean_on_exit = true\n"
        );
        let project = Project::new()
            .file("src/main.rs", &server.replace(port, "PORT"))
            .file(".hotrun.toml", &settings)
            .file("bin/x", "");
        let folder = project.folder().join(folder);
        for name in ["letter.txt", "kept/1/main", "kept/2/main", "kept/letter.txt"] {
            fs::create_dir_all(folder.join(name).parent().expect("a folder")).expect("a folder");
            fs::write(folder.join(name), "foreign").expect("a file");
        }
        let before = tree(&folder);
        let mut hotrun = project.hotrun();
        hotrun.wait_for_answer("version 1");
        hotrun.becomes(2);
        assert!(folder.join("main").exists() && folder.join("build-errors.log").exists(), "{tmp}");
        hotrun.signal(Signal::TERM);
        assert_eq!(hotrun.wait().code(), Some(0));
        assert_eq!(tree(&folder), before, "{tmp}");
        hotrun.wait_for("is not empty and stays");
    }
}

#[test]
fn two_runners_with_one_temporary_folder_keep_their_own_copies() {
    let elsewhere = tempfile::tempdir().expect("a folder");
    let settings = format!("tmp_dir = \"{}\"\n[misc]\nclean_on_exit = true\n", elsewhere.path().display());
    let start = || {
        let hotrun = Project::server().file(".hotrun.toml", &settings).hotrun();
        hotrun.wait_for_answer("version 1");
        hotrun
    };
    let programs = || tree_names(elsewhere.path()).iter().filter(|path| path.ends_with("/site")).count();
    let (stays, mut ends) = (start(), start());
    stays.wait_until("copy of each program", || programs() == 2);
    ends.signal(Signal::TERM);
    assert_eq!(ends.wait().code(), Some(0));
    assert_eq!(programs(), 1, "{:?}", tree_names(elsewhere.path()));
}

fn tree_names(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        found.push(entry.path().display().to_string());
        found.extend(tree_names(&entry.path()));
    }
    found
}

#[test]
fn stop_on_error_stops_the_server() {
    let hotrun = Project::server().file(".hotrun.toml", "[build]\nstop_on_error = true\n").hotrun();
    hotrun.wait_for_answer("version 1");
    hotrun.project().edit("src/main.rs", "fn main() {", "fn main() { nonsense");
    hotrun.wait_for("the build failed");
    let children = || {
        let path = format!("/proc/{0}/task/{0}/children", hotrun.pid());
        let pids = fs::read_to_string(path).unwrap_or_default();
        pids.split_whitespace()
            .filter(|pid| {
                fs::read_to_string(format!("/proc/{pid}/comm")).is_ok_and(|name| name.trim() == "site")
            })
            .count()
    };
    hotrun.wait_until("end of the server", || children() == 0);
    hotrun.project().edit("src/main.rs", "fn main() { nonsense", "fn main() {");
    hotrun.wait_for_answer("version 1");
    assert_eq!(children(), 1, "the count can count");
}
