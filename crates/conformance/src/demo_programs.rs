//! The programs of the demos, for the tests of the tools that start all four.

use std::{
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};

const DEMOS: [&str; 4] = ["demo-axum", "demo-actix-web", "demo-warp", "demo-poem"];

/// The folder of `program`, a program of this workspace, with the programs of all demos. Builds those if one is missing, which a
/// run of all tests never needs.
///
/// # Panics
/// When they cannot be built.
pub fn folder_of_demos(program: &str) -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let folder = Path::new(program).parent().expect("a program is in a folder");
        if !DEMOS.iter().all(|demo| folder.join(demo).exists()) {
            build(folder);
        }
        folder.to_owned()
    })
}

fn build(folder: &Path) {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.arg("build").arg("--target-dir");
    cargo.arg(folder.parent().expect("a profile's folder is in the target folder"));
    if !cfg!(debug_assertions) {
        cargo.arg("--release");
    }
    for demo in DEMOS {
        cargo.args(["-p", demo]);
    }
    assert!(cargo.status().expect("cargo runs").success(), "the demos can be built");
}
