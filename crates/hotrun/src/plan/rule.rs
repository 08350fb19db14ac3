//! Commands of a plan for files: instead of a build, or before it.

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
    /// For `/bin/sh -c`. Empty if nothing is to be run.
    pub(crate) cmd: String,
    pub(crate) pattern: Pattern,
    /// The command is run before a build, and the build follows it.
    pub(crate) is_before_build: bool,
    /// From a change to the command; usually zero.
    pub(crate) delay: Duration,
}

impl Rule {
    pub(super) fn of(rule: &settings::Rule, root: &Path) -> Result<Self, Error> {
        Ok(Self {
            name: rule.name.clone().unwrap_or_else(|| rule.cmd.clone()),
            cmd: rule.cmd.clone(),
            pattern: source_rules::pattern(rule, root)?,
            is_before_build: rule.before_build == Some(true),
            delay: rule.delay.unwrap_or_default(),
        })
    }
}
