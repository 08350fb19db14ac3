//! Finds the operands of an expression that must be counted.

use crate::filters::{BOUND, CHARGE, CHARGE_FIRST, CHARGE_ITEMS, CHARGE_NEXT, CHARGE_OF, CHEAP};
use crate::token::{Kind, Token};

/// A text to insert, and the place in the original that errors in it point to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Insertion {
    pub(crate) at: usize,
    pub(crate) place: usize,
    pub(crate) text: String,
}

/// The tests that read their whole value.
const LONG_TESTS: [&str; 3] = ["containing", "ending_with", "starting_with"];

/// Reads an expression as a row of tokens, and collects what to insert into it.
///
/// A filter binds tighter than any binary operator, so it goes right behind the operand.
pub(crate) struct Scan<'a> {
    source: &'a str,
    tokens: &'a [Token<'a>],
    /// The brackets that are open.
    levels: Vec<Level>,
    insertions: Vec<Insertion>,
}

#[derive(Default)]
struct Level {
    operand: Option<Operand>,
    /// The operator before the next operand.
    before: Operator,
    /// After `for`: the names up to `in` are no operands.
    names: bool,
    /// In a component's call: `NAME attribute="text" attribute={expression}`.
    is_component: bool,
}

/// The part of its operands that an operator reads.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Operator {
    #[default]
    Cheap,
    Reads,
    /// The `in` of a loop or a comprehension.
    Iterates,
    /// `~`, which copies all that came before it.
    Concat,
}

/// A value with all that belongs to it: `a.b[0] | upper(x=1)`.
struct Operand {
    start: usize,
    end: usize,
    is_literal: bool,
    /// Names, dots and brackets only.
    is_path: bool,
}

impl<'a> Scan<'a> {
    pub(crate) fn new(source: &'a str, tokens: &'a [Token<'a>]) -> Scan<'a> {
        Scan { source, tokens, levels: vec![Level::default()], insertions: Vec::new() }
    }

    pub(crate) fn into_insertions(self) -> Vec<Insertion> {
        self.insertions
    }

    /// Reads the tokens from `from` on.
    pub(crate) fn run(&mut self, from: usize) {
        for at in from..self.tokens.len() {
            if self.level().is_component {
                self.component(at);
            } else {
                self.token(at);
            }
        }
        while !self.levels.is_empty() {
            self.operator(Operator::Cheap);
            self.levels.pop();
        }
    }

    fn token(&mut self, at: usize) {
        let token = self.tokens[at];
        match token.kind {
            Kind::Literal => self.operand(token, true),
            Kind::Word => self.word(at),
            Kind::Mark => self.mark(at),
        }
    }

    fn word(&mut self, at: usize) {
        let token = self.tokens[at];
        let before = at.checked_sub(1).map_or("", |before| self.text(before));
        match token.text {
            _ if matches!(before, "." | "?." | "|") => self.extend(token.end, before != "|"),
            _ if before == "is" || (before == "not" && at > 1 && self.text(at - 2) == "is") => {
                self.operand(token, true);
            }
            "in" if self.level().names => {
                let level = self.level();
                (level.names, level.operand, level.before) = (false, None, Operator::Iterates);
            }
            "for" => {
                self.operator(Operator::Cheap);
                self.level().names = true;
            }
            "in" => self.operator(Operator::Reads),
            "is" => {
                let test = self.tokens[at + 1..].iter().find(|token| token.text != "not");
                let reads = test.is_some_and(|test| LONG_TESTS.contains(&test.text));
                self.operator(if reads { Operator::Reads } else { Operator::Cheap });
                self.level().before = Operator::Cheap;
            }
            "not" if self.text(at + 1) == "in" => self.operator(Operator::Reads),
            "and" | "or" | "if" | "else" => self.operator(Operator::Cheap),
            "not" => {}
            name => self.operand(token, matches!(name, "true" | "false" | "none" | "True" | "False")),
        }
    }

    fn mark(&mut self, at: usize) {
        let token = self.tokens[at];
        let begins = self.level().operand.is_none();
        match token.text {
            "(" | "[" | "?[" | "{" => {
                if begins {
                    self.operand(token, false);
                } else if token.text != "(" && token.text != "{" {
                    self.slice(at);
                }
                self.levels.push(Level::default());
            }
            ")" | "]" | "}" if self.levels.len() > 1 => {
                self.operator(Operator::Cheap);
                self.levels.pop();
                self.extend(token.end, true);
            }
            "<" if begins => {
                self.operand(token, false);
                self.levels.push(Level { is_component: true, ..Level::default() });
            }
            "~" => self.operator(Operator::Concat),
            "==" | "!=" | "<" | ">" | "<=" | ">=" | "..." => self.operator(Operator::Reads),
            "|" => {
                let reads = !CHEAP.contains(&self.text(at + 1));
                let place = self.level().operand.as_ref().map_or(token.start, |operand| operand.start);
                if reads && !begins {
                    self.insert(token.end, place, format!("{CHARGE}|"));
                }
                self.extend(token.end, false);
            }
            "." | "?." => self.extend(token.end, true),
            "=" => self.level().operand = None,
            "-" if begins => {}
            _ => self.operator(Operator::Cheap),
        }
    }

    /// Within a component's call only what is in braces is an expression.
    fn component(&mut self, at: usize) {
        let token = self.tokens[at];
        match token.text {
            "{" => {
                self.levels.push(Level::default());
                if let Some(close) = self.closing(at)
                    && self.text(at + 1) != "..."
                {
                    self.enclose(at + 1, close, BOUND);
                }
            }
            ">" => {
                self.levels.pop();
                self.extend(token.end, false);
            }
            _ => {}
        }
    }

    /// An operand begins here, unless this belongs to the one before.
    fn operand(&mut self, token: Token<'_>, is_literal: bool) {
        let operand = Operand {
            start: token.start,
            end: token.end,
            is_literal,
            is_path: !is_literal && token.kind == Kind::Word,
        };
        self.level().operand.get_or_insert(operand).end = token.end;
    }

    fn extend(&mut self, end: usize, is_path: bool) {
        if let Some(operand) = &mut self.level().operand {
            operand.end = end;
            operand.is_path &= is_path;
            operand.is_literal = false;
        }
    }

    /// The operand ends with this operator.
    fn operator(&mut self, next: Operator) {
        let level = self.level();
        let before = std::mem::replace(&mut level.before, next);
        let Some(operand) = level.operand.take().filter(|_| !level.names) else { return };
        let filter = match (before, next) {
            // These two are counted even if they are literals: the first operand begins a row, and a text may be long.
            (Operator::Cheap | Operator::Reads, Operator::Concat) => CHARGE_FIRST,
            (Operator::Iterates, _) => CHARGE_ITEMS,
            _ if operand.is_literal => return,
            (Operator::Concat, _) => CHARGE_NEXT,
            (Operator::Reads, _) | (_, Operator::Reads) => CHARGE,
            (Operator::Cheap, Operator::Cheap | Operator::Iterates) => return,
        };
        self.insert(operand.end, operand.start, format!("|{filter}"));
    }

    /// A slice reads all of what it is taken from. The filter cannot go before the bracket, so it goes to the start of the slice.
    fn slice(&mut self, at: usize) {
        let Some(close) = self.closing(at) else { return };
        let mut depth = 0_usize;
        let colon = (at + 1..close).find(|inner| match self.text(*inner) {
            "(" | "[" | "?[" | "{" => {
                depth += 1;
                false
            }
            ")" | "]" | "}" => {
                depth = depth.saturating_sub(1);
                false
            }
            text => text == ":" && depth == 0,
        });
        let Some(colon) = colon else { return };
        let operand = self.level().operand.as_ref().filter(|operand| operand.is_path);
        let Some((place, end)) = operand.map(|operand| (operand.start, operand.end)) else { return };
        let charge = format!("|{CHARGE_OF}(of={})", &self.source[place..end]);
        if colon == at + 1 {
            self.insert(self.tokens[at].end, place, format!("none{charge}"));
        } else {
            self.insert(self.tokens[colon - 1].end, place, charge);
        }
    }

    /// The token that closes the bracket at `at`.
    fn closing(&self, at: usize) -> Option<usize> {
        let mut depth = 0_usize;
        (at..self.tokens.len()).find(|inner| {
            match self.text(*inner) {
                "(" | "[" | "?[" | "{" => depth += 1,
                ")" | "]" | "}" => depth = depth.saturating_sub(1),
                _ => {}
            }
            depth == 0
        })
    }

    /// Puts the tokens from `from` up to `to` in parentheses, with a filter behind them.
    pub(crate) fn enclose(&mut self, from: usize, to: usize, filter: &str) {
        let Some(inner) = self.tokens.get(from..to).filter(|inner| !inner.is_empty()) else { return };
        if let [only] = inner
            && only.kind == Kind::Literal
        {
            return;
        }
        let (start, end) = (inner[0].start, end_of(inner));
        self.insert(start, start, "(".to_owned());
        self.insert(end, start, format!(")|{filter}"));
    }

    /// Inserts `text` at `at`. Errors in it point to `place`.
    pub(crate) fn insert(&mut self, at: usize, place: usize, text: String) {
        self.insertions.push(Insertion { at, place, text });
    }

    fn text(&self, at: usize) -> &str {
        self.tokens.get(at).map_or("", |token| token.text)
    }

    /// The innermost open bracket. There is always one: the tag itself is the last to be closed.
    fn level(&mut self) -> &mut Level {
        if self.levels.is_empty() {
            self.levels.push(Level::default());
        }
        let last = self.levels.len() - 1;
        &mut self.levels[last]
    }
}

/// The end of the last token.
pub(crate) fn end_of(tokens: &[Token<'_>]) -> usize {
    tokens.last().map_or(0, |token| token.end)
}
