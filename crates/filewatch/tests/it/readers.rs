//! Readers see complete values while values are swapped, and never wait.

use crate::support::{DEADLINE, is_long_tier, options, wait_until};
use filewatch::{Live, Notice, ReadError};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Instant;

const SWAPS: u64 = 10_000;
const READERS: usize = 3;

/// Reads as fast as it can until `done`. Returns how many pairs did not belong together or were older than the one before.
fn torn(read: impl Fn() -> (u64, u64), done: &AtomicBool) -> u64 {
    let (mut torn, mut last) = (0, 0);
    while !done.load(Ordering::Relaxed) {
        let (number, product) = read();
        torn += u64::from(number.wrapping_mul(31) != product || number < last);
        last = number.max(last);
    }
    torn
}

/// Lets `READERS` read while `write` writes. Returns how many torn pairs they found.
fn beside(read: impl Fn() -> (u64, u64) + Sync, write: impl FnOnce()) -> u64 {
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let readers: Vec<_> = (0..READERS).map(|_| scope.spawn(|| torn(&read, &done))).collect();
        write();
        done.store(true, Ordering::Relaxed);
        readers.into_iter().map(|reader| reader.join().unwrap()).sum()
    })
}

/// A handle that can be dropped.
type Handle = Arc<Mutex<Option<Live<(u64, u64)>>>>;

/// A pair that the watching thread itself swaps for the next, as fast as it can, for a number of times.
struct Counting {
    live: Live<(u64, u64)>,
    again: Handle,
}

impl Counting {
    fn open() -> Self {
        let mut count = 0_u64;
        let build =
            move |_: &mut filewatch::Files<'_>, _: Option<&_>| -> Result<Option<(u64, u64)>, ReadError> {
                count += 1;
                Ok(Some((count, count.wrapping_mul(31))))
            };
        let again = Handle::default();
        let asks = Arc::clone(&again);
        let notice = move |notice: Notice<'_, (u64, u64), ReadError>| match (notice, &*asks.lock().unwrap()) {
            (Notice::Published { new, .. }, Some(live)) if new.0 <= SWAPS => live.reload(),
            _ => {}
        };
        let live = Live::open(options(), build, notice).unwrap();
        *again.lock().unwrap() = Some(live.clone());
        Self { live, again }
    }

    /// Swaps ten thousand times.
    fn swap(&self) {
        self.live.reload();
        wait_until("it was swapped often enough", || self.live.load().0 > SWAPS);
    }
}

impl Drop for Counting {
    fn drop(&mut self) {
        *self.again.lock().unwrap() = None;
    }
}

#[test]
fn during_ten_thousand_swaps_only_whole_pairs_are_seen() {
    if !is_long_tier() {
        return;
    }
    let counting = Counting::open();
    assert_eq!(beside(|| **counting.live.load(), || counting.swap()), 0);
    let counting = Counting::open();
    assert_eq!(beside(|| *counting.live.snapshot(), || counting.swap()), 0);
}

/// The negative control: two numbers that are written one after the other.
#[test]
fn a_pair_that_is_not_swapped_whole_is_found_torn() {
    if !is_long_tier() {
        return;
    }
    let (number, product) = (AtomicU64::new(0), AtomicU64::new(0));
    let read = || (number.load(Ordering::Acquire), product.load(Ordering::Acquire));
    let write = || {
        let end = Instant::now() + DEADLINE;
        for next in 1.. {
            number.store(next, Ordering::Release);
            thread::yield_now();
            product.store(next.wrapping_mul(31), Ordering::Release);
            if next > SWAPS || Instant::now() > end {
                break;
            }
        }
    };
    assert!(beside(read, write) > 0, "the readers would not find a torn pair");
}

/// A build that hangs does not hold up readers.
#[test]
fn readers_go_on_while_a_build_hangs() {
    let (go_on, hangs) = std::sync::mpsc::channel::<()>();
    let mut first = true;
    let build = move |_: &mut filewatch::Files<'_>, _: Option<&_>| -> Result<Option<u64>, ReadError> {
        if !std::mem::take(&mut first) {
            let _ = hangs.recv();
            return Ok(Some(2));
        }
        Ok(Some(1))
    };
    let live = Live::open(options(), build, |_: Notice<'_, u64, ReadError>| {}).unwrap();
    live.reload();
    for _ in 0..100_000 {
        assert_eq!(**live.load(), 1);
    }
    go_on.send(()).unwrap();
    wait_until("the build is done", || **live.load() == 2);
}
