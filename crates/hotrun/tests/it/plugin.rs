//! A plugin of a running server: a rule builds it, and the server takes it in by itself.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::project::{Project, ask};

/// Like the one of `.hotrun.toml` in the root of this repository: the file is replaced by a rename, so that no server finds half of it.
const RULE: &str = "cargo build --quiet --offline --manifest-path plugin/Cargo.toml --target-dir target && \
    cp target/debug/libgreeter.so greeter.so~ && mv greeter.so~ greeter.so";

#[test]
fn an_edited_plugin_answers_the_next_request_and_the_server_stays() {
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap();
    let read = |name: &str| fs::read_to_string(repository.join(name)).unwrap();
    let manifest = format!(
        "[package]\nname = \"greeter\"\nversion = \"0.1.0\"\nedition = \"2024\"\n[lib]\ncrate-type = [\"cdylib\"]\n\
         [dependencies]\nplugins = {{ path = \"{}/crates/plugins\" }}\n[workspace]\n[profile.dev]\ndebug = false\n",
        repository.display()
    );
    let program = conformance::folder_of_demos(env!("CARGO_BIN_EXE_hotrun")).join("demo-axum");
    let settings = format!(
        "[build]\ncmd = \"\"\nfull_bin = \"{} --set port=PORT --templates {}/templates\"\ninclude_ext = [\"none\"]\n\
         [[build.rules]]\nname = \"greeter\"\ncmd = \"{RULE}\"\ninclude_file = [\"plugin/src/lib.rs\"]\n",
        program.display(),
        repository.display()
    );
    let project = Project::new()
        .file("plugin/Cargo.toml", &manifest)
        .file("plugin/Cargo.lock", &read("Cargo.lock"))
        .file("plugin/src/lib.rs", &read("crates/plugins/examples/greeter.rs"))
        .file("config.yaml", &(read("config.yaml") + "\nplugins:\n  greeter: greeter.so\n"))
        .file(".hotrun.toml", &settings);
    let built = Command::new("/bin/sh").args(["-c", RULE]).current_dir(project.folder()).status().unwrap();
    assert!(built.success());
    let hotrun = project.hotrun();
    let greet = || ask(hotrun.project().address(), "/greet?name=World").unwrap_or_default();
    hotrun.wait_until("greeting", || greet().ends_with("Hello, World!\n"));
    let instance = |answer: &str| {
        let line = answer.lines().find(|line| line.to_ascii_lowercase().starts_with("x-instance:"));
        line.expect("an instance").to_owned()
    };
    let before = instance(&greet());
    hotrun.project().edit("plugin/src/lib.rs", "Hello, ", "Good day, ");
    hotrun.wait_until("other greeting", || greet().ends_with("Good day, World!\n"));
    assert_eq!(instance(&greet()), before);
    assert_eq!(hotrun.count("is ready after"), 1, "{}", hotrun.said());

    // A plugin that cannot be built changes nothing.
    hotrun.project().edit("plugin/src/lib.rs", "fn greet", "fn nonsense greet");
    hotrun.wait_for("rule `greeter`: exit status: 101");
    assert!(greet().ends_with("Good day, World!\n"));
}
