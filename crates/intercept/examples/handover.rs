//! Runs copies of a server on one socket. Each Enter starts a new copy, which takes over from the old one.
//!
//! ```console
//! $ cargo run -p intercept --example handover -- python3 -m http.server 8000
//! 127.0.0.1:8000: process 4711 accepts. Enter starts the next one, Ctrl-D ends.
//! ```

#![allow(clippy::print_stdout, reason = "an example for a terminal")]

use std::io::{self, BufRead};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use intercept::{Child, Event, Interceptor, Listeners, Spec, start};

/// Time for the requests that the old server has already.
const GRACE: Duration = Duration::from_secs(1);

fn main() -> io::Result<ExitCode> {
    if let Some(code) = intercept::launcher() {
        return Ok(code);
    }
    let program: Vec<_> = std::env::args_os().skip(1).collect();
    let listeners = Arc::new(Listeners::default());
    let mut current = serve(&program, &listeners)?;
    for line in io::stdin().lock().lines() {
        line?;
        let next = serve(&program, &listeners)?;
        // The new server listens. From here on the old one accepts nothing, and no client notices its end.
        current.1.hold();
        end(current.0)?;
        current = next;
    }
    end(current.0)?;
    Ok(ExitCode::SUCCESS)
}

/// Starts the program, and returns when it listens.
fn serve(program: &[std::ffi::OsString], listeners: &Arc<Listeners>) -> io::Result<(Child, Interceptor)> {
    let mut child = start(Spec::new(program))?;
    let notify = child.notify.take().ok_or_else(|| {
        io::Error::other(child.unfiltered.take().unwrap_or_else(|| "there is no filter".to_owned()))
    })?;
    let (sender, events) = channel();
    let interceptor =
        Interceptor::serve(notify, Arc::clone(listeners), move |event| drop(sender.send(event)))?;
    for event in events {
        match event {
            Event::Listening(address) => {
                println!("{address}: process {} accepts. Enter starts the next one, Ctrl-D ends.", child.pid);
                return Ok((child, interceptor));
            }
            Event::Refused { address, by } => println!("{address} is held by {by:?}"),
            _ => {}
        }
    }
    Err(io::Error::other("the program ended and did not listen"))
}

/// Ends the server after the time for its last requests. hotrun looks at its connections instead.
fn end(mut old: Child) -> io::Result<()> {
    thread::sleep(GRACE);
    old.process.kill()?;
    old.process.wait().map(drop)
}
