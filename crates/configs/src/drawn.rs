//! A problem as it looks on a terminal.

use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};

use crate::diagnosis::{Problem, printable};
use crate::origin::Origin;
use crate::page::Line;

/// The line with the value marked, where it may be shown; else the place and the words.
pub(crate) fn problem(problem: &Problem) -> String {
    if let (Some(Origin::File { path, line, .. }), Some(shown)) = (&problem.origin, problem.line()) {
        return snippet(problem, &path.display().to_string(), *line, shown);
    }
    match &problem.help {
        Some(help) => format!("error: {}\n  = help: {help}", problem.located()),
        None => format!("error: {}", problem.located()),
    }
}

fn snippet(problem: &Problem, file: &str, number: u64, shown: &Line) -> String {
    let title = if problem.path.is_empty() {
        problem.message.clone()
    } else {
        format!("{}: {}", problem.path, problem.message)
    };
    let text = printable(&shown.text);
    // What is not printable was replaced by something longer: then the whole line is marked.
    let span = if text.len() == shown.text.len() { shown.start..shown.end } else { 0..text.len() };
    let snippet = Snippet::source(&text)
        .line_start(usize::try_from(number).unwrap_or(usize::MAX))
        .path(file)
        .annotation(AnnotationKind::Primary.span(span));
    let mut group = Level::ERROR.primary_title(&title).element(snippet);
    if let Some(help) = &problem.help {
        group = group.element(Level::HELP.message(help.as_str()));
    }
    Renderer::plain().render(&[group])
}
