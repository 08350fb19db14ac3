//! What is there: a Cargo workspace, a Go module, or neither.
