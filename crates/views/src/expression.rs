//! Finds the places in one tag where a value must be counted.
//!
//! An operand of an operator that copies, compares or searches gets the filter [`CHARGE`], and so does the input of a built-in
//! filter. A value that is assigned or passed on gets [`BOUND`].

use std::collections::BTreeSet;

use crate::filters::{BOUND, CHARGE};
use crate::scan::{Insertion, Scan, end_of};
use crate::token::{Kind, Token};

/// The insertions into a tag of `source` with these tokens.
///
/// `assigned` holds every name that some template assigns. It may be a text that is printed without being escaped, so its
/// printing is counted here. Any other value is counted while it is escaped.
pub(crate) fn insertions(
    source: &str,
    tokens: &[Token<'_>],
    is_print: bool,
    assigned: &BTreeSet<&str>,
) -> Vec<Insertion> {
    let mut scan = Scan::new(source, tokens);
    let Some(first) = tokens.first() else { return Vec::new() };
    if is_print {
        if !is_plain(tokens, assigned) {
            scan.enclose(0, tokens.len(), CHARGE);
        }
        scan.run(0);
        return sorted(scan.into_insertions());
    }
    match first.text {
        "if" | "elif" | "filter" => scan.run(1),
        "for" | "<" => scan.run(0),
        "set" | "set_global" => match tokens.get(2) {
            Some(assign) if assign.text == "=" => {
                scan.enclose(3, tokens.len(), BOUND);
                scan.run(3);
            }
            _ => {
                scan.run(2);
                scan.insert(end_of(tokens), first.start, format!("|{BOUND}"));
            }
        },
        _ => {}
    }
    sorted(scan.into_insertions())
}

/// The names that a tag with these tokens assigns, or may assign.
pub(crate) fn assigned<'a>(tokens: &[Token<'a>]) -> Vec<&'a str> {
    let words = || tokens.iter().skip(1).filter(|token| token.kind == Kind::Word).map(|token| token.text);
    match tokens.first().map(|token| token.text) {
        Some("set" | "set_global") => words().take(1).collect(),
        Some("for") => words().take_while(|word| *word != "in").collect(),
        Some("component") => words().collect(),
        _ => Vec::new(),
    }
}

/// True if this prints a value of the caller's, a literal, or one component and nothing else.
fn is_plain(tokens: &[Token<'_>], assigned: &BTreeSet<&str>) -> bool {
    match tokens {
        [only] if only.kind != Kind::Word => true,
        [root, rest @ ..] if root.kind == Kind::Word => {
            let is_path = rest.chunks(2).all(|pair| {
                matches!(pair, [dot, name] if matches!(dot.text, "." | "?.") && name.kind == Kind::Word)
            });
            is_path && !["body", "__tera_context"].contains(&root.text) && !assigned.contains(root.text)
        }
        [open, .., slash, close] if open.text == "<" && slash.text == "/" && close.text == ">" => {
            tokens.iter().filter(|token| token.text == "<").count() == 1
        }
        _ => false,
    }
}

/// By place; the end of parentheses goes behind the filter of the last operand in them.
fn sorted(mut insertions: Vec<Insertion>) -> Vec<Insertion> {
    insertions.sort_by_key(|insertion| (insertion.at, insertion.text.starts_with(')')));
    insertions
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::insertions;
    use crate::token::tokens;

    /// The inside of a tag after the change: `!` stands for a charge, `¹` and `²` for those of `~`, `°` for that of a loop, `#` for a bound. The name `x` is assigned.
    fn becomes(inside: &str, is_print: bool) -> String {
        let tokens = tokens(inside, 0, inside.len());
        let insertions = insertions(inside, &tokens, is_print, &BTreeSet::from(["x"]));
        let mut text = String::new();
        let mut done = 0;
        for insertion in insertions {
            text.push_str(&inside[done..insertion.at]);
            text.push_str(&insertion.text);
            done = insertion.at;
        }
        text.push_str(&inside[done..]);
        text.replace("|__charge_of", "|OF")
            .replace("|__charge_first", "¹")
            .replace("|__charge_next", "²")
            .replace("|__charge_items", "°")
            .replace("|__charge", "!")
            .replace("|__bound", "#")
    }

    #[test]
    fn a_printed_value_is_counted_unless_it_is_counted_when_it_is_escaped() {
        for (inside, expected) in [
            ("a.b", "a.b"),
            ("'text'", "'text'"),
            ("loop.index", "loop.index"),
            ("<box a='b'/>", "<box a='b'/>"),
            ("x", "(x)!"),
            ("x.y", "(x.y)!"),
            ("super()", "(super())!"),
            ("a ~ b", "(a¹ ~ b²)!"),
            ("a if b else c", "(a if b else c)!"),
        ] {
            assert_eq!(becomes(inside, true), expected);
        }
    }

    #[test]
    fn values_are_counted_where_they_are_read_assigned_and_passed_on() {
        for (inside, expected) in [
            ("set a = b", "set a = (b)#"),
            ("set a = 1", "set a = 1"),
            ("set_global a = b ~ 'c' ~ d", "set_global a = (b¹ ~ 'c' ~ d²)#"),
            ("set a", "set a#"),
            ("set a | upper", "set a | upper#"),
            ("set a = b | upper | length", "set a = (b !| upper | length)#"),
            ("set a = b | replace(from=c ~ d, to='e')", "set a = (b !| replace(from=c¹ ~ d², to='e'))#"),
            ("if a == 'b' and not c in d", "if a! == 'b' and not c! in d!"),
            ("elif a.b[0].c not in d", "elif a.b[0].c! not in d!"),
            ("if a is defined and not b", "if a is defined and not b"),
            ("if a is not containing('b') or c", "if a! is not containing('b') or c"),
            ("if a + 1 < b * (c ~ d)", "if a + 1 < b! * (c¹ ~ d²)"),
            ("for a in b", "for a in b°"),
            ("for a, b in range(end=3)", "for a, b in range(end=3)°"),
            ("set a = [b for b in c]", "set a = ([b for b in c°])#"),
            ("set a = [b ~ 1 for b, d in c if d == e]", "set a = ([b¹ ~ 1 for b, d in c° if d! == e!])#"),
            ("set a = 'b' ~ c", "set a = ('b'¹ ~ c²)#"),
            ("set a = [1 for b in 'cd']", "set a = ([1 for b in 'cd'°])#"),
            ("set a = [...b, c]", "set a = ([...b!, c])#"),
            ("set a = {...b, 'c': d == e}", "set a = ({...b!, 'c': d! == e!})#"),
            ("set a = b.c[1:2]", "set a = (b.c[1|OF(of=b.c):2])#"),
            ("set a = b[:-1]", "set a = (b[none|OF(of=b):-1])#"),
            ("set a = b[c[0]]", "set a = (b[c[0]])#"),
            ("<box a={b} c='d' e {...f}>", "<box a={(b)#} c='d' e {...f!}>"),
            ("</box>", "</box>"),
            ("component box(a: string, b='c')", "component box(a: string, b='c')"),
            ("include 'a.html'", "include 'a.html'"),
        ] {
            assert_eq!(becomes(inside, false), expected);
        }
    }
}
