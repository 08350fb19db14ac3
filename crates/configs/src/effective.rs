//! The values that were read, whatever layer they came from.

use std::collections::BTreeMap;

use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use serde_json::{Map, Number, Value};
use sha2::{Digest, Sha256};

use crate::history::Change;
use crate::origin::Origin;
use crate::path::{Path, Segment, Step, below};

/// The values as the type read them, so `0x10` and `16` are equal for a number. Secrets are kept apart.
#[derive(Clone, Debug, Default)]
pub(crate) struct Effective {
    values: Value,
    secrets: BTreeMap<String, SecretString>,
}

/// One value in force, and where it came from.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct EffectiveValue {
    /// The dotted path.
    pub path: String,
    /// The value as the type read it. A secret reads `***`.
    pub value: Value,
    /// `None` if no layer has a value at exactly this path.
    pub origin: Option<Origin>,
}

const MASK: &str = "***";

impl Effective {
    pub(crate) fn insert(&mut self, path: &Path<'_>, value: Value) {
        match path.last() {
            Some(Step { above, segment: Segment::Key(key), .. }) => {
                let above = slot(&mut self.values, above);
                match above {
                    Value::Object(entries) => drop(entries.insert((*key).to_owned(), value)),
                    _ => *above = Value::Object(Map::from_iter([((*key).to_owned(), value)])),
                }
            }
            _ => *slot(&mut self.values, path) = value,
        }
    }

    pub(crate) fn insert_secret(&mut self, path: String, text: String) {
        self.secrets.insert(path, SecretString::from(text));
    }

    /// The texts of the secrets, without empty ones.
    pub(crate) fn secrets(&self) -> Vec<String> {
        let texts = self.secrets.values().map(|secret| secret.expose_secret().to_owned());
        texts.filter(|text| !text.is_empty()).collect()
    }

    /// The whole number at a dotted path.
    pub(crate) fn number(&self, path: &str) -> Option<u64> {
        path.split('.').try_fold(&self.values, |value, key| value.get(key))?.as_u64()
    }

    /// The differences to `newer`, sorted by path. A list is one value.
    pub(crate) fn changes(&self, newer: &Effective) -> Vec<Change> {
        let mut changes = Vec::new();
        compare("", &self.values, &newer.values, &mut changes);
        let masked = |secret: Option<&SecretString>| secret.map_or(Value::Null, |_| Value::from(MASK));
        let mut paths: Vec<_> = self.secrets.keys().chain(newer.secrets.keys()).collect();
        paths.sort();
        paths.dedup();
        for path in paths {
            let (from, to) = (self.secrets.get(path), newer.secrets.get(path));
            if from.map(ExposeSecret::expose_secret) != to.map(ExposeSecret::expose_secret) {
                changes.push(Change { path: path.clone(), from: masked(from), to: masked(to) });
            }
        }
        changes.sort_by(|one, other| one.path.cmp(&other.path));
        changes
    }

    /// SHA-256 of the values without the secrets, in hexadecimal.
    pub(crate) fn digest(&self) -> String {
        let mut text = Vec::new();
        canonical(&self.values, &mut text);
        let digit = |nibble: u8| char::from(b"0123456789abcdef"[usize::from(nibble)]);
        Sha256::digest(&text).iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
    }
}

/// The place of a path, which is made if it is not there.
fn slot<'v>(values: &'v mut Value, path: &Path<'_>) -> &'v mut Value {
    let Some(step) = path.last() else { return values };
    let above = slot(values, step.above);
    match step.segment {
        Segment::Key(key) => {
            if !above.is_object() {
                *above = Value::Object(Map::new());
            }
            // `above[key]` alone would copy the key each time.
            if above.get(key).is_none() {
                above[key] = Value::Null;
            }
            above.get_mut(key).expect("the key is there")
        }
        Segment::Index(index) => {
            if !above.is_array() {
                *above = Value::Array(Vec::new());
            }
            if let Value::Array(items) = above {
                items.resize((index + 1).max(items.len()), Value::Null);
            }
            &mut above[index]
        }
    }
}

/// A float as JSON. A whole number up to 2^53 becomes an integer, so that `1` and `1.0` are equal.
pub(crate) fn float(number: f64) -> Value {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    if number.fract() == 0.0 && number.abs() <= EXACT {
        #[expect(clippy::cast_possible_truncation, reason = "a whole number within the range of an i64")]
        return Value::from(number as i64);
    }
    Number::from_f64(number).map_or_else(|| Value::from(number.to_string()), Value::Number)
}

/// A whole number as JSON; one beyond 64 bits becomes text.
pub(crate) fn integer(number: i128) -> Value {
    Number::from_i128(number).map_or_else(|| Value::from(number.to_string()), Value::Number)
}

fn compare(path: &str, from: &Value, to: &Value, changes: &mut Vec<Change>) {
    let empty = Map::new();
    let (below_from, below_to) = match (from, to) {
        (Value::Object(from), Value::Object(to)) => (from, to),
        (Value::Object(from), Value::Null) if !from.is_empty() => (from, &empty),
        (Value::Null, Value::Object(to)) if !to.is_empty() => (&empty, to),
        (from, to) if from == to => return,
        (from, to) => {
            return changes.push(Change { path: path.to_owned(), from: from.clone(), to: to.clone() });
        }
    };
    // Most values are scalars that are equal: these need no path. A map is compared once, below.
    let differ = |from: &Value, to: &Value| from.is_object() || to.is_object() || from != to;
    let (mut order, mut found) = (below_to.iter(), 0);
    for (key, from) in below_from {
        // Nearly always both maps have the same keys in the same order.
        let to = order.next().filter(|(same, _)| *same == key).map(|(_, to)| to);
        let to = to.or_else(|| below_to.get(key));
        found += usize::from(to.is_some());
        let to = to.unwrap_or(&Value::Null);
        if differ(from, to) {
            compare(&below(path, key), from, to, changes);
        }
    }
    if found < below_to.len() {
        for (key, to) in below_to.iter().filter(|(key, _)| !below_from.contains_key(*key)) {
            compare(&below(path, key), &Value::Null, to, changes);
        }
    }
}

/// JSON with sorted keys and no spaces.
fn canonical(value: &Value, text: &mut Vec<u8>) {
    match value {
        Value::Object(entries) => {
            let mut sorted: Vec<_> = entries.iter().collect();
            sorted.sort_unstable_by_key(|(key, _)| *key);
            text.push(b'{');
            for (index, (key, value)) in sorted.into_iter().enumerate() {
                if index > 0 {
                    text.push(b',');
                }
                json(key, text);
                text.push(b':');
                canonical(value, text);
            }
            text.push(b'}');
        }
        Value::Array(items) => {
            text.push(b'[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    text.push(b',');
                }
                canonical(item, text);
            }
            text.push(b']');
        }
        scalar => json(scalar, text),
    }
}

/// Adds a key or a scalar as JSON.
fn json(value: &(impl Serialize + ?Sized), text: &mut Vec<u8>) {
    // A text, a scalar and a vector cannot fail.
    let _ = serde_json::to_writer(text, value);
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{Effective, float};
    use crate::path::{Path, Segment};

    #[test]
    fn changes_are_told_by_dotted_path() {
        for (from, to, expected) in [
            (json!({"a": 1}), json!({"a": 1}), json!([])),
            (json!({"a": 1}), json!({"a": 2}), json!([["a", 1, 2]])),
            (json!({"a": {"b": 1, "c": 2}}), json!({"a": {"b": 1, "c": 3}}), json!([["a.c", 2, 3]])),
            (json!({"a": 1}), json!({}), json!([["a", 1, null]])),
            (json!({}), json!({"r": {"/x": "y"}}), json!([["r./x", null, "y"]])),
            (json!({"l": [1, 2]}), json!({"l": [1]}), json!([["l", [1, 2], [1]]])),
            (json!({"a": {"b": 1}}), json!({"a": "b"}), json!([["a", {"b": 1}, "b"]])),
            (json!({}), json!({"a": {}}), json!([["a", null, {}]])),
            (json!({"a": {"b": {}}}), json!({}), json!([["a.b", {}, null]])),
        ] {
            let changes = effective(&from).changes(&effective(&to));
            let changes: Vec<_> =
                changes.into_iter().map(|change| json!([change.path, change.from, change.to])).collect();
            assert_eq!(Value::from(changes), expected, "{from} -> {to}");
        }
    }

    #[test]
    fn a_secret_changes_without_being_told() {
        let mut from = Effective::default();
        let mut to = from.clone();
        from.insert_secret("password".to_owned(), "hunter2".to_owned());
        to.insert_secret("password".to_owned(), "hunter3".to_owned());
        to.insert_secret("token".to_owned(), "hunter4".to_owned());
        let changes = from.changes(&to);
        assert_eq!(changes.len(), 2);
        assert_eq!((&changes[0].from, &changes[0].to), (&json!("***"), &json!("***")));
        assert_eq!((&changes[1].from, &changes[1].to), (&json!(null), &json!("***")));
        assert!(!format!("{from:?} {to:?} {changes:?}").contains("hunter"));
        assert_eq!(from.digest(), to.digest());
        assert!(from.changes(&from.clone()).is_empty());
    }

    #[test]
    fn the_digest_depends_on_values_alone() {
        let root = Path::default();
        let section = root.below(Segment::Key("s"));
        let [a, b] = ["a", "b"].map(|name| section.below(Segment::Key(name)));
        let (mut one, mut other) = (Effective::default(), Effective::default());
        one.insert(&a, json!(1));
        one.insert(&b, json!("x"));
        other.insert(&b, json!("x"));
        other.insert(&a, float(1.0));
        assert_eq!(one.digest(), other.digest());
        other.insert(&a, json!("1"));
        assert_ne!(one.digest(), other.digest());
        assert_eq!(one.digest().len(), 64);
    }

    fn effective(values: &Value) -> Effective {
        Effective { values: values.clone(), ..Effective::default() }
    }
}
