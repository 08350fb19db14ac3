//! The parser of `.env` files: lines of `NAME=VALUE`.
//!
//! A value without quotes ends at the line's end or at a `#` after a space. In single quotes everything is literal. In double
//! quotes `\n`, `\r`, `\t`, `\"`, `\\` and `\$` are escapes. A text in quotes may have several lines. Nothing is expanded.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use crate::layers::{Override, key_of_variable};
use crate::origin::Origin;
use crate::problem::Problem;
use crate::source_map::{Occupancy, SourceMap};
use crate::text::is_safe_to_echo;
use crate::tree::{Mark, Span};

const EXPECTED: &str = "expected `NAME=VALUE`, a comment that begins with `#`, or an empty line";

/// Parses a file. Returns the variables that begin with `PREFIX__`, in the order of the file, or everything that is wrong with it.
pub(crate) fn parse(
    text: &str,
    file: &Path,
    prefix: &str,
) -> Result<(Vec<Override>, SourceMap), Vec<Problem>> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut reader = Reader { text, at: 0, line: 1, line_start: 0, file: file.into() };
    let (mut variables, mut problems) = (Vec::new(), Vec::new());
    let mut occupancy = vec![Occupancy::default(); text.split('\n').count() + 2];
    let mut lines: HashMap<&str, usize> = HashMap::new();
    while reader.at < text.len() {
        let line = reader.line;
        match reader.assignment() {
            Ok(None) => {}
            Ok(Some(Assignment { name, key, text, value })) => {
                occupancy[line].keys += 1;
                let last = value.span.map_or(line, |span| span.last_line);
                occupancy[line..=last].iter_mut().for_each(|line| line.values += 1);
                let Some(path) = key_of_variable(name, prefix) else { continue };
                match lines.insert(name, line) {
                    Some(first) => problems.push(given_twice(name, first, key)),
                    None => variables.push(Override { path, text: Some(text), key, value }),
                }
            }
            Err(problem) => problems.push(problem),
        }
        reader.end_line();
    }
    if problems.is_empty() { Ok((variables, SourceMap::new(text, occupancy))) } else { Err(problems) }
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    /// Counted from 1.
    line: usize,
    line_start: usize,
    file: Arc<Path>,
}

struct Assignment<'a> {
    name: &'a str,
    key: Mark,
    text: String,
    value: Mark,
}

impl<'a> Reader<'a> {
    /// The assignment on this line, if there is one. Moves behind it.
    fn assignment(&mut self) -> Result<Option<Assignment<'a>>, Problem> {
        self.skip_spaces();
        if let Some(rest) = self.rest().strip_prefix("export")
            && rest.starts_with([' ', '\t'])
        {
            self.at += "export".len();
            self.skip_spaces();
        }
        if self.is_at_end() {
            return Ok(None);
        }
        let start = self.at;
        let name_length = self.rest().find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        let name = &self.rest()[..name_length.unwrap_or(self.rest().len())];
        self.at += name.len();
        self.skip_spaces();
        if name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) || !self.rest().starts_with('=')
        {
            return Err(self.problem(EXPECTED, start));
        }
        let key = self.mark(start, start + name.len(), self.line, self.line_start);
        self.at += 1;
        self.skip_spaces();
        let (text, value) = match self.rest().chars().next() {
            Some(quote @ ('"' | '\'')) => self.quoted(quote)?,
            _ => self.plain(),
        };
        Ok(Some(Assignment { name, key, text, value }))
    }

    fn plain(&mut self) -> (String, Mark) {
        let line = self.rest().split('\n').next().unwrap_or_default();
        let text = line[..comment(line).unwrap_or(line.len())].trim_end();
        let mark = self.mark(self.at, self.at + text.len(), self.line, self.line_start);
        self.at += text.len();
        (text.to_owned(), mark)
    }

    fn quoted(&mut self, quote: char) -> Result<(String, Mark), Problem> {
        let (start, line, line_start) = (self.at, self.line, self.line_start);
        let mut text = String::new();
        let mut characters = self.rest().char_indices().skip(1);
        let end = loop {
            match characters.next() {
                None => {
                    // The lines after it cannot be told from the text in the quotes.
                    let problem = self.problem("this quote is never closed, expected another one", start);
                    self.at = self.text.len();
                    return Err(problem);
                }
                Some((at, c)) if c == quote => break start + at + 1,
                Some((_, '\\')) if quote == '"' => match characters.next() {
                    Some((_, 'n')) => text.push('\n'),
                    Some((_, 'r')) => text.push('\r'),
                    Some((_, 't')) => text.push('\t'),
                    Some((_, c @ ('"' | '\\' | '$'))) => text.push(c),
                    Some((_, c)) => text.extend(['\\', c]),
                    None => {}
                },
                Some((_, c)) => text.push(c),
            }
        };
        let lines = self.text[start..end].matches('\n').count();
        if let Some(last) = self.text[..end].rfind('\n').filter(|_| lines > 0) {
            self.line_start = last + 1;
        }
        self.line += lines;
        self.at = end;
        let mark = self.mark(start, end, line, line_start);
        self.skip_spaces();
        if self.is_at_end() {
            Ok((text, mark))
        } else {
            Err(self.problem("expected the end of the line after the quote", self.at))
        }
    }

    /// True at the end of a line, or where a comment begins.
    fn is_at_end(&self) -> bool {
        let rest = self.rest();
        rest.is_empty() || rest.starts_with(['\n', '#']) || rest.starts_with("\r\n")
    }

    fn end_line(&mut self) {
        let rest = self.rest();
        self.at += rest.find('\n').map_or(rest.len(), |end| end + 1);
        self.line += 1;
        self.line_start = self.at;
    }

    fn skip_spaces(&mut self) {
        self.at += self.rest().len() - self.rest().trim_start_matches([' ', '\t']).len();
    }

    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    /// `line` and `line_start` are those of `start`; the line of the end is the current one.
    fn mark(&self, start: usize, end: usize, line: usize, line_start: usize) -> Mark {
        let span = Span { start, end, first_line: line, last_line: self.line };
        Mark {
            origin: self.origin(start, line, line_start),
            span: Some(span),
            quotable: line == self.line,
            ignores_case: true,
        }
    }

    fn problem(&self, message: &str, at: usize) -> Problem {
        Problem::plain(message).at(self.origin(at, self.line, self.line_start))
    }

    fn origin(&self, at: usize, line: usize, line_start: usize) -> Origin {
        let column = self.text[line_start..at].chars().count() as u64 + 1;
        Origin::File { path: Arc::clone(&self.file), line: line as u64, column }
    }
}

/// The `#` that begins a comment: the first character, or one after a space.
fn comment(value: &str) -> Option<usize> {
    let mut signs = value.match_indices('#').map(|(at, _)| at);
    signs.find(|at| *at == 0 || value[..*at].ends_with([' ', '\t']))
}

fn given_twice(name: &str, first: usize, key: Mark) -> Problem {
    let named = if is_safe_to_echo(name) { format!("`{name}`") } else { "a name".to_owned() };
    Problem::plain(format!("{named} is given twice; the first is on line {first}"))
        .public_message("a name is given twice")
        .at(key.origin)
        .help("remove one of the two")
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{EXPECTED, parse};

    #[test]
    fn values_are_read_as_shells_and_other_libraries_read_them() {
        for (line, expected) in [
            ("APP__A=1", "1"),
            ("  export APP__A = 1  ", "1"),
            ("export\tAPP__A=1", "1"),
            ("APP__A=", ""),
            ("APP__A= # a comment", ""),
            ("APP__A=a b # a comment", "a b"),
            ("APP__A=a#b", "a#b"),
            ("APP__A='a # b' # a comment", "a # b"),
            ("APP__A='a\\n$B'", "a\\n$B"),
            ("APP__A=\"a\\n\\\"b\\\" \\$C \\x\"", "a\n\"b\" $C \\x"),
            ("APP__A=\"a\nb\"", "a\nb"),
            ("APP__A=a=b", "a=b"),
            ("APP__A=\u{e9}\r\n", "\u{e9}"),
            ("\u{feff}APP__A=1", "1"),
            ("# APP__A=0\n\nOTHER=x\nAPP__A=1", "1"),
        ] {
            assert_eq!(read(line).as_deref(), Ok(expected), "{line:?}");
        }
    }

    #[test]
    fn a_bad_line_is_told_with_its_place_and_without_its_text() {
        for (text, place, expected) in [
            ("APP__A", ".env:1:1", EXPECTED),
            ("A=1\n  hunter2", ".env:2:3", EXPECTED),
            ("A B=1", ".env:1:1", EXPECTED),
            ("1A=1", ".env:1:1", EXPECTED),
            ("=1", ".env:1:1", EXPECTED),
            ("exports A=1", ".env:1:1", EXPECTED),
            ("A=\u{e9} 'x'\nB='hunter2", ".env:2:3", "this quote is never closed, expected another one"),
            ("A='x\ny' hunter2", ".env:2:4", "expected the end of the line after the quote"),
            (
                "APP__A=1\nA=2\nA=3\nAPP__A=4",
                ".env:4:1",
                "`APP__A` is given twice; the first is on line 1 (remove one of the two)",
            ),
        ] {
            assert_eq!(read(text), Err(format!("{place}: {expected}")), "{text:?}");
        }
        let Err(problems) = parse("bad\nA=1\nbad\nB='1' 2\n", Path::new(".env"), "APP") else {
            panic!("it is bad")
        };
        let lines: Vec<String> =
            problems.iter().filter_map(|problem| problem.origin.as_ref()).map(ToString::to_string).collect();
        assert_eq!(lines, [".env:1:1", ".env:3:1", ".env:4:7"]);
    }

    /// The text of the only variable that begins with `APP__`, or the first problem.
    fn read(text: &str) -> Result<String, String> {
        match parse(text, Path::new(".env"), "APP") {
            Ok((variables, _)) => Ok(variables[0].text.clone().unwrap_or_default()),
            Err(problems) => Err(problems[0].sentence()),
        }
    }
}
