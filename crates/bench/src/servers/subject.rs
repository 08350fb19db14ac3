//! The servers that are compared.

use std::{fs, path::Path, process::Command};

use serde_json::{Value, json};

use crate::servers::programs::Programs;

/// A demo or its counterpart.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Subject {
    pub(crate) id: &'static str,
    pub(crate) name: &'static str,
    /// The framework's name in `Cargo.toml` or `go.mod`.
    package: &'static str,
    /// The other language's framework of the same kind.
    pub(crate) counterpart: Option<&'static str>,
    note: &'static str,
}

/// The demos, then the counterparts.
pub(crate) const ALL: [Subject; 8] = [
    demo("demo-axum", "axum", "go-gin", ""),
    demo("demo-actix-web", "actix-web", "go-fiber", ""),
    demo("demo-warp", "warp", "go-echo", ""),
    demo("demo-poem", "poem", "go-goframe", ""),
    counterpart("go-gin", "gin", "github.com/gin-gonic/gin", ON_VIPER),
    counterpart("go-echo", "echo", "github.com/labstack/echo/v5", ON_VIPER),
    counterpart("go-fiber", "fiber", "github.com/gofiber/fiber/v3", ON_VIPER),
    counterpart("go-goframe", "GoFrame", "github.com/gogf/gf/v2", ON_GCFG),
];

const ON_VIPER: &str = "on viper: `Unmarshal` in `OnConfigChange`, a struct behind a lock; the release mode and no access log, as the demos at `info`; an edited template or port needs a restart, an edit is not validated, there is no `/events`";
const ON_GCFG: &str = "on its own gcfg and gview, values read by `g.Cfg().Get` as its documentation has it; gview does not escape values unless asked to; an edited template is read again, an edited port needs a restart, there is no `/events`";

const fn demo(id: &'static str, name: &'static str, against: &'static str, note: &'static str) -> Subject {
    Subject { id, name, package: name, counterpart: Some(against), note }
}

const fn counterpart(
    id: &'static str,
    name: &'static str,
    package: &'static str,
    note: &'static str,
) -> Subject {
    Subject { id, name, package, counterpart: None, note }
}

/// The description of each server in the results.
pub(crate) fn described(programs: &Programs) -> Vec<Value> {
    let described = |subject: &Subject| {
        let note = if subject.note.is_empty() { Value::Null } else { subject.note.into() };
        json!({
            "id": subject.id,
            "name": subject.name,
            "language": subject.language(),
            "kind": if subject.is_demo() { "demo" } else { "counterpart" },
            "versions": subject.versions(programs),
            "counterpart": subject.counterpart,
            "note": note,
        })
    };
    ALL.iter().map(described).collect()
}

/// The demos.
pub(crate) fn demos() -> impl Iterator<Item = &'static Subject> {
    ALL.iter().filter(|subject| subject.is_demo())
}

impl Subject {
    pub(crate) fn is_demo(&self) -> bool {
        self.counterpart.is_some()
    }

    /// The name of its program, and of its source folder.
    pub(crate) fn program(&self) -> &'static str {
        if self.is_demo() { self.id } else { self.id.trim_start_matches("go-") }
    }

    /// The name of a demo's example of this kind.
    pub(crate) fn example(&self, kind: &str) -> String {
        format!("{}_{kind}", self.name.replace('-', "_"))
    }

    fn language(&self) -> &'static str {
        if self.is_demo() { "Rust" } else { "Go" }
    }

    fn versions(&self, programs: &Programs) -> String {
        if self.is_demo() {
            locked(self.package).map_or(String::new(), |version| format!("{} {version}", self.name))
        } else {
            programs.counterpart(self.program()).map_or(String::new(), |binary| self.built_from(&binary))
        }
    }

    /// The versions in a Go program's build information.
    fn built_from(&self, binary: &Path) -> String {
        let output = Command::new("go").args(["version", "-m"]).arg(binary).output();
        let text = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
        let wanted =
            [self.package, "github.com/spf13/viper", "github.com/fsnotify/fsnotify"].map(|package| {
                let line = text.as_deref().unwrap_or_default().lines().find_map(|line| {
                    let mut words = line.split_whitespace();
                    (words.next() == Some("dep") && words.next() == Some(package)).then(|| words.next())?
                });
                line.map(|version| {
                    let name = if package == self.package { self.name } else { last_word(package) };
                    format!("{name} {}", version.trim_start_matches('v'))
                })
            });
        wanted.into_iter().flatten().collect::<Vec<_>>().join(", ")
    }
}

fn last_word(package: &str) -> &str {
    package.rsplit('/').next().unwrap_or(package)
}

/// The version of a crate in this repository's `Cargo.lock`.
fn locked(package: &str) -> Option<String> {
    let lock = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../Cargo.lock")).ok()?;
    let (_, rest) = lock.split_once(&format!("name = \"{package}\"\nversion = \""))?;
    rest.split('"').next().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::{ALL, demos, locked};

    #[test]
    fn every_demo_has_a_counterpart_of_its_own() {
        let mut counterparts: Vec<_> = demos().filter_map(|demo| demo.counterpart).collect();
        counterparts.sort_unstable();
        let mut others: Vec<_> = ALL.iter().filter(|other| !other.is_demo()).map(|other| other.id).collect();
        others.sort_unstable();
        assert_eq!(counterparts, others);
    }

    #[test]
    fn versions_of_frameworks_are_those_of_the_lock_file() {
        for demo in demos() {
            let version = locked(demo.name).unwrap();
            assert!(version.starts_with(|digit: char| digit.is_ascii_digit()), "{version}");
        }
    }
}
