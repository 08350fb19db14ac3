//! Weaves a call into every place of a template where work is repeated or nested.
//!
//! The engine has no limits of its own: a loop that writes nothing, or a page of blocks and includes nested a hundred
//! deep, would hang or abort the process. So the text that it compiles calls [`STEP`] at the start of every template,
//! block, component and turn of a loop, and that call may refuse. The woven calls write nothing, stand on the line
//! of the tag they follow, and are taken out of every position again.

use crate::position::Position;

/// The name of the function that is called.
pub(crate) const STEP: &str = "__step";

/// A template with the calls woven in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Woven {
    pub(crate) text: String,
    calls: Vec<Call>,
}

/// One call: where the tag begins that it belongs to, where it was put in the original, how many characters it has.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Call {
    tag: Position,
    place: Position,
    length: u64,
}

/// Weaves the calls in. What is no valid template is left as it is from there on: the compiler will say why.
pub(crate) fn weave(source: &str) -> Woven {
    let tags = tags(source);
    let mut woven = Woven { text: String::with_capacity(source.len() * 5 / 4), calls: Vec::new() };
    // A template that extends another has nothing of its own outside of its blocks, and may have nothing there.
    if !tags.iter().any(|tag| tag.word == "extends") {
        woven.call(Position::START, Position::START, false);
    }
    let mut done = 0;
    let mut position = Position::START;
    for Tag { start, end, .. } in tags.into_iter().filter(Tag::repeats_or_nests) {
        let tag = position.after(&source[done..start]);
        position = tag.after(&source[start..end]);
        woven.text.push_str(&source[done..end]);
        woven.call(tag, position, source[..end].ends_with("-%}"));
        done = end;
    }
    woven.text.push_str(&source[done..]);
    woven
}

impl Woven {
    /// Where `tag` trims what follows it, the call after it does so in its place.
    fn call(&mut self, tag: Position, place: Position, trims: bool) {
        let call = if trims { format!("{{{{ {STEP}() -}}}}") } else { format!("{{{{ {STEP}() }}}}") };
        self.text.push_str(&call);
        self.calls.push(Call { tag, place, length: call.len() as u64 });
    }

    /// The position in the original for one in the woven text.
    pub(crate) fn original(&self, position: Position) -> Position {
        let mut shift = 0;
        for call in self.calls.iter().filter(|call| call.place.line == position.line) {
            let start = call.place.column + shift;
            if position.column < start {
                break;
            }
            if position.column < start + call.length {
                return call.tag;
            }
            shift += call.length;
        }
        Position { column: position.column - shift, ..position }
    }
}

/// A tag `{% word … %}`.
#[derive(Debug, PartialEq, Eq)]
struct Tag<'a> {
    word: &'a str,
    start: usize,
    end: usize,
}

impl Tag<'_> {
    fn repeats_or_nests(&self) -> bool {
        matches!(self.word, "for" | "block" | "component")
    }
}

/// The tags of a template, up to the first place that is none: outside of comments, strings and raw parts.
fn tags(source: &str) -> Vec<Tag<'_>> {
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
        if source[start..].starts_with("{%") {
            let word = word(&source[start + 2..end]);
            tags.push(Tag { word, start, end });
            if word == "raw" {
                let Some(end) = end_of_raw(source, end) else { break };
                at = end;
            }
        }
    }
    tags
}

/// Where the next `{{`, `{%` or `{#` begins.
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
            quote @ (b'"' | b'\'' | b'`') => {
                at += 1;
                while *bytes.get(at)? != quote {
                    at += if bytes[at] == b'\\' { 2 } else { 1 };
                }
            }
            _ if bytes[at..].starts_with(mark.as_bytes()) => return Some(at + mark.len()),
            _ => {}
        }
        at += 1;
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

#[cfg(test)]
mod tests {
    use super::{STEP, weave};
    use crate::position::Position;

    /// Every `·` in `marked` is where a call belongs, every `~` where one belongs that trims.
    fn check(marked: &str) {
        let source = marked.replace(['·', '~'], "");
        let expected =
            marked.replace('·', &format!("{{{{ {STEP}() }}}}")).replace('~', &format!("{{{{ {STEP}() -}}}}"));
        assert_eq!(weave(&source).text, expected);
    }

    #[test]
    fn calls_are_woven_in_where_work_is_repeated_or_nested() {
        for marked in [
            "·",
            "·plain { text } {",
            "·{{ name }} é {% if a %}b{% endif %}",
            "·{% for a in b %}·x{% else %}y{% endfor %}",
            "·{% for a in b -%}~ x {%- endfor %}",
            "·{%- for a in b%}·{% endfor %}",
            "·{%\nfor a in b\n%}·{% endfor %}",
            "·{% block a %}·x{% endblock %}",
            "·{% component box(a) %}·{{ a }}{% endcomponent box %}",
            "{% extends 'a' %}{% block b %}·{% endblock %}",
            " {# why #} {% extends 'a' %}",
        ] {
            check(marked);
        }
    }

    #[test]
    fn what_only_looks_like_a_tag_is_left_alone() {
        for marked in [
            "·{# {% for a in b %} #}",
            "·{#{% for a in b %}#}{% for a in b %}·{% endfor %}",
            "·{% raw %}{% for a in b %}{% endraw %}{% for a in b %}·{% endfor %}",
            "·{%- raw -%}{{ {% end {%- endraw -%}{% block a %}·{% endblock %}",
            "·{{ \"{% for a in b %}\" }}",
            "·{{ '\\'{% for a in b %}' }}{% for a in \"%}\" %}·{% endfor %}",
            "·{{ {\"a\": \"}}\"} }}{% block a %}·{% endblock %}",
            "·{% formula %}{% endfor %}{% set for = 1 %}",
        ] {
            check(marked);
        }
    }

    #[test]
    fn what_is_no_template_is_left_as_it_is_from_there_on() {
        for marked in [
            "·{# {% for a in b %}",
            "·{% for a in b",
            "·{{ 'open }}{% for a in b %}",
            "·{% raw %}{% for a in b %}",
            "·{{ \"\\",
            "·{",
            "·{%",
        ] {
            check(marked);
        }
    }

    #[test]
    fn positions_lead_back_to_the_original() {
        let source = "{{ a }}{% for b in c %}{{ d }}\n{% block e -%} {{ f }}{% for g in h %}{{ i }}";
        let woven = weave(source);
        for (name, line, column) in [("a", 1, 1), ("d", 1, 24), ("f", 2, 16), ("i", 2, 39)] {
            let text = woven.text.lines().nth(usize::try_from(line).unwrap() - 1).unwrap();
            let found = text.find(&format!("{{{{ {name} }}}}")).unwrap() as u64 + 1;
            assert_ne!(found, column, "`{name}` is not where it was");
            assert_eq!(woven.original(Position { line, column: found }), Position { line, column }, "{name}");
        }
        let call = woven.text.match_indices(STEP).nth(1).unwrap().0 as u64 + 1;
        let tag = Position { line: 1, column: 8 };
        assert_eq!(woven.original(Position { line: 1, column: call }), tag, "a call stands for its tag");
    }
}
