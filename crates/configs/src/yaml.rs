//! The YAML parser: text into a tree. No other module names the parser's crate.
//!
//! The parser is `granit-parser`, on which `serde-saphyr` is built. `serde-saphyr` itself deserializes straight into a type: it
//! keeps neither the quotes of a scalar nor the place of a key.

mod anchors;
mod places;

use std::borrow::Cow;
use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;

use granit_parser::{Event, Marker, Parser, ScalarStyle, Span as Range, StrInput, Tag};

use crate::cost::{self, MAX_COST, MAX_DEPTH, cost};
use crate::origin::Origin;
use crate::problem::Problem;
use crate::source_map::{Occupancy, SourceMap};
use crate::surrogates::Replaced;
use crate::text::is_safe_to_echo;
use crate::tree::{Entry, Mark, Node, Style, Value};
use crate::yaml::anchors::{Anchors, TooManyCopies};
use crate::yaml::places::Places;

/// Parses one document; `file` is `None` for the built-in defaults.
pub(crate) fn parse(text: &str, file: Option<&Path>) -> Result<(Node, SourceMap), Problem> {
    let text = without_mark(text);
    read(text, &Replaced::none(text), file, "YAML")
}

/// Parses a JSON document. It is a YAML document but for surrogate pairs.
pub(crate) fn parse_json(text: &str, file: &Path) -> Result<(Node, SourceMap), Problem> {
    let text = without_mark(text);
    read(text, &Replaced::of(text), Some(file), "JSON")
}

/// The text without the byte order mark.
fn without_mark(text: &str) -> &str {
    text.strip_prefix('\u{feff}').unwrap_or(text)
}

/// `format` is the name for messages.
fn read(
    text: &str,
    replaced: &Replaced<'_>,
    file: Option<&Path>,
    format: &'static str,
) -> Result<(Node, SourceMap), Problem> {
    let mut reader = Reader {
        events: Parser::new_from_str(&replaced.text),
        places: Places { replaced, file: file.map(Arc::from), format },
        anchors: Anchors::default(),
        cost: 0,
        path: Vec::new(),
        occupancy: vec![
            Occupancy::default();
            text.bytes().filter(|byte| matches!(byte, b'\n' | b'\r')).count() + 3
        ],
    };
    let root = reader.document()?;
    Ok((root, SourceMap::new(text, reader.occupancy)))
}

struct Reader<'a> {
    events: Parser<'a, StrInput<'a>>,
    places: Places<'a>,
    anchors: Anchors,
    cost: usize,
    path: Vec<String>,
    occupancy: Vec<Occupancy>,
}

impl<'a> Reader<'a> {
    fn document(&mut self) -> Result<Node, Problem> {
        let root = loop {
            let (event, range) = self.next()?;
            match event {
                Event::StreamStart | Event::DocumentStart(..) => {}
                Event::StreamEnd | Event::DocumentEnd => return Err(self.places.empty()),
                event => break self.node(event, range)?,
            }
        };
        if root.is_nothing() {
            return Err(self.places.empty());
        }
        loop {
            let (event, range) = self.next()?;
            match event {
                Event::DocumentEnd => {}
                Event::StreamEnd => return Ok(root),
                _ => return Err(self.problem("a second document begins here, expected one", range.start)),
            }
        }
    }

    fn node(&mut self, event: Event<'a>, range: Range) -> Result<Node, Problem> {
        let text = if let Event::Scalar(text, ..) = &event { text.len() } else { 0 };
        self.cost += cost(text, self.path_length());
        if self.cost > MAX_COST {
            return Err(self.too_large(range.start));
        }
        let mark = self.places.mark(range);
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let style = self.style(style, tag.as_deref(), range.start)?;
                self.occupy(&mark, |line| line.values += 1);
                self.anchored(anchor, Node::text(text, style, mark), range.start)
            }
            Event::SequenceStart(_, anchor, tag) => {
                self.untagged(tag.as_deref(), range.start)?;
                let items = self.items(range.start)?;
                self.anchored(anchor, Node { value: Value::List(items), mark }, range.start)
            }
            Event::MappingStart(_, anchor, tag) => {
                self.untagged(tag.as_deref(), range.start)?;
                let entries = self.entries(range.start)?;
                self.anchored(anchor, Node::map(entries, mark), range.start)
            }
            Event::Alias(anchor) => self.alias(anchor, mark, range.start),
            _ => Err(self.problem("expected a value", range.start)),
        }
    }

    fn items(&mut self, start: Marker) -> Result<Vec<Node>, Problem> {
        self.descend(start)?;
        let mut items = Vec::new();
        loop {
            let (event, range) = self.next()?;
            if event == Event::SequenceEnd {
                break;
            }
            if let Some(last) = self.path.last_mut() {
                *last = items.len().to_string();
            }
            items.push(self.node(event, range)?);
        }
        self.path.pop();
        Ok(items)
    }

    fn entries(&mut self, start: Marker) -> Result<Vec<Entry>, Problem> {
        self.descend(start)?;
        let (mut entries, mut merged) = (Vec::<Entry>::new(), Vec::new());
        let mut seen = HashSet::<Cow<'a, str>>::new();
        loop {
            let (event, range) = self.next()?;
            let (key, is_plain) = match event {
                Event::MappingEnd => break,
                Event::Scalar(key, style, _, None) => (key, style == ScalarStyle::Plain),
                Event::Alias(_) => {
                    return Err(self.problem("expected a key, found an alias", range.start));
                }
                Event::Scalar(..) => {
                    return Err(self.problem("expected a key, found a tag", range.start));
                }
                _ => return Err(self.problem("expected a key, found a map or a list", range.start)),
            };
            let mark = self.places.mark(range);
            self.occupy(&mark, |line| line.keys += 1);
            if seen.len() == seen.capacity() {
                // A set that doubles would hash each key twice.
                seen.reserve(3 * seen.len());
            }
            if !seen.insert(key.clone()) {
                return Err(self.duplicate(&key, &entries, range.start));
            }
            if let Some(last) = self.path.last_mut() {
                last.clear();
                last.push_str(&key);
            }
            let (event, range) = self.next()?;
            let node = self.node(event, range)?;
            if is_plain && key == "<<" {
                merged = self.merged(node, range.start)?;
            } else {
                entries.push(Entry { key: key.into_owned(), mark, node });
            }
        }
        self.path.pop();
        // A key of the map itself wins, wherever it stands; of several merged maps the first one wins.
        entries.extend(merged.into_iter().filter(|entry| seen.insert(entry.key.clone().into())));
        Ok(entries)
    }

    /// The entries of the maps that a merge key (`<<`) names.
    fn merged(&self, node: Node, at: Marker) -> Result<Vec<Entry>, Problem> {
        let maps = match node.value {
            Value::List(items) => items,
            value => vec![Node { value, mark: node.mark }],
        };
        let mut merged = Vec::new();
        for map in maps {
            match map.value {
                Value::Map(entries) => merged.extend(entries),
                _ => return Err(self.problem("expected a map to merge, or a list of maps", at)),
            }
        }
        Ok(merged)
    }

    fn alias(&mut self, anchor: usize, mark: Mark, at: Marker) -> Result<Node, Problem> {
        self.occupy(&mark, |line| line.values += 1);
        let length = self.path_length();
        let mut node = match self.anchors.alias(anchor, length) {
            None => return Err(self.problem("the alias is within its own anchor", at)),
            Some(Ok((node, cost))) if self.cost + cost <= MAX_COST => {
                self.cost += cost;
                node.clone()
            }
            Some(_) => return Err(self.too_many_copies(at)),
        };
        node.relocate(&Mark { quotable: false, span: None, ..mark });
        if self.path.len() + node.height() > MAX_DEPTH {
            return Err(self.too_deep(at));
        }
        Ok(node)
    }

    fn anchored(&mut self, anchor: usize, node: Node, at: Marker) -> Result<Node, Problem> {
        if anchor > 0 && self.anchors.keep(anchor, &node, self.path_length()).is_err() {
            return Err(self.too_many_copies(at));
        }
        Ok(node)
    }

    fn path_length(&self) -> usize {
        self.path.iter().map(|key| key.len() + 1).sum()
    }

    fn descend(&mut self, at: Marker) -> Result<(), Problem> {
        self.path.push(String::new());
        if self.path.len() > MAX_DEPTH { Err(self.too_deep(at)) } else { Ok(()) }
    }

    fn next(&mut self) -> Result<(Event<'a>, Range), Problem> {
        match self.events.next_event() {
            Some(Ok(found)) => Ok(found),
            Some(Err(error)) => Err(self.places.syntax(&error)),
            None => Ok((Event::StreamEnd, Range::empty(Marker::new(0, 1, 0)))),
        }
    }

    fn style(&self, style: ScalarStyle, tag: Option<&Tag>, at: Marker) -> Result<Style, Problem> {
        match tag {
            Some(tag) if tag.core_suffix() == Some("str") => Ok(Style::Quoted),
            Some(_) => Err(self.tagged(at)),
            None if style == ScalarStyle::Plain => Ok(Style::Plain),
            None => Ok(Style::Quoted),
        }
    }

    fn untagged(&self, tag: Option<&Tag>, at: Marker) -> Result<(), Problem> {
        tag.map_or(Ok(()), |_| Err(self.tagged(at)))
    }

    fn occupy(&mut self, mark: &Mark, count: impl Fn(&mut Occupancy)) {
        let Some(span) = mark.span else { return };
        let last = span.last_line.min(self.occupancy.len().saturating_sub(1));
        (span.first_line..=last).for_each(|line| count(&mut self.occupancy[line]));
    }

    fn problem(&self, message: &str, at: Marker) -> Problem {
        self.places.problem(message, at)
    }

    fn duplicate(&self, key: &str, entries: &[Entry], at: Marker) -> Problem {
        let first = entries.iter().find(|entry| entry.key == key).map(|entry| &entry.mark.origin);
        let first = match first {
            Some(Origin::File { line, .. }) => format!("; the first is on line {line}"),
            _ => String::new(),
        };
        let named = if is_safe_to_echo(key) { format!("the key `{key}`") } else { "a key".to_owned() };
        let mut path = self.path.clone();
        path.pop();
        path.push(key.to_owned());
        let path =
            if path.iter().all(|segment| is_safe_to_echo(segment)) { path.join(".") } else { String::new() };
        self.problem(&format!("{named} is given twice{first}"), at)
            .public_message("a key is given twice")
            .path(path)
            .help("remove one of the two")
    }

    fn tagged(&self, at: Marker) -> Problem {
        self.problem("tags are not supported, save `!!str`", at)
    }

    fn too_deep(&self, at: Marker) -> Problem {
        self.problem(&format!("nested too deep, expected at most {MAX_DEPTH} levels"), at)
    }

    fn too_large(&self, at: Marker) -> Problem {
        let expected = format!("too large, expected at most {MAX_COST} values");
        self.problem(&expected, at).help(cost::advice())
    }

    fn too_many_copies(&self, at: Marker) -> Problem {
        self.problem(&TooManyCopies.to_string(), at).help(cost::advice())
    }
}
