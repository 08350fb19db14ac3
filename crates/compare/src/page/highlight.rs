//! Syntax highlighting of Rust and Go code.

use ra_ap_rustc_lexer::{FrontmatterAllowed, LiteralKind, TokenKind, tokenize};

/// A piece of one line with its class. Most text has no class.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Piece<'a> {
    pub(crate) class: Option<&'static str>,
    pub(crate) text: &'a str,
}

/// A language of the sources.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Language {
    Rust,
    /// It is split by the rules of Rust, which differ in no token that matters here.
    Go,
}

/// The pieces of every line.
pub(crate) fn highlight(code: &str, language: Language) -> Vec<Vec<Piece<'_>>> {
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
        let class = class(*kind, text, &tokens[number + 1..], language);
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

fn class(
    kind: TokenKind,
    text: &str,
    after: &[(TokenKind, &str)],
    language: Language,
) -> Option<&'static str> {
    let next = after.iter().map(|(kind, _)| *kind).find(|kind| *kind != TokenKind::Whitespace);
    match kind {
        TokenKind::LineComment { .. } | TokenKind::BlockComment { .. } => Some("comment"),
        TokenKind::Literal { kind: LiteralKind::Int { .. } | LiteralKind::Float { .. }, .. } => {
            Some("number")
        }
        TokenKind::Literal { .. } => Some("string"),
        TokenKind::Lifetime { .. } => Some("lifetime"),
        TokenKind::Ident if language.keywords().contains(&text) => Some("keyword"),
        TokenKind::Ident if text.starts_with(|first: char| first.is_ascii_uppercase()) => Some("type"),
        TokenKind::Ident if matches!(next, Some(TokenKind::OpenParen | TokenKind::Bang)) => Some("call"),
        _ => None,
    }
}

impl Language {
    fn keywords(self) -> &'static [&'static str] {
        match self {
            Language::Rust => &RUST,
            Language::Go => &GO,
        }
    }
}

const GO: [&str; 27] = [
    "break",
    "case",
    "chan",
    "const",
    "continue",
    "default",
    "defer",
    "else",
    "false",
    "for",
    "func",
    "go",
    "goto",
    "if",
    "import",
    "interface",
    "map",
    "nil",
    "package",
    "range",
    "return",
    "select",
    "struct",
    "switch",
    "true",
    "type",
    "var",
];

const RUST: [&str; 34] = [
    "as", "async", "await", "break", "const", "continue", "crate", "dyn", "else", "enum", "false", "fn",
    "for", "if", "impl", "in", "let", "loop", "match", "mod", "move", "mut", "pub", "ref", "return", "self",
    "static", "struct", "super", "true", "type", "use", "where", "while",
];

#[cfg(test)]
mod tests {
    use super::{Language, highlight};
    use crate::page::demo::DEMOS;

    #[test]
    fn every_part_gets_its_class() {
        let lines = highlight("/// Doc.\nlet x: Vec<&'a str> = call(\"a\nb\", 7); // end", Language::Rust);
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
    fn a_keyword_belongs_to_its_language() {
        let class = |language| highlight("func", language)[0][0].class;
        assert_eq!((class(Language::Go), class(Language::Rust)), (Some("keyword"), None));
    }

    #[test]
    fn nothing_is_lost() {
        for demo in &DEMOS {
            let theirs = demo.counterpart.sources.iter().map(|(_, source)| (*source, Language::Go));
            for (source, language) in theirs.chain([(demo.source("routes.rs"), Language::Rust)]) {
                let lines = highlight(source, language);
                let lines: Vec<String> =
                    lines.iter().map(|line| line.iter().map(|piece| piece.text).collect()).collect();
                assert_eq!(lines.join("\n"), source);
            }
        }
    }
}
