//! How far the rendering on this thread may go.

use std::cell::Cell;
use std::ptr::from_ref;

use crate::page::PAGE_LIMIT;

/// The most steps that a page may take: starts of templates, blocks and components, and turns of loops.
pub const STEP_LIMIT: u32 = 250_000;

/// The most bytes of stack that nested includes, blocks and components may use, of the 2 MiB that a thread has.
///
/// One level of includes takes 12 KB in an optimised build and 70 KB in one that is not (measured): that is room for
/// 130 and for 20.
const STACK_LIMIT: usize = 3 << 19;

/// What a rendering went over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Excess {
    Bytes,
    Steps,
    Depth,
}

impl Excess {
    /// The limit, and what may be the cause.
    pub(crate) fn words(self) -> String {
        match self {
            Excess::Bytes => {
                format!("the page has more than {} MiB, is a loop too long?", PAGE_LIMIT >> 20)
            }
            Excess::Steps => {
                format!("the page takes more than {STEP_LIMIT} steps, is a loop in a loop too long?")
            }
            Excess::Depth => "the templates are nested too deeply at this place".to_owned(),
        }
    }
}

#[derive(Clone, Copy)]
struct Leash {
    /// Where the stack was at the start.
    stack: usize,
    steps: u32,
    excess: Option<Excess>,
}

thread_local! {
    /// The engine calls back with nothing of ours in its hands, so it lies here.
    static LEASH: Cell<Leash> = const { Cell::new(Leash { stack: 0, steps: 0, excess: None }) };
}

/// A rendering begins.
pub(crate) fn begin() {
    LEASH.set(Leash { stack: stack(), steps: 0, excess: None });
}

/// It takes one more step, if there is one left.
pub(crate) fn step() -> Result<(), Excess> {
    let mut leash = LEASH.get();
    leash.steps += 1;
    if leash.steps > STEP_LIMIT {
        leash.excess = Some(Excess::Steps);
    } else if leash.stack.abs_diff(stack()) > STACK_LIMIT {
        leash.excess = Some(Excess::Depth);
    }
    LEASH.set(leash);
    leash.excess.map_or(Ok(()), Err)
}

/// It went over a limit that is kept elsewhere.
pub(crate) fn pull(excess: Excess) {
    LEASH.set(Leash { excess: Some(excess), ..LEASH.get() });
}

/// What it went over, if it did.
pub(crate) fn excess() -> Option<Excess> {
    LEASH.get().excess
}

/// Where the stack is, near enough.
#[inline(never)]
fn stack() -> usize {
    let here = 0_u8;
    from_ref(&here).addr()
}
