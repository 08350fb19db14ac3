//! Files that were written for air.

use std::fs;

use crate::project::Project;

/// The file that articles about Go print, with a compiler that is here.
const ARTICLE: &str = r#"
root = "."
tmp_dir = "tmp"

[build]
cmd = "rustc -o tmp/main src/main.rs"
bin = "tmp/main"
full_bin = ""
args = [""]
env = []
include_ext = ["go", "rs", "tpl", "tmpl", "html"]
exclude_dir = ["assets", "tmp", "vendor"]
stop_on_error = true
log = "build-errors.log"
delay = 500
rerun_cmd = true
rerun_delay = 500

[log]
time = true

[color]
main = "magenta"
watcher = "cyan"
build = "yellow"
runner = "green"

[misc]
clean_on_exit = true
"#;

/// A server without Cargo that answers with its version and its number of arguments.
fn server() -> Project {
    let server = fs::read_to_string(Project::server().path("src/main.rs")).expect("a server");
    let port = server.split("127.0.0.1:").nth(1).and_then(|rest| rest.split('"').next()).expect("a port");
    let counted = "let word = format!(\"{WORD}, {} arguments\", std::env::args().count() - 1);";
    let server = server
        .replace(port, "PORT")
        .replace("// answering", counted)
        .replace("{WORD}\", WORD.len());", "{word}\", word.len());");
    Project::new().file("src/main.rs", &server)
}

fn check(project: &Project, arguments: &[&str]) -> String {
    let output = project.command().args(arguments).output().expect("hotrun");
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

#[test]
fn the_file_that_articles_print_runs_as_it_is() {
    let hotrun = server().file(".air.toml", ARTICLE).hotrun();
    hotrun.wait_for_answer("version 1, 0 arguments");
    assert_eq!(hotrun.count("`.air.toml`"), 1, "{}", hotrun.said());
    assert_eq!(hotrun.count("is ignored"), 0, "{}", hotrun.said());
    hotrun.save_version(2);
    hotrun.wait_for_answer("version 2, 0 arguments");
}

#[test]
fn airs_file_is_read_by_itself_unless_there_is_one_of_ours() {
    let project = Project::server()
        .file(".git/HEAD", "ref: refs/heads/main\n")
        .file(".air.toml", "[build]\nargs_bin = [\"-x\"]\npre_cmd = [\"true\"]\n")
        .file("deep/x", "");
    let said = check(&project, &["check"]);
    assert!(said.contains("settings  `.air.toml`") && said.contains("`-x`"), "{said}");
    assert!(said.contains("`build.pre_cmd` is ignored"), "{said}");
    let output = project.command().arg("check").current_dir(project.path("deep")).output().expect("hotrun");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(said.contains("settings  `.air.toml`"), "from a folder below: {said}");
    project.save(".hotrun.toml", "[build]\nargs = [\"-y\"]\n");
    let said = check(&project, &["check"]);
    assert!(said.contains("settings  `.hotrun.toml`") && said.contains("`-y`"), "{said}");
    assert!(!said.contains("`-x`"), "{said}");
}

#[test]
fn a_temporary_folder_may_lie_beside_the_root() {
    let settings =
        "root = \"app\"\ntmp_dir = \"../tmp\"\n[build]\ncmd = \"touch ../tmp/x\"\nfull_bin = \"ls ../tmp\"\n";
    let hotrun = Project::new().file("app/main.go", "").file(".air.toml", settings).hotrun();
    hotrun.wait_for("build-errors.log\nx\n");
}

#[test]
fn a_file_is_named_before_or_after_the_verb() {
    let project = Project::server().file("my.toml", "[build]\nargs = [\"-x\"]\n");
    for arguments in [&["check", "-c", "my.toml"], &["-c", "my.toml", "check"]] {
        let said = check(&project, arguments);
        assert!(said.contains("settings  `my.toml`") && said.contains("`-x`"), "{arguments:?}: {said}");
    }
}
