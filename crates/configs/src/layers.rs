//! Layers: overrides as trees, and one tree laid over another.

use std::collections::HashMap;
use std::ffi::OsString;
use std::fmt::{Display, Formatter};

use crate::origin::Origin;
use crate::problem::Problem;
use crate::tree::{Entry, Mark, Node, Style, Value};

/// A value given for this process alone. It has no `Debug`, since it may hold a secret.
#[derive(Clone)]
pub(crate) struct Override {
    pub(crate) path: Vec<String>,
    /// `None` when it is not UTF-8.
    pub(crate) text: Option<String>,
    pub(crate) key: Mark,
    pub(crate) value: Mark,
}

/// An override that is not of the form `KEY=VALUE`. The message does not repeat it: it may hold a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MalformedOverride;

impl Display for MalformedOverride {
    fn fmt(&self, out: &mut Formatter<'_>) -> std::fmt::Result {
        out.write_str("expected KEY=VALUE with a dotted key, as in `settings.log_level=debug`")
    }
}

impl std::error::Error for MalformedOverride {}

/// Lays `upper` over `lower`. Maps are merged key by key, anything else replaces. An empty value over a map changes nothing.
pub(crate) fn merge(lower: Node, upper: Node) -> Node {
    match (lower.value, upper.value) {
        (Value::Map(below), Value::Map(above)) => {
            let mark = if lower.mark.origin == Origin::Default { upper.mark } else { lower.mark };
            Node::map(merge_entries(below, above), mark)
        }
        (Value::Map(below), above) => {
            let upper = Node { value: above, mark: upper.mark };
            if upper.is_nothing() { Node::map(below, lower.mark) } else { upper }
        }
        (_, above) => Node { value: above, mark: upper.mark },
    }
}

/// Overrides as one layer. If there are two for one key, the later one counts.
pub(crate) fn overridden(overrides: &[Override]) -> Result<Option<Node>, Problem> {
    let mut layer: Option<Node> = None;
    for given in overrides {
        let node = given.tree()?;
        layer = Some(match layer {
            Some(lower) => merge(lower, node),
            None => node,
        });
    }
    Ok(layer)
}

/// The variables that begin with `PREFIX__`, sorted by name: `APP__SETTINGS__LOG_LEVEL` is `settings.log_level`.
pub(crate) fn environment(
    prefix: &str,
    variables: impl IntoIterator<Item = (OsString, OsString)>,
) -> Vec<Override> {
    let mut overrides: Vec<_> = variables
        .into_iter()
        .filter_map(|(name, value)| {
            let name = name.into_string().ok()?;
            let path = key_of_variable(&name, prefix)?;
            let mark = Mark { ignores_case: true, ..Mark::of(Origin::Environment(name)) };
            Some(Override { path, text: value.into_string().ok(), key: mark.clone(), value: mark })
        })
        .collect();
    overrides.sort_by_key(|given| given.key.origin.to_string());
    overrides
}

/// The path of the key that a variable names, if its name begins with `PREFIX__`.
pub(crate) fn key_of_variable(name: &str, prefix: &str) -> Option<Vec<String>> {
    let path = name.strip_prefix(prefix)?.strip_prefix("__")?;
    Some(path.to_lowercase().split("__").map(str::to_owned).collect())
}

/// Parses `settings.log_level=debug`.
pub(crate) fn assignment(assignment: &str) -> Result<Override, MalformedOverride> {
    let (key, text) = assignment.split_once('=').ok_or(MalformedOverride)?;
    let path: Vec<String> = key.split('.').map(str::to_owned).collect();
    if path.iter().any(String::is_empty) || key.contains(char::is_whitespace) {
        return Err(MalformedOverride);
    }
    let mark = Mark::of(Origin::Flag(format!("--set {key}")));
    Ok(Override { path, text: Some(text.to_owned()), key: mark.clone(), value: mark })
}

impl Override {
    fn tree(&self) -> Result<Node, Problem> {
        let problem = |message| Problem::plain(message).at(self.key.origin.clone());
        if self.path.iter().any(String::is_empty) {
            return Err(problem("names no key"));
        }
        let text = self.text.clone().ok_or_else(|| problem("expected UTF-8 text"))?;
        Ok(nested(&self.path, Node::text(text, Style::Override, self.value.clone()), &self.key))
    }
}

/// The tree in which `leaf` is at this path, and nothing else.
pub(crate) fn nested<K: AsRef<str>>(path: &[K], leaf: Node, mark: &Mark) -> Node {
    path.iter().rev().fold(leaf, |node, key| {
        Node::map(vec![Entry { key: key.as_ref().to_owned(), mark: mark.clone(), node }], mark.clone())
    })
}

fn merge_entries(below: Vec<Entry>, above: Vec<Entry>) -> Vec<Entry> {
    if below.is_empty() {
        return above;
    }
    let places: HashMap<&str, usize> =
        below.iter().enumerate().map(|(place, entry)| (entry.key.as_str(), place)).collect();
    let place = |entry: &Entry| {
        places.get(entry.key.as_str()).copied().or_else(|| find_ignoring_case(entry, &places))
    };
    let found: Vec<Option<usize>> = above.iter().map(place).collect();
    let mut merged: Vec<Option<Entry>> = below.into_iter().map(Some).collect();
    for (entry, place) in above.into_iter().zip(found) {
        match place.and_then(|place| merged[place].take().map(|lower| (place, lower))) {
            Some((place, lower)) => {
                let mark = if lower.mark.origin == Origin::Default { entry.mark } else { lower.mark };
                let node = merge(lower.node, entry.node);
                merged[place] = Some(Entry { key: lower.key, mark, node });
            }
            None => merged.push(Some(entry)),
        }
    }
    merged.into_iter().flatten().collect()
}

/// The entry that a variable means: the case of a variable's name does not matter.
fn find_ignoring_case(entry: &Entry, places: &HashMap<&str, usize>) -> Option<usize> {
    if !entry.mark.ignores_case {
        return None;
    }
    places.iter().find(|(key, _)| key.eq_ignore_ascii_case(&entry.key)).map(|(_, place)| *place)
}

#[cfg(test)]
mod tests {
    use super::{assignment, environment, merge, overridden};
    use crate::tree::{Node, Value};
    use crate::yaml::parse;

    #[test]
    fn maps_merge_and_everything_else_replaces() {
        for (lower, upper, expected) in [
            ("a: 1\nb: 2", "b: 3", "{a:1,b:3}"),
            ("a: {x: 1, y: 2}", "a: {y: 3, z: 4}", "{a:{x:1,y:3,z:4}}"),
            ("a: [1, 2]", "a: [3]", "{a:[3]}"),
            ("a: {x: 1}", "a: 5", "{a:5}"),
            ("a: 5", "a: {x: 1}", "{a:{x:1}}"),
            ("a: {x: 1}", "a:", "{a:{x:1}}"),
            ("a: {x: 1}", "b: 1", "{a:{x:1},b:1}"),
            ("a: 1", "a: ~", "{a:~}"),
            ("a: 1", "A: 2", "{a:1,A:2}"),
        ] {
            assert_eq!(shape(&merge(tree(lower), tree(upper))), expected, "{lower} / {upper}");
        }
    }

    #[test]
    fn variables_become_paths() {
        let given = [
            ("APP__PORT", "1"),
            ("APP__DATABASE__HOST", "db"),
            ("APPLE", "x"),
            ("APP_X", "y"),
            ("OTHER__A", "z"),
        ];
        let given = given.map(|(name, value)| (name.into(), value.into()));
        let layer = overridden(&environment("APP", given)).ok().flatten().expect("two overrides");
        assert_eq!(shape(&layer), "{database:{host:db},port:1}");
        let nameless = environment("APP", [("APP__".into(), "1".into())]);
        assert!(overridden(&nameless).is_err());
    }

    #[test]
    fn a_variable_finds_a_key_of_any_case() {
        let upper =
            overridden(&environment("APP", [("APP__LOGLEVEL".into(), "debug".into())])).ok().flatten();
        assert_eq!(shape(&merge(tree("logLevel: info"), upper.expect("an override"))), "{logLevel:debug}");
    }

    #[test]
    fn assignments_are_key_and_value() {
        for (written, expected) in [
            ("port=1", Some("{port:1}")),
            ("a.b=c=d", Some("{a:{b:c=d}}")),
            ("a=", Some("{a:}")),
            ("routes./ping=pong", Some("{routes:{/ping:pong}}")),
            ("port", None),
            ("=1", None),
            ("a..b=1", None),
            ("a b=1", None),
        ] {
            let tree = assignment(written).ok().and_then(|given| given.tree().ok());
            assert_eq!(tree.as_ref().map(shape).as_deref(), expected, "{written}");
        }
    }

    fn tree(yaml: &str) -> Node {
        parse(yaml, None).unwrap_or_else(|problem| panic!("{}", problem.message)).0
    }

    fn shape(node: &Node) -> String {
        match &node.value {
            Value::Scalar(scalar) => scalar.text.clone(),
            Value::File(path) => format!("<{}>", path.display()),
            Value::List(items) => format!("[{}]", items.iter().map(shape).collect::<Vec<_>>().join(",")),
            Value::Map(entries) => {
                let entries = entries.iter().map(|entry| format!("{}:{}", entry.key, shape(&entry.node)));
                format!("{{{}}}", entries.collect::<Vec<_>>().join(","))
            }
        }
    }
}
