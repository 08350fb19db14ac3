//! Commands of a plan for files that need no build.

use std::path::Path;
use std::time::Duration;

use crate::error::Error;
use crate::plan::source_rules;
use crate::settings;
use crate::sources::Pattern;

/// A command, and the files for which it is run.
#[derive(Clone, Debug)]
pub(crate) struct Rule {
    pub(crate) name: String,
    /// For `/bin/sh -c`.
    pub(crate) cmd: String,
    pub(crate) pattern: Pattern,
    /// From a change to the command; usually zero.
    pub(crate) delay: Duration,
}

impl Rule {
    pub(super) fn of(rule: &settings::Rule, root: &Path) -> Result<Self, Error> {
        Ok(Self {
            name: rule.name.clone().unwrap_or_else(|| rule.cmd.clone()),
            cmd: rule.cmd.clone(),
            pattern: source_rules::pattern(rule, root)?,
            delay: rule.delay.unwrap_or_default(),
        })
    }
}
