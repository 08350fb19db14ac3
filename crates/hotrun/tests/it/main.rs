//! hotrun from outside: the real binary, real projects.

#![allow(clippy::unwrap_used, reason = "what cannot be tried has failed")]

mod air;
mod air_corpus;
mod air_keys;
mod bad_input;
mod builds;
mod check;
mod control;
mod environment;
mod handover;
mod init;
mod lending;
mod limits;
mod load;
mod outage;
mod processes;
mod project;
mod proxy;
mod replacing;
mod servers;
mod settings;
mod sources;
mod unchanged;

/// At least this many tests run at a time. A test spends two thirds of its time waiting for other processes.
const LEAST_THREADS: usize = 6;

/// Called before `main`, since the harness takes the number of its threads from the environment.
#[allow(unsafe_code, reason = "there is one thread")]
#[used]
#[unsafe(link_section = ".init_array")]
static SET_THREADS: extern "C" fn() = {
    extern "C" fn set_threads() {
        const NAME: &str = "RUST_TEST_THREADS";
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        if std::env::var_os(NAME).is_none() {
            // SAFETY: No other thread reads or writes the environment.
            unsafe { std::env::set_var(NAME, cores.max(LEAST_THREADS).to_string()) };
        }
    }
    set_threads
};
