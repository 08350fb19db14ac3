//! Fields with messages of their own: serde says `u16` where a user expects `a port from 1 to 65535`.

use std::collections::BTreeMap;
use std::fmt::Formatter;
use std::marker::PhantomData;

use serde::de::{Deserializer, Error, IgnoredAny, MapAccess, Unexpected, Visitor};

pub(super) fn port<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u16, D::Error> {
    deserializer.deserialize_u64(Whole { expected: "a port from 1 to 65535", number: PhantomData })
}

pub(super) fn seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    deserializer
        .deserialize_u64(Whole { expected: "a whole number of seconds from 1 to 86400", number: PhantomData })
}

pub(super) fn pool_size<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u16, D::Error> {
    deserializer.deserialize_u64(Whole { expected: "a whole number from 1 to 1000", number: PhantomData })
}

pub(super) fn routes<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<BTreeMap<String, String>, D::Error> {
    deserializer.deserialize_map(Routes)
}

/// A whole number in the range of `N`; `expected` is told when it is not.
struct Whole<N> {
    expected: &'static str,
    number: PhantomData<N>,
}

impl<N: TryFrom<u64>> Visitor<'_> for Whole<N> {
    type Value = N;

    fn expecting(&self, out: &mut Formatter<'_>) -> std::fmt::Result {
        out.write_str(self.expected)
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<N, E> {
        N::try_from(number).map_err(|_| E::invalid_value(Unexpected::Unsigned(number), &self))
    }
}

/// A map of texts, without the keys that begin with `x-`: these are ignored everywhere in the file.
struct Routes;

impl<'de> Visitor<'de> for Routes {
    type Value = BTreeMap<String, String>;

    fn expecting(&self, out: &mut Formatter<'_>) -> std::fmt::Result {
        out.write_str("a map of paths and their texts")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut entries: M) -> Result<Self::Value, M::Error> {
        // A map is made from all of them at once more quickly than one by one.
        let mut routes = Vec::with_capacity(entries.size_hint().unwrap_or(0));
        while let Some(path) = entries.next_key::<String>()? {
            if path.starts_with("x-") {
                entries.next_value::<IgnoredAny>()?;
            } else {
                routes.push((path, entries.next_value()?));
            }
        }
        Ok(routes.into_iter().collect())
    }
}
