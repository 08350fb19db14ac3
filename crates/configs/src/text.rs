//! Texts from files as a message may repeat them.

/// Replaces control characters: the result is one line, and no escape sequence reaches a terminal.
pub(crate) fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

/// Cuts a text after `longest` characters.
pub(crate) fn cut(text: &str, longest: usize) -> String {
    match text.char_indices().nth(longest) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// True if a message may repeat a key from a file: 1 to 40 letters, digits, `_` and `-`. Another text may be a secret in
/// the wrong place.
pub(crate) fn is_safe_to_echo(key: &str) -> bool {
    (1..=40).contains(&key.len())
        && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
}

#[cfg(test)]
mod tests {
    use super::{cut, is_safe_to_echo, printable};

    #[test]
    fn long_texts_are_cut_between_characters() {
        assert_eq!(cut("ä", 60), "ä");
        assert_eq!(cut(&"ä".repeat(61), 60), format!("{}…", "ä".repeat(60)));
    }

    #[test]
    fn a_message_has_no_control_characters() {
        assert_eq!(printable("a\x1b[31m\nb"), "a\u{fffd}[31m\u{fffd}b");
    }

    #[test]
    fn only_names_are_repeated() {
        for (key, expected) in
            [("pasword", true), ("log-level", true), ("", false), ("hunter 2", false), ("a=b", false)]
        {
            assert_eq!(is_safe_to_echo(key), expected, "{key}");
        }
    }
}
