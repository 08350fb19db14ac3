//! A piece of code as HTML.

use std::iter::repeat;

use maud::{Markup, html};

use super::highlight::{Language, highlight};

/// Lines of a source under their place in it. `differs` marks the lines that differ; the lines after its end do not.
pub(crate) fn excerpt(place: &str, text: &str, differs: &[bool], language: Language) -> Markup {
    let lines = highlight(text.trim_end(), language);
    let marks = differs.iter().copied().chain(repeat(false));
    html! {
        figure.excerpt {
            figcaption { (place) }
            pre { code {
                @for (line, differs) in lines.iter().zip(marks) {
                    @let indent = line.first().map_or(0, |first| indent(first.text));
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
}

/// The width of the blanks at the beginning, in characters. A tab counts for four.
fn indent(text: &str) -> usize {
    let blanks = &text[..text.len() - text.trim_start().len()];
    blanks.chars().map(|blank| if blank == '\t' { 4 } else { 1 }).sum()
}

#[cfg(test)]
mod tests {
    use super::{excerpt, indent};
    use crate::page::highlight::Language;

    #[test]
    fn the_place_and_the_marks_are_shown() {
        let shown =
            excerpt("a.rs:7", "fn a() {\n    1 < 2\n}\n", &[false, true], Language::Rust).into_string();
        assert!(shown.contains("<figcaption>a.rs:7</figcaption>") && shown.contains("&lt;"), "{shown}");
        assert_eq!((shown.matches("class=\"line").count(), shown.matches("line differs").count()), (3, 1));
    }

    #[test]
    fn a_tab_is_as_wide_as_four_blanks() {
        assert_eq!([indent("x"), indent("    x"), indent("\t\tx")], [0, 4, 8]);
    }
}
