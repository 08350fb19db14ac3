//! Projects that are neither Cargo's nor Go's, and those with several programs: what `init` writes for them runs.

use std::fs;
use std::net::SocketAddr;

use crate::project::{Project, ask};

const NODE: &str = r#"
const http = require("http");
const server = http.createServer((request, response) => response.end("version 1 " + (process.env.MODE || "plain")));
server.listen(PORT, "127.0.0.1");
process.on("SIGTERM", () => server.close());
"#;

const ASGI: &str = r#"
async def app(scope, receive, send):
    if scope["type"] != "http":
        return
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"version 1"})

if __name__ == "__main__":
    import uvicorn
    uvicorn.run("main:app", host="127.0.0.1", port=PORT, reload=True)
"#;

const WSGI: &str = r#"
import os

def application(environ, start_response):
    start_response("200 OK", [])
    return [f"version 1 below {os.getppid()}".encode()]
"#;

const FLASK: &str = r#"
from flask import Flask

app = Flask(__name__)

@app.get("/")
def index():
    return "version 1"

if __name__ == "__main__":
    app.run(port=PORT, debug=True)
"#;

const C: &str = r#"
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "words.h"

int main(void) {
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(PORT), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int on = 1;
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) || listen(listener, 64)) {
        perror("listen");
        return 1;
    }
    for (;;) {
        int connection = accept(listener, NULL, NULL);
        char request[4096];
        if (read(connection, request, sizeof request) > 0)
            dprintf(connection, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %zu\r\n\r\n%s", strlen(WORDS), WORDS);
        close(connection);
    }
}
"#;

const MAKEFILE: &str = "CC ?= cc\nTARGET := bin/server\n\nall: $(TARGET)\n\n$(TARGET): src/main.c src/words.h\n\t@mkdir -p bin\n\t\
                        $(CC) -o $@ src/main.c\n";

/// Runs `init`, which says these words and writes these lines, and then hotrun. Edits a file and waits for the new answer. Without the
/// file, the same program is run.
#[track_caller]
fn it_runs(project: Project, said: &str, lines: &[&str], source: &str) {
    let run = |arguments: &[&str]| {
        let output = project.command().args(arguments).output().expect("hotrun");
        (String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned(), output.status.code())
    };
    let topic =
        |said: &str, topic: &str| said.lines().find(|line| line.starts_with(topic)).map(str::to_owned);
    let (bare, status) = run(&["check"]);
    assert_eq!(status, Some(0), "{bare}");
    assert!(bare.contains("takes this folder for"), "{bare}");
    let (words, status) = run(&["init"]);
    assert!(words.contains(&said.replace("PORT", &project.port().to_string())), "{words}");
    assert_eq!(status, Some(0), "{words}");
    let text = fs::read_to_string(project.path(".hotrun.toml")).expect("settings");
    for line in lines {
        let line = line.replace("PORT", &project.port().to_string());
        assert!(text.lines().any(|written| written == line), "`{line}` in {text}");
    }
    let (checked, status) = run(&["check"]);
    assert!(!checked.contains("warning"), "{checked}");
    assert_eq!(status, Some(0), "{checked}");
    for part in ["run ", "build ", "sources "] {
        assert_eq!(topic(&bare, part), topic(&checked, part));
    }
    let hotrun = project.hotrun();
    hotrun.wait_for_answer("version 1");
    hotrun.project().edit(source, "version 1", "version 2");
    hotrun.wait_for_answer("version 2");
    assert_eq!(hotrun.count("takes this folder for"), 0, "{}", hotrun.said());
}

#[test]
fn a_node_project_runs_without_its_reloader() {
    if !conformance::installed(&["node"]) {
        return;
    }
    it_runs(
        Project::new()
            .file("package.json", r#"{ "scripts": { "dev": "MODE=dev nodemon server.js" } }"#)
            .file("server.js", NODE),
        "for a Node project: it runs `MODE=dev node server.js`",
        &[
            "full_bin = \"MODE=dev node server.js\"",
            "# The script `dev` without `nodemon`: hotrun restarts it.",
        ],
        "server.js",
    );
}

#[test]
fn a_script_of_npm_runs() {
    if !conformance::installed(&["npm", "node"]) {
        return;
    }
    it_runs(
        Project::new()
            .file("package.json", r#"{ "scripts": { "dev": "MODE=dev node server.js" } }"#)
            .file("server.js", NODE),
        "it runs `npm run dev`",
        &["full_bin = \"npm run dev\""],
        "server.js",
    );
}

/// A loader that takes `.ts` for JavaScript stands in for tsx, so the file has no types.
#[test]
fn a_typescript_project_runs_with_tsx() {
    const LOADER: &str = r#"
import { register } from "node:module";
const load = `export const load = (url, context, next) => next(url, url.endsWith(".ts") ? { ...context, format: "module" } : context)`;
register("data:text/javascript," + encodeURIComponent(load));
"#;
    if !conformance::installed(&["node"]) {
        return;
    }
    let scripts = r#"{ "scripts": { "dev": "tsx watch src/server.ts" }, "devDependencies": { "tsx": "4" } }"#;
    it_runs(
        Project::new()
            .file("package.json", scripts)
            .file(
                "node_modules/tsx/package.json",
                r#"{ "name": "tsx", "type": "module", "exports": "./loader.mjs" }"#,
            )
            .file("node_modules/tsx/loader.mjs", LOADER)
            .file(
                "src/server.ts",
                &NODE.replace("const http = require(\"http\")", "import http from \"node:http\""),
            ),
        "it runs `node --import tsx src/server.ts`",
        &["full_bin = \"node --import tsx src/server.ts\""],
        "src/server.ts",
    );
}

#[test]
fn an_application_for_uvicorn_runs_without_its_reloader() {
    if !conformance::installed(&["uvicorn"]) {
        return;
    }
    it_runs(
        Project::new().file("main.py", ASGI).file("requirements.txt", "uvicorn\n"),
        "for a Python project: it runs `uvicorn main:app --host 127.0.0.1 --port PORT`",
        &["full_bin = \"uvicorn main:app --host 127.0.0.1 --port PORT\"", "include_ext = [\"py\"]"],
        "main.py",
    );
}

#[test]
fn an_application_for_gunicorn_runs_with_its_workers() {
    if !conformance::installed(&["gunicorn"]) {
        return;
    }
    it_runs(
        Project::new()
            .file("shop/wsgi.py", WSGI)
            .file("gunicorn.conf.py", "bind = \"127.0.0.1:PORT\"\nworkers = 2\n"),
        "it runs `gunicorn shop.wsgi:application`",
        &["full_bin = \"gunicorn shop.wsgi:application\""],
        "shop/wsgi.py",
    );
}

#[test]
fn an_application_of_flask_runs_without_its_reloader() {
    if !conformance::installed(&["flask"]) {
        return;
    }
    it_runs(
        Project::new().file("app.py", FLASK).file("templates/x.html", ""),
        "it runs `flask --app app:app run --no-reload --port PORT`",
        &["include_ext = [\"py\", \"html\", \"jinja\", \"jinja2\", \"j2\"]"],
        "app.py",
    );
}

#[test]
fn a_c_project_is_built_with_make() {
    if !conformance::installed(&["make", "cc"]) {
        return;
    }
    it_runs(
        Project::new()
            .file("src/main.c", C)
            .file("src/words.h", "#define WORDS \"version 1\"\n")
            .file("Makefile", MAKEFILE),
        "for a C project: it runs `bin/server`",
        &["cmd = \"make\"", "bin = \"bin/server\"", "include_file = [\"Makefile\"]"],
        "src/words.h",
    );
}

#[test]
fn a_folder_runs_without_settings_and_says_so() {
    if !conformance::installed(&["node"]) {
        return;
    }
    let package = r#"{ "scripts": { "start": "node server.js" } }"#;
    let hotrun = Project::new().file("package.json", package).file("server.js", NODE).hotrun();
    hotrun.wait_for_answer("version 1");
    let words = "takes this folder for a Node project: runs `node server.js`; `hotrun init` writes that into `.hotrun.toml`";
    assert_eq!(hotrun.count(words), 1, "{}", hotrun.said());
    hotrun.project().edit("server.js", "version 1", "version 2");
    hotrun.wait_for_answer("version 2");
}

/// Each row: a file with its text, and the line that says what to do.
#[test]
fn a_project_without_a_program_is_told_what_to_do() {
    for (file, text, expected) in [
        ("package.json", "{}", "`package.json` has no script `dev` or `start`, and there is no `server.js`"),
        ("package.json", "{", "`package.json` cannot be read: "),
        (
            "package.json",
            r#"{ "scripts": { "dev": "ts-node-dev a.ts" } }"#,
            "the script `dev` of `package.json` runs `ts-node-dev`, which restarts the program itself",
        ),
        (
            "Makefile",
            "all: a b\n",
            "`Makefile` does not show which program `make` builds; give it as `build.bin`",
        ),
    ] {
        let project = || Project::new().file(file, text).file("x.c", "");
        let (said, status) = project().ends();
        assert!(said.contains(expected), "{said}");
        assert!(said.contains("`hotrun init` writes a `.hotrun.toml`"), "{said}");
        assert_eq!((said.trim_end().lines().count(), status), (1, Some(1)), "{said}");
        let (said, status) = project().args(&["init"]).ends();
        assert!(
            said.contains("wrote `.hotrun.toml`: without a program: ") && said.contains(expected),
            "{said}"
        );
        assert_eq!(status, Some(0));
    }
}

/// Each with a port of its own.
#[test]
fn every_program_of_a_cargo_workspace_runs() {
    let manifest =
        |name: &str| format!("[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nedition = \"2024\"\n");
    let other = Project::new();
    let server = |port: &str| {
        let text = fs::read_to_string(Project::server().path("src/main.rs")).expect("a server");
        let (head, rest) = text.split_once("127.0.0.1:").expect("a port");
        let (_, tail) = rest.split_once('"').expect("a port");
        format!("{head}127.0.0.1:{port}\"{tail}")
    };
    let project = Project::new()
        .file(
            "Cargo.toml",
            "[workspace]\nresolver = \"3\"\nmembers = [\"api\", \"worker\"]\n[profile.dev]\ndebug = false\nincremental = false\n",
        )
        .file("api/Cargo.toml", &manifest("api"))
        .file("api/src/main.rs", &server("PORT"))
        .file("worker/Cargo.toml", &manifest("worker"))
        .file("worker/src/main.rs", &server(&other.port().to_string()));
    let output = project.command().arg("init").output().expect("hotrun");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let words =
        "for a Cargo workspace: it runs `api`, `worker`; delete the `[run.NAME]` of each that is not to run";
    assert!(said.contains(words), "{said}");
    let hotrun = project.hotrun();
    let answers =
        |address: SocketAddr, words: &str| ask(address, "/").is_ok_and(|text| text.ends_with(words));
    let (api, worker) = (hotrun.project().address(), other.address());
    hotrun.wait_until("both", || answers(api, "version 1") && answers(worker, "version 1"));
    hotrun.project().edit("worker/src/main.rs", "version 1", "version 2");
    hotrun.wait_until("an edited worker", || answers(worker, "version 2"));
    assert!(answers(api, "version 1"));
}

#[test]
fn a_program_of_a_workspace_is_chosen_by_its_name() {
    let (said, status) = Project::server().args(&["init", "--bin", "site"]).ends();
    assert!(said.contains("it runs `site`"), "{said}");
    assert_eq!(status, Some(0));
    let (said, status) = Project::server().args(&["init", "--bin", "x"]).ends();
    assert!(said.contains("no program is called `x`"), "{said}");
    assert_eq!(status, Some(2));
}

#[test]
fn a_go_module_runs_with_its_only_program() {
    if !conformance::installed(&["go"]) {
        return;
    }
    let project = crate::go::module();
    fs::remove_dir_all(project.path("cmd/worker")).expect("a folder");
    let output = project.command().arg("init").output().expect("hotrun");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(said.contains("for a Go module: it runs `api`"), "{said}");
    let text = fs::read_to_string(project.path(".hotrun.toml")).expect("settings");
    assert!(
        text.contains("\ncmd = \"go build -o tmp/main ./cmd/api\"\n")
            && text.contains("\nbin = \"tmp/main\"\n"),
        "{text}"
    );
    let hotrun = project.hotrun();
    hotrun.wait_for_answer("api version 1");
    hotrun.project().edit("internal/words/words.go", "version 1", "version 2");
    hotrun.wait_for_answer("api version 2");
}

#[test]
fn a_go_module_gets_a_table_for_each_program() {
    if !conformance::installed(&["go"]) {
        return;
    }
    let project = crate::go::module();
    let run = |argument: &str| {
        let output = project.command().arg(argument).output().expect("hotrun");
        String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned()
    };
    let said = run("init");
    assert!(said.contains("it runs `api`, `worker`; delete the `[run.NAME]`"), "{said}");
    let said = run("check");
    for words in
        ["build     `go build -o tmp/api ./cmd/api`", "build     `go build -o tmp/worker ./cmd/worker`"]
    {
        assert!(said.contains(words), "{said}");
    }
}
