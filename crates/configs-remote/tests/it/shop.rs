//! Settings that come from a source.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use configs::{Configs, Diagnosis, SourceState};
use configs_remote::{Options, Remote};
use conformance::wait_until;

#[derive(serde::Deserialize)]
pub(crate) struct Shop {
    pub(crate) greeting: String,
    #[serde(default)]
    pub(crate) size: u8,
}

/// Options with which a test does not wait long.
pub(crate) fn options() -> Options {
    Options { poll: Duration::from_millis(50), ..Options::default() }
}

pub(crate) fn kept_in(folder: &Path) -> Options {
    Options { keep: Some(folder.to_owned()), ..options() }
}

pub(crate) fn open(address: &str, options: &Options) -> Result<Configs<Shop>, Diagnosis> {
    let remote = Remote::open(address, options).unwrap_or_else(|error| panic!("{address}: {error}"));
    Configs::<Shop>::builder().source(remote as Arc<dyn configs::Source>).open()
}

/// Waits until the greeting is in force, and in the history. That is written after the swap.
pub(crate) fn wait_for_greeting(shop: &Configs<Shop>, greeting: &str) {
    let waited = wait_until(&format!("`{greeting}`"), || {
        let current = shop.snapshot();
        current.greeting == greeting && shop.history()[0].generation == current.generation()
    });
    waited.unwrap_or_else(|failed| panic!("{failed:?}, in force: `{}`", shop.load().greeting));
}

pub(crate) fn wait_for_state(shop: &Configs<Shop>, state: SourceState) {
    let waited = wait_until(state.as_str(), || shop.sources()[0].state == state);
    waited.unwrap_or_else(|failed| panic!("{failed:?}: {:?}", shop.sources()));
}
