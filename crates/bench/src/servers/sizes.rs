//! Lines, dependencies, binaries.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use conformance::Failed;

use crate::servers::{
    programs::Programs,
    record::{Figure, Row},
    sources,
    subject::{self, Subject},
};

/// `size-lines`, `size-dependencies`, `size-binary`.
pub(crate) fn figures(programs: &Programs) -> Result<Vec<Figure>, Failed> {
    let (mut lines, mut dependencies, mut binaries) = (Vec::new(), Vec::new(), Vec::new());
    for subject in &subject::ALL {
        lines.push(Row::of(subject.id, vec![number(lines_of(subject)?)]));
        dependencies.push(Row::of(subject.id, vec![number(dependencies_of(subject)?)]));
        let program = if subject.is_demo() {
            programs.demo(subject.program())?
        } else {
            programs.counterpart(subject.program())?
        };
        binaries.push(Row::of(subject.id, vec![megabytes(&program)?]));
    }
    let figures = [
        Figure::new("size", "size-lines", "Lines of code of the framework's own part", "lines")
            .what("lines that are neither empty nor a comment: a demo's crate; a counterpart's `main.go`, and `settings.go` where it is used")
            .limits("a demo serves eight routes, admission, events, drains; a counterpart two routes. The demos' common crates are not counted, nor is viper")
            .rows(lines),
        Figure::new("size", "size-dependencies", "Crates, Go modules", "")
            .what("crates of the dependency tree without those for tests alone, ours included; modules that packages of the program come from, standard library excluded")
            .limits("a crate is smaller than a module, a module may be used in part, and Go's standard library has an HTTP server and templates")
            .rows(dependencies),
        Figure::new("size", "size-binary", "The program", "MB")
            .what("the release build, stripped; the counterparts by `go build -ldflags=-s`")
            .limits("dynamic libraries (libc) are not in it")
            .rows(binaries),
    ];
    Ok(figures.into_iter().map(once).collect())
}

fn once(mut figure: Figure) -> Figure {
    figure.rounds = Some(1);
    figure
}

fn lines_of(subject: &Subject) -> Result<usize, Failed> {
    let files: Vec<PathBuf> = if subject.is_demo() {
        let folder = sources::of_demos().join("crates").join(subject.id).join("src");
        let entries = fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.path()));
        entries.collect::<Result<_, _>>()?
    } else {
        let main = sources::of_counterparts().join(subject.program()).join("main.go");
        let settings = sources::of_counterparts().join("settings/settings.go");
        if fs::read_to_string(&main)?.contains("counterparts/settings") {
            vec![main, settings]
        } else {
            vec![main]
        }
    };
    let mut sum = 0;
    for file in files {
        sum += code(&fs::read_to_string(file)?);
    }
    Ok(sum)
}

fn code(text: &str) -> usize {
    text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with("//")).count()
}

fn dependencies_of(subject: &Subject) -> Result<usize, Failed> {
    let output = if subject.is_demo() {
        let arguments =
            ["tree", "--offline", "-e", "normal,build", "--prefix", "none", "--no-dedupe", "-f", "{p}", "-p"];
        Command::new("cargo").args(arguments).arg(subject.id).output()?
    } else {
        let arguments = ["list", "-deps", "-f", "{{with .Module}}{{.Path}} {{.Version}}{{end}}"];
        let package = format!("./{}", subject.program());
        Command::new("go").args(arguments).arg(package).current_dir(sources::of_counterparts()).output()?
    };
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned().into());
    }
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let names = text.lines().map(|line| line.split_whitespace().take(2).collect::<Vec<_>>().join(" "));
    let ours = "counterparts";
    Ok(names.filter(|name| !name.is_empty() && name != ours).collect::<BTreeSet<_>>().len())
}

fn megabytes(path: &Path) -> Result<f64, Failed> {
    Ok(number(usize::try_from(fs::metadata(path)?.len())?) / 1e6)
}

#[allow(clippy::cast_precision_loss, reason = "far below 2^52")]
fn number(count: usize) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::{code, lines_of};
    use crate::servers::subject;

    #[test]
    fn neither_empty_lines_nor_comments_are_code() {
        assert_eq!(code("//! A.\n\nuse b;\n    // c\n    d();\n"), 2);
    }

    #[test]
    fn every_contender_has_some_lines() {
        for subject in &subject::ALL {
            let lines = lines_of(subject).unwrap();
            assert!((20..1000).contains(&lines), "{} {lines}", subject.id);
        }
    }
}
