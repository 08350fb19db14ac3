//! The items of a list, one after the other.

use std::iter::Enumerate;
use std::slice::Iter;

use serde::de::{DeserializeSeed, SeqAccess};

use crate::de::NodeDeserializer;
use crate::de_error::DeError;
use crate::tree::Node;

pub(super) struct Items<'a, 'h> {
    pub(super) list: &'h NodeDeserializer<'a>,
    pub(super) rest: Enumerate<Iter<'a, Node>>,
    pub(super) length: usize,
}

impl<'de> SeqAccess<'de> for Items<'_, '_> {
    type Error = DeError;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, DeError> {
        let Some((index, node)) = self.rest.next() else { return Ok(None) };
        let item = self.list.item(index, node);
        seed.deserialize(&item).map(Some).map_err(|error| item.locate(error))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.length)
    }
}
