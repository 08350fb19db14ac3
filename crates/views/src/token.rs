//! The tokens of an expression, as the engine reads them.

/// A piece of a tag's inside, with its byte positions in the template.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Token<'a> {
    pub(crate) kind: Kind,
    pub(crate) text: &'a str,
    pub(crate) start: usize,
    pub(crate) end: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A name or a keyword.
    Word,
    /// A text in quotes, or a number.
    Literal,
    /// An operator or a bracket.
    Mark,
}

impl<'a> Token<'a> {
    /// The text without its quotes.
    pub(crate) fn unquoted(&self) -> &'a str {
        self.text.trim_matches(['"', '\'', '`'])
    }
}

/// The marks of more than one character; a longer one comes before its beginning.
const LONG_MARKS: [&str; 10] = ["...", "//", "**", "==", "!=", ">=", "<=", "</", "?.", "?["];

/// The tokens of `source[start..end]`, up to the first character that begins none.
pub(crate) fn tokens(source: &str, start: usize, end: usize) -> Vec<Token<'_>> {
    let mut tokens = Vec::new();
    let mut at = start;
    loop {
        let rest = &source[at..end];
        at += rest.len() - rest.trim_start().len();
        let Some((kind, length)) = next(&source[at..end]) else { return tokens };
        tokens.push(Token { kind, text: &source[at..at + length], start: at, end: at + length });
        at += length;
    }
}

/// The end of the text in quotes that begins at `start`, if it has one.
pub(crate) fn end_of_string(bytes: &[u8], start: usize) -> Option<usize> {
    let quote = *bytes.get(start)?;
    let mut at = start + 1;
    while *bytes.get(at)? != quote {
        at += if bytes[at] == b'\\' { 2 } else { 1 };
    }
    Some(at + 1)
}

fn next(rest: &str) -> Option<(Kind, usize)> {
    let bytes = rest.as_bytes();
    let count = |is_part: fn(&u8) -> bool| bytes.iter().take_while(|byte| is_part(byte)).count();
    match *bytes.first()? {
        b'"' | b'\'' | b'`' => Some((Kind::Literal, end_of_string(bytes, 0)?)),
        byte if byte.is_ascii_digit() => {
            let whole = count(u8::is_ascii_digit);
            let fraction = match bytes.get(whole) {
                Some(b'.') => 1 + bytes[whole + 1..].iter().take_while(|byte| byte.is_ascii_digit()).count(),
                _ => 0,
            };
            Some((Kind::Literal, whole + fraction))
        }
        byte if byte.is_ascii_alphabetic() || byte == b'_' => {
            Some((Kind::Word, count(|byte| byte.is_ascii_alphanumeric() || *byte == b'_')))
        }
        byte if byte.is_ascii() => {
            let long = LONG_MARKS.iter().find(|mark| rest.starts_with(**mark));
            Some((Kind::Mark, long.map_or(1, |mark| mark.len())))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::tokens;

    #[test]
    fn an_expression_is_read_as_the_engine_reads_it() {
        for (expression, expected) in [
            ("a.b1 ~ _c", "a . b1 ~ _c"),
            ("1.5+2", "1.5 + 2"),
            ("x>=1 and not y", "x >= 1 and not y"),
            (r#"f(a="b \" c", d='}')"#, r#"f ( a = "b \" c" , d = '}' )"#),
            ("[...a, b?.c, d?[0]]", "[ ... a , b ?. c , d ?[ 0 ] ]"),
            ("a é b", "a"),
            ("'open", ""),
        ] {
            let read: Vec<&str> =
                tokens(expression, 0, expression.len()).iter().map(|token| token.text).collect();
            assert_eq!(read.join(" "), expected, "{expression}");
        }
    }
}
