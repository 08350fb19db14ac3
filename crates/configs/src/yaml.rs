//! The YAML parser: text into a tree. No other module names the parser's crate.
//!
//! The parser is `granit-parser`, on which `serde-saphyr` is built. `serde-saphyr` itself deserializes straight into a type: it
//! keeps neither the quotes of a scalar nor the place of a key.

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::sync::Arc;

use granit_parser::{Event, Marker, Parser, ScalarStyle, ScanError, Span as Range, StrInput, Tag};

use crate::cost::{self, MAX_COST, MAX_DEPTH, cost, total_cost};
use crate::origin::Origin;
use crate::problem::Problem;
use crate::source_map::{Occupancy, SourceMap};
use crate::surrogates::Replaced;
use crate::text::is_safe_to_echo;
use crate::tree::{Entry, Mark, Node, Span, Style, Value};

/// Upper bound on the cost of all copies: one for each anchored node, one for each alias.
const MAX_COPIES: usize = 20_000;
/// Upper bound on the number of aliases in a document.
const MAX_ALIASES: usize = 1_000;

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
        replaced,
        file: file.map(Arc::from),
        format,
        anchors: HashMap::new(),
        cost: 0,
        copies: 0,
        aliases: 0,
        path: Vec::new(),
        occupancy: vec![Occupancy::default(); text.split(['\n', '\r']).count() + 2],
    };
    let root = reader.document()?;
    Ok((root, SourceMap::new(text, reader.occupancy)))
}

/// The problem of a file that is UTF-8 up to a byte, and no further.
pub(crate) fn not_utf8(bytes: &[u8], valid_up_to: usize, file: &Path) -> Problem {
    let good = String::from_utf8_lossy(&bytes[..valid_up_to]);
    let line = good.matches('\n').count() + 1;
    let column = good.rsplit('\n').next().map_or(0, |last| last.chars().count()) + 1;
    Problem::plain("expected UTF-8 text, found a byte that is none")
        .at(place(Some(&file.into()), line, column))
        .help("save the file as UTF-8")
}

struct Reader<'a> {
    events: Parser<'a, StrInput<'a>>,
    replaced: &'a Replaced<'a>,
    file: Option<Arc<Path>>,
    format: &'static str,
    anchors: HashMap<usize, Node>,
    cost: usize,
    copies: usize,
    aliases: usize,
    path: Vec<String>,
    occupancy: Vec<Occupancy>,
}

impl<'a> Reader<'a> {
    fn document(&mut self) -> Result<Node, Problem> {
        let root = loop {
            let (event, range) = self.next()?;
            match event {
                Event::StreamStart | Event::DocumentStart(..) => {}
                Event::StreamEnd | Event::DocumentEnd => return Err(self.empty()),
                event => break self.node(event, range)?,
            }
        };
        if root.is_nothing() {
            return Err(self.empty());
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
        let mark = self.mark(range);
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
        let mut seen = HashSet::new();
        loop {
            let (event, range) = self.next()?;
            let (key, is_plain) = match event {
                Event::MappingEnd => break,
                Event::Scalar(key, style, _, None) => (key.into_owned(), style == ScalarStyle::Plain),
                Event::Alias(_) => {
                    return Err(self.problem("expected a key, found an alias", range.start));
                }
                Event::Scalar(..) => {
                    return Err(self.problem("expected a key, found a tag", range.start));
                }
                _ => return Err(self.problem("expected a key, found a map or a list", range.start)),
            };
            let mark = self.mark(range);
            self.occupy(&mark, |line| line.keys += 1);
            if !seen.insert(key.clone()) {
                return Err(self.duplicate(&key, &entries, range.start));
            }
            if let Some(last) = self.path.last_mut() {
                last.clone_from(&key);
            }
            let (event, range) = self.next()?;
            let node = self.node(event, range)?;
            if is_plain && key == "<<" {
                merged = self.merged(node, range.start)?;
            } else {
                entries.push(Entry { key, mark, node });
            }
        }
        self.path.pop();
        // A key of the map itself wins, wherever it stands; of several merged maps the first one wins.
        entries.extend(merged.into_iter().filter(|entry| seen.insert(entry.key.clone())));
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
        self.aliases += 1;
        let Some(node) = self.anchors.get(&anchor) else {
            return Err(self.problem("the alias is within its own anchor", at));
        };
        let cost = total_cost(node, self.path_length());
        self.copies += cost;
        self.cost += cost;
        if self.aliases > MAX_ALIASES || self.copies > MAX_COPIES || self.cost > MAX_COST {
            return Err(self.too_many_copies(at));
        }
        let mut node = node.clone();
        node.relocate(&Mark { quotable: false, span: None, ..mark });
        if self.path.len() + node.height() > MAX_DEPTH {
            return Err(self.too_deep(at));
        }
        Ok(node)
    }

    /// Keeps a copy of an anchored node for its aliases. Anchors nest, so the copies are counted before they are made.
    fn anchored(&mut self, anchor: usize, node: Node, at: Marker) -> Result<Node, Problem> {
        if anchor > 0 {
            self.copies += total_cost(&node, self.path_length());
            if self.copies > MAX_COPIES {
                return Err(self.too_many_copies(at));
            }
            self.anchors.insert(anchor, node.clone());
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
            Some(Err(error)) => Err(self.problem(&self.message(&error), *error.marker())),
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

    fn mark(&self, range: Range) -> Mark {
        let (start, end) = (range.start, range.end);
        let last_line = if end.col() == 0 && end.line() > start.line() { end.line() - 1 } else { end.line() };
        let (longer, shift) = self.replaced.longer_before(start.line(), start.col());
        let (longer_at_end, _) = self.replaced.longer_before(end.line(), end.col());
        let span = range.byte_range().map(|bytes| Span {
            start: bytes.start + longer,
            end: bytes.end + longer_at_end,
            first_line: start.line(),
            last_line,
        });
        let origin = place(self.file.as_ref(), start.line(), start.col() + shift + 1);
        Mark { origin, span, quotable: start.line() == last_line, ignores_case: false }
    }

    fn occupy(&mut self, mark: &Mark, count: impl Fn(&mut Occupancy)) {
        let Some(span) = mark.span else { return };
        let last = span.last_line.min(self.occupancy.len().saturating_sub(1));
        (span.first_line..=last).for_each(|line| count(&mut self.occupancy[line]));
    }

    fn problem(&self, message: &str, at: Marker) -> Problem {
        let (_, shift) = self.replaced.longer_before(at.line(), at.col());
        Problem::plain(message).at(place(self.file.as_ref(), at.line().max(1), at.col() + shift + 1))
    }

    /// The parser's message. One message repeats a character of the file; that is left out.
    fn message(&self, error: &ScanError) -> String {
        let message = error.kind().to_string();
        let is_character = message.starts_with("unexpected character");
        let message = if is_character { "unexpected character" } else { &message };
        format!("this is not {}: {message}", self.format)
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

    fn empty(&self) -> Problem {
        Problem::plain("the document is empty, expected a map of keys").at(place(self.file.as_ref(), 1, 1))
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
        let expected = format!("at most {MAX_ALIASES} aliases, and {MAX_COPIES} values that are copied");
        self.problem(&format!("too large once its anchors and aliases are followed, expected {expected}"), at)
            .help(cost::advice())
    }
}

fn place(file: Option<&Arc<Path>>, line: usize, column: usize) -> Origin {
    match file {
        Some(path) => Origin::File { path: Arc::clone(path), line: line as u64, column: column as u64 },
        None => Origin::Default,
    }
}

#[cfg(test)]
mod tests {
    use super::parse;
    use crate::tree::{Node, Span, Value};

    #[test]
    fn a_line_is_shown_only_if_a_value_is_alone_on_it_with_its_key() {
        for (text, expected) in [
            ("port: here", Some("port: here")),
            ("port: here # comment", Some("port: here")),
            ("a: 1\n  \nport:   'here'\nb: 2", Some("port:   'here'")),
            ("port:\n  here", Some("  here")),
            ("ports:\n- here\n- there", Some("- here")),
            ("\u{feff}port: here\r\nb: 2\r\n", Some("port: here")),
            ("password: hunter2\rport: here", Some("port: here")),
            ("{port: here}", Some("{port: here")),
            ("{port: here, password: hunter2}", None),
            ("{password: hunter2, port: here}", None),
            ("{database: {port: here}}", None),
            ("[here, there]", None),
            ("port: here\n  and there", None),
            ("a: \"hunter2\n  \n  hunter3\"\nport: here", Some("port: here")),
            ("{a: \"hunter2\n  hunter3\", port: here}", None),
            ("port: |\n  here", Some("  here")),
            ("port: |\n  here\n  hunter2\n", None),
            ("? port\n: here", Some(": here")),
        ] {
            let (root, source_map) =
                parse(text, None).unwrap_or_else(|problem| panic!("{text:?}: {}", problem.message));
            let span = here(&root).unwrap_or_else(|| panic!("{text:?}: not found"));
            let line = source_map.line(span);
            assert_eq!(line.as_ref().map(|line| line.text.as_str()), expected, "{text:?}");
            if let Some(line) = line {
                assert!(line.text[line.start..line.end].contains("here"), "{text:?}");
            }
        }
    }

    fn here(node: &Node) -> Option<Span> {
        match &node.value {
            Value::Scalar(scalar) => scalar.text.starts_with("here").then_some(node.mark.span?),
            Value::List(items) => items.iter().find_map(here),
            Value::Map(entries) => entries.iter().find_map(|entry| here(&entry.node)),
            Value::File(_) => None,
        }
    }
}
