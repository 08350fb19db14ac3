//! The id of this process among its replicas and successors.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::process;
use std::sync::OnceLock;
use std::time::SystemTime;

/// Eight random hexadecimal digits: chosen at the first call, the same until the process ends. They are no secret.
pub fn instance() -> &'static str {
    static INSTANCE: OnceLock<String> = OnceLock::new();
    INSTANCE.get_or_init(|| {
        // The standard library seeds its hash maps from the system's randomness.
        let mut hasher = RandomState::new().build_hasher();
        hasher.write_u32(process::id());
        if let Ok(now) = SystemTime::UNIX_EPOCH.elapsed() {
            hasher.write_u128(now.as_nanos());
        }
        format!("{:08x}", hasher.finish() >> 32)
    })
}

#[cfg(test)]
mod tests {
    use super::instance;

    #[test]
    fn an_instance_is_eight_hexadecimal_digits_that_stay() {
        assert_eq!(instance().len(), 8);
        assert!(instance().bytes().all(|byte| byte.is_ascii_hexdigit()));
        assert_eq!(instance(), instance());
    }
}
