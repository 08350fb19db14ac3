//! `hotrun check`: what would be watched, built, run and owned.

use crate::cli::Cli;
use crate::plan;
use crate::refusal::Refusal;

pub(crate) fn check(cli: &Cli) -> Result<(), Refusal> {
    plan::plan(cli).map(drop)
}
