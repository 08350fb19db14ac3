//! The tags of a template.

use crate::token::{Kind, Token, end_of_string, tokens};

/// A tag `{% word … %}`, or `{{ … }}`, which has no word.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Tag<'a> {
    pub(crate) word: &'a str,
    pub(crate) start: usize,
    pub(crate) end: usize,
}

impl Tag<'_> {
    /// True if what follows is repeated, or nested in the stack.
    pub(crate) fn repeats_or_nests(&self) -> bool {
        matches!(self.word, "for" | "block" | "component")
    }

    /// The first text in quotes: `"a.html"` of `{% include "a.html" %}`.
    pub(crate) fn literal<'a>(&self, source: &'a str) -> Option<Token<'a>> {
        self.tokens(source).into_iter().find(|token| token.kind == Kind::Literal)
    }

    /// The tokens between the delimiters.
    pub(crate) fn tokens<'a>(&self, source: &'a str) -> Vec<Token<'a>> {
        let (start, end) = (self.start + 2, self.end - 2);
        let inside = &source[start..end];
        let start = start + usize::from(inside.starts_with('-'));
        tokens(source, start, end.max(start) - usize::from(inside.len() > 1 && inside.ends_with('-')))
    }
}

/// The tags of a template, up to the first place that is none: outside of comments, strings and raw parts.
pub(crate) fn tags(source: &str) -> Vec<Tag<'_>> {
    let mut tags = Vec::new();
    let mut at = 0;
    while let Some(start) = opening(source, at) {
        let end = match &source[start..start + 2] {
            "{#" => source[start + 2..].find("#}").map(|found| start + found + 4),
            "{{" => closing(source, start + 2, "}}"),
            _ => closing(source, start + 2, "%}"),
        };
        let Some(end) = end else { break };
        at = end;
        if source[start..].starts_with("{{") {
            tags.push(Tag { word: "", start, end });
        } else if source[start..].starts_with("{%") {
            let word = match word(&source[start + 2..end - 2]) {
                "" => "<",
                word => word,
            };
            tags.push(Tag { word, start, end });
            if word == "raw" {
                let Some(end) = end_of_raw(source, end) else { break };
                at = end;
            }
        }
    }
    tags
}

/// The position of the next `{{`, `{%` or `{#`.
fn opening(source: &str, from: usize) -> Option<usize> {
    let bytes = source.as_bytes();
    (from..bytes.len().saturating_sub(1)).find(|&at| bytes[at] == b'{' && b"{%#".contains(&bytes[at + 1]))
}

/// The end of what is closed by `mark`, which does not count in a string.
fn closing(source: &str, from: usize, mark: &str) -> Option<usize> {
    let bytes = source.as_bytes();
    let mut at = from;
    while at < bytes.len() {
        match bytes[at] {
            b'"' | b'\'' | b'`' => at = end_of_string(bytes, at)?,
            _ if bytes[at..].starts_with(mark.as_bytes()) => return Some(at + mark.len()),
            _ => at += 1,
        }
    }
    None
}

/// The first word of a tag's inside.
fn word(inside: &str) -> &str {
    let inside = inside.trim_start_matches('-').trim_start();
    inside.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_').next().unwrap_or_default()
}

/// The end of `{% endraw %}`, in which nothing before it is a tag.
fn end_of_raw(source: &str, from: usize) -> Option<usize> {
    let mut at = from;
    loop {
        let inside = at + source[at..].find("{%")? + 2;
        let end = closing(source, inside, "%}");
        if let Some(end) = end.filter(|_| word(&source[inside..]) == "endraw") {
            return Some(end);
        }
        at = inside;
    }
}
