//! A piece of code as HTML.

use std::iter::repeat;

use maud::{Markup, html};

use super::highlight::{Language, highlight};

/// Lines of a source under their place in it. `differs` marks the lines that differ; the lines after its end do not.
pub(crate) fn excerpt(place: &str, text: &str, differs: &[bool], language: Language) -> Markup {
    let text = text.trim_end().replace('\t', "    ");
    let lines = highlight(&text, language);
    let marks = differs.iter().copied().chain(repeat(false));
    html! {
        figure.excerpt {
            figcaption { (place) }
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
}

#[cfg(test)]
mod tests {
    use super::excerpt;
    use crate::page::highlight::Language;

    #[test]
    fn the_place_and_the_marks_are_shown() {
        let shown =
            excerpt("a.rs:7", "fn a() {\n    1 < 2\n}\n", &[false, true], Language::Rust).into_string();
        assert!(shown.contains("<figcaption>a.rs:7</figcaption>") && shown.contains("&lt;"), "{shown}");
        assert_eq!((shown.matches("class=\"line").count(), shown.matches("line differs").count()), (3, 1));
    }

    #[test]
    fn a_tab_is_shown_as_four_blanks() {
        let shown = excerpt("a.go", "func a() {\n\tb()\n}", &[], Language::Go).into_string();
        assert!(shown.contains("--indent:4") && !shown.contains('\t'), "{shown}");
    }
}
