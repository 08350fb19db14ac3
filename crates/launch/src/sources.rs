//! The addresses of sources that `--config` names.

use std::sync::Arc;

use site::{OpenError, Source};

use crate::{cli::Cli, failure::Failure};

/// Opens the source at an address.
#[cfg(feature = "remote")]
pub(crate) fn open(address: &str, cli: &Cli) -> Result<Arc<dyn Source>, Failure> {
    use configs_remote::{OpenError as RemoteError, Options, Remote};
    // A check judges the text that the source has now.
    let keep = if cli.check { None } else { cli.keep_remote() };
    match Remote::open(address, &Options { poll: cli.poll_remote, keep, ..Options::default() }) {
        Ok(remote) => Ok(remote),
        Err(RemoteError::Address(error)) => Err(usage(error)),
        Err(RemoteError::System(error)) => Err(Failure::system(error)),
    }
}

#[cfg(not(feature = "remote"))]
pub(crate) fn open(address: &str, _: &Cli) -> Result<Arc<dyn Source>, Failure> {
    let scheme = address.split("://").next().unwrap_or_default();
    Err(usage(format_args!("`{scheme}://` needs the Cargo feature `remote`, which this build does not have")))
}

fn usage(error: impl std::fmt::Display) -> Failure {
    Failure::Open(OpenError::Usage(format!("`--config`: {error}")))
}
