//! Bad input causes one clear sentence and the right exit status, and leaves nothing running.

use std::fs;

use crate::project::Project;

/// Runs hotrun to its end. Returns the output, which must be one line, and the exit status.
#[track_caller]
fn refused(project: Project) -> (String, i32) {
    let (said, status) = project.ends();
    assert!(!said.contains("panicked") && !said.contains("RUST_BACKTRACE"), "{said}");
    assert_eq!(said.trim_end().lines().count(), 1, "{said}");
    (said, status.expect("an exit status"))
}

#[test]
fn a_folder_with_nothing_to_run_is_refused() {
    let (said, status) = refused(Project::new());
    assert!(said.contains("no `Cargo.toml` and no `go.mod`"), "{said}");
    assert_eq!(status, 1);
}

#[test]
fn a_program_that_does_not_exist_is_refused() {
    let (said, status) = refused(Project::new().file(".hotrun.toml", "[build]\nbin = \"no/such\"\n"));
    assert!(said.contains("no/such") && said.contains("`build.cmd` may say what builds it"), "{said}");
    assert_eq!(status, 1);
}

#[test]
fn a_program_without_permission_to_execute_is_refused() {
    let project =
        Project::new().file("app.py", "print(1)\n").file(".hotrun.toml", "[build]\nbin = \"app.py\"\n");
    let (said, status) = refused(project);
    assert!(said.contains("may not be executed"), "{said}");
    assert_eq!(status, 1);
}

#[test]
fn a_settings_file_that_is_a_folder_is_refused() {
    let (said, status) = refused(Project::server().file(".hotrun.toml/x", ""));
    assert!(said.contains(".hotrun.toml` is a folder; expected a file of settings"), "{said}");
    assert_eq!(status, 1);
}

#[test]
fn a_settings_file_that_does_not_exist_is_refused() {
    let (said, status) = refused(Project::server().args(&["-c", "my.toml"]));
    assert!(said.contains("my.toml` is not there"), "{said}");
    assert_eq!(status, 1);
}

#[test]
fn a_settings_file_that_is_no_text_is_refused() {
    let project = Project::server();
    fs::write(project.path(".hotrun.toml"), [0xff, 0xfe, 0]).expect("a file");
    let (said, status) = refused(project);
    assert!(said.contains("is not UTF-8 text"), "{said}");
    assert_eq!(status, 1);
}

#[test]
fn a_wrong_type_is_refused_with_line_and_column() {
    let (said, status) = refused(Project::server().file(".hotrun.toml", "[build]\n\ndelay = \"soon\"\n"));
    assert!(said.contains(".hotrun.toml:3:9: `build.delay` is `soon`; expected milliseconds"), "{said}");
    assert_eq!(status, 1);
}

#[test]
fn the_root_of_the_disk_and_the_home_folder_are_refused() {
    for root in ["/", "~/", "/root"] {
        let (said, status) = refused(
            Project::new()
                .file(".hotrun.toml", &format!("root = \"{root}\"\n[build]\nfull_bin = \"true\"\n")),
        );
        assert!(
            said.contains("which hotrun would have to watch as a whole") || said.contains("cannot be read"),
            "{said}"
        );
        assert_eq!(status, 1);
    }
}

#[test]
fn starting_in_the_home_folder_is_refused() {
    let project = Project::server();
    let home = project.folder().to_owned();
    let (said, status) = refused(
        project
            .env("HOME", &home.to_string_lossy())
            .env("RUSTUP_HOME", &home_of("RUSTUP_HOME", ".rustup"))
            .env("CARGO_HOME", &home_of("CARGO_HOME", ".cargo")),
    );
    assert!(said.contains("start it in the project's folder"), "{said}");
    assert_eq!(status, 1);
}

#[test]
fn a_root_that_is_no_folder_is_refused() {
    for (root, expected) in [
        ("nowhere", "`root` is `nowhere`, which cannot be read"),
        ("Cargo.toml", "which is a file; expected a folder"),
    ] {
        let (said, status) = refused(Project::server().file(".hotrun.toml", &format!("root = \"{root}\"\n")));
        assert!(said.contains(expected), "{said}");
        assert_eq!(status, 1);
    }
}

#[test]
fn a_temporary_folder_that_holds_the_project_is_refused() {
    for tmp in [".", "..", "/", "a/../.."] {
        let (said, status) =
            refused(Project::server().file(".hotrun.toml", &format!("tmp_dir = \"{tmp}\"\n")));
        assert!(said.contains("`tmp_dir` is"), "{said}");
        assert_eq!(status, 1);
    }
    let project = Project::server();
    assert!(project.path("src/main.rs").exists(), "and nothing was deleted");
}

#[test]
fn several_programs_are_listed_without_a_terminal() {
    let project = Project::server().file("src/bin/import.rs", "fn main() {}\n");
    let (said, status) = refused(project);
    assert!(said.contains("which program? `--bin NAME`: `import` or `site`"), "{said}");
    assert_eq!(status, 2);
}

#[test]
fn a_program_of_another_name_is_refused() {
    let (said, status) = refused(Project::server().args(&["--bin", "sight"]));
    assert!(said.contains("no program is called `sight`; there is `site`"), "{said}");
    assert_eq!(status, 2);
}

#[test]
fn a_manifest_that_cargo_cannot_read_is_refused_in_its_words() {
    let (said, status) = Project::new().file("Cargo.toml", "[package\n").ends();
    assert!(said.contains("cargo cannot read") && said.contains("Cargo.toml"), "{said}");
    assert_eq!(status, Some(1));
}

#[test]
fn a_way_that_needs_an_address_is_refused_without_one() {
    for way in ["listen-fds", "proxy"] {
        let (said, status) =
            refused(Project::server().file(".hotrun.toml", &format!("[socket]\nway = \"{way}\"\n")));
        assert!(said.contains("`socket.way` needs `socket.address`"), "{said}");
        assert_eq!(status, 1);
    }
}

#[test]
fn a_wrong_readiness_path_is_refused() {
    let (said, status) = refused(Project::server().file(".hotrun.toml", "[ready]\nhttp = \"readyz\"\n"));
    assert!(said.contains("expected a path such as \"/readyz\""), "{said}");
    assert_eq!(status, 1);
}

#[test]
fn wrong_usage_has_a_status_of_its_own() {
    let (said, status) = Project::server().args(&["--frobnicate"]).ends();
    assert!(said.contains("--frobnicate"), "{said}");
    assert_eq!(status, Some(2));
}

/// The toolchain's folder, for a process with another home folder.
fn home_of(variable: &str, folder: &str) -> String {
    std::env::var(variable).unwrap_or_else(|_| {
        std::env::home_dir().expect("a home folder").join(folder).to_string_lossy().into_owned()
    })
}
