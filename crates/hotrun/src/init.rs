//! `hotrun init`: the settings file, written.

use crate::cli::Cli;
use crate::refusal::Refusal;

pub(crate) fn init(_cli: &Cli) -> Result<(), Refusal> {
    Err(Refusal::unfit("not there yet"))
}
