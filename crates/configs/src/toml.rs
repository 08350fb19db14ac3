//! The TOML parser: text into a tree. No other module names the parser's crate.

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use toml_edit::{Document, Item, Key, TableLike, Value as Toml};

use crate::cost::{self, MAX_COST, MAX_DEPTH, total_cost};
use crate::origin::Origin;
use crate::problem::Problem;
use crate::source_map::{Occupancy, SourceMap};
use crate::text::is_safe_to_echo;
use crate::tree::{Entry, Mark, Node, Span, Style, Value};

/// The length of a block, in bytes.
const BLOCK: usize = 256;

/// Parses one document.
pub(crate) fn parse(text: &str, file: &Path) -> Result<(Node, SourceMap), Problem> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let starts = [0].into_iter().chain(text.match_indices('\n').map(|(end, _)| end + 1)).collect();
    let mut reader =
        Reader { text, file: file.into(), starts, characters: characters(text), occupancy: Vec::new() };
    reader.occupancy = vec![Occupancy::default(); reader.starts.len() + 2];
    let document = Document::parse(text).map_err(|error| {
        let span = error.span().unwrap_or(0..0);
        if error.message() == "duplicate key" {
            return reader.duplicate(&span);
        }
        // The message names what the parser expected, and nothing of the text.
        let message = error.message().lines().collect::<Vec<_>>().join(", ");
        Problem::plain(format!("this is not TOML: {message}")).at(reader.origin(span.start))
    })?;
    if document.as_table().is_empty() {
        return Err(Problem::plain("the document is empty, expected a map of keys").at(reader.origin(0)));
    }
    let root = Node::map(reader.entries(document.as_table(), &(0..0), 1)?, reader.mark(&(0..0)));
    if total_cost(&root, 0) > MAX_COST {
        let message = format!("too large, expected at most {MAX_COST} values");
        return Err(Problem::plain(message).at(reader.origin(0)).help(cost::advice()));
    }
    let occupancy = reader.occupancy;
    Ok((root, SourceMap::new(text, occupancy)))
}

struct Reader<'a> {
    text: &'a str,
    file: Arc<Path>,
    /// The first byte of each line.
    starts: Vec<usize>,
    /// The number of characters before each block of the text. With it a column takes the same time on a line of any length.
    characters: Vec<usize>,
    occupancy: Vec<Occupancy>,
}

impl Reader<'_> {
    /// The entries of a table. A table that only dotted keys mention has no place of its own: it takes that of its parent.
    fn entries(
        &mut self,
        table: &dyn TableLike,
        parent: &Range<usize>,
        depth: usize,
    ) -> Result<Vec<Entry>, Problem> {
        self.check_depth(depth, parent)?;
        let mut entries = Vec::new();
        for (name, _) in table.iter() {
            let Some((key, item)) = table.get_key_value(name) else { continue };
            let at = Key::span(key).unwrap_or_else(|| parent.clone());
            let mark = self.mark(&at);
            self.occupy(&at, |line| line.keys += 1);
            entries.push(Entry { key: name.to_owned(), mark, node: self.item(item, &at, depth)? });
        }
        Ok(entries)
    }

    fn item(&mut self, item: &Item, key: &Range<usize>, depth: usize) -> Result<Node, Problem> {
        let mark = self.mark(key);
        match item {
            Item::None => Ok(Node::text("", Style::Plain, mark)),
            Item::Value(value) => self.value(value, key, depth),
            Item::Table(table) => Ok(Node::map(self.entries(table, key, depth + 1)?, mark)),
            Item::ArrayOfTables(tables) => {
                self.check_depth(depth + 1, key)?;
                let mut items = Vec::new();
                for table in tables {
                    let at = table.span().unwrap_or_else(|| key.clone());
                    let mark = self.mark(&at);
                    items.push(Node::map(self.entries(table, &at, depth + 2)?, mark));
                }
                Ok(Node { value: Value::List(items), mark })
            }
        }
    }

    fn value(&mut self, value: &Toml, key: &Range<usize>, depth: usize) -> Result<Node, Problem> {
        let at = value.span().unwrap_or_else(|| key.clone());
        let mark = self.mark(&at);
        let (text, style) = match value {
            Toml::String(text) => (text.value().clone(), Style::Quoted),
            Toml::Integer(number) => (number.value().to_string(), Style::Plain),
            Toml::Float(number) => (float(*number.value()), Style::Plain),
            Toml::Boolean(value) => (value.value().to_string(), Style::Plain),
            Toml::Datetime(time) => (time.value().to_string(), Style::Quoted),
            Toml::Array(array) => {
                self.check_depth(depth + 1, &at)?;
                let items = array.iter().map(|item| self.value(item, &at, depth + 1));
                return Ok(Node { value: Value::List(items.collect::<Result<_, _>>()?), mark });
            }
            Toml::InlineTable(table) => return Ok(Node::map(self.entries(table, &at, depth + 1)?, mark)),
        };
        self.occupy(&at, |line| line.values += 1);
        Ok(Node::text(text, style, mark))
    }

    /// The problem of a key that is given twice. The parser does not tell the place of the first one. It is searched for in the
    /// lines above, and left out if several have this name.
    fn duplicate(&self, at: &Range<usize>) -> Problem {
        let key = &self.text[at.clone()];
        let above = &self.text[..self.starts[self.line(at.start) - 1]];
        let mut found = Vec::new();
        if let Ok(above) = Document::parse(above) {
            find(above.as_table(), key, &mut Vec::new(), &mut found);
        }
        let alone = self.text[above.len()..at.start].chars().all(|c| c.is_whitespace() || c == '[');
        let first = found.pop().filter(|_| found.is_empty() && alone);
        let named = if is_safe_to_echo(key) { format!("the key `{key}`") } else { "a key".to_owned() };
        let line = first.as_ref().and_then(|(_, at)| at.as_ref()).map(|at| self.line(at.start));
        let line = line.map_or_else(String::new, |line| format!("; the first is on line {line}"));
        let path = first.map(|(path, _)| path).filter(|path| path.iter().all(|key| is_safe_to_echo(key)));
        Problem::plain(format!("{named} is given twice{line}"))
            .public_message("a key is given twice")
            .at(self.origin(at.start))
            .path(path.unwrap_or_default().join("."))
            .help("remove one of the two")
    }

    fn check_depth(&self, depth: usize, at: &Range<usize>) -> Result<(), Problem> {
        if depth <= MAX_DEPTH {
            return Ok(());
        }
        let message = format!("nested too deep, expected at most {MAX_DEPTH} levels");
        Err(Problem::plain(message).at(self.origin(at.start)))
    }

    fn occupy(&mut self, at: &Range<usize>, count: impl Fn(&mut Occupancy)) {
        let (first, last) = (self.line(at.start), self.last_line(at));
        self.occupancy[first..=last].iter_mut().for_each(count);
    }

    fn mark(&self, at: &Range<usize>) -> Mark {
        let (first_line, last_line) = (self.line(at.start), self.last_line(at));
        let span = Span { start: at.start, end: at.end, first_line, last_line };
        let quotable = first_line == last_line;
        Mark { origin: self.origin(at.start), span: Some(span), quotable, ignores_case: false }
    }

    fn origin(&self, at: usize) -> Origin {
        let line = self.line(at);
        let column = self.characters_before(at) - self.characters_before(self.starts[line - 1]) + 1;
        Origin::File { path: Arc::clone(&self.file), line: line as u64, column: column as u64 }
    }

    fn characters_before(&self, at: usize) -> usize {
        let block = at / BLOCK;
        self.characters[block] + count_characters(&self.text.as_bytes()[block * BLOCK..at])
    }

    /// The line of a byte, counted from 1.
    fn line(&self, at: usize) -> usize {
        self.starts.partition_point(|start| *start <= at)
    }

    fn last_line(&self, at: &Range<usize>) -> usize {
        self.line(at.end.saturating_sub(1).max(at.start))
    }
}

/// Finds all keys of this name in a table and in those below it, with their paths.
fn find(
    table: &dyn TableLike,
    name: &str,
    path: &mut Vec<String>,
    found: &mut Vec<(Vec<String>, Option<Range<usize>>)>,
) {
    for (key, item) in table.iter() {
        path.push(key.to_owned());
        if key == name {
            let at = table.get_key_value(key).and_then(|(key, _)| Key::span(key));
            found.push((path.clone(), at));
        }
        if let Some(below) = item.as_table_like() {
            find(below, name, path, found);
        }
        path.pop();
    }
}

/// The number of characters before each block.
fn characters(text: &str) -> Vec<usize> {
    let before = |sum: &mut usize, block: &[u8]| {
        *sum += count_characters(block);
        Some(*sum)
    };
    std::iter::once(0).chain(text.as_bytes().chunks(BLOCK).scan(0, before)).collect()
}

/// Counts the bytes that begin a character of UTF-8.
fn count_characters(bytes: &[u8]) -> usize {
    bytes.iter().filter(|byte| **byte & 0xc0 != 0x80).count()
}

/// A float as YAML writes it.
fn float(number: f64) -> String {
    if number.is_nan() {
        ".nan".to_owned()
    } else if number.is_infinite() {
        if number > 0.0 { ".inf".to_owned() } else { "-.inf".to_owned() }
    } else {
        format!("{number:?}")
    }
}
