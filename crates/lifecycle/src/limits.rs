//! Limits of the system.

use std::io;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Raises the limit of open file descriptors to the hard limit, which needs no privilege. Returns the new limit; `u64::MAX`
/// stands for none.
pub fn raise_descriptor_limit() -> io::Result<u64> {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current != maximum {
        setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum })?;
    }
    Ok(maximum.unwrap_or(u64::MAX))
}

/// The number of open file descriptors that a server needs to start and to serve its first clients. They are its files, its
/// watches and its log, and a few for each thread that serves. Measured on 2 cores: 20 with axum, warp and poem, 31 with
/// actix-web.
pub fn needed_descriptors() -> u64 {
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    32 + 6 * threads as u64
}

#[cfg(test)]
mod tests {
    use rustix::process::{Resource, getrlimit};

    use super::raise_descriptor_limit;

    #[test]
    fn the_soft_limit_meets_the_hard_one() {
        let limit = raise_descriptor_limit().unwrap();
        let now = getrlimit(Resource::Nofile);
        assert_eq!(now.current, now.maximum);
        assert_eq!(now.current.unwrap_or(u64::MAX), limit);
    }
}
