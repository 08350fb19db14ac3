//! The programs of the demos.

use std::{
    env,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use conformance::Failed;
use serde_json::Value;

use super::demo::DEMOS;
use crate::progress::progress;

/// The workspace's folder.
pub(crate) const WORKSPACE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

/// Builds the demos with cargo and returns the paths of their programs, in order.
pub(crate) fn build(release: bool) -> Result<Vec<PathBuf>, Failed> {
    progress("building the demos");
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(WORKSPACE).args(["build", "--message-format=json-render-diagnostics"]);
    if release {
        cargo.arg("--release");
    }
    for demo in &DEMOS {
        cargo.args(["-p", demo.program]);
    }
    let built =
        cargo.stderr(Stdio::inherit()).output().map_err(|e| format!("cargo cannot be started: {e}"))?;
    if !built.status.success() {
        return Err("the demos cannot be built: see the output of cargo above".into());
    }
    let messages = String::from_utf8_lossy(&built.stdout);
    DEMOS
        .iter()
        .map(|demo| {
            let built = messages.lines().find_map(|line| executable(line, demo.program));
            built.ok_or_else(|| format!("cargo built no program `{}`", demo.program).into())
        })
        .collect()
}

/// The paths of the demos' programs in this folder.
pub(crate) fn find(folder: &Path) -> Result<Vec<PathBuf>, Failed> {
    let there = |program| {
        let path = folder.join(program);
        if path.is_file() { Ok(path) } else { Err(format!("`{}` is not there", path.display()).into()) }
    };
    DEMOS.iter().map(|demo| there(demo.program)).collect()
}

/// The path of this program, if this message of cargo is about it.
fn executable(message: &str, program: &str) -> Option<PathBuf> {
    let message: Value = serde_json::from_str(message).ok()?;
    let target = &message["target"];
    let is_it =
        message["reason"] == "compiler-artifact" && target["name"] == program && target["kind"][0] == "bin";
    message["executable"].as_str().filter(|_| is_it).map(PathBuf::from)
}

#[cfg(test)]
mod tests {
    use super::executable;
    use std::path::PathBuf;

    #[test]
    fn a_program_is_found_in_what_cargo_says() {
        let said = |kind, name| {
            format!(
                r#"{{"reason":"compiler-artifact","target":{{"kind":["{kind}"],"name":"{name}"}},"executable":"/t/x"}}"#
            )
        };
        assert_eq!(executable(&said("bin", "demo-axum"), "demo-axum"), Some(PathBuf::from("/t/x")));
        for other in [said("test", "demo-axum"), said("bin", "demo-poem"), "Compiling".into(), "{}".into()] {
            assert_eq!(executable(&other, "demo-axum"), None, "{other}");
        }
    }
}
