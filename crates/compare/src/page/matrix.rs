//! The middle of the page: the code of every concern, side by side.

use maud::{Markup, html};

use super::{
    concern::{CONCERNS, Cell, Excerpt},
    demo::{DEMOS, Demo},
    highlight::highlight,
};

/// A row for every concern.
pub(crate) fn concerns() -> Markup {
    html! {
        @for concern in &CONCERNS {
            section.concern id={ "code-" (concern.title) } aria-labelledby={ "code-" (concern.title) "-title" } {
                h3 id={ "code-" (concern.title) "-title" } { (concern.title) }
                p.note { (prose(concern.note)) }
                div.cells {
                    @for (demo, cell) in DEMOS.iter().zip(concern.cells()) { (column(demo, &cell)) }
                }
            }
        }
    }
}

/// Text whose `code` in backticks is shown as such.
pub(crate) fn prose(text: &str) -> Markup {
    html! {
        @for (nth, part) in text.split('`').enumerate() {
            @if nth % 2 == 0 { (part) } @else { code { (part) } }
        }
    }
}

fn column(demo: &Demo, cell: &Cell) -> Markup {
    let lines: usize = cell.excerpts.iter().map(|excerpt| excerpt.passage.text.lines().count()).sum();
    html! {
        div.col.(demo.name) {
            @for excerpt in &cell.excerpts {
                figure.excerpt {
                    figcaption { (demo.program) "/src/" (excerpt.file) ":" (excerpt.passage.line) }
                    (code(excerpt))
                }
            }
            @if demo.name == DEMOS[0].name {
                p.tally { "lines: " (lines) }
            } @else {
                p.tally { "lines: " (lines) ", of them not " (DEMOS[0].name) "'s: " (cell.differing) }
            }
        }
    }
}

fn code(excerpt: &Excerpt) -> Markup {
    let lines = highlight(excerpt.passage.text);
    let marks = excerpt.differs.iter().copied().chain(std::iter::repeat(false));
    html! {
        pre { code {
            @for (line, differs) in lines.iter().zip(marks) {
                @let indent = line.first().map_or(0, |first| first.text.len() - first.text.trim_start().len());
                span.line.differs[differs] style={ "--indent:" (indent) } {
                    @for (piece, next) in line.iter().zip(line.iter().skip(1).map(Some).chain([None])) {
                        // A good place to break a long line.
                        @if piece.text == "." { wbr; }
                        @match piece.class {
                            Some(class) => span.(class) { (piece.text) },
                            None => (piece.text),
                        }
                        @if piece.text == "(" && next.is_some_and(|next| next.text != ")") { wbr; }
                    }
                    "\n"
                }
            }
        } }
    }
}

#[cfg(test)]
mod tests {
    use super::{concerns, prose};

    #[test]
    fn code_in_prose_is_code_and_nothing_is_markup() {
        assert_eq!(prose("a `b<c>` d").into_string(), "a <code>b&lt;c&gt;</code> d");
    }

    #[test]
    fn differing_lines_are_marked_in_every_column_but_the_first() {
        let shown = concerns().into_string();
        let start = shown.split("id=\"code-routes\"").nth(1).unwrap().split("</section>").next().unwrap();
        let columns: Vec<&str> = start.split("<div class=\"col ").skip(1).collect();
        let marked: Vec<usize> =
            columns.iter().map(|column| column.matches("line differs").count()).collect();
        assert_eq!((marked.len(), marked[0]), (4, 0));
        assert!(marked[1..].iter().all(|marked| *marked > 3), "{marked:?}");
    }
}
