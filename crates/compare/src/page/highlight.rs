//! Syntax highlighting of Rust code.

use ra_ap_rustc_lexer::{FrontmatterAllowed, LiteralKind, TokenKind, tokenize};

/// A piece of one line with its class. Most text has no class.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Piece<'a> {
    pub(crate) class: Option<&'static str>,
    pub(crate) text: &'a str,
}

/// The pieces of every line.
pub(crate) fn highlight(code: &str) -> Vec<Vec<Piece<'_>>> {
    let mut at = 0;
    let tokens: Vec<(TokenKind, &str)> = tokenize(code, FrontmatterAllowed::No)
        .map(|token| {
            let text = &code[at..at + token.len as usize];
            at += text.len();
            (token.kind, text)
        })
        .collect();
    let mut lines = vec![Vec::new()];
    for (number, (kind, text)) in tokens.iter().enumerate() {
        let class = class(*kind, text, &tokens[number + 1..]);
        for (nth, part) in text.split('\n').enumerate() {
            if nth > 0 {
                lines.push(Vec::new());
            }
            if let (false, Some(line)) = (part.is_empty(), lines.last_mut()) {
                line.push(Piece { class, text: part });
            }
        }
    }
    lines
}

fn class(kind: TokenKind, text: &str, after: &[(TokenKind, &str)]) -> Option<&'static str> {
    let next = after.iter().map(|(kind, _)| *kind).find(|kind| *kind != TokenKind::Whitespace);
    match kind {
        TokenKind::LineComment { .. } | TokenKind::BlockComment { .. } => Some("comment"),
        TokenKind::Literal { kind: LiteralKind::Int { .. } | LiteralKind::Float { .. }, .. } => {
            Some("number")
        }
        TokenKind::Literal { .. } => Some("string"),
        TokenKind::Lifetime { .. } => Some("lifetime"),
        TokenKind::Ident if KEYWORDS.contains(&text) => Some("keyword"),
        TokenKind::Ident if text.starts_with(|first: char| first.is_ascii_uppercase()) => Some("type"),
        TokenKind::Ident if matches!(next, Some(TokenKind::OpenParen | TokenKind::Bang)) => Some("call"),
        _ => None,
    }
}

const KEYWORDS: [&str; 34] = [
    "as", "async", "await", "break", "const", "continue", "crate", "dyn", "else", "enum", "false", "fn",
    "for", "if", "impl", "in", "let", "loop", "match", "mod", "move", "mut", "pub", "ref", "return", "self",
    "static", "struct", "super", "true", "type", "use", "where", "while",
];

#[cfg(test)]
mod tests {
    use super::highlight;
    use crate::page::demo::DEMOS;

    #[test]
    fn every_part_gets_its_class() {
        let lines = highlight("/// Doc.\nlet x: Vec<&'a str> = call(\"a\nb\", 7); // end");
        let said: Vec<Vec<(Option<&str>, &str)>> = lines
            .iter()
            .map(|line| {
                let pieces = line.iter().filter(|piece| !piece.text.trim().is_empty());
                pieces.map(|piece| (piece.class, piece.text)).filter(|(class, _)| class.is_some()).collect()
            })
            .collect();
        assert_eq!(said[0], [(Some("comment"), "/// Doc.")]);
        let second = [
            (Some("keyword"), "let"),
            (Some("type"), "Vec"),
            (Some("lifetime"), "'a"),
            (Some("call"), "call"),
            (Some("string"), "\"a"),
        ];
        assert_eq!(said[1], second);
        assert_eq!(said[2], [(Some("string"), "b\""), (Some("number"), "7"), (Some("comment"), "// end")]);
    }

    #[test]
    fn nothing_is_lost() {
        for demo in &DEMOS {
            let source = demo.source("routes.rs");
            let lines: Vec<String> =
                highlight(source).iter().map(|line| line.iter().map(|piece| piece.text).collect()).collect();
            assert_eq!(lines.join("\n"), source);
        }
    }
}
