//! The names that templates refer to, and those among them that do not exist.
//!
//! The engine reports every such reference, and quotes the whole line in each report. 10,000 of them on a line of 140 KB take
//! 2.8 GB and over a minute. So a set with many of them is refused before the engine sees it.

use std::collections::{BTreeMap, BTreeSet};
use std::iter;

use tera::{Context, Tera};

use crate::position::Position;
use crate::report::{self, Report};
use crate::tag::tags;
use crate::token::{Kind, Token};

/// The most references to unknown names that the engine is left to report, and that one message lists.
const MOST_REPORTS: usize = 10;

/// The words before which `<` begins a component, and which `(` makes no functions.
const KEYWORDS: [&str; 10] = ["and", "or", "not", "in", "is", "if", "elif", "else", "for", "set"];

/// References to unknown names.
pub(crate) struct Unknown {
    /// The first ones, at most [`MOST_REPORTS`].
    pub(crate) reports: Vec<Report>,
    /// The number of the others.
    pub(crate) more: usize,
}

/// A name and its kind.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Reference<'a> {
    Filter(&'a str),
    Test(&'a str),
    Function(&'a str),
    Component(String),
    Template(&'a str),
    /// A block that replaces one of the template that this one extends.
    Block(&'a str),
}

/// The references to unknown names, if there are more than [`MOST_REPORTS`]. `engine` knows the filters, tests and functions.
pub(crate) fn unknown(texts: &BTreeMap<&str, &str>, engine: &Tera) -> Option<Unknown> {
    let components: BTreeSet<String> = texts.values().flat_map(|text| components(text)).collect();
    let mut known: BTreeMap<Reference<'_>, bool> = BTreeMap::new();
    let mut found = Unknown { reports: Vec::new(), more: 0 };
    for (name, text) in texts {
        let ancestors = ancestors(name, texts);
        let blocks: BTreeSet<&str> = ancestors.iter().flatten().flat_map(|text| blocks(text)).collect();
        for (reference, at) in references(text) {
            let exists = match &reference {
                Reference::Component(name) => components.contains(name),
                Reference::Template(name) => texts.contains_key(name),
                // The engine says what is wrong with the templates that this one extends.
                Reference::Block(name) => {
                    ancestors.as_ref().is_none_or(Vec::is_empty) || blocks.contains(name)
                }
                _ => *known.entry(reference.clone()).or_insert_with(|| reference.is_known_to(engine)),
            };
            if exists {
                continue;
            }
            if found.reports.len() < MOST_REPORTS {
                let position = Position::START.after(&text[..at]);
                found.reports.push(Report {
                    template: (*name).to_owned(),
                    position,
                    words: reference.words(),
                });
            } else {
                found.more += 1;
            }
        }
    }
    (found.more > 0).then_some(found)
}

impl Unknown {
    pub(crate) fn new(mut reports: Vec<Report>) -> Unknown {
        let more = reports.len().saturating_sub(MOST_REPORTS);
        reports.truncate(MOST_REPORTS);
        Unknown { reports, more }
    }
}

/// The template that this one extends.
pub(crate) fn parent(source: &str) -> Option<&str> {
    tags(source).into_iter().find(|tag| tag.word == "extends")?.literal(source).map(|name| name.unquoted())
}

/// The position of `name` after `word`, which is `include` or `extends`.
pub(crate) fn position_of(source: &str, word: &str, name: &str) -> Option<Position> {
    let names = tags(source).into_iter().filter(|tag| tag.word == word).filter_map(|tag| tag.literal(source));
    let found = names.into_iter().find(|found| found.unquoted() == name)?;
    Some(Position::START.after(&source[..found.start]))
}

impl Reference<'_> {
    /// The error, in the words of the engine.
    fn words(&self) -> String {
        match self {
            Self::Filter(name) => format!("unknown filter `{name}`"),
            Self::Test(name) => format!("unknown test `{name}`"),
            Self::Function(name) => format!("unknown function `{name}`"),
            Self::Component(name) => format!("unknown component `{name}`"),
            Self::Template(name) => format!("unknown template `{name}`"),
            Self::Block(name) => format!("block `{name}` is not defined in any parent template"),
        }
    }

    /// The engine lists no names, so it is given a template with this one.
    fn is_known_to(&self, engine: &Tera) -> bool {
        let call = match self {
            Self::Filter(name) => format!("0|{name}"),
            Self::Test(name) => format!("0 is {name}"),
            Self::Function(name) => format!("{name}()"),
            Self::Component(_) | Self::Template(_) | Self::Block(_) => return true,
        };
        let template = format!("{{% if false %}}{{{{ {call} }}}}{{% endif %}}");
        let error = engine.render_str(&template, &Context::new(), false).err();
        let words = self.words();
        !error.is_some_and(|error| {
            report::parsed(&error.to_string()).iter().any(|report| report.words == words)
        })
    }
}

/// The texts that `name` extends, one through the other. `None` if one is missing, or if they form a circle.
fn ancestors<'a>(name: &str, texts: &BTreeMap<&str, &'a str>) -> Option<Vec<&'a str>> {
    let mut next = texts.get(name).copied().and_then(parent);
    let mut ancestors = Vec::new();
    while let Some(name) = next {
        let text = *texts.get(name)?;
        ancestors.push(text);
        if ancestors.len() > texts.len() {
            return None;
        }
        next = parent(text);
    }
    Some(ancestors)
}

/// The names of the components that a template defines.
fn components(source: &str) -> impl Iterator<Item = String> {
    let tags = tags(source).into_iter().filter(|tag| tag.word == "component");
    tags.map(|tag| dotted(&tag.tokens(source), 1))
}

/// The names of the blocks that a template defines.
fn blocks(source: &str) -> impl Iterator<Item = &str> {
    let tags = tags(source).into_iter().filter(|tag| tag.word == "block");
    tags.filter_map(|tag| tag.tokens(source).get(1).map(|token| token.text))
}

/// Every reference, with its byte position.
fn references(source: &str) -> Vec<(Reference<'_>, usize)> {
    let mut found = Vec::new();
    let mut depth = 0_usize;
    for tag in tags(source) {
        let tokens = tag.tokens(source);
        match (tag.word, tokens.get(1)) {
            ("include", Some(name)) => found.push((Reference::Template(name.unquoted()), name.start)),
            ("block", Some(name)) => {
                // The engine asks for the outermost blocks only.
                found.extend((depth == 0).then_some((Reference::Block(name.text), name.start)));
                depth += 1;
            }
            ("endblock", _) => depth = depth.saturating_sub(1),
            ("component", _) => {}
            ("filter", Some(name)) => {
                found.push((Reference::Filter(name.text), name.start));
                found.extend((2..tokens.len()).filter_map(|at| reference(&tokens, at)));
            }
            _ => found.extend((0..tokens.len()).filter_map(|at| reference(&tokens, at))),
        }
    }
    found
}

/// The reference that the token at `at` is, if it is one.
fn reference<'a>(tokens: &[Token<'a>], at: usize) -> Option<(Reference<'a>, usize)> {
    let token = tokens[at];
    if token.kind != Kind::Word {
        return None;
    }
    let text = |at: Option<usize>| at.and_then(|at| tokens.get(at)).map_or("", |token| token.text);
    let (before, earlier) = (text(at.checked_sub(1)), text(at.checked_sub(2)));
    let reference = match before {
        "|" => Reference::Filter(token.text),
        "." | "?." => return None,
        _ if KEYWORDS.contains(&token.text) => return None,
        "is" => Reference::Test(token.text),
        "not" if earlier == "is" => Reference::Test(token.text),
        "<" if begins_operand(tokens, at - 1) => Reference::Component(dotted(tokens, at)),
        _ if text(Some(at + 1)) == "(" => Reference::Function(token.text),
        _ => return None,
    };
    Some((reference, token.start))
}

/// True if an operand is expected at `at`: a `<` there is no comparison.
fn begins_operand(tokens: &[Token<'_>], at: usize) -> bool {
    let Some(before) = at.checked_sub(1).map(|before| tokens[before]) else { return true };
    match before.kind {
        Kind::Word => KEYWORDS.contains(&before.text),
        Kind::Literal => false,
        Kind::Mark => ![")", "]", "}", ">"].contains(&before.text),
    }
}

/// The name that begins at `from`: `a.b` of `<a.b c="d"/>`.
fn dotted(tokens: &[Token<'_>], from: usize) -> String {
    let name = iter::once(from).chain(
        (from + 1..tokens.len())
            .step_by(2)
            .map_while(|dot| (tokens[dot].text == "." && dot + 1 < tokens.len()).then_some(dot + 1)),
    );
    let words: Vec<&str> = name.filter_map(|at| tokens.get(at)).map(|token| token.text).collect();
    words.join(".")
}

#[cfg(test)]
mod tests {
    use super::{ancestors, position_of, references};
    use std::collections::BTreeMap;

    #[test]
    fn every_reference_to_a_name_is_found() {
        for (source, expected) in [
            ("{{ a.b | upper | join(sep=c | lower) }}", "filter `upper`, filter `join`, filter `lower`"),
            ("{% filter trim | upper %}{% endfilter %}", "filter `trim`, filter `upper`"),
            ("{% if a is odd and b is not even or not (c) %}", "test `odd`, test `even`"),
            ("{% for a in range(end=b.c(1)) %}{{ super() }}", "function `range`, function `super`"),
            (
                "{{ <box a={f(1)}/> }}{% <ui.box> %}{% </ui.box> %}",
                "component `box`, function `f`, component `ui.box`",
            ),
            ("{{ a if 1 < b and c[0] < d and 'e' < f(g) else <h/> }}", "function `f`, component `h`"),
            ("{% component box(a) %}{{ body }}{% endcomponent box %}", ""),
            ("{% include 'a.html' %}{% extends 'b.html' %}", "template `a.html`"),
            ("{# {{ a | b }} #}{% raw %}{{ a | b }}{% endraw %}{{ 'x | y' }}", ""),
            (
                "{% block a %}{% block b %}{% endblock %}{% endblock a %}{% block c %}",
                "block `a` is not defined in any parent template, block `c` is not defined in any parent template",
            ),
        ] {
            let found: Vec<String> = references(source).into_iter().map(|(found, _)| found.words()).collect();
            assert_eq!(found.join(", ").replace("unknown ", ""), expected, "{source}");
        }
    }

    #[test]
    fn the_templates_that_one_extends_are_found_unless_one_is_missing_or_they_form_a_circle() {
        let texts = BTreeMap::from([
            ("a", "{% extends 'b' %}"),
            ("b", "{% extends 'c' %}"),
            ("c", "end"),
            ("d", "{% extends 'gone' %}"),
            ("e", "{% extends 'e' %}"),
        ]);
        let count = |name| ancestors(name, &texts).map(|ancestors| ancestors.len());
        assert_eq!(["a", "c", "d", "e"].map(count), [Some(2), Some(0), None, None]);
    }

    #[test]
    fn a_call_is_found_in_each_kind_of_quotes() {
        for (source, found) in [
            ("{% include \"a.html\" %}", Some((1, 12))),
            ("x\n{%- include 'a.html' %}", Some((2, 13))),
            ("{% include `a.html` %}", Some((1, 12))),
            ("{% include \"b.html\" %}", None),
            ("{# {% include 'a.html' %} #}{%include  'a.html'%}", Some((1, 40))),
        ] {
            let position = position_of(source, "include", "a.html");
            assert_eq!(position.map(|at| (at.line, at.column)), found, "in {source:?}");
        }
    }
}
