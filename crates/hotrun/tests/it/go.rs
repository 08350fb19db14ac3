//! Go modules: which main package is built and run.

use crate::project::Project;

/// A server with a hard-coded address that answers with its name and the version of the shared package.
const SERVER: &str = r#"package main

import (
	"bufio"
	"fmt"
	"net"

	"example.com/shop/internal/words"
)

func main() {
	listener, err := net.Listen("tcp", "127.0.0.1:PORT")
	if err != nil {
		panic(err)
	}
	for {
		connection, err := listener.Accept()
		if err != nil {
			panic(err)
		}
		go answer(connection)
	}
}

func answer(connection net.Conn) {
	defer connection.Close()
	lines := bufio.NewScanner(connection)
	for lines.Scan() && lines.Text() != "" {
	}
	text := "NAME " + words.Version
	fmt.Fprintf(connection, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s", len(text), text)
}
"#;

/// A module with two main packages, a package of both, and a generator that is no main package.
pub(crate) fn module() -> Project {
    Project::new()
        .file("go.mod", "module example.com/shop\n\ngo 1.20\n")
        .file("internal/words/words.go", "package words\n\nconst Version = \"version 1\"\n")
        .file("internal/words/generate.go", "//go:build ignore\n\npackage main\n\nfunc main() {}\n")
        .file("cmd/api/main.go", &SERVER.replace("NAME", "api"))
        .file("cmd/worker/main.go", &SERVER.replace("NAME", "worker"))
}

fn is_there() -> bool {
    conformance::installed(&["go"])
}

#[test]
fn the_package_of_the_folder_is_run() {
    if !is_there() {
        return;
    }
    let hotrun = module().started_in("cmd/api").hotrun();
    hotrun.wait_for_answer("api version 1");
    hotrun.project().edit("internal/words/words.go", "version 1", "version 2");
    hotrun.wait_for_answer("api version 2");
}

/// Each row: the folder, arguments, and the package that is built.
#[test]
fn a_package_is_chosen_by_the_folder_by_its_name_or_by_being_the_only_one() {
    if !is_there() {
        return;
    }
    for (folder, args, expected) in [
        ("cmd/api", &[][..], "./cmd/api`"),
        ("cmd/worker", &[], "./cmd/worker`"),
        ("internal", &["--bin", "worker"], "./cmd/worker`"),
        ("cmd/api", &["--bin", "./cmd/worker"], "./cmd/worker`"),
    ] {
        let (said, status) = module().started_in(folder).args(args).args(&["check"]).ends();
        assert!(said.contains(expected) && said.contains("build     `go build -o "), "{folder}: {said}");
        assert_eq!(status, Some(0), "{folder}");
    }
    let only = || Project::new().file("go.mod", "module example.com/shop\n").file("x/y/z.go", "package y\n");
    let (said, _) = only().file("tools/serve/main.go", "package main\n").args(&["check"]).ends();
    assert!(said.contains("./tools/serve`"), "{said}");
    let (said, status) = only().args(&["check"]).ends();
    assert!(said.contains("nothing to run: no package of `") && said.contains("is a main package"), "{said}");
    assert_eq!(status, Some(1));
}

#[test]
fn several_packages_without_a_terminal_are_an_error_that_lists_them() {
    if !is_there() {
        return;
    }
    let (said, status) = module().ends();
    assert!(said.contains("which program? `--bin NAME`: `api` or `worker`"), "{said}");
    assert_eq!(status, Some(2));
    let (said, status) = module().args(&["--bin", "shop"]).ends();
    assert!(said.contains("no program is called `shop`; there is `api` or `worker`"), "{said}");
    assert_eq!(status, Some(2));
    let twins = module().file("tools/api/main.go", "package main\n");
    let (said, _) = twins.args(&["--bin", "api"]).ends();
    assert!(said.contains("which program? `--bin NAME`: `./cmd/api` or `./tools/api`"), "{said}");
}

/// The settings of the module do not change the choice, unless they say what is built.
#[test]
fn settings_without_a_build_leave_the_choice_to_the_folder() {
    if !is_there() {
        return;
    }
    let said = |settings: &str| {
        let project = module().file(".git/HEAD", "ref: refs/heads/main\n").file(".hotrun.toml", settings);
        project.started_in("cmd/worker").args(&["check"]).ends().0
    };
    let found = said("[build]\nenv = { A = \"b\" }\n");
    assert!(found.contains("./cmd/worker`"), "{found}");
    let found = said("[build]\ncmd = \"go build -o tmp/main ./cmd/api\"\n");
    assert!(found.contains("build     `go build -o tmp/main ./cmd/api`"), "{found}");
}

/// A workspace has no module of its own in its folder.
#[test]
fn the_modules_of_a_workspace_are_found() {
    if !is_there() {
        return;
    }
    let project = || {
        Project::new()
            .file("go.work", "go 1.20\n\nuse (\n\t./api\n\t./tools\n)\n")
            .file("api/go.mod", "module example.com/api\n\ngo 1.20\n")
            .file("api/main.go", "package main\n")
            .file("tools/go.mod", "module example.com/tools\n\ngo 1.20\n")
            .file("tools/tools.go", "package tools\n")
    };
    let (said, _) = project().args(&["check"]).ends();
    assert!(said.contains(" ./api`"), "{said}");
    let (said, _) = project().started_in("api").args(&["check"]).ends();
    assert!(said.contains(" .`"), "{said}");
}
