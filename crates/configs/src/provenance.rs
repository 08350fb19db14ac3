//! The origins of all values of one configuration.

use std::collections::{BTreeMap, HashMap};
use std::fmt::{Debug, Formatter, Result};
use std::sync::{Arc, OnceLock};

use crate::origin::Origin;
use crate::path::below;
use crate::secrets::Secrets;
use crate::suggest::folded;
use crate::tree::{Mark, Node, Span, Value};

/// The origin of every value of one configuration, by dotted path.
pub struct Provenance {
    root: Arc<Node>,
    secrets: Secrets,
    /// All places. Made on demand: most configurations are accepted.
    places: OnceLock<BTreeMap<String, Place>>,
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
        find(&self.root.mark, &self.root, path).map(|mark| &mark.origin)
    }

    /// The same again. It shares the tree.
    pub(crate) fn another(&self) -> Provenance {
        Provenance::of(&self.root, &self.secrets)
    }

    pub(crate) fn of(root: &Arc<Node>, secrets: &Secrets) -> Provenance {
        let (root, secrets) = (Arc::clone(root), secrets.clone());
        Provenance { root, secrets, places: OnceLock::new(), folded: OnceLock::new() }
    }

    /// The place of a value, and `true`. If no layer gives the value: the place of the nearest map above it, and `false`.
    pub(crate) fn nearest(&self, path: &str) -> Option<(&Place, bool)> {
        let places = self.places();
        let exact = places.get(path).or_else(|| places.get(self.folded().get(&folded(path))?));
        if let Some(place) = exact {
            return Some((place, true));
        }
        let mut rest = path;
        while let Some((parent, _)) = rest.rsplit_once('.') {
            if let Some(place) = places.get(parent) {
                return Some((place, false));
            }
            rest = parent;
        }
        places.get("").map(|place| (place, false))
    }

    fn folded(&self) -> &HashMap<String, String> {
        self.folded.get_or_init(|| self.places().keys().map(|path| (folded(path), path.clone())).collect())
    }

    fn places(&self) -> &BTreeMap<String, Place> {
        self.places.get_or_init(|| {
            let mut places = BTreeMap::new();
            add(&mut places, "", &self.root.mark, &self.root, &self.secrets);
            places
        })
    }
}

fn add(places: &mut BTreeMap<String, Place>, path: &str, key: &Mark, node: &Node, secrets: &Secrets) {
    let text = match &node.value {
        Value::Scalar(scalar) if node.mark.quotable && !secrets.may_contain_at(path) => {
            Some(scalar.text.clone())
        }
        _ => None,
    };
    let span = text.is_some().then_some(node.mark.span).flatten();
    let origin = place_of(key, node).origin.clone();
    places.insert(path.to_owned(), Place { origin, span, text });
    match &node.value {
        Value::Map(entries) => {
            for entry in entries {
                add(places, &below(path, &entry.key), &entry.mark, &entry.node, secrets);
            }
        }
        Value::List(items) => {
            for (index, item) in items.iter().enumerate() {
                add(places, &below(path, &index.to_string()), &item.mark, item, secrets);
            }
        }
        Value::Scalar(_) | Value::File(_) => {}
    }
}

/// The place of the value at a dotted path below a node. A key may contain dots.
fn find<'n>(key: &'n Mark, node: &'n Node, path: &str) -> Option<&'n Mark> {
    if path.is_empty() {
        return Some(place_of(key, node));
    }
    let rest = |name: &str| {
        let rest = path.strip_prefix(name)?;
        if rest.is_empty() { Some(rest) } else { rest.strip_prefix('.').filter(|rest| !rest.is_empty()) }
    };
    match &node.value {
        Value::Map(entries) => {
            entries.iter().find_map(|entry| find(&entry.mark, &entry.node, rest(&entry.key)?))
        }
        Value::List(items) => {
            let index = path.split('.').next().filter(|index| index.parse::<usize>().is_ok())?;
            let item = items.get(index.parse::<usize>().ok()?)?;
            find(&item.mark, item, rest(index)?)
        }
        Value::Scalar(_) | Value::File(_) => None,
    }
}

/// A map is where its key is.
fn place_of<'n>(key: &'n Mark, node: &'n Node) -> &'n Mark {
    if matches!(node.value, Value::Map(_)) { key } else { &node.mark }
}

impl Debug for Provenance {
    fn fmt(&self, out: &mut Formatter<'_>) -> Result {
        out.debug_map().entries(self.places().iter().map(|(path, place)| (path, &place.origin))).finish()
    }
}
