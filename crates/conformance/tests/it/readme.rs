//! The documentation is true where a program can tell: its links, its commands, its quoted code, its lists of names.

mod commands;
mod figures;
mod links;
mod quotes;
mod reference;

use std::{
    fs,
    path::{Path, PathBuf},
};

/// A Markdown file of the repository.
struct Document {
    /// Relative to the root of the repository.
    path: PathBuf,
    text: String,
}

/// A fenced block of code.
struct Block<'a> {
    language: &'a str,
    /// With line breaks, without the fences.
    code: String,
    /// All text of the document before the block.
    before: &'a str,
}

#[test]
fn the_readmes_are_short_enough_to_be_read() {
    for (path, fewest, most) in [("README.md", 100, 250), ("README.zh-CN.md", 80, 100)] {
        let lines = read(path).lines().count();
        assert!((fewest..=most).contains(&lines), "{path} has {lines} lines, expected {fewest} to {most}");
    }
}

/// Every Markdown file that is documentation.
fn documents() -> Vec<Document> {
    let mut paths: Vec<PathBuf> =
        ["README.md", "README.zh-CN.md", "ARCHITECTURE.md", "deploy/README.md"].map(PathBuf::from).into();
    paths.extend(entries("docs").into_iter().filter(|path| path.extension().is_some_and(|ext| ext == "md")));
    let of_crates = entries("crates").into_iter().map(|folder| folder.join("README.md"));
    paths.extend(of_crates.filter(|path| root().join(path).is_file()));
    paths.into_iter().map(|path| Document { text: read(&path), path }).collect()
}

/// The fenced blocks of a text, in order.
fn blocks(text: &str) -> Vec<Block<'_>> {
    let mut blocks = Vec::new();
    let mut open: Option<(&str, String, usize)> = None;
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        match (line.trim().strip_prefix("```"), open.take()) {
            (Some(language), None) => open = Some((language, String::new(), at)),
            (Some(_), Some((language, code, begin))) => {
                blocks.push(Block { language, code, before: &text[..begin] });
            }
            (None, Some((language, code, begin))) => open = Some((language, code + line, begin)),
            (None, None) => {}
        }
        at += line.len();
    }
    assert!(open.is_none(), "a block of code has no end");
    blocks
}

/// The text without its fenced blocks.
fn prose(text: &str) -> String {
    let mut is_code = false;
    let lines = text.lines().filter(|line| {
        let is_fence = line.trim().starts_with("```");
        is_code ^= is_fence;
        !is_code && !is_fence
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// The entries of a folder, relative to the root of the repository, in order.
fn entries(folder: &str) -> Vec<PathBuf> {
    let found = fs::read_dir(root().join(folder)).expect("a folder of the repository");
    let mut paths: Vec<PathBuf> =
        found.map(|entry| Path::new(folder).join(entry.expect("an entry").file_name())).collect();
    paths.sort();
    paths
}

/// All Rust files below a folder, as one text.
fn sources(folder: &str) -> String {
    let mut text = String::new();
    for path in entries(folder) {
        if root().join(&path).is_dir() {
            text.push_str(&sources(&path.to_string_lossy()));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            text.push_str(&read(&path));
        }
    }
    text
}

fn read(path: impl AsRef<Path>) -> String {
    let path = path.as_ref();
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}
