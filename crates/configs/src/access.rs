//! What serde reads one by one: the entries of a map, the items of a list, the content of a variant.

use std::iter::Enumerate;
use std::slice::Iter;

use serde::de::value::StrDeserializer;
use serde::de::{
    DeserializeSeed, EnumAccess, Error, IntoDeserializer, MapAccess, SeqAccess, VariantAccess, Visitor,
};
use serde_json::{Map, Value as Json};

use crate::de::Here;
use crate::fault::Fault;
use crate::origin::Origin;
use crate::tree::{Entry, Node, Scalar, Style, Value};

impl<'a> Here<'a> {
    /// `None` is a map of which nothing is said.
    fn entries(&self) -> Option<&'a [Entry]> {
        match &self.node.value {
            Value::Map(entries) => Some(entries),
            _ => self.node.is_nothing().then_some(&[]),
        }
    }

    pub(crate) fn visit_entries<'de, V: Visitor<'de>>(
        &self,
        visitor: V,
        fields: Option<&'static [&'static str]>,
    ) -> Result<V::Value, Fault> {
        match self.entries() {
            Some(entries) => {
                // Without it, an empty section would be no section.
                self.record(Json::Object(Map::new()));
                visitor.visit_map(Entries { here: self, rest: entries.iter(), fields, value: None })
            }
            None => Err(Fault::expected(&visitor)),
        }
    }

    pub(crate) fn visit_items<'de, V: Visitor<'de>>(&self, visitor: V) -> Result<V::Value, Fault> {
        let items: &[Node] = match &self.node.value {
            Value::List(items) => items,
            _ if self.node.is_nothing() => &[],
            Value::Scalar(Scalar { style: Style::Override, .. }) => {
                return Err(Fault::custom("a list cannot be given by an override"));
            }
            _ => return Err(Fault::expected(&visitor)),
        };
        if items.is_empty() {
            self.record(Json::Array(Vec::new()));
        }
        visitor.visit_seq(Items { here: self, rest: items.iter().enumerate(), length: items.len() })
    }
}

/// A map on its way into a struct, whose fields are known, or into a map.
struct Entries<'a, 'h> {
    here: &'h Here<'a>,
    rest: Iter<'a, Entry>,
    fields: Option<&'static [&'static str]>,
    value: Option<Here<'a>>,
}

impl<'a> Entries<'a, '_> {
    /// The next entry that the type names.
    fn known(&mut self, fields: &'static [&'static str]) -> Option<(&'a Entry, &'static str)> {
        for entry in self.rest.by_ref() {
            let is_variable = matches!(entry.mark.origin, Origin::Environment(_));
            let field = fields.iter().find(|field| **field == entry.key).or_else(|| {
                fields.iter().find(|field| is_variable && field.eq_ignore_ascii_case(&entry.key))
            });
            match field {
                Some(field) => return Some((entry, field)),
                None if entry.key.starts_with("x-") && !entry.mark.origin.is_override() => {}
                None => self.here.reading.unknown(&self.here.path, entry, fields),
            }
        }
        None
    }
}

impl<'de> MapAccess<'de> for Entries<'_, '_> {
    type Error = Fault;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Fault> {
        if let Some(fields) = self.fields {
            let Some((entry, field)) = self.known(fields) else { return Ok(None) };
            self.value = Some(self.here.field(entry, field));
            let key: StrDeserializer<'_, Fault> = field.into_deserializer();
            return seed.deserialize(key).map(Some);
        }
        let Some(entry) = self.rest.next() else { return Ok(None) };
        let value = self.here.entry(entry);
        let node = Node::text(entry.key.as_str(), Style::Override, entry.mark.clone());
        let key = Here {
            reading: value.reading,
            node: &node,
            key: &entry.mark,
            path: value.path.clone(),
            is_key: true,
        };
        let read = seed.deserialize(&key).map(Some).map_err(|fault| key.locate(fault));
        self.value = Some(value);
        read
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Fault> {
        let Some(value) = self.value.take() else {
            return Err(Fault::custom("a value was asked for before its key"));
        };
        seed.deserialize(&value).map_err(|fault| value.locate(fault))
    }
}

struct Items<'a, 'h> {
    here: &'h Here<'a>,
    rest: Enumerate<Iter<'a, Node>>,
    length: usize,
}

impl<'de> SeqAccess<'de> for Items<'_, '_> {
    type Error = Fault;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Fault> {
        let Some((index, node)) = self.rest.next() else { return Ok(None) };
        let item = self.here.item(index, node);
        seed.deserialize(&item).map(Some).map_err(|fault| item.locate(fault))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.length)
    }
}

/// A variant with content: `key: content`.
pub(crate) struct Variant<'a, 'h> {
    pub(crate) here: &'h Here<'a>,
    pub(crate) entry: &'a Entry,
}

impl<'a, 'de> EnumAccess<'de> for Variant<'a, '_> {
    type Error = Fault;
    type Variant = Here<'a>;

    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Here<'a>), Fault> {
        let name: StrDeserializer<'_, Fault> = self.entry.key.as_str().into_deserializer();
        let variant = seed.deserialize(name)?;
        Ok((variant, self.here.entry(self.entry)))
    }
}

impl<'de> VariantAccess<'de> for Here<'_> {
    type Error = Fault;

    fn unit_variant(self) -> Result<(), Fault> {
        self.record(Json::Object(Map::new()));
        if self.node.is_nothing() {
            Ok(())
        } else {
            Err(self.locate(Fault::custom("this variant has no content")))
        }
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, Fault> {
        seed.deserialize(&self).map_err(|fault| self.locate(fault))
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Fault> {
        self.visit_items(visitor).map_err(|fault| self.locate(fault))
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        self.visit_entries(visitor, Some(fields)).map_err(|fault| self.locate(fault))
    }
}
