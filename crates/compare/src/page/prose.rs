//! Text with code in it.

use maud::{Markup, html};

/// Text whose `code` in backticks is shown as such.
pub(crate) fn prose(text: &str) -> Markup {
    html! {
        @for (nth, part) in text.split('`').enumerate() {
            @if nth % 2 == 0 { (part) } @else { code { (part) } }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::prose;

    #[test]
    fn code_in_prose_is_code_and_nothing_is_markup() {
        assert_eq!(prose("a `b<c>` d").into_string(), "a <code>b&lt;c&gt;</code> d");
    }
}
