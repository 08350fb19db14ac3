//! Quoted code is the code.

use std::path::Path;

use super::{Block, Document, blocks, documents, read, root};

#[test]
fn quoted_code_is_the_code() {
    let mut count = 0;
    for document in documents() {
        for block in blocks(&document.text).iter().filter(|block| block.language == "rust") {
            count += 1;
            if let Err(reason) = compare(&document, block) {
                panic!("{} quotes code that is not there: {reason}", document.path.display());
            }
        }
    }
    assert!(count >= 4, "only {count} quotes were found");
}

#[test]
fn a_quote_that_is_not_the_code_is_found() {
    let link = "[it](../crates/demo-axum/examples/existing_axum.rs)";
    for (code, same) in [
        ("#[tokio::main]\nasync fn main() -> std::io::Result<()> {", true),
        ("    #[tokio::main]\n    async fn main() -> std::io::Result<()> {", true),
        ("#[tokio::main]\nasync fn other() {", false),
        ("", false),
    ] {
        let text = format!("{link}\n```rust\n{code}\n```\n");
        let document = Document { path: "docs/x.md".into(), text };
        let block = &blocks(&document.text)[0];
        assert_eq!(compare(&document, block).is_ok(), same, "{code}");
    }
}

/// A quote follows a link to its file.
fn compare(document: &Document, block: &Block<'_>) -> Result<(), String> {
    let (_, after) = block.before.rsplit_once("](").ok_or("no link to a file stands before it")?;
    let (file, _) = after.split_once(')').ok_or("the link before it has no end")?;
    let path = document.path.parent().unwrap_or(Path::new("")).join(file);
    if path.extension().is_none_or(|extension| extension != "rs") || !root().join(&path).is_file() {
        return Err(format!("the link before it, `{file}`, leads to no Rust file"));
    }
    let quote = lines(&block.code);
    let code = lines(&read(&path));
    let is_there = !quote.is_empty() && code.windows(quote.len()).any(|part| part == quote);
    if is_there { Ok(()) } else { Err(format!("`{}` does not contain\n{}", path.display(), block.code)) }
}

/// The lines without their indentation, empty ones excepted.
fn lines(code: &str) -> Vec<String> {
    code.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect()
}
