//! Where a value came from.

use std::collections::{BTreeMap, HashMap};
use std::fmt::{Debug, Display, Formatter, Result};
use std::path::PathBuf;
use std::sync::OnceLock;

use crate::diagnosis::{cut, printable};
use crate::secrets::Secrets;
use crate::suggest::folded;
use crate::tree::{Mark, Node, Span, Value};

/// Where a value came from, as a diagnosis names it: `config.yaml:4:9`, `environment APP__PORT`, `--set port`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Origin {
    /// A place in a file.
    File {
        /// The file, as it was named to the builder.
        path: PathBuf,
        /// Counted from 1; 0 when it is the file as a whole.
        line: u64,
        /// Counted from 1, in characters; 0 when it is the file as a whole.
        column: u64,
    },
    /// An environment variable, by its name.
    Environment(String),
    /// An override on the command line: `--set port`.
    Flag(String),
    /// A built-in default.
    Default,
}

impl Origin {
    /// Whether the value was given for this process alone: by an environment variable or a flag.
    pub fn is_override(&self) -> bool {
        matches!(self, Origin::Environment(_) | Origin::Flag(_))
    }

    pub(crate) fn whole(path: impl Into<PathBuf>) -> Origin {
        Origin::File { path: path.into(), line: 0, column: 0 }
    }
}

/// A longer name of an override is cut.
const LONGEST: usize = 80;

impl Display for Origin {
    fn fmt(&self, out: &mut Formatter<'_>) -> Result {
        match self {
            Origin::File { path, line: 0, .. } => write!(out, "{}", path.display()),
            Origin::File { path, line, column } => write!(out, "{}:{line}:{column}", path.display()),
            // Both were written by someone else, and may hold anything, line ends too.
            Origin::Environment(name) => write!(out, "environment {}", cut(&printable(name), LONGEST)),
            Origin::Flag(flag) => out.write_str(&cut(&printable(flag), LONGEST)),
            Origin::Default => out.write_str("built-in default"),
        }
    }
}

/// Where every value of one configuration came from, by dotted path.
#[derive(Default)]
pub struct Provenance {
    places: BTreeMap<String, Place>,
    /// The paths by what a type's own names for them come to; made when it is needed.
    folded: OnceLock<HashMap<String, String>>,
}

/// Where one value came from, and its text where that may be repeated.
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

    /// The place of a value or, if no layer gives it, of the nearest map above it; with whether it is the value itself.
    /// A name in the type may differ from its key by case and dashes.
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
            Value::Scalar(scalar) if node.mark.quotable && !secrets.concern(path) => {
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

pub(crate) fn below(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}

#[cfg(test)]
mod tests {
    use super::Origin;

    #[test]
    fn the_name_of_an_override_fits_in_one_line_whatever_it_is() {
        for (name, expected) in [
            ("APP__PORT", "environment APP__PORT"),
            ("APP__A\nB\u{1b}[1m", "environment APP__A\u{fffd}B\u{fffd}[1m"),
        ] {
            assert_eq!(Origin::Environment(name.to_owned()).to_string(), expected);
        }
        let endless = Origin::Flag(format!("--set {}", "a".repeat(10_000))).to_string();
        assert!(endless.len() < 100, "{endless}");
    }
}
