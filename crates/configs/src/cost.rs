//! The memory that a document takes.

use crate::tree::{Node, Value};

/// Upper bound on the cost of a document. A document of 1 MiB with plain routes stays below it.
pub(crate) const MAX_COST: usize = 250_000;
/// Upper bound on the depth of maps and lists.
pub(crate) const MAX_DEPTH: usize = 64;
/// A text and the path of its node cost one more for this number of bytes.
pub(crate) const BYTES_PER_COST: usize = 256;

/// The cost of one node, from the lengths of its text and its path in bytes: both are kept in memory.
pub(crate) fn cost(text: usize, path: usize) -> usize {
    1 + (text + path) / BYTES_PER_COST
}

/// The cost of a node and of all nodes below it; `path` is the length of its path.
pub(crate) fn total_cost(node: &Node, path: usize) -> usize {
    match &node.value {
        Value::Scalar(scalar) => cost(scalar.text.len(), path),
        Value::File(_) => cost(0, path),
        Value::List(items) => {
            let below =
                items.iter().enumerate().map(|(index, item)| total_cost(item, path + digits(index) + 1));
            cost(0, path) + below.sum::<usize>()
        }
        Value::Map(entries) => {
            let below = entries.iter().map(|entry| total_cost(&entry.node, path + entry.key.len() + 1));
            cost(0, path) + below.sum::<usize>()
        }
    }
}

/// The advice for a document that is too large.
pub(crate) fn advice() -> String {
    format!("every {BYTES_PER_COST} bytes of long texts and paths count as one more")
}

fn digits(index: usize) -> usize {
    index.checked_ilog10().map_or(1, |tens| tens as usize + 1)
}
