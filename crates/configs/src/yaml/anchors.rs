//! Anchored nodes and the copies of them that aliases are.

use std::collections::HashMap;
use std::fmt::{Display, Formatter};

use crate::cost::total_cost;
use crate::tree::Node;

/// Upper bound on the cost of all copies: one for each anchored node, one for each alias.
const MAX_COPIES: usize = 20_000;
/// Upper bound on the number of aliases in a document.
const MAX_ALIASES: usize = 1_000;

/// The anchored nodes of one document. Anchors nest, so each copy is counted before it is made.
#[derive(Default)]
pub(super) struct Anchors {
    nodes: HashMap<usize, Node>,
    copies: usize,
    aliases: usize,
}

/// The copies would take too much memory.
pub(super) struct TooManyCopies;

impl Anchors {
    /// Keeps a copy of an anchored node for its aliases; `path` is the length of its path.
    pub(super) fn keep(&mut self, anchor: usize, node: &Node, path: usize) -> Result<(), TooManyCopies> {
        self.copies += total_cost(node, path);
        if self.copies > MAX_COPIES {
            return Err(TooManyCopies);
        }
        self.nodes.insert(anchor, node.clone());
        Ok(())
    }

    /// The node for an alias at a path of this length, with its cost. It is not copied yet. Returns `None` if the anchored node
    /// is not complete.
    pub(super) fn alias(
        &mut self,
        anchor: usize,
        path: usize,
    ) -> Option<Result<(&Node, usize), TooManyCopies>> {
        self.aliases += 1;
        let node = self.nodes.get(&anchor)?;
        let cost = total_cost(node, path);
        self.copies += cost;
        let is_allowed = self.aliases <= MAX_ALIASES && self.copies <= MAX_COPIES;
        Some(if is_allowed { Ok((node, cost)) } else { Err(TooManyCopies) })
    }
}

impl Display for TooManyCopies {
    fn fmt(&self, out: &mut Formatter<'_>) -> std::fmt::Result {
        out.write_str("too large once its anchors and aliases are followed, ")?;
        write!(out, "expected at most {MAX_ALIASES} aliases, and {MAX_COPIES} values that are copied")
    }
}
