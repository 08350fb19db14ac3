//! Stands for `profile.rs` in a build without the feature `profiling`.

use std::future::{Ready, ready};

use crate::{answer::Answer, drain_signal::DrainListener, error::Error};

/// There is no profiler.
pub(crate) fn profile(_: Option<String>, _: DrainListener) -> Ready<Result<Answer, Error>> {
    let sentence = "this server was built without the feature `profiling`: build it with `--profile profiling --features profiling`";
    ready(Err(Error::Refused { status: 404, sentence }))
}
