//! What the README quotes and links to is there.

use std::{fs, path::Path};

#[test]
fn the_readme_quotes_the_examples_as_they_are() {
    let readme = read("README.md");
    let own_settings = read("crates/configs/examples/own_settings.rs");
    let code = own_settings.find("use ").map_or("", |begin| own_settings[begin..].trim());
    assert!(!code.is_empty() && readme.contains(code), "README.md does not quote own_settings.rs as it is");
    for line in
        read("crates/demo-axum/examples/existing_axum.rs").lines().filter(|line| line.contains("lifecycle::"))
    {
        let shown = squeezed(line);
        assert!(
            readme.lines().any(|line| squeezed(line).starts_with(&shown)),
            "README.md does not quote `{shown}`"
        );
    }
}

#[test]
fn every_link_in_the_readme_leads_somewhere() {
    let readme = read("README.md");
    let links: Vec<&str> = readme
        .split("](")
        .skip(1)
        .filter_map(|rest| rest.split_once(')'))
        .map(|(link, _)| link)
        .filter(|link| !link.contains("://"))
        .collect();
    assert!(links.len() > 10, "only {links:?}");
    for link in links {
        let is_there = match link.strip_prefix('#') {
            Some(slug) => readme.lines().any(|line| line.starts_with('#') && slug_of(line) == slug),
            None => root().join(link).exists(),
        };
        assert!(is_there, "README.md links to `{link}`, which is not there");
    }
}

/// Under which name a heading is linked to.
fn slug_of(heading: &str) -> String {
    let words = heading.trim_start_matches('#').trim().to_lowercase();
    words.chars().filter(|c| c.is_alphanumeric() || " -".contains(*c)).collect::<String>().replace(' ', "-")
}

fn squeezed(line: &str) -> String {
    line.split("//").next().unwrap_or_default().split_whitespace().collect::<Vec<_>>().join(" ")
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).expect("a file of the repository")
}

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}
