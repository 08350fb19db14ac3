//! The end of the output, if it is no whole line.

/// A longer one is not looked at, in bytes.
pub(super) const MOST_PARTIAL: usize = 4096;

/// True if the text is certainly on one row of so many columns, with the cursor on it before its last column. Only usual characters,
/// colours, an erasure of the row and a return to its begin are certain.
pub(super) fn is_on_one_row(text: &[u8], columns: usize) -> bool {
    if text.len() > MOST_PARTIAL {
        return false;
    }
    // Also false if a character is not complete.
    let Ok(text) = str::from_utf8(text) else { return false };
    let mut width = 0;
    let mut chars = text.chars();
    while let Some(char) = chars.next() {
        match char {
            '\r' => width = 0,
            '\t' => width += 8,
            '\x1b' => {
                if chars.next() != Some('[') {
                    return false;
                }
                let last = chars.by_ref().find(|char| !char.is_ascii_digit() && !";:".contains(*char));
                if !matches!(last, Some('m' | 'K')) {
                    return false;
                }
            }
            char if char.is_control() => return false,
            char if char.is_ascii() => width += 1,
            // It has two columns at most.
            _ => width += 2,
        }
        if width >= columns {
            return false;
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::{MOST_PARTIAL, is_on_one_row};

    #[test]
    fn only_what_is_certain_is_on_one_row() {
        for (text, expected) in [
            ("", true),
            ("123456789", true),
            ("1234567890", false),
            ("12345678\r12345678", true),
            ("1234567890\r", false),
            ("\x1b[1;38:5:3mgreen\x1b[0m", true),
            ("\x1b[2K\r50 %", true),
            ("\x1b[3", false),
            ("\x1b", false),
            ("\x1b[2A", false),
            ("\x1b]0;title\x07", false),
            ("\x08", false),
            ("a\t", true),
            ("ab\t", false),
            ("éééé", true),
            ("ééééé", false),
        ] {
            assert_eq!(is_on_one_row(text.as_bytes(), 10), expected, "{text:?}");
        }
        assert!(!is_on_one_row(b"\xC3", 10));
        assert!(!is_on_one_row(&b"\r".repeat(MOST_PARTIAL + 1), 10));
    }
}
