//! A second version of a source's text, for a share of the instances.

use sha2::{Digest, Sha256};

use crate::layers::merge;
use crate::problem::Problem;
use crate::tree::{Entry, Node, Value};

/// The version of a source's text that this process runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Variant {
    /// The text without the canary.
    #[default]
    Stable,
    /// The text with the canary.
    Canary,
    /// This process belongs to the canary's share, and has rejected it.
    CanaryRejected,
}

/// The map `canary:` of a source's document.
pub(crate) struct Canary {
    percent: f64,
    /// Laid over the document.
    config: Node,
}

const KEY: &str = "canary";

impl Variant {
    /// `stable`, `canary` or `canary rejected`.
    pub fn as_str(self) -> &'static str {
        match self {
            Variant::Stable => "stable",
            Variant::Canary => "canary",
            Variant::CanaryRejected => "canary rejected",
        }
    }
}

impl Canary {
    /// Takes the canary out of a document.
    pub(crate) fn take(document: &mut Node) -> Result<Option<Canary>, Problem> {
        let Value::Map(entries) = &mut document.value else { return Ok(None) };
        let Some(place) = entries.iter().position(|entry| entry.key == KEY) else { return Ok(None) };
        let canary = entries.remove(place);
        let expected = |message: &str, entry: &Entry| {
            let help = "write `canary: {percent: 5, config: {...}}`";
            Problem::plain(message).at(entry.mark.origin.clone()).path(KEY).help(help)
        };
        let (mut percent, mut config) = (None, None);
        let Value::Map(entries) = &canary.node.value else {
            return Err(expected("expected a map of keys", &canary));
        };
        for entry in entries {
            match (entry.key.as_str(), &entry.node.value) {
                ("percent", Value::Scalar(scalar)) => {
                    percent = scalar.float().filter(|percent| (0.0..=100.0).contains(percent));
                    if percent.is_none() {
                        return Err(expected("`percent`: expected a number from 0 to 100", entry));
                    }
                }
                ("config", Value::Map(_)) => config = Some(entry.node.clone()),
                ("percent", _) => return Err(expected("`percent`: expected a number from 0 to 100", entry)),
                ("config", _) => return Err(expected("`config`: expected a map of keys", entry)),
                _ => return Err(expected("unknown key, expected `percent` and `config`", entry)),
            }
        }
        match (percent, config) {
            (Some(percent), Some(config)) => Ok(Some(Canary { percent, config })),
            _ => Err(expected("expected both `percent` and `config`", &canary)),
        }
    }

    /// True if an instance belongs to the share. It stays in it when the share grows.
    pub(crate) fn includes(&self, instance: &str) -> bool {
        place(instance) < self.percent
    }

    /// The document with the canary.
    pub(crate) fn over(self, document: Node) -> Node {
        merge(document, self.config)
    }

    pub(crate) fn config(&mut self) -> &mut Node {
        &mut self.config
    }
}

/// The place of an instance from 0 up to 100, in steps of a hundredth, by the SHA-256 of its name.
fn place(instance: &str) -> f64 {
    let hash = Sha256::digest(instance.as_bytes());
    let number = hash.iter().take(4).fold(0_u32, |number, byte| number << 8 | u32::from(*byte));
    f64::from(number % 10_000) / 100.0
}

#[cfg(test)]
mod tests {
    use super::{Canary, place};
    use crate::yaml::parse;

    #[test]
    fn a_share_is_stable_and_grows_by_new_instances_alone() {
        let names: Vec<String> = (0..2_000).map(|number| format!("web-{number}")).collect();
        let share = |percent: &str| -> Vec<&String> {
            let text = format!("canary: {{percent: {percent}, config: {{a: 1}}}}");
            let (mut document, _) = parse(&text, None).expect("a document");
            let canary = Canary::take(&mut document).ok().flatten().expect("a canary");
            names.iter().filter(|name| canary.includes(name)).collect()
        };
        assert_eq!((share("0").len(), share("100").len()), (0, 2_000));
        let (few, many) = (share("5"), share("20"));
        assert!(
            (60..140).contains(&few.len()) && (300..500).contains(&many.len()),
            "{} {}",
            few.len(),
            many.len()
        );
        assert!(few.iter().all(|name| many.contains(name)));
        assert_eq!(share("5"), few);
        // Another version of this program must not move an instance.
        assert!((place("web-1") - 95.78).abs() < 0.001 && (place("web-2") - 13.9).abs() < 0.001);
    }

    #[test]
    fn a_canary_has_a_share_and_a_configuration() {
        for (canary, said) in [
            ("5", "expected a map of keys"),
            ("{percent: 5}", "expected both `percent` and `config`"),
            ("{config: {a: 1}}", "expected both `percent` and `config`"),
            ("{percent: 101, config: {a: 1}}", "`percent`: expected a number from 0 to 100"),
            ("{percent: many, config: {a: 1}}", "`percent`: expected a number from 0 to 100"),
            ("{percent: [5], config: {a: 1}}", "`percent`: expected a number from 0 to 100"),
            ("{percent: 5, config: 1}", "`config`: expected a map of keys"),
            ("{percent: 5, config: {a: 1}, b: 2}", "unknown key"),
        ] {
            let (mut document, _) = parse(&format!("canary: {canary}"), None).expect("a document");
            let refused = Canary::take(&mut document).err().expect(canary);
            assert!(refused.message.contains(said), "{canary}: {}", refused.message);
        }
    }
}
