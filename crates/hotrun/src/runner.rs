//! The loop: events in, actions out.

use crate::plan::Plan;
use crate::refusal::Refusal;

pub(crate) fn run(_plan: Plan) -> Result<(), Refusal> {
    Ok(())
}
