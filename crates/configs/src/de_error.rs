//! The error type of the deserializer.

use std::fmt::{self, Debug, Display, Formatter};

use serde::de::{Error, Expected, Unexpected};

use crate::problem::Problem;

/// An error of serde, without its place at first.
pub(crate) enum DeError {
    Raw(Raw),
    Located { problem: Box<Problem>, is_missing: bool },
}

pub(crate) enum Raw {
    /// A value of another type. `kind` is used only where the node is not itself the value at fault.
    Type {
        expected: String,
        kind: &'static str,
    },
    Variant {
        known: &'static [&'static str],
    },
    Missing(&'static str),
    Custom(String),
}

impl DeError {
    pub(crate) fn expected(expected: &dyn Expected) -> DeError {
        DeError::Raw(Raw::Type { expected: words(&expected.to_string()), kind: "another kind of value" })
    }

    /// The problem, and whether it is a missing key; `locate` gives it its place if it has none.
    pub(crate) fn located(self, locate: impl FnOnce(Raw) -> Problem) -> (Box<Problem>, bool) {
        match self {
            DeError::Located { problem, is_missing } => (problem, is_missing),
            DeError::Raw(raw) => {
                let is_missing = matches!(raw, Raw::Missing(_));
                (Box::new(locate(raw)), is_missing)
            }
        }
    }
}

impl Error for DeError {
    fn custom<M: Display>(message: M) -> DeError {
        DeError::Raw(Raw::Custom(message.to_string()))
    }

    fn invalid_type(unexpected: Unexpected<'_>, expected: &dyn Expected) -> DeError {
        DeError::Raw(Raw::Type { expected: words(&expected.to_string()), kind: kind(&unexpected) })
    }

    fn invalid_value(unexpected: Unexpected<'_>, expected: &dyn Expected) -> DeError {
        DeError::invalid_type(unexpected, expected)
    }

    fn invalid_length(length: usize, expected: &dyn Expected) -> DeError {
        DeError::custom(format_args!("expected {expected}, found {length} elements"))
    }

    fn unknown_variant(_: &str, known: &'static [&'static str]) -> DeError {
        DeError::Raw(Raw::Variant { known })
    }

    fn unknown_field(_: &str, _: &'static [&'static str]) -> DeError {
        DeError::custom("a key in this map is unknown")
    }

    fn missing_field(field: &'static str) -> DeError {
        DeError::Raw(Raw::Missing(field))
    }

    fn duplicate_field(field: &'static str) -> DeError {
        DeError::custom(format_args!("`{field}` is given twice, once by another name"))
    }
}

impl Debug for DeError {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        Display::fmt(self, out)
    }
}

impl Display for DeError {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        match self {
            DeError::Raw(_) => out.write_str("a value is not as expected"),
            DeError::Located { problem, .. } => out.write_str(&problem.sentence()),
        }
    }
}

impl std::error::Error for DeError {}

/// The expectation of a visitor, in terms of the file: `a number` for `f64`.
fn words(expecting: &str) -> String {
    let range = |low: &dyn Display, high: &dyn Display| format!("a whole number from {low} to {high}");
    match expecting {
        "u8" => range(&u8::MIN, &u8::MAX),
        "u16" => range(&u16::MIN, &u16::MAX),
        "u32" => range(&u32::MIN, &u32::MAX),
        "u64" => range(&u64::MIN, &u64::MAX),
        "u128" | "usize" => "a whole number, 0 or more".to_owned(),
        "i8" => range(&i8::MIN, &i8::MAX),
        "i16" => range(&i16::MIN, &i16::MAX),
        "i32" => range(&i32::MIN, &i32::MAX),
        "i64" => range(&i64::MIN, &i64::MAX),
        "i128" | "isize" => "a whole number".to_owned(),
        "a nonzero u8" => range(&1, &u8::MAX),
        "a nonzero u16" => range(&1, &u16::MAX),
        "a nonzero u32" => range(&1, &u32::MAX),
        "a nonzero u64" => range(&1, &u64::MAX),
        "f32" | "f64" => "a number".to_owned(),
        "a boolean" => "`true` or `false`".to_owned(),
        "a string" | "a borrowed string" | "a formattable string" => "text".to_owned(),
        "a sequence" => "a list".to_owned(),
        "unit" => "nothing".to_owned(),
        map if map == "a map" || map.starts_with("struct ") => "a map of keys".to_owned(),
        tuple if tuple.starts_with("tuple struct ") => "a list".to_owned(),
        variant if variant.starts_with("enum ") => "the name of a variant".to_owned(),
        other => other.to_owned(),
    }
}

fn kind(unexpected: &Unexpected<'_>) -> &'static str {
    match unexpected {
        Unexpected::Bool(_) => "a boolean",
        Unexpected::Unsigned(_) | Unexpected::Signed(_) | Unexpected::Float(_) => "a number",
        Unexpected::Char(_) | Unexpected::Str(_) | Unexpected::Bytes(_) => "text",
        Unexpected::Unit | Unexpected::Option => "nothing",
        Unexpected::Seq => "a list",
        Unexpected::Map => "a map",
        _ => "another kind of value",
    }
}
