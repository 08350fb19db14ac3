//! Finds what is wrong with a command line before it runs: a script or a file that is missing, and a reloader beside hotrun.

use std::ffi::OsString;
use std::fs;
use std::path::Path;

use regex::Regex;
use serde_json::Value;

use crate::plan::command_line::{CommandLine, is_in_path};
use crate::reloader::{dev_server, reloader};

/// Programs that run a file.
const INTERPRETERS: [&str; 9] = ["python", "node", "ruby", "perl", "php", "tsx", "ts-node", "sh", "bash"];

/// Programs that run the scripts of a `package.json`.
const MANAGERS: [&str; 4] = ["npm", "pnpm", "yarn", "bun"];

/// Verbs of theirs without `run`.
const VERBS: [&str; 3] = ["start", "dev", "serve"];

/// The sentence about a second restart.
const BOTH: &str = "restarts it as well as hotrun, and then requests fail";

/// The line of the program, and the folder in which it runs.
pub(super) fn of_program(
    line: &str,
    folder: &Path,
    variables: &[(OsString, OsString)],
    is_watched: bool,
) -> Vec<String> {
    let mut found = Vec::new();
    let says = |words: &str| format!("the program is `{line}`: {words}");
    if let Some(reloader) = reloader(line) {
        let instead = reloader.without.map_or_else(
            || "give the command without it".to_owned(),
            |without| format!("give `full_bin = \"{without}\"`"),
        );
        found.push(says(&format!("`{}` {BOTH}; {instead}", reloader.name)));
    }
    if let Some(server) = dev_server(line).filter(|_| is_watched) {
        found.push(says(&takes_edits(server)));
    }
    found.extend(missing_script(line, folder).map(|words| says(&words)));
    if let Some((name, script)) = script(line, folder) {
        if let Some(reloader) = reloader(&script) {
            let instead = reloader.without.unwrap_or_else(|| "the command without it".to_owned());
            found.push(says(&format!(
                "the script `{name}` is `{script}`, and `{}` {BOTH}; give `{instead}` as `full_bin`",
                reloader.name
            )));
        }
        if let Some(server) = dev_server(&script).filter(|_| is_watched) {
            found.push(says(&takes_edits(server)));
        }
    }
    if let Some(CommandLine { env, words }) = CommandLine::parse(line) {
        found.extend(missing_file(&words, folder).map(|words| says(&words)));
        let has_debug = |name: &str, value: &str| {
            name == "FLASK_DEBUG" && !["", "0", "false", "no"].contains(&value.to_lowercase().as_str())
        };
        let is_debug = env.iter().any(|(name, value)| has_debug(name, value))
            || variables
                .iter()
                .any(|(name, value)| has_debug(&name.to_string_lossy(), &value.to_string_lossy()))
            || std::env::var("FLASK_DEBUG").is_ok_and(|value| has_debug("FLASK_DEBUG", &value));
        let has = |word: &str| words.iter().any(|one| one == word);
        if words.iter().any(|word| name_of(word) == "flask")
            && has("run")
            && is_debug
            && !has("--no-reload")
            && !has("--debug")
        {
            found.push(says(&format!("`FLASK_DEBUG` is set, and Flask {BOTH}; give `{line} --no-reload`")));
        }
        found.extend(reload_in_file(&words, folder).map(|words| says(&words)));
    }
    found
}

/// The line of the build, and the folder in which it runs.
pub(super) fn of_build(line: &str, folder: &Path) -> Vec<String> {
    let mut found: Vec<String> = missing_script(line, folder).into_iter().collect();
    if let Some(CommandLine { words, .. }) = CommandLine::parse(line) {
        let word = words[0].as_str();
        let is_known =
            ["make", "npm", "pnpm", "yarn", "bun", "go", "cargo", "cmake", "ninja"].contains(&word);
        if is_known && !is_in_path(word) {
            found.push(format!("there is no `{word}` in `PATH`; install it"));
        }
        let has_file = words.iter().any(|word| word.starts_with("-f") || word.starts_with("-C"));
        let is_there = |name: &&str| folder.join(name).is_file();
        if word == "make" && !has_file && !["GNUmakefile", "makefile", "Makefile"].iter().any(is_there) {
            found.push(format!("there is no `Makefile` in `{}`", folder.display()));
        }
    }
    found.into_iter().map(|words| format!("the build is `{line}`: {words}")).collect()
}

fn takes_edits(server: &str) -> String {
    format!(
        "`{server}` takes edits in itself, and hotrun restarts it; `include_ext = []` in `[build]` leaves them to it"
    )
}

/// The name of the script of `package.json` that the line runs: `npm run dev`, `yarn dev`.
fn script_name(line: &str) -> Option<String> {
    let CommandLine { words, .. } = CommandLine::parse(line)?;
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let [manager, rest @ ..] = &words[..] else { return None };
    let mut rest = rest.iter().filter(|word| **word != "-s" && **word != "--silent");
    match rest.next()? {
        _ if !MANAGERS.contains(manager) => None,
        &"run" | &"run-script" => rest.next().filter(|word| !word.starts_with('-')).map(ToString::to_string),
        verb if VERBS.contains(verb) && (*manager != "npm" || *verb == "start") && *manager != "bun" => {
            Some((*verb).to_owned())
        }
        _ => None,
    }
}

/// The scripts of `package.json`; `None` if there is none, or none that can be read.
fn package(folder: &Path) -> Option<Value> {
    serde_json::from_str(&fs::read_to_string(folder.join("package.json")).ok()?).ok()
}

fn script(line: &str, folder: &Path) -> Option<(String, String)> {
    let name = script_name(line)?;
    let script = package(folder)?["scripts"][&name].as_str()?.to_owned();
    Some((name, script))
}

fn missing_script(line: &str, folder: &Path) -> Option<String> {
    let name = script_name(line)?;
    if !folder.join("package.json").is_file() {
        return Some(format!("there is no `package.json` in `{}`", folder.display()));
    }
    let package = package(folder)?;
    let scripts = package["scripts"].as_object();
    if scripts.is_none_or(|scripts| !scripts.contains_key(&name))
        && !(name == "start" && folder.join("server.js").exists())
    {
        let names: Vec<String> = scripts.into_iter().flatten().map(|(name, _)| format!("`{name}`")).collect();
        let has = if names.is_empty() { "no scripts".to_owned() } else { names.join(", ") };
        return Some(format!("there is no script `{name}` in `package.json`, which has {has}"));
    }
    let needs = ["dependencies", "devDependencies"]
        .iter()
        .any(|kind| package[kind].as_object().is_some_and(|listed| !listed.is_empty()));
    let is_installed = folder.ancestors().any(|above| above.join("node_modules").is_dir())
        || [".pnp.cjs", ".pnp.js"].iter().any(|file| folder.join(file).exists());
    (needs && !is_installed)
        .then(|| "there is no `node_modules`: install the dependencies, as with `npm install`".to_owned())
}

/// The file or the module that an interpreter is to run.
fn missing_file(words: &[String], folder: &Path) -> Option<String> {
    let first = name_of(words.first()?);
    if INTERPRETERS
        .iter()
        .any(|name| first.trim_end_matches(|one: char| one.is_ascii_digit() || one == '.') == *name)
    {
        let file = words[1..].iter().find(|word| !word.starts_with('-'))?;
        // An option may have a value.
        let is_first = words.get(1) == Some(file);
        let is_file = Path::new(file).extension().is_some();
        return (is_first && is_file && !folder.join(file).exists())
            .then(|| format!("there is no `{file}` in `{}`", folder.display()));
    }
    let servers = ["uvicorn", "gunicorn", "hypercorn", "flask"];
    let elsewhere = ["--app-dir", "--chdir", "--pythonpath"];
    if !servers.contains(&first)
        || words.iter().any(|word| elsewhere.iter().any(|option| word.starts_with(option)))
    {
        return None;
    }
    // `localhost:80` is none.
    let is_name = |part: &str| {
        part.starts_with(|one: char| one.is_alphabetic() || one == '_')
            && part.chars().all(|one| one.is_alphanumeric() || one == '_')
    };
    let module = words[1..].iter().find_map(|word| {
        let (module, object) = word.split_once(':')?;
        (is_name(module) && is_name(object.trim_end_matches("()"))).then_some(module)
    })?;
    let is_there = [format!("{module}.py"), module.to_owned()].iter().any(|file| folder.join(file).exists());
    (!is_there).then(|| format!("there is no `{module}.py` in `{}`", folder.display()))
}

/// A reloader that is turned on in a file of Python.
fn reload_in_file(words: &[String], folder: &Path) -> Option<String> {
    let found = |file: &str, pattern: &str, name: &str| {
        let text = fs::read_to_string(folder.join(file)).ok()?;
        Regex::new(pattern)
            .is_ok_and(|pattern| pattern.is_match(&text))
            .then(|| format!("`{name}` in `{file}` {BOTH}; take it out"))
    };
    let first = name_of(words.first()?);
    if first == "gunicorn" {
        return found("gunicorn.conf.py", r"(?m)^reload\s*=\s*True", "reload = True");
    }
    let file = words.get(1).filter(|file| {
        first.starts_with("python") && Path::new(file).extension().is_some_and(|end| end == "py")
    })?;
    found(file, r"\.run\([^)]*\breload\s*=\s*True", "reload=True").or_else(|| {
        let text = fs::read_to_string(folder.join(file)).ok()?;
        let is_off = Regex::new(r"use_reloader\s*=\s*False").is_ok_and(|pattern| pattern.is_match(&text));
        if is_off { None } else { found(file, r"\.run\([^)]*\bdebug\s*=\s*True", "debug=True") }
    })
}

/// The word without folders.
fn name_of(word: &str) -> &str {
    word.rsplit('/').next().unwrap_or(word)
}

#[cfg(test)]
mod tests;
