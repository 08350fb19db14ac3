//! Programs of one Cargo workspace, which one build makes.

use std::net::SocketAddr;

use super::ask_body;
use crate::project::{Hotrun, Project};

const BUILDS: &str = "hotrun  builds: ";

const SERVER: &str = r#"
use std::io::{BufRead, BufReader, Write};

fn main() {
    let listener = std::net::TcpListener::bind("127.0.0.1:PORT").expect("a port");
    for stream in listener.incoming() {
        let mut stream = stream.expect("a connection");
        for line in BufReader::new(stream.try_clone().expect("a stream")).lines() {
            if line.is_ok_and(|line| line.is_empty()) {
                break;
            }
        }
        let text = format!("{} {} {}", "own 1", shared::WORD, std::process::id());
        let head = format!("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {}\r\n\r\n", text.len());
        let _ = stream.write_all((head + &text).as_bytes());
    }
}
"#;

struct Workspace {
    hotrun: Hotrun,
    api: SocketAddr,
    worker: SocketAddr,
}

impl Workspace {
    /// Two programs and a library that both use.
    fn start(settings: &str) -> Workspace {
        let project = Project::new();
        let manifest = "[workspace]\nmembers = [\"api\", \"worker\", \"shared\"]\nresolver = \"3\"\n[profile.dev]\ndebug = false\n";
        project.save("Cargo.toml", manifest);
        project.save(
            "shared/Cargo.toml",
            "[package]\nname = \"shared\"\nversion = \"0.1.0\"\nedition = \"2024\"\n",
        );
        project.save("shared/src/lib.rs", "pub const WORD: &str = \"shared 1\";\n");
        let script = "fn main() {\n    println!(\"cargo::rerun-if-changed=build.rs\");\n    // waits\n}\n";
        project.save("api/build.rs", script);
        let mut addresses = Vec::new();
        for name in ["api", "worker"] {
            let manifest = format!(
                "[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nedition = \"2024\"\n[dependencies]\nshared = {{ path = \"../shared\" }}\n"
            );
            project.save(&format!("{name}/Cargo.toml"), &manifest);
            let address = Project::new().address();
            project
                .save(&format!("{name}/src/main.rs"), &SERVER.replace("PORT", &address.port().to_string()));
            addresses.push(address);
        }
        project.save(".hotrun.toml", settings);
        let workspace = Workspace { hotrun: project.hotrun(), api: addresses[0], worker: addresses[1] };
        workspace.hotrun.wait_until("api", || workspace.api().starts_with("own 1 shared 1"));
        workspace.hotrun.wait_until("worker", || workspace.worker().starts_with("own 1 shared 1"));
        workspace
    }

    fn api(&self) -> String {
        ask_body(self.api, "/")
    }

    fn worker(&self) -> String {
        ask_body(self.worker, "/")
    }

    fn builds(&self) -> usize {
        self.hotrun.count(BUILDS)
    }
}

#[test]
fn one_build_makes_both_programs() {
    let workspace = Workspace::start("[run.api]\n[run.worker]\n");
    let hotrun = &workspace.hotrun;
    assert_eq!(workspace.builds(), 1, "{}", hotrun.said());
    assert!(
        hotrun.said().contains("builds: cargo build --keep-going -p api --bin api -p worker --bin worker\n"),
        "{}",
        hotrun.said()
    );
    // An edit that concerns both: one build, two successors.
    hotrun.project().edit_at_once("shared/src/lib.rs", "shared 1", "shared 2");
    hotrun.wait_until("api", || workspace.api().starts_with("own 1 shared 2"));
    hotrun.wait_until("worker", || workspace.worker().starts_with("own 1 shared 2"));
    assert_eq!(workspace.builds(), 2, "{}", hotrun.said());
    // An edit that concerns one: one build, one successor.
    hotrun.wait_for("hotrun  worker: server 1 leaves");
    let worker = workspace.worker();
    hotrun.project().edit("api/src/main.rs", "own 1", "own 2");
    hotrun.wait_until("api", || workspace.api().starts_with("own 2 shared 2"));
    assert_eq!((workspace.builds(), workspace.worker()), (3, worker.clone()), "{}", hotrun.said());
    // An edit that changes no program.
    hotrun.project().edit_at_once("shared/src/lib.rs", "pub const", "// A comment.\npub const");
    hotrun.wait_for("hotrun  api: the program is byte for byte the same: server 3 stays");
    hotrun.wait_for("hotrun  worker: the program is byte for byte the same: server 2 stays");
    assert_eq!((workspace.builds(), workspace.worker()), (4, worker), "{}", hotrun.said());
}

#[test]
fn a_program_that_does_not_compile_leaves_the_others() {
    let workspace = Workspace::start("[run.api]\n[run.worker]\n");
    let hotrun = &workspace.hotrun;
    let worker = workspace.worker();
    hotrun.project().edit("worker/src/main.rs", "fn main() {", "fn main() { nonsense");
    hotrun.wait_for("hotrun  worker: the build failed after ");
    hotrun.wait_for("; the server stays as it is");
    assert_eq!(workspace.worker(), worker, "{}", hotrun.said());
    // The other one is built beside it, and takes over.
    hotrun.project().edit("api/src/main.rs", "own 1", "own 2");
    hotrun.wait_until("api", || workspace.api().starts_with("own 2"));
    assert_eq!(workspace.worker(), worker, "{}", hotrun.said());
    assert_eq!(hotrun.count("api: the build failed"), 0, "{}", hotrun.said());
    hotrun.project().edit("worker/src/main.rs", "nonsense", "");
    hotrun.project().edit("worker/src/main.rs", "own 1", "own 3");
    hotrun.wait_until("worker", || workspace.worker().starts_with("own 3"));
}

/// An edit of one program during the other's build is built after it, or with it; neither is lost.
#[test]
fn edits_of_both_during_a_build_are_both_built() {
    let workspace = Workspace::start("[run.api]\n[run.worker]\n");
    let hotrun = &workspace.hotrun;
    // A build that takes until the file is there.
    hotrun.project().edit("api/build.rs", "// waits", "while !std::path::Path::new(\"../go\").exists() {}");
    hotrun.wait_for_count(BUILDS, 2);
    hotrun.project().edit("worker/src/main.rs", "own 1", "own 2");
    hotrun.wait_for("hotrun  worker: worker/src/main.rs changed");
    hotrun.project().edit("api/src/main.rs", "own 1", "own 3");
    hotrun.wait_for("hotrun  api: something changed meanwhile: the build begins anew");
    hotrun.project().save("go", "");
    hotrun.wait_until("api", || workspace.api().starts_with("own 3"));
    hotrun.wait_until("worker", || workspace.worker().starts_with("own 2"));
    assert_eq!(workspace.builds(), 3, "one for both: {}", hotrun.said());
}

#[test]
fn a_command_that_is_not_built_stays_while_cargo_builds() {
    let address = Project::new().address();
    let port = address.port();
    let workspace = Workspace::start(&format!(
        "[run.api]\n[run.worker]\ncmd = \"cargo build -p worker --bin worker\"\n\
         [run.web]\nfull_bin = \"python3 -m http.server --bind 127.0.0.1 {port}\"\n"
    ));
    let hotrun = &workspace.hotrun;
    hotrun.wait_for("hotrun  web: server 1 is ready");
    assert_eq!(workspace.builds(), 1, "{}", hotrun.said());
    hotrun.project().edit("shared/src/lib.rs", "shared 1", "shared 2");
    hotrun.wait_until("worker", || workspace.worker().starts_with("own 1 shared 2"));
    assert_eq!(hotrun.count("web: server 2"), 0, "{}", hotrun.said());
    hotrun.project().save("page.js", "let one = 1;\n");
    hotrun.wait_for("hotrun  web: server 2 is ready");
    assert_eq!(workspace.builds(), 2, "{}", hotrun.said());
}
