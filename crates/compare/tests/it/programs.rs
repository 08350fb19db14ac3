//! The programs under test.

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::OnceLock,
};

const DEMOS: [&str; 4] = ["demo-axum", "demo-actix-web", "demo-warp", "demo-poem"];

/// `compare`.
pub(crate) fn compare() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_compare"));
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// The folder that has the demos' programs; they are built where a run of all tests has not done so.
pub(crate) fn demos() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let folder = Path::new(env!("CARGO_BIN_EXE_compare")).parent().expect("a program is in a folder");
        if !DEMOS.iter().all(|demo| folder.join(demo).exists()) {
            build(folder);
        }
        folder.to_owned()
    })
}

fn build(folder: &Path) {
    let mut cargo = Command::new(env!("CARGO"));
    cargo
        .arg("build")
        .arg("--target-dir")
        .arg(folder.parent().expect("a profile's folder is in the target folder"));
    if !cfg!(debug_assertions) {
        cargo.arg("--release");
    }
    for demo in DEMOS {
        cargo.args(["-p", demo]);
    }
    assert!(cargo.status().expect("cargo runs").success(), "the demos can be built");
}
