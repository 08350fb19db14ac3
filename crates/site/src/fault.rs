//! Faults that a test asks for, through `DEMO_FAULT`. They are compiled in with the feature `failpoints` alone.

/// Panics if `DEMO_FAULT` is `panic@PATH` with this path.
#[cfg(feature = "failpoints")]
pub(crate) fn strike(path: &str) {
    let asked = std::env::var("DEMO_FAULT").ok();
    let struck = asked.as_deref().and_then(|fault| fault.strip_prefix("panic@")) == Some(path);
    assert!(!struck, "asked for by `DEMO_FAULT`");
}

/// Does nothing: this build has no failpoints.
#[cfg(not(feature = "failpoints"))]
pub(crate) fn strike(_path: &str) {}
