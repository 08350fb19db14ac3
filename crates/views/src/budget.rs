//! The limits of one rendering.
//!
//! They count work and not time: a page that the trial accepted is not refused later because the machine was busy.

use std::cell::Cell;
use std::ptr::from_ref;

/// The longest page that is rendered, in bytes: 8 MiB.
pub const PAGE_LIMIT: usize = 8 << 20;

/// The most steps of one page: starts of templates, blocks and components, and turns of loops.
pub const STEP_LIMIT: u32 = 250_000;

/// The largest value that a template may assign, pass to a component or make with a filter, in bytes: 1 MiB.
///
/// A text counts with its length, everything in it counts with 8 bytes more; see `measure`.
pub const VALUE_LIMIT: usize = 1 << 20;

/// The most bytes of values and template text that one page may handle: 32 MiB, four times the longest page.
///
/// In a test with 33 templates that exceed a limit, the slowest was refused after 1.7 s (debug build, 2 cores with a load of
/// 19).
pub const WORK_LIMIT: usize = 32 << 20;

/// The most bytes of stack that nested includes, blocks and components may use, of the 2 MiB that a thread has.
///
/// One level of includes takes 12 KB in an optimised build and 70 KB in a debug build (measured). So there is room for 130 and
/// for 20.
const STACK_LIMIT: usize = 3 << 19;

/// The limit that a rendering exceeded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LimitExceeded {
    Output,
    Steps,
    Depth,
    Value,
    Nesting,
    Work,
}

impl LimitExceeded {
    /// The limit, and the likely cause.
    pub(crate) fn words(self) -> String {
        match self {
            Self::Output => format!("the page has more than {} MiB, is a loop too long?", PAGE_LIMIT >> 20),
            Self::Steps => {
                format!("the page takes more than {STEP_LIMIT} steps, is a loop in a loop too long?")
            }
            Self::Depth => "the templates are nested too deeply at this place".to_owned(),
            Self::Value => {
                format!("a value has more than {} MiB, does it grow again and again?", VALUE_LIMIT >> 20)
            }
            Self::Nesting => {
                format!("a value is nested more than {NESTING_LIMIT} levels deep, is it put into itself?")
            }
            Self::Work => format!(
                "the page handles more than {} MiB of text and values, is a large value used in a loop?",
                WORK_LIMIT >> 20
            ),
        }
    }
}

/// The deepest nesting of lists and maps in a value: the engine compares, prints and frees them recursively.
pub(crate) const NESTING_LIMIT: usize = 64;

#[derive(Clone, Copy)]
struct Budget {
    /// The address of the stack at the start.
    stack: usize,
    steps: u32,
    work: usize,
    /// The length of what a row of `~` has made so far.
    row: usize,
    exceeded: Option<LimitExceeded>,
}

thread_local! {
    /// The engine passes nothing of ours to its callbacks, so the budget is here.
    static BUDGET: Cell<Budget> = const { Cell::new(Budget { stack: 0, steps: 0, work: 0, row: 0, exceeded: None }) };
}

/// Begins a rendering on this thread.
pub(crate) fn begin() {
    BUDGET.set(Budget { stack: stack(), steps: 0, work: 0, row: 0, exceeded: None });
}

/// Counts one step and the bytes of text that belong to it.
pub(crate) fn step(text: usize) -> Result<(), LimitExceeded> {
    let mut budget = BUDGET.get();
    budget.steps += 1;
    BUDGET.set(budget);
    if budget.steps > STEP_LIMIT {
        return Err(exceed(LimitExceeded::Steps));
    }
    if budget.stack.abs_diff(stack()) > STACK_LIMIT {
        return Err(exceed(LimitExceeded::Depth));
    }
    spend(text)
}

/// Counts bytes that are copied, compared or searched.
pub(crate) fn spend(bytes: usize) -> Result<(), LimitExceeded> {
    let mut budget = BUDGET.get();
    budget.work = budget.work.saturating_add(bytes);
    BUDGET.set(budget);
    if budget.work > WORK_LIMIT { Err(exceed(LimitExceeded::Work)) } else { Ok(()) }
}

/// Counts the first operand of a row of `~`.
pub(crate) fn begin_row(bytes: usize) -> Result<(), LimitExceeded> {
    BUDGET.set(Budget { row: bytes, ..BUDGET.get() });
    spend(bytes)
}

/// Counts one more operand: all that the row has made before is copied again.
pub(crate) fn extend_row(bytes: usize) -> Result<(), LimitExceeded> {
    let row = BUDGET.get().row.saturating_add(bytes);
    BUDGET.set(Budget { row, ..BUDGET.get() });
    spend(row)
}

/// The bytes that are left of `WORK_LIMIT`.
pub(crate) fn left() -> usize {
    WORK_LIMIT.saturating_sub(BUDGET.get().work)
}

/// Records that this limit was exceeded, for [`exceeded`].
pub(crate) fn exceed(limit: LimitExceeded) -> LimitExceeded {
    BUDGET.set(Budget { exceeded: Some(limit), ..BUDGET.get() });
    limit
}

/// The limit that the rendering on this thread exceeded, if it did.
pub(crate) fn exceeded() -> Option<LimitExceeded> {
    BUDGET.get().exceeded
}

/// An address near the top of the stack.
#[inline(never)]
fn stack() -> usize {
    let here = 0_u8;
    from_ref(&here).addr()
}
