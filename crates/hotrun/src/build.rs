//! One build.
