//! What serde says went wrong, before it is known where.

use std::fmt::{self, Debug, Display, Formatter};

use serde::de::{Error, Expected, Unexpected};

use crate::diagnosis::Problem;

/// An error on its way up to the node that it is about.
pub(crate) enum Fault {
    Raw(Raw),
    Located { problem: Box<Problem>, is_missing: bool },
}

pub(crate) enum Raw {
    /// The kind that was found is of use only where the node is not the value at fault itself.
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

impl Fault {
    pub(crate) fn expected(expected: &dyn Expected) -> Fault {
        Fault::Raw(Raw::Type { expected: words(&expected.to_string()), kind: "another kind of value" })
    }
}

impl Error for Fault {
    fn custom<M: Display>(message: M) -> Fault {
        Fault::Raw(Raw::Custom(message.to_string()))
    }

    fn invalid_type(unexpected: Unexpected<'_>, expected: &dyn Expected) -> Fault {
        Fault::Raw(Raw::Type { expected: words(&expected.to_string()), kind: kind(&unexpected) })
    }

    fn invalid_value(unexpected: Unexpected<'_>, expected: &dyn Expected) -> Fault {
        Fault::invalid_type(unexpected, expected)
    }

    fn invalid_length(length: usize, expected: &dyn Expected) -> Fault {
        Fault::custom(format_args!("expected {expected}, found {length} elements"))
    }

    fn unknown_variant(_: &str, known: &'static [&'static str]) -> Fault {
        Fault::Raw(Raw::Variant { known })
    }

    fn unknown_field(_: &str, _: &'static [&'static str]) -> Fault {
        Fault::custom("a key in this map is unknown")
    }

    fn missing_field(field: &'static str) -> Fault {
        Fault::Raw(Raw::Missing(field))
    }

    fn duplicate_field(field: &'static str) -> Fault {
        Fault::custom(format_args!("`{field}` is given twice, once by another name"))
    }
}

impl Debug for Fault {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        Display::fmt(self, out)
    }
}

impl Display for Fault {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Fault::Raw(_) => out.write_str("a value is not as expected"),
            Fault::Located { problem, .. } => out.write_str(&problem.sentence()),
        }
    }
}

impl std::error::Error for Fault {}

/// What a visitor expects, in the words of someone who edits a file.
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
