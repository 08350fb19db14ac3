//! The deserializer of serde over a tree.

mod entries;
mod items;
mod variant;

use serde::de::value::StrDeserializer;
use serde::de::{Deserializer, Error, IntoDeserializer, Visitor};
use serde_json::{Map, Value as Json};

use crate::de::entries::Entries;
use crate::de::items::Items;
use crate::de::variant::Variant;
use crate::de_error::DeError;
use crate::effective::{float, integer};
use crate::path::{Path, Segment};
use crate::problem::Problem;
use crate::reading::{At, Reading};
use crate::tree::{Entry, Mark, Meaning, Node, Scalar, Style, Value};

/// Deserializes one node. It records what it reads in the [`Reading`].
pub(crate) struct NodeDeserializer<'a> {
    reading: &'a Reading<'a>,
    at: At<'a>,
    /// A key of a map is read like a value, but it is none: it is not recorded.
    is_key: bool,
}

impl<'a> NodeDeserializer<'a> {
    pub(crate) fn root(node: &'a Node, reading: &'a Reading<'a>) -> NodeDeserializer<'a> {
        NodeDeserializer::new(reading, node, &node.mark, Path::default())
    }

    /// Turns an error into a problem, and says whether it is a missing key.
    pub(crate) fn settle(&self, error: DeError) -> (Box<Problem>, bool) {
        error.located(|raw| self.reading.problem(raw, &self.at))
    }

    fn new(reading: &'a Reading<'a>, node: &'a Node, key: &'a Mark, path: Path<'a>) -> NodeDeserializer<'a> {
        NodeDeserializer { reading, at: At { node, key, path }, is_key: false }
    }

    /// The value of a field that the type declares by `name`.
    fn field<'h>(&'h self, entry: &'h Entry, name: &'h str) -> NodeDeserializer<'h> {
        let path = self.at.path.field(name);
        self.reading.declare(&path);
        NodeDeserializer::new(self.reading, &entry.node, &entry.mark, path)
    }

    fn entry<'h>(&'h self, entry: &'h Entry) -> NodeDeserializer<'h> {
        let path = self.at.path.below(Segment::Key(&entry.key));
        NodeDeserializer::new(self.reading, &entry.node, &entry.mark, path)
    }

    /// The key of this entry, whose text `node` holds.
    fn as_key<'h>(&self, node: &'h Node) -> NodeDeserializer<'h>
    where
        'a: 'h,
    {
        NodeDeserializer {
            reading: self.reading,
            at: At { node, key: self.at.key, path: self.at.path },
            is_key: true,
        }
    }

    fn item<'h>(&'h self, index: usize, node: &'h Node) -> NodeDeserializer<'h> {
        let path = self.at.path.below(Segment::Index(index));
        NodeDeserializer::new(self.reading, node, &node.mark, path)
    }

    fn record(&self, value: impl Into<Json>) {
        if !self.is_key {
            self.reading.record(&self.at.path, value.into());
        }
    }

    /// Gives an error its place, unless a node below did so.
    fn locate(&self, error: DeError) -> DeError {
        let (problem, is_missing) = self.settle(error);
        DeError::Located { problem, is_missing }
    }

    fn scalar(&self) -> Option<&'a Scalar> {
        match &self.at.node.value {
            Value::Scalar(scalar) => Some(scalar),
            _ => None,
        }
    }

    fn text(&self) -> Option<&'a str> {
        self.scalar().filter(|_| !self.at.node.is_nothing()).map(|scalar| scalar.text.as_str())
    }

    fn visit_text<'de, V: Visitor<'de>>(&self, visitor: V) -> Result<V::Value, DeError> {
        let Some(text) = self.text() else { return Err(DeError::expected(&visitor)) };
        self.record(text);
        visitor.visit_str(text)
    }

    /// The entries of a map. An empty value is an empty map.
    fn entries(&self) -> Option<&'a [Entry]> {
        match &self.at.node.value {
            Value::Map(entries) => Some(entries),
            _ => self.at.node.is_nothing().then_some(&[]),
        }
    }

    fn visit_entries<'de, V: Visitor<'de>>(
        &self,
        visitor: V,
        fields: Option<&'static [&'static str]>,
    ) -> Result<V::Value, DeError> {
        let Some(entries) = self.entries() else { return Err(DeError::expected(&visitor)) };
        // An empty section would leave no trace otherwise.
        self.record(Json::Object(Map::new()));
        visitor.visit_map(Entries { map: self, rest: entries.iter(), fields, value: None })
    }

    fn visit_items<'de, V: Visitor<'de>>(&self, visitor: V) -> Result<V::Value, DeError> {
        let items: &[Node] = match &self.at.node.value {
            Value::List(items) => items,
            _ if self.at.node.is_nothing() => &[],
            Value::Scalar(Scalar { style: Style::Override, .. }) => {
                return Err(DeError::custom("a list cannot be given by an override"));
            }
            _ => return Err(DeError::expected(&visitor)),
        };
        if items.is_empty() {
            self.record(Json::Array(Vec::new()));
        }
        visitor.visit_seq(Items { list: self, rest: items.iter().enumerate(), length: items.len() })
    }
}

macro_rules! whole_numbers {
    ($($method:ident $visit:ident $number:ty),*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DeError> {
            match self.scalar().and_then(Scalar::integer).map(|number| (number, <$number>::try_from(number))) {
                Some((number, Ok(fitting))) => {
                    self.record(integer(number));
                    visitor.$visit(fitting)
                }
                _ => Err(DeError::expected(&visitor)),
            }
        }
    )*};
}

impl<'de> Deserializer<'de> for &NodeDeserializer<'_> {
    type Error = DeError;

    whole_numbers! {
        deserialize_i8 visit_i8 i8, deserialize_i16 visit_i16 i16, deserialize_i32 visit_i32 i32,
        deserialize_i64 visit_i64 i64, deserialize_i128 visit_i128 i128,
        deserialize_u8 visit_u8 u8, deserialize_u16 visit_u16 u16, deserialize_u32 visit_u32 u32,
        deserialize_u64 visit_u64 u64, deserialize_u128 visit_u128 u128
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DeError> {
        match &self.at.node.value {
            Value::Map(_) => self.visit_entries(visitor, None),
            Value::List(_) => self.visit_items(visitor),
            Value::File(_) => Err(DeError::expected(&visitor)),
            Value::Scalar(scalar) => match scalar.meaning() {
                Meaning::Nothing => visitor.visit_unit(),
                Meaning::Boolean(_) => self.deserialize_bool(visitor),
                Meaning::Integer(number) if i64::try_from(number).is_ok() => self.deserialize_i64(visitor),
                Meaning::Integer(number) if u64::try_from(number).is_ok() => self.deserialize_u64(visitor),
                Meaning::Integer(_) => self.deserialize_i128(visitor),
                Meaning::Float(_) => self.deserialize_f64(visitor),
                Meaning::Text => self.visit_text(visitor),
            },
        }
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DeError> {
        match self.scalar().map(Scalar::meaning) {
            Some(Meaning::Boolean(value)) => {
                self.record(value);
                visitor.visit_bool(value)
            }
            _ => Err(DeError::expected(&visitor)),
        }
    }

    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DeError> {
        self.deserialize_f64(visitor)
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DeError> {
        let Some(number) = self.scalar().and_then(Scalar::float) else {
            return Err(DeError::expected(&visitor));
        };
        self.record(float(number));
        visitor.visit_f64(number)
    }

    fn deserialize_char<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DeError> {
        self.visit_text(visitor)
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DeError> {
        self.visit_text(visitor)
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DeError> {
        self.visit_text(visitor)
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DeError> {
        self.visit_text(visitor)
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DeError> {
        self.visit_text(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DeError> {
        if self.at.node.is_nothing() { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DeError> {
        if self.at.node.is_nothing() { visitor.visit_unit() } else { Err(DeError::expected(&visitor)) }
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, DeError> {
        self.deserialize_unit(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, DeError> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DeError> {
        self.visit_items(visitor)
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, DeError> {
        self.visit_items(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: usize,
        visitor: V,
    ) -> Result<V::Value, DeError> {
        self.visit_items(visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DeError> {
        self.visit_entries(visitor, None)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DeError> {
        self.visit_entries(visitor, Some(fields))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DeError> {
        match (&self.at.node.value, self.text()) {
            (Value::Map(entries), _) if entries.len() == 1 => {
                visitor.visit_enum(Variant { map: self, entry: &entries[0] })
            }
            (_, Some(name)) => {
                self.record(name);
                let name: StrDeserializer<'_, DeError> = name.into_deserializer();
                visitor.visit_enum(name)
            }
            _ => Err(DeError::expected(&visitor)),
        }
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DeError> {
        self.visit_text(visitor)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DeError> {
        visitor.visit_unit()
    }
}
