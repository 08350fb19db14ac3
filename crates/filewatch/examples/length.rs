//! Prints the length of a file, and again after every save: `cargo run -p filewatch --example length -- FILE`.
//! It ends with its standard input.
#![allow(clippy::print_stdout)]

use filewatch::{Files, Live, Notice, Options, ReadError};
use std::{env, io};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = env::args().nth(1).ok_or("expected the path of a file")?;
    let live = Live::open(
        Options::default(),
        move |files: &mut Files<'_>, _| Ok(Some(files.read(&path, 1 << 20)?.len())),
        |notice: Notice<'_, usize, ReadError>| println!("{notice:?}"),
    )?;
    println!("{} bytes", live.load());
    io::copy(&mut io::stdin(), &mut io::sink())?;
    Ok(())
}
