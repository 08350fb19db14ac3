//! The entries of a map, one after the other.

use std::slice::Iter;

use serde::de::value::StrDeserializer;
use serde::de::{DeserializeSeed, Error, IntoDeserializer, MapAccess};

use crate::de::NodeDeserializer;
use crate::de_error::DeError;
use crate::origin::Origin;
use crate::tree::{Entry, Mark, Node, Style};

/// The entries of a map: for a struct, which declares its fields, or for a map.
pub(super) struct Entries<'a, 'h> {
    pub(super) map: &'h NodeDeserializer<'a>,
    pub(super) rest: Iter<'a, Entry>,
    pub(super) fields: Option<&'static [&'static str]>,
    pub(super) value: Option<NodeDeserializer<'h>>,
}

impl<'a> Entries<'a, '_> {
    /// The next entry that the type declares, with its declared name.
    fn known(&mut self, fields: &'static [&'static str]) -> Option<(&'a Entry, &'static str)> {
        for entry in self.rest.by_ref() {
            let field = fields.iter().find(|field| **field == entry.key).or_else(|| {
                fields.iter().find(|field| entry.mark.ignores_case && field.eq_ignore_ascii_case(&entry.key))
            });
            match field {
                Some(field) => return Some((entry, field)),
                None if entry.key.starts_with("x-") && !entry.mark.origin.is_override() => {}
                None => self.map.reading.unknown(&self.map.at.path, entry, fields),
            }
        }
        None
    }
}

impl<'de> MapAccess<'de> for Entries<'_, '_> {
    type Error = DeError;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, DeError> {
        if let Some(fields) = self.fields {
            let Some((entry, field)) = self.known(fields) else { return Ok(None) };
            self.value = Some(self.map.field(entry, field));
            let key: StrDeserializer<'_, DeError> = field.into_deserializer();
            return seed.deserialize(key).map(Some);
        }
        let Some(entry) = self.rest.next() else { return Ok(None) };
        let value = self.map.entry(entry);
        // Only an error needs the mark.
        let mut node = Node::text(entry.key.as_str(), Style::Override, Mark::of(Origin::Default));
        let read = seed.deserialize(&value.as_key(&node)).map(Some).map_err(|error| {
            node.mark = entry.mark.clone();
            value.as_key(&node).locate(error)
        });
        self.value = Some(value);
        read
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.rest.len())
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, DeError> {
        let Some(value) = self.value.take() else {
            return Err(DeError::custom("a value was asked for before its key"));
        };
        seed.deserialize(&value).map_err(|error| value.locate(error))
    }
}
