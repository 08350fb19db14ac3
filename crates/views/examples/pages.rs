//! Prints every rendering of `text.html` in a folder of templates: `cargo run -p views --example pages -- FOLDER`.
//!
//! It prints one line for each published set. The line has the time (nanoseconds since the epoch), the number of bytes of the
//! page, their digest (FNV-1a, 64 bits), and its first line. It ends with its standard input.
#![allow(clippy::print_stdout)]

use filewatch::RebuildLock;
use std::collections::BTreeMap;
use std::env;
use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};
use views::{Error, Event, Templates, Views};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = env::args().nth(1).ok_or("expected the path of a folder")?;
    let page = Arc::<Mutex<String>>::default();
    let keeps = Arc::clone(&page);
    let trial = move |templates: &Templates| -> Result<(), Error> {
        let rendered = templates.render("text.html", &BTreeMap::<String, String>::new())?;
        *keeps.lock().unwrap_or_else(PoisonError::into_inner) = rendered;
        Ok(())
    };
    let views = Views::open(folder, &RebuildLock::new(), trial)?;
    say(&page);
    views.on_event(move |event| {
        if let Event::Published { .. } = event {
            say(&page);
        }
    });
    io::copy(&mut io::stdin(), &mut io::sink())?;
    Ok(())
}

fn say(page: &Mutex<String>) {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
    let text = page.lock().unwrap_or_else(PoisonError::into_inner);
    let digest = text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    let first = text.lines().next().unwrap_or_default();
    // It fails when the pipe is closed. Then standard input ends as well.
    let _ = writeln!(io::stdout(), "{now} {} {digest:016x} {first}", text.len());
}
