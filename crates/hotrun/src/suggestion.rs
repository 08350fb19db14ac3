//! Settings that fit a folder. `hotrun init` writes them, and they hold where there are none.

mod compiled;
mod makefile;
mod node;
mod python;

use std::fmt::Write;
use std::path::Path;

use crate::settings::{Build, Settings};

pub(crate) use crate::suggestion::compiled::{of_go, of_workspace};

/// Settings for one kind of project.
#[derive(Clone, Debug)]
pub(crate) struct Suggestion {
    /// For people: `a Node project`.
    pub(crate) kind: &'static str,
    /// The program, in words.
    pub(crate) runs: String,
    /// Keys of `[build]`.
    build: Vec<Line>,
    /// `[run.NAME]`, if there are several programs: each with its keys.
    programs: Vec<(String, Vec<Line>)>,
}

/// A key and its value.
#[derive(Clone, Debug)]
struct Line {
    key: &'static str,
    /// As TOML.
    value: String,
    /// The reason for the value, as a comment.
    why: Option<String>,
}

impl Suggestion {
    /// For a folder without `Cargo.toml` and `go.mod`. `None` if nothing is known about it; an error if there is a project, but no
    /// program to run.
    pub(crate) fn of_folder(folder: &Path) -> Option<Result<Self, String>> {
        node::of(folder).or_else(|| python::of(folder).map(Ok)).or_else(|| makefile::of(folder))
    }

    /// One program that is run by this command line.
    fn of_line(kind: &'static str, line: &str, why: Option<String>) -> Self {
        let build = vec![Line { why, ..Line::text("full_bin", line) }];
        Self { kind, runs: format!("`{line}`"), build, programs: Vec::new() }
    }

    /// Adds a list, unless it is empty.
    fn with_list(mut self, key: &'static str, values: &[&str]) -> Self {
        if !values.is_empty() {
            self.build.push(Line::list(key, values));
        }
        self
    }

    /// `template`, the file with every setting commented out, with these settings.
    pub(crate) fn written_into(&self, template: &str) -> String {
        let mut text = String::new();
        let mut is_build = false;
        for line in template.lines() {
            if line.starts_with('[') {
                is_build = line == "[build]";
            }
            let key = line.strip_prefix("# ").and_then(|rest| rest.split_once(" = ")).map(|(key, _)| key);
            match self.build.iter().find(|own| is_build && key == Some(own.key)) {
                Some(own) => own.write(&mut text),
                None => drop(writeln!(text, "{line}")),
            }
        }
        for (name, lines) in &self.programs {
            let _ = writeln!(text, "\n[run.{name}]");
            for line in lines {
                line.write(&mut text);
            }
        }
        text
    }

    /// The settings alone.
    pub(crate) fn settings(&self) -> Build {
        let mut text = "[build]\n".to_owned();
        for line in &self.build {
            line.write(&mut text);
        }
        Settings::parse(&text).0.build
    }
}

impl Line {
    fn text(key: &'static str, text: &str) -> Self {
        Self { key, value: toml(text), why: None }
    }

    fn list(key: &'static str, values: &[&str]) -> Self {
        let values: Vec<String> = values.iter().map(|value| toml(value)).collect();
        Self { key, value: format!("[{}]", values.join(", ")), why: None }
    }

    fn write(&self, text: &mut String) {
        if let Some(why) = &self.why {
            let _ = writeln!(text, "# {why}");
        }
        let _ = writeln!(text, "{} = {}", self.key, self.value);
    }
}

/// The text as a string of TOML.
fn toml(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

/// Those of these folders and files that exist.
fn existing<'a>(folder: &Path, names: &[&'a str]) -> Vec<&'a str> {
    names.iter().copied().filter(|name| folder.join(name).exists()).collect()
}
