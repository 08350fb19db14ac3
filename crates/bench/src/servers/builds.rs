//! Cold and incremental builds.

use std::{
    fs,
    path::PathBuf,
    process::{Command, Stdio},
    time::Instant,
};

use conformance::Failed;
use tempfile::{TempDir, env::temp_dir};

use crate::{
    output::progress,
    servers::{
        Scale,
        record::{Figure, Row},
        sources,
        subject::{self, Subject},
    },
};

/// A copy of one subject's sources and its build output. Both are removed when this is dropped.
struct Site {
    subject: &'static Subject,
    folder: TempDir,
}

/// `build-cold`, `build-incremental`.
pub(crate) fn figures(scale: &Scale) -> Result<Vec<Figure>, Failed> {
    let (mut cold, mut incremental) = (Vec::new(), Vec::new());
    for subject in &subject::ALL {
        let site = Site::of(subject)?;
        let first = site.build()?;
        progress(&format!("build: {} took {first:.1} s cold", subject.name));
        cold.push(Row::of(subject.id, vec![first]));
        let edits = (0..scale.rounds).map(|_| {
            site.edit()?;
            site.build()
        });
        let edits = edits.collect::<Result<Vec<f64>, Failed>>()?;
        incremental.push(Row::of(subject.id, edits));
    }
    let mut cold = Figure::new("size", "build-cold", "A cold build", "s")
        .what("`cargo build` (the debug profile) into an empty folder; `go build` with an empty cache: what a newcomer waits for, everything downloaded")
        .limits("once; Go compiles its standard library too, Rust comes with its own compiled")
        .rows(cold);
    cold.rounds = Some(1);
    let incremental = Figure::new("size", "build-incremental", "A build after an edit of one file", "s")
        .what("a line is added to the file with the routes; the same command")
        .limits("linking is most of it, so it depends on the linker; cargo's default here")
        .rows(incremental);
    Ok(vec![cold, incremental])
}

impl Site {
    fn of(subject: &'static Subject) -> Result<Site, Failed> {
        let site = Site { subject, folder: TempDir::new()? };
        let from = if subject.is_demo() { sources::of_demos() } else { sources::of_counterparts() };
        sources::copy(&from, &site.sources())?;
        Ok(site)
    }

    /// In seconds.
    fn build(&self) -> Result<f64, Failed> {
        let mut command = if self.subject.is_demo() {
            let mut cargo = Command::new("cargo");
            cargo.args(["build", "--offline", "-q", "-p", self.subject.id]);
            cargo.env("CARGO_TARGET_DIR", self.folder.path().join("target"));
            cargo
        } else {
            let mut go = Command::new("go");
            go.args(["build", "-o"]).arg(self.folder.path().join("program"));
            go.arg(format!("./{}", self.subject.program()));
            go.env("GOCACHE", self.folder.path().join("cache"));
            go
        };
        let begun = Instant::now();
        let ended =
            command.current_dir(self.sources()).env("TMPDIR", temp_dir()).stdin(Stdio::null()).status()?;
        if !ended.success() {
            return Err(format!("the build of {} ends with {ended}", self.subject.name).into());
        }
        Ok(begun.elapsed().as_secs_f64())
    }

    /// Adds a line below the head of the file, so that every later line moves.
    fn edit(&self) -> Result<(), Failed> {
        let path = if self.subject.is_demo() {
            self.sources().join("crates").join(self.subject.id).join("src/routes.rs")
        } else {
            self.sources().join(self.subject.program()).join("main.go")
        };
        let text = fs::read_to_string(&path)?;
        let at = text.find("\n\n").ok_or("a source has an empty line")?;
        Ok(fs::write(&path, format!("{}\n\n// Edited.{}", &text[..at], &text[at..]))?)
    }

    fn sources(&self) -> PathBuf {
        self.folder.path().join("sources")
    }
}
