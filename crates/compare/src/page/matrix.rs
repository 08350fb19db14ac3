//! The middle of the page: the code of every concern, side by side.

use maud::{Markup, html};

use super::{
    concern::{CONCERNS, Cell},
    demo::{DEMOS, Demo},
    excerpt::excerpt,
    highlight::Language,
    limits::limits,
    prose::prose,
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
        section.concern id="code-limits" aria-labelledby="code-limits-title" {
            h3 id="code-limits-title" { "limits" }
            p.note { "The parts of the contract that a framework does not meet by itself." }
            div.cells {
                @for demo in &DEMOS {
                    ul.col.points.(demo.name) { @for point in limits(demo.name) { li { (prose(&point)) } } }
                }
            }
        }
    }
}

fn column(demo: &Demo, cell: &Cell) -> Markup {
    let lines: usize = cell.excerpts.iter().map(|excerpt| excerpt.passage.text.lines().count()).sum();
    html! {
        div.col.(demo.name) {
            @for part in &cell.excerpts {
                @let place = format!("{}/src/{}:{}", demo.program, part.file, part.passage.line);
                (excerpt(&place, part.passage.text, &part.differs, Language::Rust))
            }
            @if demo.name == DEMOS[0].name {
                p.tally { "lines: " (lines) }
            } @else {
                p.tally { "lines: " (lines) ", of them not " (DEMOS[0].name) "'s: " (cell.differing) }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::concerns;

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
