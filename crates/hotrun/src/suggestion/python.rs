//! Python: a folder whose files make an application for uvicorn, gunicorn or Flask, or run a server themselves.

use std::fs;
use std::path::{Path, PathBuf};

use regex::Regex;

use crate::plan::is_in_path;
use crate::suggestion::{Suggestion, existing};

const KIND: &str = "a Python project";

/// Files larger than this are not read.
const MOST_BYTES: u64 = 256 * 1024;

/// Upper bound on the number of files that are read.
const MOST_FILES: usize = 200;

/// Folders below the project that are searched.
const DEPTH: usize = 2;

/// Modules that usually have the application come first.
const MODULES: [&str; 7] = ["main", "app", "server", "wsgi", "asgi", "api", "run"];

/// Folders of virtual environments.
const ENVIRONMENTS: [&str; 3] = [".venv", "venv", "env"];

/// Files that may name what is installed.
const MANIFESTS: [&str; 4] = ["requirements.txt", "pyproject.toml", "Pipfile", "setup.py"];

/// Folders with files that a server sends as they are.
const LEFT_OUT: [&str; 2] = ["static", "tests"];

pub(super) fn of(folder: &Path) -> Option<Suggestion> {
    let files = files(folder);
    let endings: &[&str] =
        if folder.join("templates").is_dir() { &["py", "html", "jinja", "jinja2", "j2"] } else { &["py"] };
    let line = line(folder, &files)?;
    let suggestion = Suggestion::of_line(KIND, &line, None).with_list("include_ext", endings);
    Some(suggestion.with_list("exclude_dir", &existing(folder, &LEFT_OUT)))
}

/// A Python file, relative to the project.
struct Source {
    path: PathBuf,
    text: String,
}

/// An application in a module: `main:app`.
struct Application {
    name: String,
    is_asgi: bool,
    is_flask: bool,
    is_factory: bool,
}

fn line(folder: &Path, files: &[Source]) -> Option<String> {
    let python = tool(folder, "python3");
    if folder.join("manage.py").is_file() {
        return Some(format!("{python} manage.py runserver --noreload"));
    }
    let Some((source, application)) =
        files.iter().find_map(|source| Some((source, Application::of(source)?)))
    else {
        let is_server = |source: &&Source| {
            let calls = ["serve_forever", "run_forever", "run_app(", ".run(", ".listen("];
            source.path.components().count() == 1
                && MODULES.iter().any(|name| source.path == Path::new(name).with_extension("py"))
                && calls.iter().any(|call| source.text.contains(call))
        };
        let script = files.iter().find(is_server)?;
        return Some(format!("{python} {}", script.path.display()));
    };
    let (host, port) = address(&source.text);
    let Application { name, is_asgi, is_flask, is_factory } = application;
    let with = |option: &str, value: &Option<String>| {
        value.as_ref().map_or_else(String::new, |value| format!(" --{option} {value}"))
    };
    let options = format!("{}{}", with("host", &host), with("port", &port));
    if is_asgi {
        let factory = if is_factory { " --factory" } else { "" };
        return Some(format!("{} {name}{factory}{options}", tool(folder, "uvicorn")));
    }
    if has_gunicorn(folder) || !is_flask {
        let workers = if folder.join("gunicorn.conf.py").is_file() { "" } else { " --workers 2" };
        let bind = match (host, port) {
            (None, None) => String::new(),
            (host, port) => format!(
                " --bind {}:{}",
                host.as_deref().unwrap_or("127.0.0.1"),
                port.as_deref().unwrap_or("8000")
            ),
        };
        let call = if is_factory { "()" } else { "" };
        // A shell would read the brackets of a call.
        let name = if is_factory { format!("'{name}{call}'") } else { name };
        return Some(format!("{} {name}{workers}{bind}", tool(folder, "gunicorn")));
    }
    Some(format!("{} --app {name} run --no-reload{options}", tool(folder, "flask")))
}

impl Application {
    /// The first application in the file.
    fn of(source: &Source) -> Option<Self> {
        let module = module(&source.path)?;
        let found = |pattern: &str| {
            let captures = Regex::new(pattern).ok()?.captures(&source.text)?;
            Some((
                captures.get(1)?.as_str().to_owned(),
                captures.get(2).map(|found| found.as_str().to_owned()),
            ))
        };
        let class = r"(FastAPI|Starlette|Litestar|Quart|Flask|Bottle)\(";
        let of_class = |object: String, class: &str, is_factory| Self {
            name: format!("{module}:{object}"),
            is_asgi: !["Flask", "Bottle"].contains(&class),
            is_flask: class == "Flask",
            is_factory,
        };
        if let Some((object, Some(class))) =
            found(&format!(r"(?m)^(\w+)\s*(?::[^=\n]+)?=\s*(?:\w+\.)*{class}"))
        {
            return Some(of_class(object, &class, false));
        }
        if let (Some((object, _)), Some((class, _))) =
            (found(r"(?m)^def (create_app|make_app)\(\s*\)"), found(&format!(r"=\s*(?:\w+\.)*{class}")))
        {
            return Some(of_class(object, &class, true));
        }
        let of_function = |object: String, is_asgi| Self {
            name: format!("{module}:{object}"),
            is_asgi,
            is_flask: false,
            is_factory: false,
        };
        let asgi = found(r"(?m)^async def (\w+)\(\s*scope\s*,\s*receive\s*,\s*send\s*\)");
        let wsgi = || found(r"(?m)^def (\w+)\(\s*environ\s*,\s*start_response\s*\)");
        match asgi {
            Some((object, _)) => Some(of_function(object, true)),
            None => wsgi().map(|(object, _)| of_function(object, false)),
        }
    }
}

/// The host and the port in `uvicorn.run(...)` or `app.run(...)`.
fn address(text: &str) -> (Option<String>, Option<String>) {
    let argument = |pattern: &str| {
        let call = Regex::new(r"\.run\(([^)]*)\)").ok()?.captures(text)?.get(1)?.as_str().to_owned();
        Some(Regex::new(pattern).ok()?.captures(&call)?.get(1)?.as_str().to_owned())
    };
    (argument(r#"\bhost\s*=\s*["']([\w.:]+)["']"#), argument(r"\bport\s*=\s*(\d+)"))
}

/// `app/main.py` is `app.main`. `None` if a part is no name of Python's.
fn module(path: &Path) -> Option<String> {
    let parts: Option<Vec<&str>> = path.iter().map(|part| part.to_str()).collect();
    let mut parts = parts?;
    let file = parts.pop()?.strip_suffix(".py")?;
    if file != "__init__" {
        parts.push(file);
    }
    let is_name =
        |part: &&str| !part.is_empty() && part.chars().all(|one| one.is_alphanumeric() || one == '_');
    (!parts.is_empty() && parts.iter().all(is_name)).then(|| parts.join("."))
}

/// The program in a virtual environment of the project, or by the project's package manager, or in `PATH`.
fn tool(folder: &Path, name: &str) -> String {
    let inside = ENVIRONMENTS.iter().map(|environment| format!("{environment}/bin/{name}"));
    if let Some(path) = inside.into_iter().find(|path| folder.join(path).exists()) {
        return path;
    }
    for (lock, runner) in [("uv.lock", "uv"), ("poetry.lock", "poetry"), ("Pipfile.lock", "pipenv")] {
        if folder.join(lock).is_file() && is_in_path(runner) {
            return format!("{runner} run {name}");
        }
    }
    name.to_owned()
}

fn has_gunicorn(folder: &Path) -> bool {
    let names =
        |file: &&str| fs::read_to_string(folder.join(file)).is_ok_and(|text| text.contains("gunicorn"));
    folder.join("gunicorn.conf.py").is_file() || MANIFESTS.iter().any(names)
}

/// The Python files, those first that usually have the application.
fn files(folder: &Path) -> Vec<Source> {
    let mut paths = Vec::new();
    collect(folder, Path::new(""), DEPTH, &mut paths);
    let rank = |path: &PathBuf| {
        let stem = path.file_stem().unwrap_or_default();
        let usual = MODULES.iter().position(|name| stem == *name).unwrap_or(MODULES.len());
        (path.components().count(), usual, path.clone())
    };
    paths.sort_by_key(rank);
    paths.truncate(MOST_FILES);
    let read = |path: PathBuf| {
        let whole = folder.join(&path);
        let is_small = whole.metadata().is_ok_and(|found| found.len() <= MOST_BYTES);
        let text = is_small.then(|| fs::read_to_string(whole).ok()).flatten()?;
        Some(Source { path, text })
    };
    paths.into_iter().filter_map(read).collect()
}

fn collect(folder: &Path, below: &Path, depth: usize, paths: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder.join(below)).into_iter().flatten().flatten() {
        let (name, path) = (entry.file_name(), below.join(entry.file_name()));
        let whole = entry.path();
        if whole.is_dir() {
            let is_hidden = name.as_encoded_bytes().starts_with(b".");
            let is_left_out =
                ["node_modules", "tests", "test", "migrations"].iter().any(|one| name == *one) || is_hidden;
            if depth > 0 && !is_left_out && !whole.join("pyvenv.cfg").exists() {
                collect(folder, &path, depth - 1, paths);
            }
        } else if path.extension().is_some_and(|ending| ending == "py")
            && !["conftest.py", "setup.py", "gunicorn.conf.py"].iter().any(|one| name == *one)
        {
            paths.push(path);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::of;

    /// Each row: files, and the command.
    #[test]
    fn the_command_starts_the_application() {
        for (files, expected) in [
            (&[("main.py", "from fastapi import FastAPI\napp = FastAPI()\n")][..], Some("uvicorn main:app")),
            (
                &[(
                    "app/main.py",
                    "api: FastAPI = fastapi.FastAPI(\n)\nuvicorn.run(\"x\", host=\"0.0.0.0\", port=8001)\n",
                )],
                Some("uvicorn app.main:api --host 0.0.0.0 --port 8001"),
            ),
            (&[("app.py", "app = Flask(__name__)\n")], Some("flask --app app:app run --no-reload")),
            (
                &[
                    ("app.py", "app = Flask(__name__)\napp.run(debug=True, port=5001)"),
                    ("requirements.txt", "flask\ngunicorn\n"),
                ],
                Some("gunicorn app:app --workers 2 --bind 127.0.0.1:5001"),
            ),
            (
                &[("shop/__init__.py", "def create_app():\n    app = Flask(__name__)\n    return app\n")],
                Some("flask --app shop:create_app run --no-reload"),
            ),
            (
                &[("x.py", "async def app(scope, receive, send):\n"), (".venv/bin/uvicorn", "")],
                Some(".venv/bin/uvicorn x:app"),
            ),
            (
                &[
                    ("wsgi.py", "def application(environ, start_response):\n"),
                    ("gunicorn.conf.py", "workers = 3"),
                ],
                Some("gunicorn wsgi:application"),
            ),
            (&[("manage.py", "")], Some("python3 manage.py runserver --noreload")),
            (&[("server.py", "HTTPServer(a, b).serve_forever()")], Some("python3 server.py")),
            (&[("deploy.py", "x.run()")], None),
            (&[("tests/app.py", "app = FastAPI()")], None),
        ] {
            let folder = tempfile::tempdir().unwrap();
            for (name, text) in files {
                let path = folder.path().join(name);
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(path, text).unwrap();
            }
            let found = of(folder.path()).map(|found| found.runs);
            assert_eq!(found, expected.map(|line| format!("`{line}`")), "{files:?}");
        }
    }
}
