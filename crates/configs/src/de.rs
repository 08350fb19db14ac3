//! A tree as serde reads it.

use serde::de::value::StrDeserializer;
use serde::de::{Deserializer, IntoDeserializer, Visitor};
use serde_json::Value as Json;

use crate::access::Variant;
use crate::effective::{Segment, float, integer};
use crate::fault::Fault;
use crate::reading::{Path, Reading};
use crate::tree::{Entry, Mark, Meaning, Node, Scalar, Value};

/// A node that is being read, with its path.
pub(crate) struct Here<'a> {
    pub(crate) reading: &'a Reading<'a>,
    pub(crate) node: &'a Node,
    pub(crate) key: &'a Mark,
    pub(crate) path: Path,
    /// Whether this is a key, which is no value of the configuration.
    pub(crate) is_key: bool,
}

impl<'a> Here<'a> {
    pub(crate) fn root(node: &'a Node, reading: &'a Reading<'a>) -> Here<'a> {
        Here { reading, node, key: &node.mark, path: Path::default(), is_key: false }
    }

    pub(crate) fn field(&self, entry: &'a Entry, name: &str) -> Here<'a> {
        let mut path = self.path.clone();
        path.declare(name);
        self.reading.declare(&path);
        Here { reading: self.reading, node: &entry.node, key: &entry.mark, path, is_key: false }
    }

    pub(crate) fn entry(&self, entry: &'a Entry) -> Here<'a> {
        let mut path = self.path.clone();
        path.push(Segment::Key(entry.key.clone()));
        Here { reading: self.reading, node: &entry.node, key: &entry.mark, path, is_key: false }
    }

    pub(crate) fn item(&self, index: usize, node: &'a Node) -> Here<'a> {
        let mut path = self.path.clone();
        path.push(Segment::Index(index));
        Here { reading: self.reading, node, key: &node.mark, path, is_key: false }
    }

    pub(crate) fn record(&self, value: Json) {
        if !self.is_key {
            self.reading.record(&self.path, value);
        }
    }

    fn scalar(&self) -> Option<&'a Scalar> {
        match &self.node.value {
            Value::Scalar(scalar) => Some(scalar),
            _ => None,
        }
    }

    fn text(&self) -> Option<&'a str> {
        self.scalar().filter(|_| !self.node.is_nothing()).map(|scalar| scalar.text.as_str())
    }

    fn whole(&self) -> Option<i128> {
        match self.scalar()?.meaning() {
            Meaning::Integer(number) => Some(number),
            _ => None,
        }
    }

    fn number(&self) -> Option<f64> {
        match self.scalar()?.meaning() {
            #[expect(clippy::cast_precision_loss, reason = "a float was asked for")]
            Meaning::Integer(number) => Some(number as f64),
            Meaning::Float(number) => Some(number),
            _ => None,
        }
    }

    fn visit_text<'de, V: Visitor<'de>>(&self, visitor: V) -> Result<V::Value, Fault> {
        let Some(text) = self.text() else { return Err(Fault::expected(&visitor)) };
        self.record(Json::from(text));
        visitor.visit_str(text)
    }
}

macro_rules! whole_numbers {
    ($($method:ident $visit:ident $number:ty),*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
            match self.whole().map(|number| (number, <$number>::try_from(number))) {
                Some((number, Ok(fitting))) => {
                    self.record(integer(number));
                    visitor.$visit(fitting)
                }
                _ => Err(Fault::expected(&visitor)),
            }
        }
    )*};
}

impl<'de> Deserializer<'de> for &Here<'_> {
    type Error = Fault;

    whole_numbers! {
        deserialize_i8 visit_i8 i8, deserialize_i16 visit_i16 i16, deserialize_i32 visit_i32 i32,
        deserialize_i64 visit_i64 i64, deserialize_i128 visit_i128 i128,
        deserialize_u8 visit_u8 u8, deserialize_u16 visit_u16 u16, deserialize_u32 visit_u32 u32,
        deserialize_u64 visit_u64 u64, deserialize_u128 visit_u128 u128
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match &self.node.value {
            Value::Map(_) => self.visit_entries(visitor, None),
            Value::List(_) => self.visit_items(visitor),
            Value::File(_) => Err(Fault::expected(&visitor)),
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

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.scalar().map(Scalar::meaning) {
            Some(Meaning::Boolean(value)) => {
                self.record(Json::from(value));
                visitor.visit_bool(value)
            }
            _ => Err(Fault::expected(&visitor)),
        }
    }

    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.deserialize_f64(visitor)
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        let Some(number) = self.number() else { return Err(Fault::expected(&visitor)) };
        self.record(float(number));
        visitor.visit_f64(number)
    }

    fn deserialize_char<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.visit_text(visitor)
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.visit_text(visitor)
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.visit_text(visitor)
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.visit_text(visitor)
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.visit_text(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        if self.node.is_nothing() { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        if self.node.is_nothing() { visitor.visit_unit() } else { Err(Fault::expected(&visitor)) }
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        self.deserialize_unit(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.visit_items(visitor)
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Fault> {
        self.visit_items(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: usize,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        self.visit_items(visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.visit_entries(visitor, None)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        self.visit_entries(visitor, Some(fields))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        match (&self.node.value, self.text()) {
            (Value::Map(entries), _) if entries.len() == 1 => {
                visitor.visit_enum(Variant { here: self, entry: &entries[0] })
            }
            (_, Some(name)) => {
                self.record(Json::from(name));
                let name: StrDeserializer<'_, Fault> = name.into_deserializer();
                visitor.visit_enum(name)
            }
            _ => Err(Fault::expected(&visitor)),
        }
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.visit_text(visitor)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_unit()
    }
}
