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
        .file(".air.toml", "[build]\nargs_bin = [\"-x\"]\nstop_on_root = true\n")
        .file("deep/x", "");
    let said = check(&project, &["check"]);
    assert!(said.contains("settings  `.air.toml`") && said.contains("`-x`"), "{said}");
    assert!(said.contains("`build.stop_on_root` is ignored"), "{said}");
    let output = project.command().arg("check").current_dir(project.path("deep")).output().expect("hotrun");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(said.contains("settings  `.air.toml`"), "from a folder below: {said}");
    project.save(".hotrun.toml", "[build]\nargs = [\"-y\"]\n");
    let said = check(&project, &["check"]);
    assert!(said.contains("settings  `.hotrun.toml`") && said.contains("`-y`"), "{said}");
    assert!(!said.contains("`-x`"), "{said}");
}

#[test]
fn the_root_of_a_file_in_the_config_folder_is_the_project() {
    let project = Project::server().file(".config/air.toml", "[build]\nargs_bin = [\"-x\"]\n");
    let said = check(&project, &["check"]);
    assert!(said.contains("settings  `.config/air.toml`") && said.contains("`-x`"), "{said}");
    let root = project.folder().canonicalize().expect("a folder");
    assert!(said.contains(&format!("root      `{}`", root.display())), "{said}");
}

#[test]
fn a_program_of_full_bin_that_does_not_exist_is_refused() {
    let project = Project::new().file(".hotrun.toml", "[build]\nfull_bin = \"A=b ./no/such -x\"\n");
    let said = check(&project, &["check"]);
    assert!(
        said.contains("the program is `") && said.contains("`build.cmd` may say what builds it"),
        "{said}"
    );
}

#[test]
fn a_temporary_folder_may_lie_beside_the_root() {
    let settings =
        "root = \"app\"\ntmp_dir = \"../tmp\"\n[build]\ncmd = \"touch ../tmp/x\"\nfull_bin = \"ls ../tmp\"\n";
    let hotrun = Project::new().file("app/main.go", "").file(".hotrun.toml", settings).hotrun();
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

/// Every line that `air init` writes (1.67), and an `entrypoint` with arguments.
const INIT: &str = r#"
#:schema https://json.schemastore.org/any.json
root = "."
testdata_dir = "testdata"
tmp_dir = "tmp"
[build]
args_bin = []
bin = "./tmp/main"
cmd = "rustc -o ./tmp/main src/main.rs"
delay = 1000
entrypoint = ["./tmp/main", "serve"]
exclude_dir = ["assets", "tmp", "vendor", "testdata"]
exclude_file = []
exclude_regex = ["_test.go"]
exclude_unchanged = false
follow_symlink = false
full_bin = ""
include_dir = []
include_ext = ["rs"]
include_file = []
kill_delay = "0s"
log = "build-errors.log"
poll = false
poll_interval = 0
post_cmd = ["cp tmp/pre post.txt"]
pre_cmd = ["mkdir -p tmp", "echo before > tmp/pre"]
rerun = false
rerun_delay = 500
send_interrupt = false
stop_on_error = true
[build.windows]
cmd = "go build -o ./tmp/main.exe ."
[color]
app = ""
build = "yellow"
main = "magenta"
runner = "green"
watcher = "cyan"
[log]
main_only = false
silent = false
time = false
[misc]
clean_on_exit = false
[proxy]
app_port = 0
enabled = false
proxy_port = 0
[screen]
clear_on_rebuild = false
keep_scroll = true
"#;

#[test]
fn the_file_that_air_init_writes_loses_none_of_the_promises() {
    let mut hotrun = server().file(".air.toml", INIT).hotrun();
    hotrun.wait_for_answer("version 1, 1 arguments");
    hotrun.project().edit("src/main.rs", "fn main() {", "fn main() { nonsense");
    hotrun.wait_for("the build failed");
    hotrun.wait_for_answer("version 1, 1 arguments");
    hotrun.project().edit("src/main.rs", "fn main() { nonsense", "fn main() {");
    hotrun.save_version(2);
    hotrun.wait_for_answer("version 2, 1 arguments");
    let words = "`delay = 1000`, `kill_delay = 0`, `stop_on_error = true`, `exclude_unchanged = false` in air's file have no effect";
    assert_eq!(hotrun.count(words), 1, "{}", hotrun.said());
    assert_eq!(hotrun.count("ignored"), 0, "{}", hotrun.said());
    hotrun.signal(rustix::process::Signal::INT);
    assert_eq!(hotrun.wait().code(), Some(0));
    let left = fs::read_to_string(hotrun.project().path("post.txt")).expect("post_cmd has run after pre_cmd");
    assert_eq!(left, "before\n");
}

/// The control: the same lines in a file of hotrun's.
#[test]
fn the_same_lines_in_a_file_of_hotruns_are_followed() {
    let project = server().file(".hotrun.toml", INIT);
    let said = check(&project, &["check"]);
    assert!(said.contains("`SIGKILL` after 0 ms") && !said.contains("no effect"), "{said}");
    let project = server().file(".air.toml", INIT);
    let said = check(&project, &["check"]);
    assert!(said.contains("`SIGKILL` after 10.0 s"), "{said}");
}

#[test]
fn a_failed_pre_cmd_is_a_failed_build() {
    let settings = INIT.replace("echo before > tmp/pre", "false");
    let hotrun = server().file(".air.toml", &settings).hotrun();
    hotrun.wait_for("the build failed");
    assert!(!hotrun.project().path("tmp/main").exists());
}

#[test]
fn a_build_that_runs_the_program_is_reported() {
    let project =
        Project::new().file("go.mod", "module x\n").file(".air.toml", "[build]\ncmd = \"go run main.go\"\n");
    let said = check(&project, &["check"]);
    assert!(said.contains("`go run` runs the program and does not end"), "{said}");
}
