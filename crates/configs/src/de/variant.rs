//! The variant of an enum.

use serde::de::value::StrDeserializer;
use serde::de::{DeserializeSeed, EnumAccess, Error, IntoDeserializer, VariantAccess, Visitor};
use serde_json::{Map, Value as Json};

use crate::de::NodeDeserializer;
use crate::de_error::DeError;
use crate::tree::Entry;

/// A variant with content, written as `variant: content`.
pub(super) struct Variant<'a, 'h> {
    pub(super) map: &'h NodeDeserializer<'a>,
    pub(super) entry: &'a Entry,
}

impl<'h, 'de> EnumAccess<'de> for Variant<'_, 'h> {
    type Error = DeError;
    type Variant = NodeDeserializer<'h>;

    fn variant_seed<S: DeserializeSeed<'de>>(
        self,
        seed: S,
    ) -> Result<(S::Value, NodeDeserializer<'h>), DeError> {
        let name: StrDeserializer<'_, DeError> = self.entry.key.as_str().into_deserializer();
        let variant = seed.deserialize(name)?;
        Ok((variant, self.map.entry(self.entry)))
    }
}

impl<'de> VariantAccess<'de> for NodeDeserializer<'_> {
    type Error = DeError;

    fn unit_variant(self) -> Result<(), DeError> {
        self.record(Json::Object(Map::new()));
        if self.at.node.is_nothing() {
            Ok(())
        } else {
            Err(self.locate(DeError::custom("this variant has no content")))
        }
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, DeError> {
        seed.deserialize(&self).map_err(|error| self.locate(error))
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, DeError> {
        self.visit_items(visitor).map_err(|error| self.locate(error))
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DeError> {
        self.visit_entries(visitor, Some(fields)).map_err(|error| self.locate(error))
    }
}
