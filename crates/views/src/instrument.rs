//! Adds calls to a template that count the work of a rendering.
//!
//! The engine has no limits of its own. A loop that writes nothing, a value that doubles forty times, or blocks and includes
//! nested a hundred deep would hang or abort the process. So the text that it compiles has a call of [`STEP`] at the start of
//! every template, block, component and turn of a loop. Its expressions have filters (see `expression`). Each of them may
//! refuse to go on. They write nothing, stand on the line of the tag to which they belong, and no position in a message counts
//! them.

use std::collections::{BTreeMap, BTreeSet};

use crate::expression;
use crate::filters::STEP;
use crate::position::Position;
use crate::scan::Insertion;
use crate::tag::{Tag, tags};

/// A template with the calls added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Instrumented {
    pub(crate) text: String,
    calls: Vec<Call>,
}

/// One call: the position in the original that it stands for, the one where it was added, and its length in characters.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Call {
    tag: Position,
    place: Position,
    length: u64,
}

/// The names that this template assigns.
pub(crate) fn assigned(source: &str) -> Vec<&str> {
    tags(source).iter().flat_map(|tag| expression::assigned(&tag.tokens(source))).collect()
}

/// Adds the calls. `assigned` holds the names that any template of the set assigns. Text that is no valid template is left as it
/// is from there on: the compiler will say why.
pub(crate) fn instrument(source: &str, assigned: &BTreeSet<&str>) -> Instrumented {
    let tags = tags(source);
    let mut insertions = steps(source, &tags);
    for tag in &tags {
        insertions.extend(expression::insertions(source, &tag.tokens(source), tag.word.is_empty(), assigned));
    }
    // The sort keeps the order of those that go to the same place.
    insertions.sort_by_key(|insertion| insertion.at);
    let positions = positions(source, &insertions);
    let position = |at: usize| positions.get(&at).copied().unwrap_or(Position::START);
    let mut instrumented =
        Instrumented { text: String::with_capacity(source.len() * 5 / 4), calls: Vec::new() };
    let mut done = 0;
    for Insertion { at, place, text } in insertions {
        instrumented.text.push_str(&source[done..at]);
        instrumented.text.push_str(&text);
        let length = text.chars().count() as u64;
        instrumented.calls.push(Call { tag: position(place), place: position(at), length });
        done = at;
    }
    instrumented.text.push_str(&source[done..]);
    instrumented
}

/// The positions of all places of the insertions, found in one pass.
fn positions(source: &str, insertions: &[Insertion]) -> BTreeMap<usize, Position> {
    let mut positions: BTreeMap<usize, Position> = insertions
        .iter()
        .flat_map(|insertion| [insertion.at, insertion.place])
        .map(|at| (at, Position::START))
        .collect();
    let (mut done, mut position) = (0, Position::START);
    for (at, found) in &mut positions {
        position = position.after(&source[done..*at]);
        (done, *found) = (*at, position);
    }
    positions
}

/// The calls of [`STEP`], each with the number of bytes of plain text that it precedes.
fn steps(source: &str, tags: &[Tag<'_>]) -> Vec<Insertion> {
    let mut steps = vec![Step { tag: 0, at: 0, trims: false, text: 0 }];
    let mut open = vec![0];
    let mut done = 0;
    for tag in tags {
        let current = open.last().copied().unwrap_or(0);
        steps[current].text += tag.start - done;
        done = tag.end;
        if tag.repeats_or_nests() {
            open.push(steps.len());
            let trims = source[..tag.end].ends_with("-%}");
            steps.push(Step { tag: tag.start, at: tag.end, trims, text: 0 });
        } else if matches!(tag.word, "endfor" | "endblock" | "endcomponent") && open.len() > 1 {
            open.pop();
        }
    }
    let current = open.last().copied().unwrap_or(0);
    steps[current].text += source.len() - done;
    // A template that extends another has nothing of its own outside of its blocks, and may have nothing there.
    let extends = tags.iter().any(|tag| tag.word == "extends");
    steps.iter().skip(usize::from(extends)).map(Step::insertion).collect()
}

/// A call of [`STEP`].
struct Step {
    /// The start and the end of the tag that it follows.
    tag: usize,
    at: usize,
    /// The tag removes the white space behind it, so the call does too.
    trims: bool,
    text: usize,
}

impl Step {
    fn insertion(&self) -> Insertion {
        let trim = if self.trims { "-" } else { "" };
        Insertion { at: self.at, place: self.tag, text: format!("{{{{ {}|{STEP} {trim}}}}}", self.text) }
    }
}

impl Instrumented {
    /// The position in the original for one in the text with calls.
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{STEP, instrument};
    use crate::filters::CHARGE_ITEMS;
    use crate::position::Position;

    /// Checks the steps: each `·` in `marked` stands for a step, each `~` for one that removes white space.
    #[track_caller]
    fn check(marked: &str) {
        let source = marked.replace(['·', '~'], "");
        let assigned = BTreeSet::new();
        let mut text = instrument(&source, &assigned).text.replace(&format!("|{CHARGE_ITEMS}"), "");
        while let Some(at) = text.find(&format!("|{STEP} ")) {
            let start = text[..at].rfind("{{ ").unwrap();
            let end = at + text[at..].find("}}").unwrap() + 2;
            let mark = if text[..end].ends_with("-}}") { "~" } else { "·" };
            text.replace_range(start..end, mark);
        }
        assert_eq!(text, marked);
    }

    #[test]
    fn a_step_is_added_where_work_is_repeated_or_nested() {
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
    fn a_step_counts_the_plain_text_that_it_precedes() {
        let source = "ab{% for x in y %}cde{% block b %}f{% endblock %}gh{% endfor %}i";
        let text = instrument(source, &BTreeSet::new()).text;
        for (bytes, before) in [(3, "ab"), (5, "cde"), (1, "f")] {
            let step = format!("{{{{ {bytes}|{STEP} }}}}{before}");
            assert!(text.contains(&step), "`{step}` in {text}");
        }
    }

    #[test]
    fn text_that_only_looks_like_a_tag_is_left_alone() {
        for marked in [
            "·{# {% for a in b %} #}",
            "·{#{% for a in b %}#}{% for a in b %}·{% endfor %}",
            "·{% raw %}{% for a in b %}{% endraw %}{% for a in b %}·{% endfor %}",
            "·{%- raw -%}{{ {% end {%- endraw -%}{% block a %}·{% endblock %}",
            "·{{ \"{% for a in b %}\" }}",
            "·{{ '\\'{% for a in b %}' }}{% for a in \"%}\" %}·{% endfor %}",
            "·{% if {\"a\": \"%}\"} %}{% endif %}{% block a %}·{% endblock %}",
            "·{% formula %}{% endfor %}{% set for = 1 %}",
        ] {
            check(marked);
        }
    }

    #[test]
    fn text_that_is_no_template_is_left_as_it_is_from_there_on() {
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
        let instrumented = instrument(source, &BTreeSet::new());
        for (name, line, column) in [("a", 1, 1), ("d", 1, 24), ("f", 2, 16), ("i", 2, 39)] {
            let text = instrumented.text.lines().nth(usize::try_from(line).unwrap() - 1).unwrap();
            let found = text.find(&format!("{{{{ {name} }}}}")).unwrap() as u64 + 1;
            assert_ne!(found, column, "`{name}` is not where it was");
            assert_eq!(
                instrumented.original(Position { line, column: found }),
                Position { line, column },
                "{name}"
            );
        }
        let call = instrumented.text.match_indices(STEP).nth(1).unwrap().0 as u64 + 1;
        let tag = Position { line: 1, column: 8 };
        assert_eq!(
            instrumented.original(Position { line: 1, column: call }),
            tag,
            "a call stands for its tag"
        );
    }
}
