//! Files that are sources, and files that are not.

#![allow(clippy::print_stderr, reason = "what is skipped")]

use std::fs;
use std::path::Path;
use std::process::Command;

use rustix::process::Signal;

use crate::project::{Hotrun, Project, get};

/// Number of builds that have begun.
fn builds(hotrun: &Hotrun) -> usize {
    hotrun.count("builds: ")
}

/// Does something that must cause no build, then changes a source, and counts the builds up to that one.
#[track_caller]
fn assert_causes_no_build(hotrun: &Hotrun, what: impl FnOnce(&Project)) {
    let before = builds(hotrun);
    what(hotrun.project());
    hotrun.becomes(1000 + before);
    assert_eq!(builds(hotrun), before + 1, "{}", hotrun.said());
}

/// Number of folders that hotrun watches.
fn watches(hotrun: &Hotrun) -> usize {
    let descriptors = fs::read_dir(format!("/proc/{}/fdinfo", hotrun.pid())).expect("it lives");
    let infos = descriptors.flatten().filter_map(|entry| fs::read_to_string(entry.path()).ok());
    infos.map(|info| info.matches("inotify wd:").count()).sum()
}

#[test]
fn the_same_content_causes_no_build() {
    let hotrun = Project::server().hotrun();
    hotrun.wait_for_answer("version 1");
    assert_causes_no_build(&hotrun, |project| {
        let path = project.path("src/main.rs");
        let text = fs::read(&path).expect("a server");
        fs::write(&path, &text).expect("saved again");
        fs::write(project.path("beside"), &text).expect("saved beside");
        fs::rename(project.path("beside"), &path).expect("and moved over");
    });
}

/// A name, and a function that saves a text in a file.
type Way<'a> = (&'a str, &'a dyn Fn(&Path, &str));

#[test]
fn every_way_of_saving_is_a_change() {
    let hotrun = Project::server().hotrun();
    hotrun.wait_for_answer("version 1");
    let path = hotrun.project().path("src/main.rs");
    let text = |version: usize| {
        let text = fs::read_to_string(&path).or_else(|_| fs::read_to_string(path.with_extension("rs~")));
        let text = text.expect("a server");
        let (head, rest) = text.split_once("\"version ").expect("a version");
        let (_, tail) = rest.split_once('"').expect("a version");
        format!("{head}\"version {version}\"{tail}")
    };
    let ways: [Way<'_>; 4] = [
        ("in place", &|path, text| fs::write(path, text).expect("saved")),
        ("by rename", &|path, text| {
            fs::write(path.with_extension("new"), text).expect("saved");
            fs::rename(path.with_extension("new"), path).expect("moved");
        }),
        ("with a backup", &|path, text| {
            fs::rename(path, path.with_extension("rs~")).expect("moved");
            fs::write(path, text).expect("saved");
        }),
        ("deleted and made anew", &|path, text| {
            fs::remove_file(path).expect("deleted");
            fs::write(path, text).expect("saved");
        }),
    ];
    for (version, (way, save)) in (2..).zip(ways) {
        save(&path, &text(version));
        hotrun.wait_until(way, || {
            get(hotrun.project().address()).is_ok_and(|text| text.ends_with(&format!("version {version}")))
        });
    }
}

#[test]
fn every_file_that_the_compiler_reads_is_a_source() {
    let elsewhere = tempfile::tempdir().expect("a folder");
    let outside = elsewhere.path().join("c.sql");
    fs::write(&outside, " c1").expect("a file");
    let hotrun = Project::server()
        .file("pages/a.html", " a1")
        .file(".hidden/b.txt", " b1")
        .file("ignored/d.txt", " d1")
        .file(".gitignore", "/ignored\n")
        .edited(
            "src/main.rs",
            "const WORD: &str = \"version 1\";",
            &format!(
                "const WORD: &str = concat!(\"version 1\", include_str!(\"../pages/a.html\"), \
                 include_str!(\"../.hidden/b.txt\"), include_str!({outside:?}), include_str!(\"../ignored/d.txt\"));",
            ),
        )
        .hotrun();
    hotrun.wait_for_answer("version 1 a1 b1 c1 d1");
    hotrun.project().save("pages/a.html", " a2");
    hotrun.wait_for_answer("version 1 a2 b1 c1 d1");
    hotrun.project().save(".hidden/b.txt", " b2");
    hotrun.wait_for_answer("version 1 a2 b2 c1 d1");
    fs::write(&outside, " c2").expect("a file");
    hotrun.wait_for_answer("version 1 a2 b2 c2 d1");
    hotrun.project().save("ignored/d.txt", " d2");
    hotrun.wait_for_answer("version 1 a2 b2 c2 d2");
}

#[test]
fn a_file_that_the_compiler_does_not_read_is_no_source() {
    let hotrun = Project::server().file("examples/x.rs", "fn main() {}\n").file("notes.txt", "").hotrun();
    hotrun.wait_for_answer("version 1");
    assert_causes_no_build(&hotrun, |project| {
        project.save("notes.txt", "something");
        project.save("target/x.rs", "something");
        project.save(".git/x.rs", "something");
        project.save("node_modules/x/x.rs", "something");
    });
    // The inputs are known a moment after the end of the build. Until then the file counts.
    for version in 2_u16.. {
        let before = builds(&hotrun);
        hotrun.project().save("examples/x.rs", &format!("fn main() {{ {version}; }}"));
        hotrun.becomes(version.into());
        if builds(&hotrun) == before + 1 {
            break;
        }
        assert!(version < 10, "{}", hotrun.said());
    }
}

#[test]
fn a_path_dependency_outside_the_root_is_a_source() {
    let greeting = |text: &str| format!("pub fn greeting() -> &'static str {{\n    \"{text}\"\n}}\n");
    let manifest = "[package]\nname = \"site\"\nversion = \"0.1.0\"\nedition = \"2024\"\n[dependencies]\nwords = { path = \"../words\" }\n[workspace]\n";
    let server = fs::read_to_string(Project::server().path("src/main.rs")).expect("a server");
    let old =
        server.split("127.0.0.1:").nth(1).and_then(|rest| rest.split('"').next()).expect("a port").to_owned();
    let server = server
        .replace(&old, "PORT")
        .replace("// answering", "let word = format!(\"{WORD} {}\", words::greeting());")
        .replace("{WORD}\", WORD.len());", "{word}\", word.len());");
    let hotrun = Project::new()
        .file("site/Cargo.toml", manifest)
        .file("site/src/main.rs", &server)
        .file("words/Cargo.toml", "[package]\nname = \"words\"\nversion = \"0.1.0\"\nedition = \"2024\"\n")
        .file("words/src/lib.rs", &greeting("hello"))
        .file(".hotrun.toml", "root = \"site\"\n")
        .hotrun();
    hotrun.wait_for_answer("version 1 hello");
    hotrun.project().save("words/src/lib.rs", &greeting("goodbye"));
    hotrun.wait_for_answer("version 1 goodbye");
}

#[test]
fn a_new_file_that_a_build_script_reads_is_a_source() {
    let script = |rerun: &str| {
        format!(
            "fn main() {{ {rerun} let mut names: Vec<_> = std::fs::read_dir(\"migrations\").unwrap()\
             .map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect(); names.sort(); \
             println!(\"cargo::rustc-env=MIGRATIONS={{}}\", names.join(\"+\")); }}"
        )
    };
    for rerun in ["println!(\"cargo::rerun-if-changed=migrations\");", ""] {
        let hotrun = Project::server()
            .edited(
                "src/main.rs",
                "const WORD: &str = \"version 1\";",
                "const WORD: &str = concat!(\"version 1\", \" \", env!(\"MIGRATIONS\"));",
            )
            .file("build.rs", &script(rerun))
            .file("migrations/1.sql", "")
            .hotrun();
        hotrun.wait_for_answer("version 1 1.sql");
        hotrun.project().save("migrations/2.sql", "");
        hotrun.wait_for_answer("version 1 1.sql+2.sql");
    }
}

#[test]
fn a_missing_module_starts_a_build_when_it_is_made() {
    let hotrun = Project::server().hotrun();
    hotrun.wait_for_answer("version 1");
    hotrun.project().edit("src/main.rs", "const WORD: &str = \"version 1\";", "mod words;\nuse words::WORD;");
    hotrun.wait_for("the build failed");
    // A new folder with the file already in it.
    hotrun.project().save("beside/mod.rs", "pub const WORD: &str = \"version 2\";\n");
    fs::rename(hotrun.project().path("beside"), hotrun.project().path("src/words")).expect("moved");
    hotrun.wait_for_answer("version 2");
}

#[test]
fn excluded_files_are_no_sources() {
    let hotrun = Project::server()
        .file("config.yaml", "a: 1\n")
        .file("templates/index.html", "")
        .file(
            ".hotrun.toml",
            "[build]\ninclude_ext = [\"rs\", \"yaml\", \"html\"]\nexclude_file = [\"config.yaml\"]\n\
             exclude_dir = [\"templates\"]\nexclude_regex = ['_skipped\\.rs$']\n",
        )
        .hotrun();
    hotrun.wait_for_answer("version 1");
    assert_causes_no_build(&hotrun, |project| {
        project.save("config.yaml", "a: 2\n");
        project.save("templates/index.html", "new");
        project.save("src/x_skipped.rs", "new");
    });
    // The control: the same ending, not excluded.
    let before = builds(&hotrun);
    hotrun.project().save("other.yaml", "a: 1\n");
    hotrun.wait_until("build", || builds(&hotrun) > before);
}

#[test]
fn ignored_folders_are_not_watched() {
    let mut project = Project::server().file(".gitignore", "/generated\n");
    for number in 0..200 {
        for folder in ["node_modules", "target/debug/build", "generated", ".cache"] {
            project = project.file(&format!("{folder}/{number}/x.rs"), "");
        }
    }
    let hotrun = project.file("more/deep/x.rs", "").hotrun();
    hotrun.wait_for_answer("version 1");
    let few = watches(&hotrun);
    // The project's folder, `src`, `more`, `more/deep`, and the folders above the project.
    assert!((4..30).contains(&few), "{few} watches");
    for number in 0..200 {
        hotrun.project().save(&format!("more/{number}/x.rs"), "");
    }
    hotrun.wait_until("watches, which can be counted", || watches(&hotrun) >= few + 200);
}

/// hotrun is stopped while the files are written. So it sees them as quickly as in a checkout, however loaded the machine is.
#[test]
fn a_checkout_of_500_files_causes_few_builds() {
    let hotrun = Project::server().hotrun();
    hotrun.wait_for_answer("version 1");
    let before = builds(&hotrun);
    hotrun.signal(Signal::STOP);
    for number in 0..500 {
        hotrun.project().save(&format!("src/api/part_{number}.rs"), "pub fn nothing() {}\n");
    }
    hotrun.signal(Signal::CONT);
    hotrun.becomes(2);
    let begun = builds(&hotrun) - before;
    assert!(begun <= 25, "{begun} builds for 500 files: {}", hotrun.said());
}

#[test]
fn a_tree_of_100_000_files_is_watched() {
    if !conformance::long_tier() {
        return;
    }
    let project = Project::server();
    for folder in 0..500 {
        let folder = project.path(&format!("data/{folder}"));
        fs::create_dir_all(&folder).expect("a folder");
        for file in 0..200 {
            fs::write(folder.join(format!("{file}.txt")), "").expect("a file");
        }
    }
    let hotrun = project.hotrun();
    hotrun.wait_for_answer("version 1");
    hotrun.wait_until("watches of every folder", || watches(&hotrun) >= 500);
    hotrun.becomes(2);
    assert_causes_no_build(&hotrun, |project| project.save("data/499/199.txt", "something"));
}

/// A project that this script builds, with a tree of folders. The walk through the tree takes longer than the script.
fn beside_a_tree(build: &str) -> Project {
    let settings = "[build]\ncmd = \". ./build.sh\"\nfull_bin = \"cat built; exec sleep 600\"\ninclude_ext = [\"txt\"]\n";
    let project = Project::new().file(".hotrun.toml", settings).file("build.sh", build);
    for folder in 0..FOLDERS {
        fs::create_dir_all(project.path(&format!("data/{folder}"))).expect("a folder");
    }
    project.file("src/word.txt", "first\n")
}

const FOLDERS: usize = 2000;

#[test]
fn the_first_build_does_not_wait_until_everything_is_watched() {
    let hotrun = beside_a_tree("cat /proc/$PPID/fdinfo/* | grep -c '^inotify wd' > built; true").hotrun();
    let began = hotrun.project().path("built");
    let watched = || fs::read_to_string(&began).ok()?.trim().parse::<usize>().ok();
    hotrun.wait_until("number of watches", || watched().is_some());
    assert!(watched() < Some(FOLDERS), "{watched:?} of {FOLDERS} folders", watched = watched());
    hotrun.wait_until("watches of every folder", || watches(&hotrun) >= FOLDERS);
    assert_eq!(builds(&hotrun), 1, "{}", hotrun.said());
}

#[test]
fn an_edit_that_is_made_before_everything_is_watched_is_built() {
    for edit in ["echo second > src/word.txt", "echo second > x; touch -d 2001-01-01 x; mv x src/word.txt"] {
        let build = format!("cat src/word.txt > built; [ -f once ] || {{ touch once; {edit}; }}");
        let hotrun = beside_a_tree(&build).hotrun();
        hotrun.wait_for("second");
        assert_eq!(builds(&hotrun), 2, "{}", hotrun.said());
    }
}

#[test]
fn exhausted_watches_are_reported_once_and_lose_no_change() {
    let limited =
        ["unshare", "-Ur", "sh", "-euc", "echo 2 > /proc/sys/user/max_inotify_watches; exec \"$0\""];
    let trial = Command::new(limited[0]).args(&limited[1..]).arg("true").output();
    if !trial.is_ok_and(|output| output.status.success()) {
        conformance::skipped("there are no user namespaces (`unshare -Ur`)");
        return;
    }
    let mut project = Project::server();
    for number in 0..10 {
        project = project.file(&format!("more/{number}/x.txt"), "");
    }
    let hotrun = project.started_by(&limited).hotrun();
    hotrun.wait_for_answer("version 1");
    hotrun.wait_for("not every folder is watched");
    hotrun.becomes(2);
    hotrun.becomes(3);
    assert_eq!(hotrun.count("not every folder is watched"), 1, "{}", hotrun.said());
    assert!(watches(&hotrun) <= 2, "{}", watches(&hotrun));
}
