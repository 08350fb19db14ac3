//! Faults that a test asks a debug build for, through `DEMO_FAULT`.

/// Panics if `DEMO_FAULT` is `panic@PATH` with this path.
#[cfg(debug_assertions)]
pub(crate) fn strike(path: &str) {
    let wanted = std::env::var("DEMO_FAULT").ok();
    let struck = wanted.as_deref().and_then(|fault| fault.strip_prefix("panic@")) == Some(path);
    assert!(!struck, "asked to by `DEMO_FAULT`");
}

/// A release build has no faults to ask for.
#[cfg(not(debug_assertions))]
pub(crate) fn strike(_path: &str) {}
