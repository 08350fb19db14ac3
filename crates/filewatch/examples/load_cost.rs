//! The cost of reading a live value: `cargo run --release -p filewatch --example load_cost`.
//!
//! Medians of many rounds, in nanoseconds a load. The last line is the same as JSON. The first row is `arc-swap` alone, for
//! comparison on a machine that is busy or slow.
#![allow(clippy::print_stdout)]

use filewatch::{Files, Live, Notice, Options, ReadError};
use std::fs;
use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Instant;

const ROUNDS: usize = 201;
const LOADS: u32 = 100_000;

fn main() {
    let path = std::env::temp_dir().join(format!("filewatch-load-cost-{}", std::process::id()));
    fs::write(&path, "7").expect("the temporary folder can be written");
    let read = path.clone();
    let build = move |files: &mut Files<'_>, _: Option<&Arc<usize>>| Ok(Some(files.read(&read, 1024)?.len()));
    let live = Live::open(Options::default(), build, |_: Notice<'_, usize, ReadError>| {})
        .expect("the file is there");

    let bare = arc_swap::ArcSwap::from_pointee(7_usize);
    let load = |live: &Live<usize>| drop(black_box(live.load()));
    let snapshot = |live: &Live<usize>| drop(black_box(live.snapshot()));
    let results = [
        ("bare_arc_swap", median(&live, |_| drop(black_box(bare.load())))),
        ("load", median(&live, load)),
        ("load_beside_a_reader", beside_a_reader(&live, load)),
        ("snapshot", median(&live, snapshot)),
        ("snapshot_beside_a_reader", beside_a_reader(&live, snapshot)),
    ];
    drop(live);
    let _ = fs::remove_file(path);

    for (name, nanos) in results {
        println!("{name:26} {nanos:6.2} ns");
    }
    let members: Vec<String> =
        results.iter().map(|(name, nanos)| format!("\"{name}_ns\":{nanos:.2}")).collect();
    println!("{{{}}}", members.join(","));
}

/// The same while another thread reads as fast as it can.
fn beside_a_reader(live: &Live<usize>, read: impl Fn(&Live<usize>) + Copy + Send + Sync) -> f64 {
    let done = Arc::new(AtomicBool::new(false));
    thread::scope(|scope| {
        let ends = Arc::clone(&done);
        scope.spawn(move || {
            while !ends.load(Ordering::Relaxed) {
                read(live);
            }
        });
        let nanos = median(live, read);
        done.store(true, Ordering::Relaxed);
        nanos
    })
}

fn median(live: &Live<usize>, read: impl Fn(&Live<usize>)) -> f64 {
    let mut rounds: Vec<f64> = (0..ROUNDS)
        .map(|_| {
            let begun = Instant::now();
            for _ in 0..LOADS {
                read(live);
            }
            begun.elapsed().as_secs_f64() * 1e9 / f64::from(LOADS)
        })
        .collect();
    rounds.sort_by(f64::total_cmp);
    rounds[ROUNDS / 2]
}
