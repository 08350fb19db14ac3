//! The origins of all values of one configuration.

use std::collections::{BTreeMap, HashMap};
use std::fmt::{Debug, Formatter, Result};
use std::sync::OnceLock;

use crate::origin::Origin;
use crate::path::below;
use crate::secrets::Secrets;
use crate::suggest::folded;
use crate::tree::{Mark, Node, Span, Value};

/// The origin of every value of one configuration, by dotted path.
#[derive(Default)]
pub struct Provenance {
    places: BTreeMap<String, Place>,
    /// The paths by their folded names: a field of the type may differ from its key by case and dashes. Made on demand.
    folded: OnceLock<HashMap<String, String>>,
}

/// The origin of one value, and its text if a message may repeat it.
pub(crate) struct Place {
    pub(crate) origin: Origin,
    pub(crate) span: Option<Span>,
    pub(crate) text: Option<String>,
}

impl Provenance {
    /// The origin of the value at a dotted path, or nothing when no layer gives one.
    pub fn origin(&self, path: &str) -> Option<&Origin> {
        self.places.get(path).map(|place| &place.origin)
    }

    pub(crate) fn of(root: &Node, secrets: &Secrets) -> Provenance {
        let mut provenance = Provenance::default();
        provenance.add("", &root.mark, root, secrets);
        provenance
    }

    /// The place of a value, and `true`; for a value that no layer gives, the place of the nearest map above it, and `false`.
    pub(crate) fn nearest(&self, path: &str) -> Option<(&Place, bool)> {
        let exact = self.places.get(path).or_else(|| self.places.get(self.folded().get(&folded(path))?));
        if let Some(place) = exact {
            return Some((place, true));
        }
        let mut rest = path;
        while let Some((parent, _)) = rest.rsplit_once('.') {
            if let Some(place) = self.places.get(parent) {
                return Some((place, false));
            }
            rest = parent;
        }
        self.places.get("").map(|place| (place, false))
    }

    fn folded(&self) -> &HashMap<String, String> {
        self.folded.get_or_init(|| self.places.keys().map(|path| (folded(path), path.clone())).collect())
    }

    fn add(&mut self, path: &str, key: &Mark, node: &Node, secrets: &Secrets) {
        let mark = if matches!(node.value, Value::Map(_)) { key } else { &node.mark };
        let text = match &node.value {
            Value::Scalar(scalar) if node.mark.quotable && !secrets.may_contain_at(path) => {
                Some(scalar.text.clone())
            }
            _ => None,
        };
        let span = text.is_some().then_some(node.mark.span).flatten();
        self.places.insert(path.to_owned(), Place { origin: mark.origin.clone(), span, text });
        match &node.value {
            Value::Map(entries) => {
                for entry in entries {
                    self.add(&below(path, &entry.key), &entry.mark, &entry.node, secrets);
                }
            }
            Value::List(items) => {
                for (index, item) in items.iter().enumerate() {
                    self.add(&below(path, &index.to_string()), &item.mark, item, secrets);
                }
            }
            Value::Scalar(_) | Value::File(_) => {}
        }
    }
}

impl Debug for Provenance {
    fn fmt(&self, out: &mut Formatter<'_>) -> Result {
        out.debug_map().entries(self.places.iter().map(|(path, place)| (path, &place.origin))).finish()
    }
}
