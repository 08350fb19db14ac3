//! The files and sources that `--config` names.

use std::{
    ffi::OsStr,
    os::unix::ffi::{OsStrExt, OsStringExt},
    path::{Path, PathBuf},
};

use site::{Layer, OpenError};

use crate::{cli::Cli, failure::Failure};

/// Opens the layers in their order. An address is refused without the Cargo feature `remote`.
pub(crate) fn open(cli: &Cli) -> Result<Vec<Layer>, Failure> {
    cli.config
        .iter()
        .map(|path| address(path).map_or_else(|| Ok(path.clone().into()), |at| remote(at, cli)))
        .collect()
}

/// The name of this server among all that read the same source.
#[cfg(feature = "remote")]
pub(crate) fn name(cli: &Cli) -> String {
    let host = || rustix::system::uname().nodename().to_string_lossy().into_owned();
    cli.name.clone().unwrap_or_else(host)
}

/// Splits a list at each `:`. One that belongs to an address is no end: that of the scheme, and those up to the next slash.
pub(crate) fn split(list: &OsStr) -> Vec<PathBuf> {
    let mut rest = list.as_bytes();
    let mut paths = Vec::new();
    loop {
        let scheme = scheme(rest).map_or(0, |scheme| scheme + "://".len());
        let host = rest[scheme..].iter().position(|byte| *byte == b'/').filter(|_| scheme > 0);
        let from = match host {
            Some(host) => scheme + host,
            None if scheme > 0 => rest.len(),
            None => 0,
        };
        let end = rest[from..].iter().position(|byte| *byte == b':').map(|end| from + end);
        let path = &rest[..end.unwrap_or(rest.len())];
        paths.push(PathBuf::from(std::ffi::OsString::from_vec(path.to_vec())));
        match end {
            Some(end) => rest = &rest[end + 1..],
            None => return paths,
        }
    }
}

/// The address in the place of a path.
fn address(path: &Path) -> Option<&str> {
    let text = path.to_str()?;
    scheme(text.as_bytes()).map(|_| text)
}

/// The length of the scheme with which an address begins: `http` of `http://a/b`.
fn scheme(text: &[u8]) -> Option<usize> {
    let length = text.windows(3).position(|part| part == b"://")?;
    let is_scheme = |byte: &u8| byte.is_ascii_alphanumeric() || b"+-.".contains(byte);
    (text.first()?.is_ascii_alphabetic() && text[..length].iter().all(is_scheme)).then_some(length)
}

#[cfg(feature = "remote")]
fn remote(address: &str, cli: &Cli) -> Result<Layer, Failure> {
    use configs_remote::{OpenError as RemoteError, Options, Remote};
    // A check judges the text that the source has now.
    let keep = if cli.check { None } else { folder(cli.keep_remote.clone()) };
    let options = Options { poll: cli.poll_remote, keep, ..Options::default() };
    match Remote::open(address, &options) {
        Ok(remote) => Ok(Layer::Source(remote)),
        Err(RemoteError::Address(error)) => Err(usage(error)),
        Err(RemoteError::System(error)) => Err(Failure::system(error)),
    }
}

#[cfg(not(feature = "remote"))]
fn remote(address: &str, _: &Cli) -> Result<Layer, Failure> {
    let scheme = address.split("://").next().unwrap_or_default();
    Err(usage(format_args!("`{scheme}://` needs the Cargo feature `remote`, which this build does not have")))
}

/// The folder for the copies of texts.
#[cfg(feature = "remote")]
fn folder(given: Option<PathBuf>) -> Option<PathBuf> {
    let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    match given {
        Some(folder) if folder.as_os_str().is_empty() => None,
        Some(folder) => Some(folder),
        None => variable("STATE_DIRECTORY")
            .or_else(|| variable("XDG_STATE_HOME").map(|state| state.join("demos")))
            .or_else(|| variable("HOME").map(|home| home.join(".local/state/demos"))),
    }
}

fn usage(error: impl std::fmt::Display) -> Failure {
    Failure::Open(OpenError::Usage(format!("`--config`: {error}")))
}
