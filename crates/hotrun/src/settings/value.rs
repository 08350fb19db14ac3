//! The notation of each type of value.

pub(super) mod color;
pub(super) mod patterns;
mod variables;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use toml_edit::Item;

use crate::settings::span::span;
use crate::settings::wanted_mode::WantedMode;

/// A type of value in the settings file.
pub(crate) trait Read: Sized {
    /// The expected notation, for error messages.
    const EXPECTED: &'static str;

    /// The expected notation of a list.
    const LIST: &'static str = "a list of strings such as [\"one\", \"two\"]";

    fn read(item: &Item) -> Result<Self, Fault>;
}

/// The reason why a value is wrong.
#[derive(Debug, Default)]
pub(crate) struct Fault {
    /// Offset of the wrong part in bytes; `None` for the whole value.
    pub(crate) at: Option<usize>,
    /// The text after the key's name; `None` if the value has another type.
    pub(crate) words: Option<String>,
}

/// `rerun_cmd`: a command, or, in files of articles about air, a switch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum RerunCommand {
    Line(String),
    Switch(bool),
}

/// A text. A number or a flag stands for its notation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Text(pub(crate) String);

/// One value, or a list of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct OneOrMore<T>(pub(crate) Vec<T>);

impl Fault {
    fn saying(words: impl Into<String>) -> Self {
        Self { at: None, words: Some(words.into()) }
    }
}

impl RerunCommand {
    pub(crate) fn line(self) -> Option<String> {
        match self {
            Self::Line(line) => Some(line),
            Self::Switch(_) => None,
        }
    }

    pub(crate) fn switch(&self) -> Option<bool> {
        match self {
            Self::Line(_) => None,
            Self::Switch(on) => Some(*on),
        }
    }
}

impl Read for RerunCommand {
    const EXPECTED: &'static str = "a command, or true or false";

    fn read(item: &Item) -> Result<Self, Fault> {
        let line = item.as_str().map(|line| Self::Line(line.to_owned()));
        line.or(item.as_bool().map(Self::Switch)).ok_or_else(Fault::default)
    }
}

impl Read for String {
    const EXPECTED: &'static str = "a string";

    fn read(item: &Item) -> Result<Self, Fault> {
        item.as_str().map(str::to_owned).ok_or_else(Fault::default)
    }
}

impl Read for Text {
    const EXPECTED: &'static str = "a string";

    fn read(item: &Item) -> Result<Self, Fault> {
        let number = || item.as_integer().map(|number| number.to_string());
        let fraction = || item.as_float().map(|number| number.to_string());
        let flag = || item.as_bool().map(|flag| flag.to_string());
        let text = item.as_str().map(str::to_owned).or_else(number).or_else(fraction).or_else(flag);
        text.map(Self).ok_or_else(Fault::default)
    }
}

impl Read for PathBuf {
    const EXPECTED: &'static str = "a path";

    /// `~/` stands for the home folder.
    fn read(item: &Item) -> Result<Self, Fault> {
        let text = String::read(item)?;
        if text.contains('\0') {
            return Err(Fault::saying("holds a zero byte"));
        }
        match text.strip_prefix("~/") {
            Some(rest) => std::env::home_dir()
                .map(|home| home.join(rest))
                .ok_or_else(|| Fault::saying("begins with `~/`, but there is no home folder")),
            None => Ok(text.into()),
        }
    }
}

impl Read for bool {
    const EXPECTED: &'static str = "true or false";

    fn read(item: &Item) -> Result<Self, Fault> {
        match item.as_str().map(str::trim) {
            Some("true") => Ok(true),
            Some("false") => Ok(false),
            _ => item.as_bool().ok_or_else(Fault::default),
        }
    }
}

impl Read for u16 {
    const EXPECTED: &'static str = "a port such as 8080";

    fn read(item: &Item) -> Result<Self, Fault> {
        if let Some(text) = item.as_str() {
            return text.trim().parse().map_err(|_| Fault::saying(format!("is `{text}`")));
        }
        let number = item.as_integer().ok_or_else(Fault::default)?;
        number.try_into().map_err(|_| Fault::saying(format!("is {number}")))
    }
}

impl Read for Duration {
    const EXPECTED: &'static str = "milliseconds such as 500, or a time such as \"2s\"";

    /// Like in air: a number is milliseconds, or nanoseconds from a million on.
    fn read(item: &Item) -> Result<Self, Fault> {
        if let Some(text) = item.as_str() {
            let milliseconds = text.trim().parse().ok().map(Self::from_millis);
            return span(text).or(milliseconds).ok_or_else(|| Fault::saying(format!("is `{text}`")));
        }
        let number = item.as_integer().ok_or_else(Fault::default)?;
        let number = u64::try_from(number).map_err(|_| Fault::saying(format!("is {number}")))?;
        Ok(if number < 1_000_000 { Duration::from_millis(number) } else { Duration::from_nanos(number) })
    }
}

impl Read for WantedMode {
    const EXPECTED: &'static str =
        "\"auto\", \"listen-fds\", \"bind\", \"proxy\", \"stop-first\" or \"none\"";

    fn read(item: &Item) -> Result<Self, Fault> {
        let words = [
            ("auto", Self::Auto),
            ("listen-fds", Self::ListenFds),
            ("bind", Self::Bind),
            ("proxy", Self::Proxy),
            ("stop-first", Self::StopFirst),
            ("none", Self::None),
        ];
        one_of(item, words)
    }
}

impl Read for SocketAddr {
    const EXPECTED: &'static str = "an address such as \"127.0.0.1:8080\"";
    const LIST: &'static str = "an address such as \"127.0.0.1:8080\", or a list of them";

    fn read(item: &Item) -> Result<Self, Fault> {
        let text = String::read(item)?;
        let port = |port: &str| port.parse().ok();
        let local = text.strip_prefix("localhost:").and_then(port);
        let address: Option<Self> =
            text.parse().ok().or(local.map(|port| (IpAddr::from(Ipv4Addr::LOCALHOST), port).into()));
        match address {
            Some(address) if address.port() > 0 => Ok(address),
            Some(_) => Err(Fault::saying(format!("is `{text}`, which has no port"))),
            None => Err(Fault::saying(format!("is `{text}`"))),
        }
    }
}

impl<T: Read> Read for Vec<T> {
    const EXPECTED: &'static str = T::LIST;

    fn read(item: &Item) -> Result<Self, Fault> {
        let array = item.as_array().ok_or_else(Fault::default)?;
        array.iter().map(|value| part(&Item::Value(value.clone()))).collect()
    }
}

impl<T: Read> Read for OneOrMore<T> {
    const EXPECTED: &'static str = T::LIST;

    fn read(item: &Item) -> Result<Self, Fault> {
        if item.is_array() { Vec::read(item).map(Self) } else { T::read(item).map(|one| Self(vec![one])) }
    }
}

fn part<T: Read>(item: &Item) -> Result<T, Fault> {
    T::read(item).map_err(|fault| Fault {
        at: fault.at.or(item.span().map(|span| span.start)),
        words: fault.words.or(Some(format!("holds {}", kind(item)))),
    })
}

fn one_of<T>(item: &Item, words: impl IntoIterator<Item = (&'static str, T)>) -> Result<T, Fault> {
    let text = String::read(item)?;
    let found = words.into_iter().find(|(word, _)| *word == text.trim());
    found.map(|(_, value)| value).ok_or_else(|| Fault::saying(format!("is `{text}`")))
}

/// The type of the value, in words.
pub(crate) fn kind(item: &Item) -> &'static str {
    match item.type_name() {
        "string" => "a string",
        "integer" => "an integer",
        "float" => "a number with a fraction",
        "boolean" => "true or false",
        "datetime" => "a date",
        "array" => "a list",
        "array of tables" => "a list of tables",
        _ => "a table",
    }
}
