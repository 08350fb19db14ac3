//! The keys of `[run.NAME]`, and what is wrong with them.

use std::fs;

use super::{Servers, ask_body, with_settings};
use crate::project::Project;

#[test]
fn a_program_has_its_arguments_and_is_run_again_by_its_own_rule() {
    let rerun = "rerun = true\nrerun_delay = 1\nargs = [\"--flag\", \"two words\"]";
    let servers = Servers::start(&[("api", rerun), ("worker", "")]);
    assert!(servers.answer(0).ends_with(" --flag two words"), "{}", servers.answer(0));
    let processes = [servers.process(0), servers.process(1)];
    for process in processes {
        let process = rustix::process::Pid::from_raw(process.cast_signed()).expect("a process");
        rustix::process::kill_process(process, rustix::process::Signal::KILL).expect("it lives");
    }
    servers.hotrun.wait_until("rerun", || {
        let answer = servers.answer(0);
        answer.starts_with("api") && !answer.contains(&processes[0].to_string())
    });
    servers.hotrun.wait_for("hotrun  worker: server 1 was ended by signal 9; a change starts it again");
    assert_eq!(servers.hotrun.count("worker: server 2"), 0, "{}", servers.hotrun.said());
}

#[test]
fn the_variables_of_a_program_are_its_own_and_the_common_ones() {
    let project = Project::new();
    project.save("common.env", "COMMON=all\nWORD=common\n");
    project.save("own.env", "WORD=own\n");
    let (project, addresses) = with_settings(
        project,
        &[
            ("api", "env_files = [\"own.env\"]"),
            ("web", ""),
            ("worker", "env = { WORD = \"table\", ONLY = \"1\" }"),
        ],
    );
    let settings = fs::read_to_string(project.path(".hotrun.toml")).expect("settings");
    project.save(
        ".hotrun.toml",
        &format!("env_files = [\"common.env\"]\n[build]\nenv = {{ TOP = \"t\" }}\n{settings}"),
    );
    let servers = Servers { hotrun: project.hotrun(), addresses };
    let variable = |at: usize, name: &str| {
        ask_body(servers.addresses[at], &format!("/env/{name}")).split(' ').nth(1).map(str::to_owned)
    };
    for (at, name, value) in [
        (0, "WORD", "own"),
        (0, "COMMON", "all"),
        (0, "TOP", "t"),
        (0, "ONLY", "unset"),
        (1, "WORD", "common"),
        (1, "TOP", "t"),
        (2, "WORD", "table"),
        (2, "ONLY", "1"),
        (2, "TOP", "t"),
        (2, "COMMON", "all"),
    ] {
        servers
            .hotrun
            .wait_until(&format!("{name} of {at}"), || variable(at, name).as_deref() == Some(value));
    }
    // An edit of its own file concerns that program, an edit of the common one all.
    let processes = [servers.process(0), servers.process(1), servers.process(2)];
    servers.project().save("own.env", "WORD=edited\n");
    servers.hotrun.wait_until("edited", || variable(0, "WORD").as_deref() == Some("edited"));
    assert_eq!([servers.process(1), servers.process(2)], processes[1..], "{}", servers.hotrun.said());
    servers.project().save("common.env", "COMMON=some\nWORD=common\n");
    for at in 0..3 {
        servers.hotrun.wait_until("common", || variable(at, "COMMON").as_deref() == Some("some"));
    }
    assert_eq!(servers.hotrun.count("builds: "), 0, "{}", servers.hotrun.said());
}

#[test]
fn each_program_has_its_port_and_its_readiness() {
    let (api, web) = (Project::new().address(), Project::new().address());
    let (project, _) = with_settings(Project::new(), &[]);
    project.save(
        ".hotrun.toml",
        &format!(
            "[ready]\ntimeout = \"20s\"\n\
             [run.api]\nfull_bin = \"python3 server.py api {}\"\nsocket.address = \"{api}\"\nsocket.way = \"bind\"\nready.http = \"/\"\n\
             [run.web]\nfull_bin = \"python3 server.py web $PORT\"\n[run.web.socket]\naddress = \"{web}\"\nway = \"proxy\"\n",
            api.port()
        ),
    );
    let hotrun = project.hotrun();
    hotrun.wait_for("hotrun  api: server 1 is ready after ");
    hotrun.wait_for("it answers");
    hotrun.wait_until("api", || ask_body(api, "/").starts_with("api"));
    hotrun.wait_until("web", || ask_body(web, "/").starts_with("web"));
}

#[test]
fn a_program_runs_and_has_its_sources_in_its_folder() {
    let (project, _) = with_settings(Project::new(), &[]);
    project.save("web/page.js", "1");
    project.save("other/page.js", "1");
    let address = Project::new().address();
    project.save(
        ".hotrun.toml",
        &format!(
            "[run.web]\ndir = \"web\"\nfull_bin = \"python3 ../server.py web {}\"\npre_cmd = [\"pwd > ran.txt\"]\n\
             [run.other]\ndir = \"other\"\nfull_bin = \"sleep 600\"\npost_cmd = [\"pwd > ended.txt\"]\n",
            address.port()
        ),
    );
    let mut hotrun = project.hotrun();
    hotrun.wait_until("web", || ask_body(address, "/").starts_with("web"));
    let root = hotrun.project().folder().canonicalize().expect("a folder");
    let read = |name: &str| fs::read_to_string(root.join(name)).unwrap_or_default();
    assert_eq!(read("web/ran.txt").trim(), root.join("web").to_str().expect("UTF-8"));
    hotrun.project().save("web/page.js", "2");
    hotrun.wait_for("hotrun  web: server 2 is ready");
    assert_eq!(hotrun.count("other: server 2"), 0, "{}", hotrun.said());
    hotrun.project().save("other/page.js", "2");
    hotrun.wait_for("hotrun  other: other/page.js changed");
    assert_eq!(hotrun.count("web: server 3"), 0, "{}", hotrun.said());
    hotrun.signal(rustix::process::Signal::INT);
    assert!(hotrun.wait().success());
    assert_eq!(read("other/ended.txt").trim(), root.join("other").to_str().expect("UTF-8"));
}

#[test]
fn a_rule_of_a_program_runs_beside_it() {
    let rules = "rules = [{ cmd = \"echo ran >> rule.txt\", include_ext = [\"css\"] }]";
    let servers = Servers::start(&[("api", rules), ("worker", "")]);
    let processes = [servers.process(0), servers.process(1)];
    servers.project().save("site.css", "a {}");
    let ran = || fs::read_to_string(servers.project().path("rule.txt")).unwrap_or_default();
    servers.hotrun.wait_until("rule", || ran() == "ran\n");
    assert_eq!([servers.process(0), servers.process(1)], processes, "{}", servers.hotrun.said());
}

#[test]
fn programs_with_one_command_are_built_once() {
    let project = Project::new();
    project.save("made.c", "1");
    project.save(
        ".hotrun.toml",
        "[run.a]\ncmd = \"echo built >> count.log\"\nfull_bin = \"echo a begins; exec sleep 600\"\ninclude_ext = [\"c\"]\n\
         [run.b]\ncmd = \"echo built >> count.log\"\nfull_bin = \"echo b begins; exec sleep 600\"\ninclude_ext = [\"c\"]\n",
    );
    let hotrun = project.hotrun();
    let count = || fs::read_to_string(hotrun.project().path("count.log")).unwrap_or_default().lines().count();
    hotrun.wait_for("a | a begins");
    hotrun.wait_for("b | b begins");
    assert_eq!(count(), 1, "{}", hotrun.said());
    hotrun.project().save("made.c", "2");
    hotrun.wait_for_count("a | a begins", 2);
    hotrun.wait_for_count("b | b begins", 2);
    assert_eq!(count(), 2, "{}", hotrun.said());
}

#[test]
fn check_shows_each_program() {
    let (project, addresses) =
        with_settings(Project::new(), &[("api", "env_files = [\"a.env\"]"), ("web", "")]);
    let (said, status) = project.args(&["check"]).ends();
    assert_eq!(status, Some(0), "{said}");
    for words in [
        "program   api\n".to_owned(),
        "program   web\n".to_owned(),
        "env       from `.env`, `a.env`, where they exist\n".to_owned(),
        format!("run       `python3 server.py api {}`", addresses[0].port()),
        format!("run       `python3 server.py web {}`", addresses[1].port()),
    ] {
        assert!(said.contains(&words), "{words}: {said}");
    }
}

/// Each row: the settings, and the words of the error.
#[test]
fn wrong_settings_of_a_program_are_errors_with_their_place() {
    for (settings, words) in [
        (
            "[run]\n",
            ".hotrun.toml:1:2: `run` names no program; expected a table for each, such as `[run.api]`",
        ),
        ("[run]\napi = 1\n", ".hotrun.toml:2:1: `run.api` is an integer; expected a table for each program"),
        (
            "[run.\"a b\"]\nbin = \"x\"\n",
            "`a b` is no name of a program; expected letters, digits, `-` and `_`",
        ),
        ("[run.a]\nfull_bin = \"x\"\n[run.a]\nfull_bin = \"y\"\n", ".hotrun.toml:3:"),
        (
            "[build]\ncmd = \"make\"\n[run.a]\nfull_bin = \"x\"\n",
            ".hotrun.toml:2:1: `build.cmd` belongs to one program: move it to a `[run.NAME]`",
        ),
        (
            "[socket]\naddress = \"127.0.0.1:8080\"\n[run.a]\nfull_bin = \"x\"\n",
            ".hotrun.toml:2:1: `socket.address` is the port of one program: move it to a `[run.NAME.socket]`",
        ),
        (
            "[run.a]\nfull_bin = \"x\"\nsocket.address = \"127.0.0.1:8080\"\n[run.b]\nfull_bin = \"x\"\nsocket.address = \"0.0.0.0:8080\"\n",
            ".hotrun.toml:6:8: `run.b.socket.address` is `0.0.0.0:8080`, which is the port of `[run.a]`; expected one of its own",
        ),
        ("[run.a]\ncmd = 1\n", ".hotrun.toml:2:7: `run.a.cmd` is an integer; expected a string"),
        ("[run.a]\nready.timeout = \"x\"\n", "`run.a.ready.timeout` is `x`; expected milliseconds"),
        (
            "[build]\nkill_delay = true\n[run.a]\nfull_bin = \"x\"\n",
            "`build.kill_delay` is true or false; expected ",
        ),
        ("[run.a]\nfull_bin = \"x\"\ndir = \"none\"\n", "`[run.a]`: `dir` is `none`, which cannot be read"),
        ("[run.a]\n", "`[run.a]`: nothing to run"),
    ] {
        let (said, status) = Project::new().file(".hotrun.toml", settings).args(&["check"]).ends();
        assert!(said.contains(words), "{settings}: {said}");
        assert_eq!(status, Some(1), "{settings}: {said}");
        assert_eq!(said.matches(words).count(), 1, "said once: {said}");
    }
    let several = "[run.a]\nfull_bin = \"sleep 1\"\n[run.b]\nfull_bin = \"sleep 1\"\n";
    for (args, words) in [
        (&["check", "--bin", "c"][..], "no program is called `c`; `[run]` has `a`, `b`"),
        (
            &["check", "--", "--flag"],
            "the arguments after `--` are for one program: `--bin NAME` chooses it, of `a`, `b`",
        ),
    ] {
        let (said, status) = Project::new().file(".hotrun.toml", several).args(args).ends();
        assert!(said.contains(words), "{said}");
        assert_eq!(status, Some(2), "{said}");
    }
    let air = Project::new().file(".air.toml", several).args(&["check"]);
    let (said, status) = air.ends();
    assert!(said.contains("`[run]` is unknown to air; write it into a `.hotrun.toml`"), "{said}");
    assert_eq!(status, Some(1));
}

#[test]
fn an_unknown_key_of_a_program_is_a_warning_with_a_proposal() {
    let settings = "[runs.a]\n[run.a]\nfull_bin = \"sleep 1\"\naddress = \"127.0.0.1:1\"\nkil_delay = 1\nsocket.wai = \"none\"\n";
    let (said, status) = Project::new().file(".hotrun.toml", settings).args(&["check"]).ends();
    assert_eq!(status, Some(0), "{said}");
    for words in [
        "1:2: unknown key `runs` is ignored; did you mean `run`?",
        "4:1: unknown key `run.a.address` is ignored; did you mean `run.a.socket.address`?",
        "5:1: unknown key `run.a.kil_delay` is ignored; did you mean `run.a.kill_delay`?",
        "unknown key `run.a.socket.wai` is ignored; did you mean `run.a.socket.way`?",
    ] {
        assert!(said.contains(words), "{words}: {said}");
    }
}

#[test]
fn the_folders_of_all_programs_are_removed_at_the_end_if_that_is_wanted() {
    let settings = "misc.clean_on_exit = true\n\
        [run.a]\ncmd = \"echo built\"\nfull_bin = \"echo begins; exec sleep 600\"\n\
        [run.b]\ncmd = \"echo built too\"\nfull_bin = \"echo begins; exec sleep 600\"\n";
    let mut hotrun = Project::new().file(".hotrun.toml", settings).hotrun();
    hotrun.wait_for("a | begins");
    hotrun.wait_for("b | begins");
    let log = |name: &str| fs::read_to_string(hotrun.project().path(&format!("tmp/{name}/build-errors.log")));
    assert_eq!(
        (log("a").expect("a log"), log("b").expect("a log")),
        ("built\n".into(), "built too\n".into())
    );
    hotrun.signal(rustix::process::Signal::INT);
    assert!(hotrun.wait().success());
    assert!(!hotrun.project().path("tmp").exists(), "{}", hotrun.said());
}

#[test]
fn the_demos_are_one_build_and_have_four_ports() {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
    let mut check = Project::new().command();
    let output = check.args(["-c", ".hotrun.all.toml", "check"]).current_dir(root).output().expect("hotrun");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{output:?}");
    let demos = ["axum", "actix-web", "warp", "poem"];
    for (demo, port) in demos.iter().zip(8080..) {
        assert!(said.contains(&format!("program   {demo}\n")), "{said}");
        assert!(said.contains(&format!("run       `demo-{demo}` with `--set` `port={port}`")), "{said}");
    }
    let build = "cargo build --keep-going -p demo-axum -p demo-actix-web -p demo-warp -p demo-poem";
    assert!(said.contains(&format!("together  `{build}`")), "{said}");
    assert!(said.contains(&format!("for {}\n", demos.join(", "))), "{said}");
}
