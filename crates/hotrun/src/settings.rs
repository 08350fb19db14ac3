//! `.hotrun.toml`, as data.
