//! A problem as a terminal shows it.

use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};

use crate::origin::Origin;
use crate::problem::Problem;
use crate::source_map::Line;
use crate::text::printable;

/// The line with the value marked; or the place and the message, if that line may not be shown.
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
    // A replaced character is longer than the one before: the span does not fit then, and the whole line is marked.
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
