//! Errors of the template engine, in our words.

use tera::{Error as TeraError, ErrorKind};

use crate::position::Position;

/// The longest message of the engine that is shown, in characters. It may quote a value of 1 MiB.
const LONGEST_SENTENCE: usize = 2000;

/// One error of the engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Report {
    pub(crate) template: String,
    pub(crate) position: Position,
    pub(crate) words: String,
}

/// The errors in a text about calls of unknown filters, tests and functions, in the order of the templates.
///
/// The engine returns them as one formatted text, so they are parsed: `error: WORDS`, `--> NAME:LINE:COLUMN`.
/// Other lines are ignored.
pub(crate) fn parsed(text: &str) -> Vec<Report> {
    let mut reports = Vec::new();
    let mut words = None;
    for line in text.lines() {
        if let Some(message) = line.strip_prefix("error: ") {
            words = Some(plain(message));
        } else if let Some(place) = line.trim_start().strip_prefix("--> ")
            && let Some(words) = words.take()
            && let Some((template, position)) = place_of(place)
        {
            reports.push(Report { template, position, words });
        }
    }
    reports
}

/// The error, if it has a position in a template.
pub(crate) fn pointed(error: &TeraError) -> Option<Report> {
    match error.kind() {
        ErrorKind::SyntaxError(report) | ErrorKind::RenderingError(report) => Some(Report {
            template: report.filename().to_owned(),
            position: Position {
                line: report.span().start_line as u64,
                // The engine counts columns from 0.
                column: report.span().start_col as u64 + 1,
            },
            words: plain(report.message()),
        }),
        _ => None,
    }
}

/// The engine's message in lower case, without full stops.
pub(crate) fn plain(sentence: &str) -> String {
    let sentence = sentence
        .replace(". Available variables: ", "; available variables: ")
        .replace(". Available fields: ", "; available fields: ");
    let sentence = shortened(sentence.trim_end().trim_end_matches('.'));
    let mut letters = sentence.chars();
    match letters.next() {
        Some(first) => first.to_lowercase().chain(letters).collect(),
        None => String::new(),
    }
}

/// The beginning of a message that quotes a long value.
fn shortened(sentence: &str) -> String {
    match sentence.char_indices().nth(LONGEST_SENTENCE) {
        Some((end, _)) => format!("{}…", &sentence[..end]),
        None => sentence.to_owned(),
    }
}

/// Parses `parts/head.html:4:9` from the right: a name may contain colons.
fn place_of(place: &str) -> Option<(String, Position)> {
    let mut parts = place.rsplitn(3, ':');
    let column = parts.next()?.parse().ok()?;
    let line = parts.next()?.parse().ok()?;
    Some((parts.next()?.to_owned(), Position { line, column }))
}

#[cfg(test)]
mod tests {
    use super::{Report, parsed, plain};
    use crate::position::Position;

    #[test]
    fn the_messages_of_the_engine_are_made_plain() {
        for (sentence, expected) in [
            ("Unknown filter `shout`", "unknown filter `shout`"),
            ("Variable `x` is not defined.", "variable `x` is not defined"),
            (
                "Variable `x` is not defined. Available variables: a, b",
                "variable `x` is not defined; available variables: a, b",
            ),
            ("", ""),
        ] {
            assert_eq!(plain(sentence), expected);
        }
    }

    #[test]
    fn formatted_errors_are_parsed() {
        let text = "error: Unknown filter `a`\n --> x:y.html:1:5\n  |\n1 | {{ v | a }}\n  |\n\n\
                    error: Unknown test `b`\n  --> z.html:12:3\n   |\n12 | --> not:1:1";
        let report = |template: &str, line, column, words: &str| Report {
            template: template.to_owned(),
            position: Position { line, column },
            words: words.to_owned(),
        };
        assert_eq!(
            parsed(text),
            [report("x:y.html", 1, 5, "unknown filter `a`"), report("z.html", 12, 3, "unknown test `b`")]
        );
        assert_eq!(parsed("anything else"), []);
    }
}
