//! The library of an edit that was rejected.

use std::{convert::Infallible, path::PathBuf, sync::Arc};

use configs::ReloadHandle;
use filewatch::{Files, Live, Notice, Options};

/// Upper bound on the bytes that are compared.
const MAX_SIZE: u64 = 256 << 20;

/// Watches the library of an edit that was rejected, which may be missing. When the file differs, the configuration is read again.
pub(crate) struct RefusedPlugin {
    _watching: Live<()>,
}

impl RefusedPlugin {
    /// Differences from now on count, so this is called before the library is tried.
    pub(crate) fn watch(path: PathBuf, reload: ReloadHandle) -> Self {
        let build = move |files: &mut Files<'_>, _: Option<&Arc<()>>| {
            // Its bytes or its error are what the next ones are compared with.
            let _ = files.read(&path, MAX_SIZE);
            Ok(Some(()))
        };
        let notice = move |notice: Notice<'_, (), Infallible>| {
            if matches!(notice, Notice::Published { .. }) {
                reload.reload();
            }
        };
        let Ok(watching) = Live::open(Options::default(), build, notice);
        Self { _watching: watching }
    }
}
