//! Every link within the repository leads to a file, and to a heading of it.

use std::path::Path;

use super::{Document, documents, prose, read, root};

#[test]
fn every_link_leads_somewhere() {
    let mut count = 0;
    for document in documents() {
        for target in targets(&prose(&document.text)) {
            count += 1;
            if let Err(reason) = resolve(&document, &target) {
                panic!("{} links to `{target}`: {reason}", document.path.display());
            }
        }
    }
    assert!(count > 80, "only {count} links were found");
}

#[test]
fn a_link_that_leads_nowhere_is_found() {
    let path = Path::new("docs/limits.md");
    for (text, found) in [
        ("[a](measured.md)", true),
        ("[a](nothing.md)", false),
        ("[a](measured.md#nothing-lost)", true),
        ("[a](measured.md#nothing-at-all)", false),
        ("[a](../README.md)", true),
        ("[a](#here)\n\n## Here", true),
        ("[a](#there)\n\n## Here", false),
        ("<img src=\"page-light.png\">", true),
        ("<img src=\"page-grey.png\">", false),
        ("[a](https://example.com/nothing)", true),
    ] {
        let document = Document { path: path.to_owned(), text: text.to_owned() };
        let targets = targets(&document.text);
        let all = targets.iter().all(|target| resolve(&document, target).is_ok());
        assert_eq!(all, found, "{text}");
    }
}

/// The targets of a text's links, except web pages and code between backticks.
fn targets(text: &str) -> Vec<String> {
    let text: String = text.split('`').step_by(2).collect();
    let mut targets = Vec::new();
    for (opening, closing) in [("](", ')'), ("src=\"", '"'), ("srcset=\"", '"'), ("href=\"", '"')] {
        let links = text.split(opening).skip(1).filter_map(|rest| rest.split_once(closing));
        targets.extend(links.map(|(target, _)| target.to_owned()).filter(|target| !target.contains("://")));
    }
    targets
}

fn resolve(document: &Document, target: &str) -> Result<(), String> {
    let (file, heading) = target.split_once('#').map_or((target, None), |(file, at)| (file, Some(at)));
    let folder = document.path.parent().unwrap_or(Path::new(""));
    let path = folder.join(file);
    if !file.is_empty() && !root().join(&path).exists() {
        return Err(format!("`{}` is not there", path.display()));
    }
    let Some(heading) = heading else { return Ok(()) };
    let text = if file.is_empty() { document.text.clone() } else { read(&path) };
    let is_there = prose(&text).lines().any(|line| line.starts_with('#') && slug(line) == heading);
    if is_there { Ok(()) } else { Err(format!("it has no heading `#{heading}`")) }
}

/// The name by which GitHub links to a heading.
fn slug(heading: &str) -> String {
    let words = heading.trim_start_matches('#').trim().to_lowercase();
    words.chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c)).collect::<String>().replace(' ', "-")
}
