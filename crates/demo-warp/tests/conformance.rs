//! The contract, checked against this demo.

use std::process::ExitCode;

fn main() -> ExitCode {
    conformance::main(env!("CARGO_BIN_EXE_demo-warp"))
}
