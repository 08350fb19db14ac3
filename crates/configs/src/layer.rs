//! A file or a source of a configuration.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::source::Source;

/// A file or a source of a configuration, for [`Builder::layer`](crate::Builder::layer).
#[derive(Clone)]
pub enum Layer {
    /// A file.
    File(PathBuf),
    /// Text from elsewhere.
    Source(Arc<dyn Source>),
}

impl Layer {
    /// The layer of a path, or of an address such as `http://a/b`. `open` opens the source at an address.
    pub fn named<E>(name: &Path, open: impl FnOnce(&str) -> Result<Arc<dyn Source>, E>) -> Result<Layer, E> {
        match name.to_str().filter(|text| scheme(text.as_bytes()).is_some()) {
            Some(address) => open(address).map(Layer::Source),
            None => Ok(Layer::File(name.to_owned())),
        }
    }

    /// Splits a list of paths and addresses at each `:`. One that belongs to an address is no end: that of the scheme, and
    /// those up to the next slash.
    pub fn split(list: &OsStr) -> Vec<PathBuf> {
        let mut rest = list.as_bytes();
        let mut names = Vec::new();
        loop {
            let host = scheme(rest).map(|scheme| scheme + "://".len());
            let from = host.map_or(0, |host| {
                rest[host..].iter().position(|byte| *byte == b'/').map_or(rest.len(), |end| host + end)
            });
            let end = rest[from..].iter().position(|byte| *byte == b':').map(|end| from + end);
            names.push(OsString::from_vec(rest[..end.unwrap_or(rest.len())].to_vec()).into());
            let Some(end) = end else { return names };
            rest = &rest[end + 1..];
        }
    }

    /// The path of a file.
    pub(crate) fn path(&self) -> Option<&Path> {
        match self {
            Layer::File(path) => Some(path),
            Layer::Source(_) => None,
        }
    }
}

/// The length of the scheme with which an address begins: 4 for `http://a/b`.
fn scheme(text: &[u8]) -> Option<usize> {
    let length = text.windows(3).position(|part| part == b"://")?;
    let is_scheme = |byte: &u8| byte.is_ascii_alphanumeric() || b"+-.".contains(byte);
    (text.first()?.is_ascii_alphabetic() && text[..length].iter().all(is_scheme)).then_some(length)
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use super::Layer;

    #[test]
    fn a_path_is_no_address() {
        for (text, expected) in [
            ("http://a/b", true),
            ("etcd://a:1,b:2/c/", true),
            ("consul://a", true),
            ("config.yaml", false),
            ("/a://b", false),
            ("C:/config.yaml", false),
            ("://", false),
        ] {
            let layer = Layer::named(Path::new(text), |address| Err(address.to_owned()));
            assert_eq!(layer.err(), expected.then(|| text.to_owned()), "{text}");
        }
    }

    #[test]
    fn a_list_is_split_between_its_paths_and_addresses() {
        for (list, expected) in [
            ("x:y", &["x", "y"][..]),
            ("x:etcd://a:1,b:2/c/:y", &["x", "etcd://a:1,b:2/c/", "y"]),
            ("http://u:p@[::1]:80/c:y:http://a:1", &["http://u:p@[::1]:80/c", "y", "http://a:1"]),
        ] {
            let expected: Vec<_> = expected.iter().map(PathBuf::from).collect();
            assert_eq!(Layer::split(list.as_ref()), expected);
        }
    }
}
