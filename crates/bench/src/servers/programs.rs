//! The programs that are measured.

use std::path::{Path, PathBuf};

use clap::Args;
use conformance::Failed;

/// The folders of the programs.
#[derive(Args)]
pub(crate) struct Programs {
    /// The folder of the demos, with that of their examples
    #[arg(long, default_value = "target/release")]
    demos: PathBuf,
    /// The folder of the counterparts, with `bare` and `air`
    #[arg(long, default_value = "target/peers")]
    counterparts: PathBuf,
}

impl Programs {
    pub(crate) fn demo(&self, name: &str) -> Result<PathBuf, Failed> {
        found(&self.demos, name)
    }

    pub(crate) fn example(&self, name: &str) -> Result<PathBuf, Failed> {
        found(&self.demos.join("examples"), name)
    }

    pub(crate) fn counterpart(&self, name: &str) -> Result<PathBuf, Failed> {
        found(&self.counterparts, name)
    }
}

/// Servers run in other folders.
fn found(folder: &Path, name: &str) -> Result<PathBuf, Failed> {
    let path = folder.join(name);
    Ok(path.canonicalize().map_err(|e| format!("`{}`: {e}; `just bench` builds it", path.display()))?)
}
