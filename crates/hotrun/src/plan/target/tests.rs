use std::path::{Path, PathBuf};

use super::{Target, decide};
use crate::error::Error;
use crate::go_module::MainPackage;
use crate::plan::named_program::Place;
use crate::plan::{How, What};
use crate::project::{Package, Project, Workspace};
use crate::settings::Settings;

fn workspace(binaries: &[&str]) -> Project {
    let packages = vec![
        Package {
            name: "shop".into(),
            folder: "/p/shop".into(),
            binaries: binaries.iter().map(ToString::to_string).collect(),
            is_default: true,
            ..Package::default()
        },
        Package {
            name: "tools".into(),
            folder: "/p/tools".into(),
            binaries: vec!["tidy".into()],
            ..Package::default()
        },
    ];
    Project::Cargo(Workspace { root: "/p".into(), target: "/p/target".into(), packages, outside: Vec::new() })
}

fn made(project: &Project, bin: Option<&str>, settings: &str) -> Result<Target, Error> {
    let (settings, findings) = Settings::parse(settings);
    assert_eq!(findings, []);
    let root = Path::new("/p");
    let packages = |_: &Path| {
        Ok(vec![MainPackage::of("/p/cmd/api", "api"), MainPackage::of("/p/cmd/my worker", "my worker")])
    };
    let here = root;
    let place = Place { root, here, folder: root, env: &[], is_airs: false, packages: &packages };
    decide(bin, &place, Path::new("/p/tmp"), project, &settings, &|_| None)
}

fn said(target: &Target) -> String {
    let how = match &target.how {
        How::Nothing => "nothing".to_owned(),
        How::Shell(line) => format!("sh: {line}"),
        How::Cargo { arguments, target, binary } => {
            let own = if target.is_some() { "own" } else { "shared" };
            format!("cargo {} ({own}) -> {binary}", arguments.join(" "))
        }
    };
    let what = match &target.what {
        What::Built => "built".to_owned(),
        What::File(file) => file.display().to_string(),
        What::Shell(line) => format!("sh: {line}"),
    };
    format!("{how} | {what}")
}

/// Each row: `--bin`, the settings, and what is built and run.
#[test]
fn in_a_cargo_project_cargo_builds_unless_the_settings_say_otherwise() {
    for (bin, settings, expected) in [
        (None, "", "cargo build -p shop --bin shop (own) -> shop | built"),
        (Some("tidy"), "", "cargo build -p tools --bin tidy (own) -> tidy | built"),
        (Some("tools"), "", "cargo build -p tools --bin tidy (own) -> tidy | built"),
        (None, "build.share_target = true", "cargo build -p shop --bin shop (shared) -> shop | built"),
        (None, "build.cmd = 'cargo build'", "cargo build (own) -> shop | built"),
        (
            None,
            "build.cmd = 'cargo b -p tools --release'",
            "cargo b -p tools --release (own) -> tidy | built",
        ),
        (
            None,
            "build.cmd = 'cargo build --package=tools'",
            "cargo build --package=tools (own) -> tidy | built",
        ),
        (
            None,
            "build.cmd = 'cargo build --example demo'",
            "cargo build --example demo (own) -> demo | built",
        ),
        (Some("tidy"), "build.cmd = 'make'", "cargo build -p tools --bin tidy (own) -> tidy | built"),
        (None, "build.cmd = 'make && cargo build'", "sh: make && cargo build | /p/target/debug/shop"),
        (
            None,
            "build.cmd = 'RUSTFLAGS=-g cargo build --release'",
            "sh: RUSTFLAGS=-g cargo build --release | /p/target/release/shop",
        ),
        (
            None,
            "build.cmd = 'cargo build --target-dir x'",
            "sh: cargo build --target-dir x | /p/target/debug/shop",
        ),
        (None, "build.bin = 'target/debug/x'", "sh: cargo build | /p/target/debug/x"),
        (None, "build.cmd = 'make'\nbuild.bin = 'out/x'", "sh: make | /p/out/x"),
        (None, "build.cmd = ''\nbuild.bin = '/bin/x'", "nothing | /bin/x"),
        (None, "build.full_bin = 'A=1 ./x'\nbuild.bin = 'y'", "sh: cargo build | /p/x"),
        (None, "build.full_bin = ''", "cargo build -p shop --bin shop (own) -> shop | built"),
    ] {
        assert_eq!(
            said(&made(&workspace(&["shop"]), bin, settings).unwrap()),
            expected,
            "{bin:?} {settings}"
        );
    }
}

#[test]
fn elsewhere_airs_defaults_hold() {
    let go = Project::Go(PathBuf::from("/p"));
    let other = Project::Other(PathBuf::from("/p"));
    for (project, bin, settings, expected) in [
        (&go, Some("api"), "", "sh: go build -o /p/tmp/main ./cmd/api | /p/tmp/main"),
        (&go, Some("my worker"), "", "sh: go build -o /p/tmp/main './cmd/my worker' | /p/tmp/main"),
        (&go, Some("api"), "build.bin = 'server'", "sh: go build -o /p/tmp/main ./cmd/api | /p/tmp/main"),
        (&go, None, "build.cmd = 'make'\nbuild.full_bin = './x'", "sh: make | /p/x"),
        (&other, None, "build.full_bin = 'python3 app.py'", "nothing | sh: python3 app.py"),
        (&other, None, "build.cmd = 'make'", "sh: make | /p/tmp/main"),
    ] {
        assert_eq!(said(&made(project, bin, settings).unwrap()), expected, "{settings}");
    }
}

#[test]
fn an_unclear_program_is_asked_for_and_an_impossible_one_is_refused() {
    let other = Project::Other(PathBuf::from("/p"));
    let go = Project::Go(PathBuf::from("/p"));
    for (project, bin, settings, status, expected) in [
        (workspace(&["a", "b"]), None, "", 2, "which program? `--bin NAME`: `a` or `b`"),
        (workspace(&["a"]), Some("c"), "", 2, "no program is called `c`; there is `a` or `tidy`"),
        (workspace(&[]), None, "", 2, "which program? `--bin NAME`: `tidy`"),
        (workspace(&["a"]), None, "build.cmd = 'cargo build -p c'", 2, "no program is called `c`"),
        (go.clone(), None, "", 2, "which program? `--bin NAME`: `api` or `my worker`"),
        (go, Some("x"), "", 2, "no program is called `x`; there is `api` or `my worker`"),
        (other.clone(), Some("a"), "", 2, "`--bin` chooses among the programs of a Cargo project"),
        (other, None, "", 1, "nothing to run in `/p`"),
    ] {
        let refusal = made(&project, bin, settings).unwrap_err();
        assert_eq!(refusal.status, status, "{refusal}");
        assert!(refusal.words.starts_with(expected), "{refusal}");
    }
}
