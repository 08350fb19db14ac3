//! Passages of a Rust source, found by the name of an item or by the text of lines.

use ra_ap_rustc_lexer::{DocStyle, FrontmatterAllowed, TokenKind, tokenize};

/// Consecutive whole lines of a source.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Passage<'a> {
    /// The lines, without the last line's end.
    pub(crate) text: &'a str,
    /// The number of the first, from 1.
    pub(crate) line: usize,
}

/// The function, type or constant of this name, with its comments and attributes.
pub(crate) fn item<'a>(source: &'a str, name: &str) -> Option<Passage<'a>> {
    items(source).into_iter().find(|item| item.name == name).map(|item| passage(source, item.start, item.end))
}

/// Everything below the imports.
pub(crate) fn below_the_imports(source: &str) -> Option<Passage<'_>> {
    let first = items(source).into_iter().find(|item| item.name != "use")?;
    Some(passage(source, first.start, source.trim_end().len()))
}

/// The lines from the only one with `from` to the next one with `to`, which may be the same.
pub(crate) fn lines<'a>(source: &'a str, from: &str, to: &str) -> Option<Passage<'a>> {
    let at = source.find(from).filter(|at| !source[at + from.len()..].contains(from))?;
    let start = source[..at].rfind('\n').map_or(0, |end| end + 1);
    let last = at + source[at..].find(to)? + to.len();
    let end = source[last..].find('\n').map_or(source.len(), |end| last + end);
    Some(passage(source, start, end))
}

/// An item of the outermost level. The name of an import is `use`, that of an implementation `impl`.
struct Item<'a> {
    name: &'a str,
    start: usize,
    end: usize,
}

fn items(source: &str) -> Vec<Item<'_>> {
    let mut items = Vec::new();
    let (mut at, mut depth) = (0, 0_u32);
    let mut start = None;
    let (mut keyword, mut name) = ("", "");
    for token in tokenize(source, FrontmatterAllowed::No) {
        let (begin, text) = (at, &source[at..at + token.len as usize]);
        at += text.len();
        match token.kind {
            TokenKind::Whitespace | TokenKind::LineComment { doc_style: Some(DocStyle::Inner) } => continue,
            TokenKind::OpenBrace | TokenKind::OpenBracket | TokenKind::OpenParen => depth += 1,
            TokenKind::CloseBrace | TokenKind::CloseBracket | TokenKind::CloseParen => depth -= 1,
            TokenKind::Ident if depth == 0 && name.is_empty() => match text {
                "use" | "impl" => (keyword, name) = (text, text),
                "fn" | "struct" | "enum" | "const" | "static" | "type" | "trait" | "mod" => keyword = text,
                _ if !keyword.is_empty() => name = text,
                _ => {}
            },
            _ => {}
        }
        let start_here = *start.get_or_insert(begin);
        let is_over = match token.kind {
            TokenKind::Semi => depth == 0,
            // The closing brace of an import or of a constant's value does not end the item.
            TokenKind::CloseBrace => depth == 0 && !matches!(keyword, "use" | "const" | "static" | "type"),
            _ => false,
        };
        if is_over {
            items.push(Item { name, start: start_here, end: at });
            (start, keyword, name) = (None, "", "");
        }
    }
    items
}

fn passage(source: &str, start: usize, end: usize) -> Passage<'_> {
    Passage { text: &source[start..end], line: source[..start].matches('\n').count() + 1 }
}

#[cfg(test)]
mod tests {
    use super::{Passage, below_the_imports, item, lines};

    const SOURCE: &str = "//! About it.\n\nuse a::{b, c};\nuse d;\n\n/// Ten.\nconst TEN: [u8; 2] = [{ 5 }, 5];\n\n\
        /// Goes.\n#[inline]\npub(crate) async fn go(x: &str) -> impl Fn() {\n    // No `}` ends it: '}' \"}\"\n    move || {}\n}\n\n\
        impl From<A> for B {\n    fn from(a: A) -> B {\n        B\n    }\n}\n\nstruct B(A);\n";

    #[test]
    fn an_item_comes_with_its_comments_and_ends_where_it_ends() {
        for (name, line, first, last) in [
            ("TEN", 6, "/// Ten.", "const TEN: [u8; 2] = [{ 5 }, 5];"),
            ("go", 9, "/// Goes.", "}"),
            ("impl", 16, "impl From<A> for B {", "}"),
            ("B", 22, "struct B(A);", "struct B(A);"),
        ] {
            let found = item(SOURCE, name).unwrap();
            assert_eq!(found.line, line, "{name}");
            let lines: Vec<&str> = found.text.lines().collect();
            assert_eq!((lines[0], lines[lines.len() - 1]), (first, last), "{name}");
        }
        assert_eq!(item(SOURCE, "from"), None, "a method is no item of the outermost level");
        assert_eq!(item(SOURCE, "go").unwrap().text.lines().count(), 6);
    }

    #[test]
    fn below_the_imports_is_everything_else() {
        let below = below_the_imports(SOURCE).unwrap();
        assert!(below.text.starts_with("/// Ten.") && below.text.ends_with("struct B(A);"));
        assert_eq!(below.line, 6);
        assert_eq!(below_the_imports("use a;\n"), None);
    }

    #[test]
    fn lines_are_found_by_what_only_they_say() {
        let found = Passage { text: "    fn from(a: A) -> B {\n        B\n    }", line: 17 };
        assert_eq!(lines(SOURCE, "fn from", "    }"), Some(found));
        assert_eq!(lines(SOURCE, "use d", "use d").unwrap().text, "use d;");
        assert_eq!(lines(SOURCE, "use", "d"), None, "it is said twice");
        assert_eq!(lines(SOURCE, "fn from", "fn to"), None);
    }
}
