//! `hotrun check`.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;

use crate::project::Project;

#[test]
fn it_prints_the_plan_and_does_nothing() {
    let project = Project::server().args(&["check", "--", "--verbose"]);
    let folder = project.folder().to_owned();
    let (said, status) = project.ends();
    for words in [
        "settings  none, and none are needed",
        "files that may be sources",
        "`cargo build -p site --bin site` into `target/hotrun`",
        "`site` with `--verbose`",
        "`SIGTERM`, and `SIGKILL` after 10.0 s",
    ] {
        assert!(said.contains(words), "`{words}` in {said}");
    }
    assert_eq!(status, Some(0));
    assert!(!folder.join("target").exists());
}

#[test]
fn it_warns_of_unknown_keys() {
    let settings = "[build]\ninclide_file = [\"a\"]\nstop_on_root = false\n";
    let (said, status) = Project::server().file(".hotrun.toml", settings).args(&["check"]).ends();
    assert!(said.contains(".hotrun.toml:2:1: unknown key `build.inclide_file` is ignored; did you mean `build.include_file`?"), "{said}");
    assert!(said.contains(".hotrun.toml:3:1: unknown key `build.stop_on_root` is ignored\n"), "{said}");
    assert_eq!(status, Some(0));
}

#[test]
fn it_fails_with_the_error_of_a_run() {
    let (said, status) = Project::server().file(".hotrun.toml", "root = 1\n").args(&["check"]).ends();
    assert!(said.contains(".hotrun.toml:1:8: `root` is an integer; expected a path"), "{said}");
    assert_eq!(status, Some(1));
}

#[test]
fn it_names_the_process_that_holds_the_port() {
    let project =
        Project::server().file(".hotrun.toml", "[socket]\naddress = \"127.0.0.1:PORT\"\n").args(&["check"]);
    let _held = TcpListener::bind(project.address()).expect("a port");
    let (said, status) = project.ends();
    assert!(said.contains("is held by") && said.contains(&std::process::id().to_string()), "{said}");
    assert_eq!(status, Some(3));
}

#[test]
fn settings_are_found_above_but_not_outside_the_repository() {
    let project = Project::server()
        .file(".git/HEAD", "ref: refs/heads/main\n")
        .file(".hotrun.toml", "[build]\nargs = [\"--found\"]\n")
        .file("deep/er/x", "")
        .args(&["check"]);
    let found = |folder: &str| {
        let output = project.command().current_dir(project.path(folder)).output().expect("hotrun");
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    assert!(found(".").contains("`--found`"), "{}", found("."));
    assert!(found("deep/er").contains("`--found`"), "{}", found("deep/er"));
    project.save("deep/.git/HEAD", "ref: refs/heads/main\n");
    assert!(!found("deep/er").contains("`--found`"), "{}", found("deep/er"));
}

#[test]
fn settings_are_found_above_without_a_repository_where_nobody_else_can_put_them() {
    let project = Project::server()
        .file("own/.hotrun.toml", "[build]\nargs = [\"--found\"]\n")
        .file("own/deep/er/x", "")
        .args(&["check"]);
    let found = || {
        let output = project.command().current_dir(project.path("own/deep/er")).output().expect("hotrun");
        String::from_utf8_lossy(&output.stdout).contains("`--found`")
    };
    assert!(found());
    fs::set_permissions(project.path("own"), fs::Permissions::from_mode(0o777)).expect("permissions");
    assert!(!found(), "everybody could have written it");
}

/// Each row: lines of `[build]`, and the warning.
#[test]
fn it_finds_what_would_fail_at_the_start() {
    for (lines, expected) in [
        ("log = '/no/such/folder/x.log'", Some("there is no folder `/no/such/folder`, so nothing is logged")),
        ("log = '/'", Some("`build.log` is `/`, which is a folder: nothing is logged; expected a file")),
        ("log = 'tmp/build-errors.log'", None),
        (
            "bin = 'tmp/my prog'",
            Some(
                "read as a program and its arguments; `entrypoint = [\"tmp/my prog\"]` is a path with blanks",
            ),
        ),
        ("cmd = 'go build -o \"my prog\"'\nbin = 'my prog'", None),
        ("cmd = 'go run main.go'", Some("`go run` runs the program and does not end")),
        ("cmd = 'A=b npm run dev'", Some("`npm run dev` runs the program and does not end")),
        ("cmd = 'go run ./generate && go build -o tmp/main .'", None),
        ("cmd = 'npm run build'", None),
        ("full_bin = 'no-such-server --port 80'", Some("there is no `no-such-server` in `PATH`")),
        ("full_bin = 'exec tmp/main'", None),
    ] {
        let project =
            Project::new().file("go.mod", "module x\n").file(".air.toml", &format!("[build]\n{lines}\n"));
        let project = project.file("package.json", r#"{ "scripts": { "build": "tsc", "dev": "tsc" } }"#);
        let (said, status) = project.args(&["check"]).ends();
        match expected {
            Some(words) => assert!(said.contains(words), "{lines}: {said}"),
            None => assert!(!said.contains("warning") && !said.contains("read as"), "{lines}: {said}"),
        }
        assert_eq!(status, Some(0), "{lines}");
    }
}

/// As with `cargo run`.
#[test]
fn the_package_of_the_folder_is_the_one_of_a_cargo_workspace() {
    let manifest =
        |name: &str| format!("[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nedition = \"2024\"\n");
    let project = || {
        Project::new()
            .file("Cargo.toml", "[workspace]\nresolver = \"3\"\nmembers = [\"api\", \"worker\"]\n")
            .file("api/Cargo.toml", &manifest("api"))
            .file("api/src/main.rs", "fn main() {}\n")
            .file("worker/Cargo.toml", &manifest("worker"))
            .file("worker/src/main.rs", "fn main() {}\n")
    };
    let (said, _) = project().args(&["check"]).started_in("worker/src").ends();
    assert!(said.contains("`cargo build -p worker --bin worker`"), "{said}");
    let (said, _) = project().args(&["check"]).ends();
    assert!(said.contains("which program? `--bin NAME`: `api` or `worker`"), "{said}");
}
