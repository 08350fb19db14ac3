//! Files as they are found in public repositories, each with a line that `hotrun check` prints about it.

use std::fs;
use std::path::Path;

use crate::project::Project;

/// The first line of each file is a comment with what is printed. `<file>` stands for the file's path, `$` for the end of a line.
#[test]
fn every_file_is_understood() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/air_files");
    let mut read = 0;
    let mut misread = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder").flatten() {
        let text = fs::read_to_string(entry.path()).expect("a file");
        let expected = text.lines().next().and_then(|line| line.strip_prefix("# ")).expect("a comment");
        let project = Project::new().file("go.mod", "module x\n").file("main.go", "package main\n");
        let project = project.file("Makefile", "");
        project.save(".air.toml", &text);
        let path = project.folder().canonicalize().expect("a folder").join(".air.toml");
        let mut expected = expected.replace("<file>", &path.display().to_string());
        if expected.ends_with('$') {
            expected.pop();
            expected.push('\n');
        }
        let (said, status) = project.args(&["check"]).ends();
        let is_silent = expected.starts_with("warning")
            || expected.contains("unknown key")
            || expected.contains("does not end");
        let is_good =
            said.contains(&expected) && status == Some(0) && (is_silent || !said.contains("warning"));
        if !is_good {
            misread.push(format!("{}: expected `{expected}` in\n{said}", entry.file_name().display()));
        }
        read += 1;
    }
    assert!(misread.is_empty(), "{}", misread.join("\n"));
    assert!(read >= 60, "{read} files");
}
